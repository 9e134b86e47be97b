"""Finding API keys of a testnet: each filter with what it must leave out, orders, pages, and the plain list as it was."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair

from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin.listener import answer

DAY_US = 86_400_000_000


class SteppingClock:
    def __init__(self) -> None:
        self.current_us = 1_795_000_000_000_000

    def now_us(self) -> int:
        self.current_us += 1_000_000
        return self.current_us


class Desk:
    def __init__(self, testnet: Testnet, clock: SteppingClock) -> None:
        self.testnet, self.clock = testnet, clock
        self.names: dict[str, str] = {}

    async def said(self, op: str, **fields: Any) -> Any:
        return json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))

    async def key(self, account: str, label: str, **fields: Any) -> None:
        given = {"key_type": "HMAC", **fields}
        if given["key_type"] != "HMAC":
            given["public_key"] = new_key_pair(given["key_type"])[1]
        made = (await self.said("key.create", account=account, label=label, **given))["result"]
        self.names[made["api_key"]] = label

    async def labels(self, **fields: Any) -> list[str]:
        """Labels in the order they were answered; a plain list or a page."""
        result = (await self.said("key.list", **fields))["result"]
        return [
            self.names[key["api_key"]] for key in (result["keys"] if isinstance(result, dict) else result)
        ]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = SteppingClock()
    testnet = open_memory_testnet(read_settings(liquidity=False), clock)
    await testnet.start()
    made = Desk(testnet, clock)
    for name in ("alice", "bob"):
        await made.said("account.create", name=name, deposits={})
    await made.key("alice", "Grid 1", permissions=["trade"])
    await made.key("alice", "tax", expires="1d")
    await made.key("bob", "grid 2", key_type="ED25519", expires="30d")
    await made.key("bob", "arb", key_type="ED25519", permissions=["trade"])
    yield made
    await testnet.stop()


async def test_list_without_paging_is_the_plain_list_oldest_first(desk: Desk) -> None:
    result = (await desk.said("key.list"))["result"]
    assert [key["label"] for key in result] == ["Grid 1", "tax", "grid 2", "arb"]
    assert await desk.labels(account="bob") == ["grid 2", "arb"]
    assert await desk.labels(query="grid") == ["Grid 1", "grid 2"]


@pytest.mark.parametrize(
    ("wanted", "labels"),
    [
        ({"query": "GRID"}, ["Grid 1", "grid 2"]),
        ({"query": "grid 3"}, []),
        ({"query": "ali"}, ["Grid 1", "tax"]),
        ({"query": "grid", "account": "bob"}, ["grid 2"]),
        ({"key_type": "ED25519"}, ["grid 2", "arb"]),
        ({"key_type": "RSA"}, []),
        ({"permission": "trade"}, ["Grid 1", "arb"]),
        ({"permission": "SPOT_AND_MARGIN_TRADING", "key_type": "HMAC"}, ["Grid 1"]),
        ({"permission": "read"}, ["Grid 1", "tax", "grid 2", "arb"]),
        ({"state": "works"}, ["Grid 1", "tax", "grid 2", "arb"]),
        ({"state": "expired"}, []),
        ({"account_ids": [2]}, ["grid 2", "arb"]),
        ({"account_ids": []}, []),
        ({"account_ids": [2], "account": "alice"}, []),
    ],
)
async def test_filter_takes_what_was_asked_for(desk: Desk, wanted: dict[str, Any], labels: list[str]) -> None:
    assert await desk.labels(**wanted) == labels
    assert await desk.labels(**wanted, limit=500) == labels


async def test_state_follows_the_clock(desk: Desk) -> None:
    desk.clock.current_us += DAY_US
    assert await desk.labels(state="expired") == ["tax"]
    assert await desk.labels(state="works") == ["Grid 1", "grid 2", "arb"]


async def test_key_is_found_by_its_beginning_only(desk: Desk) -> None:
    api_key = next(iter(desk.names))
    assert await desk.labels(query=api_key[:10].lower()) == ["Grid 1"]
    assert await desk.labels(query=api_key[1:10]) == []


@pytest.mark.parametrize(
    ("order", "labels"),
    [
        ("created", ["Grid 1", "tax", "grid 2", "arb"]),
        ("label", ["arb", "Grid 1", "grid 2", "tax"]),
        ("last_used", ["tax", "arb"]),
        ("expires", ["tax", "grid 2"]),
    ],
)
async def test_order_is_what_was_asked_for(desk: Desk, order: str, labels: list[str]) -> None:
    used = {label: api_key for api_key, label in desk.names.items()}
    if order == "last_used":
        desk.testnet.directory.touch(used["grid 2"], 9, "10.0.0.1", "x")
        desk.testnet.directory.touch(used["Grid 1"], 8, "10.0.0.1", "x")
        assert (await desk.labels(sort=order))[2:] == ["Grid 1", "grid 2"]
        assert (await desk.labels(sort=order, descending=True))[:2] == ["grid 2", "Grid 1"]
        return
    found = await desk.labels(sort=order)
    assert found[: len(labels)] == labels
    assert await desk.labels(sort=order, descending=True) == found[::-1]


async def test_account_order_is_by_name(desk: Desk) -> None:
    found = (await desk.said("key.list", sort="account", descending=True))["result"]
    assert [key["account"] for key in found] == ["bob", "bob", "alice", "alice"]


@pytest.mark.parametrize("order", ["created", "label", "account", "last_used", "expires"])
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_hold_every_key_once(desk: Desk, order: str, descending: bool) -> None:
    whole = await desk.labels(sort=order, descending=descending)
    found, cursor = [], ""
    for number in range(4):
        fields = {"sort": order, "descending": descending, "limit": 1, "cursor": cursor}
        page = (await desk.said("key.list", **fields))["result"]
        assert page["total"] == 4
        found += [key["label"] for key in page["keys"]]
        cursor = page["next"]
        assert (cursor is None) == (number == 3)
    assert found == whole


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"limit": 0}, "not a request"),
        ({"limit": 501}, "not a request"),
        ({"state": "dead"}, "not a request"),
        ({"sort": "secret"}, "not a request"),
        ({"permission": "fly"}, "fly"),
        ({"query": "x" * 257}, "256"),
        ({"cursor": "nonsense"}, "begin again"),
        ({"account": "carol"}, "no account carol"),
    ],
)
async def test_list_that_cannot_be_made_is_refused(desk: Desk, fields: dict[str, Any], told: str) -> None:
    assert told in (await desk.said("key.list", **fields))["error"]


async def test_no_list_holds_a_secret(desk: Desk) -> None:
    made = (await desk.said("key.create", account="bob", key_type="HMAC"))["result"]
    for fields in ({}, {"limit": 500}, {"query": "bob", "sort": "label"}):
        assert made["secret_key"] not in str(await desk.said("key.list", **fields))
