"""The key rules as an administrator meets them: templates, pasted secrets, the panic button, a moved clock."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair

from watchword.bootstrap.testnet import Testnet, open_memory_testnet, open_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin.listener import answer
from watchword.entrypoints.testnet.admin.requests import WIDENS

START_US = 1_795_000_000_000_000
DAY_US = 86_400_000_000


class HandClock:
    def now_us(self) -> int:
        return START_US


class Administration:
    def __init__(self, testnet: Testnet) -> None:
        self.testnet = testnet

    async def reply(self, op: str, **fields: Any) -> Any:
        return json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))

    async def ask(self, op: str, **fields: Any) -> Any:
        reply = await self.reply(op, **fields)
        assert set(reply) == {"result"}, reply
        return reply["result"]

    async def refused(self, op: str, **fields: Any) -> str:
        reply = await self.reply(op, **fields)
        assert set(reply) == {"error"}, reply
        return str(reply["error"])

    async def make(self, **fields: Any) -> Any:
        return await self.ask("key.create", **{"account": "alice", "key_type": "HMAC", **fields})


@pytest.fixture
async def admin() -> AsyncIterator[Administration]:
    testnet = open_memory_testnet(read_settings(liquidity=False), HandClock())
    await testnet.start()
    administration = Administration(testnet)
    for name in ("alice", "bob"):
        await administration.ask("account.create", name=name, deposits={})
    yield administration
    await testnet.stop()


async def test_template_gives_what_its_task_needs(admin: Administration) -> None:
    found = {one["template"]: one["permissions"] for one in await admin.ask("key.templates")}
    for name, permissions in found.items():
        assert (await admin.make(template=name))["permissions"] == permissions
    assert found["futures-trading"] == ["FUTURES", "READING"]


async def test_unknown_template_and_template_with_permissions_are_refused(admin: Administration) -> None:
    fields = {"account": "alice", "key_type": "HMAC"}
    assert "read-only" in await admin.refused("key.create", **fields, template="spot")
    assert "not both" in await admin.refused(
        "key.create", **fields, template="read-only", permissions=["trade"]
    )
    assert await admin.ask("key.list") == []


@pytest.mark.parametrize("key_type", ["RSA", "ED25519", "HMAC"])
async def test_pasted_private_key_is_refused_and_goes_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], key_type: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    private, _ = new_key_pair("ED25519" if key_type == "HMAC" else key_type)
    canary = "".join(line for line in private.splitlines() if "-----" not in line)[-40:]
    testnet = open_testnet(read_settings(home=tmp_path / "home", liquidity=False))
    testnet.services.clear()
    await testnet.start()
    admin = Administration(testnet)
    await admin.ask("account.create", name="alice", deposits={})
    said = [
        await admin.refused("key.create", account="alice", key_type=key_type, public_key=private),
        await admin.refused("key.create", account="alice", key_type="HMAC", label=private.replace("\n", "")),
        await admin.refused("key.create", account="alice", key_type="HMAC", label=canary * 2),
        await admin.refused("key.create", account=private, key_type="HMAC"),
    ]
    assert "private key" in said[0]
    assert await admin.ask("key.list") == []
    await testnet.stop()
    outputs = capfd.readouterr()
    assert canary not in "".join((*said[:3], caplog.text, outputs.out, outputs.err))
    stored = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert len(stored) > 2
    for path in stored:
        assert canary.encode() not in path.read_bytes()


async def test_withdrawals_need_an_ip_list(admin: Administration) -> None:
    fields = {"account": "alice", "key_type": "HMAC", "permissions": ["WITHDRAWALS"]}
    assert "IP list" in await admin.refused("key.create", **fields)
    made = await admin.ask("key.create", **fields, ips=["192.0.2.7"])
    assert "IP list" in await admin.refused("key.edit", api_key=made["api_key"], ips=[])
    assert (await admin.ask("key.show", api_key=made["api_key"]))["ips"] == ["192.0.2.7"]


async def test_thirty_addresses_are_taken_and_one_more_is_not(admin: Administration) -> None:
    def ips(count: int) -> list[str]:
        return [f"192.0.2.{n}" for n in range(count)]

    made = await admin.make(ips=ips(30))
    assert len(made["ips"]) == 30
    assert "30" in await admin.refused("key.edit", api_key=made["api_key"], ips=ips(31))


async def test_thirtieth_key_is_made_and_the_next_is_refused(admin: Administration) -> None:
    for _ in range(30):
        await admin.make()
    assert "30" in await admin.refused("key.create", account="alice", key_type="HMAC")
    assert (await admin.make(account="bob"))["account"] == "bob"


async def test_panic_button_deletes_every_key_of_one_account(admin: Administration) -> None:
    mine = {(await admin.make())["api_key"] for _ in range(3)}
    other = await admin.make(account="bob")
    done = await admin.ask("key.delete_all", account="alice")
    assert (set(done["deleted"]), done["deleted_count"]) == (mine, 3)
    assert [key["api_key"] for key in await admin.ask("key.list")] == [other["api_key"]]
    assert "no account" in await admin.refused("key.delete_all", account="carol")


async def test_last_use_says_when_from_where_and_for_what(admin: Administration) -> None:
    made = await admin.make()
    assert (made["last_used"], made["last_used_from"], made["last_used_for"]) == (None, None, None)
    admin.testnet.directory.touch(made["api_key"], START_US, "192.0.2.7", "order.place")
    shown = await admin.ask("key.show", api_key=made["api_key"])
    assert shown["last_used"] == "2026-11-18T11:06:40Z"
    assert (shown["last_used_from"], shown["last_used_for"]) == ("192.0.2.7", "order.place")


async def test_clock_moves_forward_and_says_what_that_brought(admin: Administration) -> None:
    reader, trader = await admin.make(label="tax"), await admin.make(template="spot-trading")
    bound = await admin.make(ips=["192.0.2.7"])
    assert (reader["ending"], reader["days_left"], bound["ending"]) == ("deleted", 30, None)
    assert (await admin.ask("clock.show"))["moved_by_us"] == 0
    moved = await admin.ask("clock.move", by="+29d")
    assert (moved["moved_by"], moved["now_us"]) == ("29d", START_US + 29 * DAY_US)
    assert moved["key_events_count"] == 2
    assert all("within 1 day" in text for text in moved["key_events"])
    assert (await admin.ask("status"))["keys_ending_soon"] == 2
    moved = await admin.ask("clock.move", by="24h")
    assert moved["key_events_count"] == 2
    keys = {key["api_key"]: key for key in await admin.ask("key.list")}
    assert set(keys) == {trader["api_key"], bound["api_key"]}
    assert keys[trader["api_key"]]["permissions"] == ["READING"]
    events = await admin.ask("key.events", account="alice", limit=2)
    assert {event["kind"] for event in events} == {"deleted", "trading_lost"}
    assert [event["account"] for event in events] == ["alice", "alice"]
    assert await admin.ask("key.events", account="bob") == []
    assert (await admin.ask("status"))["clock"] == "2026-12-18T11:06:40Z"


async def test_clock_moved_through_the_socket_moves_orders_and_journal(admin: Administration) -> None:
    await admin.ask("clock.move", by="30d")
    await admin.ask("account.create", name="carol", deposits={})
    assert admin.testnet.venue.engine.now_us == START_US + 30 * DAY_US


@pytest.mark.parametrize("by", ["", "0d", "-1d", "now", "30", "+ 1d", "3654d", "999999w"])
async def test_clock_that_would_go_back_or_too_far_is_refused(admin: Administration, by: str) -> None:
    await admin.refused("clock.move", by=by)
    assert admin.testnet.clock.now_us() == START_US


async def test_rules_of_a_day_are_shown_with_their_sources(admin: Administration) -> None:
    def trading(rules: list[dict[str, Any]]) -> list[Any]:
        return [rule["value"] for rule in rules if rule["rule"] == "trading_counts_from"]

    now = await admin.ask("key.rules")
    assert trading(now) == ["use"]
    assert all(rule["source"] for rule in now)
    assert trading(await admin.ask("key.rules", as_of="2021-08-01")) == ["grant"]
    assert trading(await admin.ask("key.rules", as_of="2021-07-08")) == []
    await admin.refused("key.rules", as_of="yesterday")


async def test_request_on_behalf_of_a_person_is_taken_and_an_unknown_member_is_not(
    admin: Administration, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    person = {"person": "ann", "ip": "192.0.2.9", "factor": "totp", "session": "s1"}
    assert (await admin.ask("clock.show", on_behalf=person))["moved_by"] == "0s"
    assert "ann" in caplog.text
    assert "not a request" in await admin.refused("clock.show", on_behalf={**person, "role": "owner"})


async def test_edit_that_may_not_widen_narrows_only(admin: Administration) -> None:
    made = await admin.make(ips=["192.0.2.7", "192.0.2.8"], symbols=["BTCUSDT"])
    edit = {"api_key": made["api_key"], "may_widen": False}
    for wider, named in (
        ({"permissions": ["READING", "trade"]}, "SPOT_AND_MARGIN_TRADING"),
        ({"ips": []}, "IP list removed"),
        ({"symbols": ["ETHUSDT"]}, "ETHUSDT"),
    ):
        refusal = await admin.refused("key.edit", **edit, **wider)
        assert refusal.startswith(WIDENS)
        assert named in refusal
    assert await admin.ask("key.show", api_key=made["api_key"]) == {
        name: value for name, value in made.items() if name != "secret_key"
    }
    narrowed = await admin.ask("key.edit", **edit, ips=["192.0.2.7"], expires="30d", label="new")
    assert narrowed["ips"] == ["192.0.2.7"]
    assert (await admin.ask("key.edit", api_key=made["api_key"], ips=[]))["ips"] == []
