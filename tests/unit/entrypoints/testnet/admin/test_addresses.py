"""Address books and the payments that show in deposit histories, by administrative requests."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin.listener import answer

START_US = 1_795_000_000_000_000
ENTRY = {"account": "alice", "asset": "BTC", "address": "0xfeed"}


class HandClock:
    def now_us(self) -> int:
        return START_US


class Administration:
    def __init__(self, testnet: Testnet) -> None:
        self.testnet = testnet

    async def ask(self, op: str, **fields: Any) -> Any:
        return json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))

    async def book(self) -> list[tuple[str, str, str]]:
        listed = (await self.ask("address.list", account="alice"))["result"]["addresses"]
        return [(entry["asset"], entry["address"], entry["name"]) for entry in listed]


@pytest.fixture
async def admin() -> AsyncIterator[Administration]:
    testnet = open_memory_testnet(read_settings(liquidity=False), HandClock())
    await testnet.start()
    admin = Administration(testnet)
    await admin.ask("account.create", name="alice")
    yield admin
    await testnet.stop()


async def test_address_is_allowed_renamed_and_forgotten(admin: Administration) -> None:
    reply = await admin.ask("address.allow", **ENTRY, name="cold")
    (entry,) = reply["result"]["addresses"]
    assert (reply["result"]["account"], entry.pop("added")[:4]) == ("alice", "2026")
    assert entry == {"asset": "BTC", "network": "TESTNET", "address": "0xfeed", "name": "cold"}
    await admin.ask("address.allow", **ENTRY, name="colder")
    assert await admin.book() == [("BTC", "0xfeed", "colder")]
    assert (await admin.ask("address.forget", **ENTRY))["result"]["addresses"] == []
    assert "no such address" in (await admin.ask("address.forget", **ENTRY))["error"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"account": "bob"}, "no account bob"),
        ({"asset": "NONE"}, "no asset NONE"),
        ({"address": " "}, "1 to 256"),
        ({"address": "x" * 257}, "1 to 256"),
        ({"address": "a\nb"}, "1 to 256"),
        ({"name": "n" * 65}, "at most 64"),
        ({"name": "a\tb"}, "printable"),
    ],
)
async def test_bad_entry_is_refused(admin: Administration, change: dict[str, str], why: str) -> None:
    assert why in (await admin.ask("address.allow", **{**ENTRY, **change}))["error"]
    assert await admin.book() == []


async def test_two_hundred_addresses_pass_and_the_next_does_not(admin: Administration) -> None:
    for number in range(200):
        assert "result" in await admin.ask("address.allow", **{**ENTRY, "address": f"a{number}"})
    assert "at most 200" in (await admin.ask("address.allow", **ENTRY))["error"]
    assert "result" in await admin.ask("address.allow", **{**ENTRY, "address": "a7"}, name="known")


async def test_operators_payment_is_in_the_deposit_history(admin: Administration) -> None:
    await admin.ask("deposit", account="alice", deposits={"BTC": "0.5"})
    treasury = admin.testnet.venue.engine.treasury
    (record,) = treasury.deposits
    assert (record.asset, record.amount, record.network) == ("BTC", 50_000_000, "TESTNET")
    assert len(record.transaction_id) == 64
    assert record.address.startswith("ww1")
