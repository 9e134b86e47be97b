"""Administrative requests, as JSON lines, against a testnet in memory."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair

from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin import listener
from watchword.entrypoints.testnet.admin.listener import answer

START_US = 1_795_000_000_000_000


class HandClock:
    def now_us(self) -> int:
        return START_US


class Administration:
    def __init__(self, testnet: Testnet) -> None:
        self.testnet = testnet

    async def ask(self, op: str, **fields: Any) -> Any:
        reply = json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))
        assert set(reply) == {"result"}, reply
        return reply["result"]

    async def refused(self, op: str, **fields: Any) -> str:
        reply = json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))
        assert set(reply) == {"error"}, reply
        return str(reply["error"])


@pytest.fixture
async def admin() -> AsyncIterator[Administration]:
    testnet = open_memory_testnet(read_settings(liquidity=False), HandClock())
    await testnet.start()
    yield Administration(testnet)
    await testnet.stop()


async def test_account_opens_with_its_deposits(admin: Administration) -> None:
    made = await admin.ask("account.create", name="alice", deposits={"USDT": "12.5", "BTC": "0.00000001"})
    assert made["account_id"] == 1
    assert made["balances"] == {
        "BTC": {"free": "0.00000001", "locked": "0"},
        "USDT": {"free": "12.5", "locked": "0"},
    }
    assert [a["account"] for a in await admin.ask("account.list")] == ["alice"]


async def test_account_without_chosen_deposits_gets_some_of_everything(admin: Administration) -> None:
    made = await admin.ask("account.create", name="alice")
    assert made["balances"]["USDT"]["free"] == "10000"
    assert {"BTC", "ETH", "THIN", "456"} <= set(made["balances"])
    assert (await admin.ask("account.create", name="bob", deposits={}))["balances"] == {}


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "house:x", "42"])
async def test_bad_account_name_is_refused(admin: Administration, name: str) -> None:
    assert "account name" in await admin.refused("account.create", name=name)


async def test_account_name_is_taken_once(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    assert "already" in await admin.refused("account.create", name="alice")


@pytest.mark.parametrize(
    "amount", ["0", "-1", "x", "", "1e5", "0.000000001", "10000000001", "99999999999999999999999"]
)
async def test_bad_amount_is_refused_and_pays_nothing(admin: Administration, amount: str) -> None:
    await admin.ask("account.create", name="alice", deposits={})
    assert "USDT" in await admin.refused("deposit", account="alice", deposits={"USDT": amount})
    assert (await admin.ask("account.list"))[0]["balances"] == {}


async def test_deposit_names_account_and_asset_it_does_not_know(admin: Administration) -> None:
    await admin.ask("account.create", name="alice", deposits={})
    assert "no account bob" in await admin.refused("deposit", account="bob", deposits={"USDT": "1"})
    assert "no asset DOGE" in await admin.refused("deposit", account="alice", deposits={"DOGE": "1"})
    assert (await admin.ask("deposit", account="1", deposits={"USDT": "1"}))["balances"]["USDT"][
        "free"
    ] == "1"


async def test_reset_keeps_keys_and_pays_opening_deposits_again(admin: Administration) -> None:
    await admin.ask("account.create", name="alice", deposits={"USDT": "100"})
    await admin.ask("deposit", account="alice", deposits={"USDT": "5", "BTC": "1"})
    key = await admin.ask("key.create", account="alice", key_type="HMAC")
    await admin.ask("reset")
    assert (await admin.ask("account.list"))[0]["balances"] == {"USDT": {"free": "100", "locked": "0"}}
    assert (await admin.ask("key.show", api_key=key["api_key"]))["account"] == "alice"


async def test_key_reads_by_default_and_trades_when_granted(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    plain = await admin.ask("key.create", account="alice", key_type="HMAC")
    trader = await admin.ask("key.create", account="alice", key_type="HMAC", permissions=["trade"])
    assert plain["permissions"] == ["READING"]
    assert trader["permissions"] == ["READING", "SPOT_AND_MARGIN_TRADING"]
    assert len(plain["api_key"]) == len(plain["secret_key"]) == 64


@pytest.mark.parametrize("key_type", ["RSA", "ED25519"])
async def test_public_key_is_registered_and_nothing_secret_comes_back(
    admin: Administration, key_type: Any
) -> None:
    await admin.ask("account.create", name="alice")
    _, public = new_key_pair(key_type)
    made = await admin.ask("key.create", account="alice", key_type=key_type, public_key=public)
    assert made["secret_key"] is None
    found = admin.testnet.directory.find(made["api_key"])
    assert found is not None
    assert found.key_type == key_type


async def test_unusable_public_key_says_what_it_is(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    _, ed25519 = new_key_pair("ED25519")
    private, _ = new_key_pair("ED25519")
    for key_type, text in (("RSA", ed25519), ("ED25519", "nonsense"), ("ED25519", ""), ("ED25519", private)):
        assert await admin.refused("key.create", account="alice", key_type=key_type, public_key=text)
    assert await admin.ask("key.list") == []


async def test_secret_is_shown_once(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    secret = (await admin.ask("key.create", account="alice", key_type="HMAC"))["secret_key"]
    shown = await admin.ask("key.list")
    shown += [await admin.ask("key.show", api_key=shown[0]["api_key"]), await admin.ask("status")]
    assert secret not in json.dumps(shown)
    assert "secret_key" not in json.dumps(shown)


async def test_terms_are_read_and_shown(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    terms = {"label": "bot", "ips": ["10.0.0.0/8", "192.0.2.7"], "symbols": ["BTCUSDT"], "expires": "30d"}
    made = await admin.ask("key.create", account="alice", key_type="HMAC", **terms)
    assert made["ips"] == ["10.0.0.0/8", "192.0.2.7"]
    assert made["symbols"] == ["BTCUSDT"]
    found = admin.testnet.directory.find(made["api_key"])
    assert found is not None
    assert found.restrictions.expires_us == START_US + 30 * 86_400 * 1_000_000


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("permissions", ["fly"], "permission"),
        ("ips", ["10.0.0.1/8"], "bits beyond"),
        ("ips", ["localhost"], "address"),
        ("symbols", ["NOPEUSDT"], "NOPEUSDT"),
        ("expires", "yesterday", "yesterday"),
        ("expires", "2020-01-01", "past"),
        ("label", "x" * 65, "label"),
        ("account", "bob", "bob"),
    ],
)
async def test_bad_terms_are_refused_by_name(
    admin: Administration, field: str, value: Any, text: str
) -> None:
    await admin.ask("account.create", name="alice")
    fields = {"account": "alice", "key_type": "HMAC", field: value}
    assert text in await admin.refused("key.create", **fields)
    assert await admin.ask("key.list") == []


async def test_edit_changes_only_what_is_given(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    made = await admin.ask(
        "key.create", account="alice", key_type="HMAC", ips=["10.0.0.0/8"], label="a", expires="1d"
    )
    api_key = made["api_key"]
    edited = await admin.ask("key.edit", api_key=api_key, permissions=["READING", "trade"])
    assert (edited["ips"], edited["label"], edited["expires"]) == (made["ips"], "a", made["expires"])
    cleared = await admin.ask("key.edit", api_key=api_key, ips=[], expires="", label="")
    assert (cleared["ips"], cleared["label"], cleared["expires"]) == ([], "", None)
    assert cleared["permissions"] == ["READING", "SPOT_AND_MARGIN_TRADING"]


async def test_key_is_found_by_a_unique_beginning(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    api_key = (await admin.ask("key.create", account="alice", key_type="HMAC"))["api_key"]
    assert (await admin.ask("key.show", api_key=api_key[:8]))["api_key"] == api_key
    assert "no key begins" in await admin.refused("key.delete", api_key=api_key[:3])
    await admin.ask("key.delete", api_key=api_key[:8])
    assert "no key" in await admin.refused("key.show", api_key=api_key)


async def test_symbol_status_liquidity_and_import(admin: Administration) -> None:
    await admin.ask("symbol.status", symbol="BTCUSDT", status="HALT")
    assert admin.testnet.venue.engine.floors["BTCUSDT"].status == "HALT"
    await admin.ask("symbol.status", symbol="BTCUSDT", status="TRADING")
    assert "Invalid symbol" in await admin.refused("symbol.status", symbol="NOPE", status="HALT")
    assert (await admin.ask("liquidity", symbol="BTCUSDT", enabled=False))["was_enabled"] is False
    trades = [(50_000 * 10**8, 10**6, True), (50_001 * 10**8, 10**6, False)]
    assert await admin.ask("import", symbol="BTCUSDT", trades=trades) == {"imported": 2, "refused": 0}
    last = admin.testnet.venue.market.last_price("BTCUSDT")
    assert last == 50_001 * 10**8


async def test_hash_belongs_to_its_sequence(admin: Administration) -> None:
    first = await admin.ask("hash")
    assert first == await admin.ask("hash")
    await admin.ask("account.create", name="alice")
    second = await admin.ask("hash")
    assert second["sequence"] == first["sequence"] + 1
    assert second["state_hash"] != first["state_hash"]


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"{}", b"[]", b"null", b'{"op":"fly"}', b'{"op":"reset","x":1}', b'{"op":"deposit"}', b"\xff\xfe",
     b'{"op":"account.create","name":5}', b'{"op":"key.create","account":"a","key_type":"DSA"}', b"{" * 5000],
)  # fmt: skip
async def test_line_that_is_no_request_is_answered_with_an_error(admin: Administration, line: bytes) -> None:
    assert b"not a request" in await answer(admin.testnet, line)


async def test_fault_inside_is_answered_and_not_a_closed_connection(
    admin: Administration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_testnet: Testnet, _request: object) -> None:
        raise OverflowError("secret detail")

    monkeypatch.setattr(listener, "perform", broken)
    refusal = await admin.refused("status")
    assert "broke inside" in refusal
    assert "secret detail" not in refusal


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**23])
async def test_import_that_cannot_be_journaled_is_refused_and_the_venue_goes_on(
    admin: Administration, number: int
) -> None:
    for trade in ((number, 1, True), (1, number, True)):
        assert "above 0" in await admin.refused("import", symbol="BTCUSDT", trades=[trade])
    assert (await admin.ask("import", symbol="BTCUSDT", trades=[(10**12, 10**6, True)]))["imported"] == 1


async def test_sub_account_opens_empty_under_its_master(admin: Administration) -> None:
    await admin.ask("account.create", name="alice")
    made = await admin.ask("account.create", name="bot", parent="alice")
    assert made["account"].startswith("bot_virtual@")
    assert (made["sub_account_of"], made["balances"]) == ("alice", {})
    named = await admin.ask("account.create", name="bot@example.com", parent="1", deposits={"USDT": "5"})
    assert (named["account"], named["balances"]["USDT"]["free"]) == ("bot@example.com", "5")
    assert [a["sub_account_of"] for a in await admin.ask("account.list")] == [None, "alice", "alice"]
    assert "master account" in await admin.refused("account.create", name="x", parent="nobody")
    assert "master account" in await admin.refused("account.create", name="x", parent="bot@example.com")
    assert "email" in await admin.refused("account.create", name="BOT@example.com", parent="alice")
