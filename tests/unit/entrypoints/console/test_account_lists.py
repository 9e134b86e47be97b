"""What an account ordered, traded and earned, asked of a real testnet in memory through the console's own routes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.support.console_people import PeopleConsole

from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.entrypoints.console import neighbours
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import NOT_FOUND, REFUSED
from watchword.entrypoints.console.routes import account_past
from watchword.entrypoints.testnet.admin import account_past as told
from watchword.entrypoints.testnet.admin import requests
from watchword.entrypoints.testnet.admin.listener import answer

START_US = 1_795_000_000_000_000
MINUTE_US = 60_000_000


class Wound:
    """A clock that a test winds on."""

    us = START_US

    def now_us(self) -> int:
        self.us += 1_000
        return self.us


class World:
    """A testnet, and a console that asks it as it would over the admin socket, line by line.

    Attributes:
        asked: Every request.
    """

    def __init__(self, testnet: Testnet, clock: Wound) -> None:
        self.testnet, self.clock = testnet, clock
        self.asked: list[Any] = []
        self.console = PeopleConsole()
        self.at_hand: dict[Any, Any] = {Neighbours: self}
        self.console.at_hand = self.at_hand  # type: ignore[attr-defined]  # what a console has, and this stand-in not
        self.token = self.console.session_of("olga")
        self.numbers: dict[str, int] = {}

    async def ask_testnet(self, request: Any) -> Any:
        self.asked.append(request)
        line = await answer(self.testnet, msgspec.json.encode(request) + b"\n")
        return neighbours._result(line, unread=isinstance(request, neighbours._LONG))

    async def opened(self, name: str) -> None:
        made = await self.ask_testnet(
            requests.CreateAccount(name, {"USDT": "1000000", "BTC": "100", "ETH": "100"})
        )
        self.numbers[name] = made["account_id"]

    async def order(
        self, name: str, side: str, price: str, symbol: str = "BTCUSDT", quantity: str = "0.01"
    ) -> int:
        params = {
            "symbol": symbol,
            "side": side,
            "type": "LIMIT",
            "timeInForce": "GTC",
            "price": price,
            "quantity": quantity,
        }
        called = requests.CallAccount("order.place", params, name)
        found = json.loads(await answer(self.testnet, msgspec.json.encode(called) + b"\n"))
        return int(found["result"]["answer"]["orderId"])

    async def trade(
        self, count: int, symbol: str = "BTCUSDT", price: str = "60000", quantity: str = "0.01"
    ) -> None:
        for _ in range(count):
            await self.order("bob", "SELL", price, symbol, quantity)
            await self.order("alice", "BUY", price, symbol, quantity)

    async def get(self, path: str) -> Any:
        return await self.console.call("GET", path.replace("ALICE", str(self.numbers["alice"])), self.token)

    async def walked(self, path: str) -> list[Any]:
        """All rows of a list, page by page."""
        rows: list[Any] = []
        after = ""
        while True:
            page = await self.get(f"{path}&after={after}")
            rows += page.items
            if page.next is None:
                return rows
            after = page.next


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = Wound()
    testnet = open_memory_testnet(read_settings(liquidity=False), clock)
    await testnet.start()
    made = World(testnet, clock)
    for name in ("alice", "bob"):
        await made.opened(name)
    yield made
    await testnet.stop()


async def test_orders_of_all_symbols_come_newest_first_a_page_at_a_time(world: World) -> None:
    await world.trade(3)
    await world.trade(2, "ETHUSDT", "3000", "0.1")
    resting = [await world.order("alice", "BUY", "50000") for _ in range(2)]
    for limit in (1, 3, 50):
        rows = await world.walked(f"/accounts/ALICE/orders?limit={limit}")
        numbers = [row.order for row in rows]
        assert numbers == sorted(numbers, reverse=True)
        assert (len(rows), numbers[:2]) == (7, resting[::-1])
    eth = await world.walked("/accounts/ALICE/orders?limit=1&symbol=ETHUSDT")
    assert [(row.symbol, row.status) for row in eth] == [("ETHUSDT", "FILLED")] * 2


async def test_trades_of_all_symbols_come_newest_first_a_page_at_a_time(world: World) -> None:
    await world.trade(2)
    await world.trade(2, "ETHUSDT", "3000", "0.1")
    await world.trade(1)
    for limit in (1, 2, 50):
        rows = await world.walked(f"/accounts/ALICE/trades?limit={limit}")
        assert [row.symbol for row in rows] == ["BTCUSDT", "ETHUSDT", "ETHUSDT", "BTCUSDT", "BTCUSDT"]
    assert [row.trade for row in await world.walked("/accounts/ALICE/trades?limit=1&symbol=BTCUSDT")] == [
        3,
        2,
        1,
    ]


async def test_open_orders_are_counted_and_cut_where_that_is_asked_for(world: World) -> None:
    await world.trade(1)
    numbers = [await world.order("alice", "BUY", str(50_000 + step)) for step in range(5)]
    whole = await world.get("/accounts/ALICE/open-orders")
    assert ([row.order for row in whole.items], whole.next, whole.total) == (numbers[::-1], None, 5)
    page = await world.get("/accounts/ALICE/open-orders?limit=2")
    assert ([row.order for row in page.items], page.total) == (numbers[:2:-1], 5)
    assert [row.order for row in await world.walked("/accounts/ALICE/open-orders?limit=2")] == numbers[::-1]
    assert (await world.get("/accounts/ALICE/open-orders?symbol=ETHUSDT")).items == []


@pytest.mark.parametrize("name", ["orders", "trades", "open-orders"])
async def test_list_of_nobody_or_of_no_symbol_is_refused(world: World, name: str) -> None:
    assert (await world.get(f"/accounts/999999/{name}")).kind is NOT_FOUND
    assert (await world.get(f"/accounts/ALICE/{name}?symbol=NOSUCH")).kind is REFUSED


async def test_one_page_costs_one_question(world: World) -> None:
    await world.trade(2)
    await world.trade(1, "ETHUSDT", "3000", "0.1")
    for path in ("orders", "trades", "open-orders?limit=20"):
        world.asked.clear()
        await world.get(f"/accounts/ALICE/{path}")
        assert len(world.asked) == 1, path


async def test_accounts_are_found_by_part_and_the_callers_own_come_first(world: World) -> None:
    for letter in "abcd":
        await world.opened(f"desk-{letter}")
    world.console.assignments.own(world.numbers["desk-c"], world.console.person("olga", "owner").id, "p-x", 1)
    some = await world.get("/accounts?limit=2")
    assert ([one.account for one in some.items], some.total) == (["desk-c", "alice"], 6)
    assert [one.account for one in (await world.get("/accounts?query=DESK")).items] == [
        "desk-c", "desk-a", "desk-b", "desk-d",
    ]  # fmt: skip
    assert [one.account for one in (await world.get(f"/accounts?query={world.numbers['bob']}")).items] == [
        "bob"
    ]
    assert len((await world.get("/accounts")).items) == 6
    assert (await world.get("/accounts/ALICE")).balances["BTC"].free == "100"
    assert (await world.get("/accounts/999999")).kind is NOT_FOUND


async def test_portfolio_reads_every_trade_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "TRADES_MAX", 3)
    await world.trade(4)
    await world.trade(4, "ETHUSDT", "3000", "0.1")
    first = await world.get("/accounts/ALICE/portfolio")
    assert {one.symbol: one.trades for one in first.symbols} == {"BTCUSDT": 4, "ETHUSDT": 4}
    pasts = [one for one in world.asked if isinstance(one, requests.ShowPast)]
    assert len(pasts) == 3
    await world.trade(1, price="70000")
    world.asked.clear()
    second = await world.get("/accounts/ALICE/portfolio")
    (past,) = [one for one in world.asked if isinstance(one, requests.ShowPast)]
    assert past.after == {"BTCUSDT": 4, "ETHUSDT": 4}
    fresh = World(world.testnet, world.clock)
    fresh.numbers = world.numbers
    whole = await fresh.get("/accounts/ALICE/portfolio")
    assert whole.symbols == second.symbols != first.symbols
    assert whole.total == second.total


async def test_portfolio_begins_anew_after_a_reset(world: World) -> None:
    await world.trade(3)
    await world.get("/accounts/ALICE/portfolio")
    await world.ask_testnet(requests.Reset())
    assert (await world.get("/accounts/ALICE/portfolio")).symbols == []
    await world.trade(2)
    (one,) = (await world.get("/accounts/ALICE/portfolio")).symbols
    assert one.trades == 2


async def test_courses_at_hand_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_past, "ACCOUNTS_KEPT_MAX", 1)
    await world.trade(1)
    for name in ("alice", "bob", "alice"):
        found = await world.get(f"/accounts/{world.numbers[name]}/portfolio")
        assert [one.trades for one in found.symbols] == [1]
    courses = world.at_hand[account_past._Courses]
    assert list(courses._accounts) == [world.numbers["alice"]]
    assert list(courses._turns) == [world.numbers["alice"]]


async def test_closes_of_candles_that_are_over_are_asked_for_once(world: World) -> None:
    await world.trade(1)
    world.clock.us += 10 * MINUTE_US
    await world.trade(1, price="61000")

    def candles() -> list[Any]:
        return [
            one for one in world.asked if isinstance(one, requests.CallAccount) and one.operation == "klines"
        ]

    first = await world.get("/accounts/ALICE/portfolio")
    assert len(candles()) > 0
    world.asked.clear()
    again = await world.get("/accounts/ALICE/portfolio")
    assert candles() == []
    assert again.equity[:-1] == first.equity[:-1]
    world.clock.us += 2 * MINUTE_US
    await world.trade(1, price="62000")
    later = await world.get("/accounts/ALICE/portfolio")
    assert {one.params["limit"] for one in candles()} == {"3"}
    fresh = World(world.testnet, world.clock)
    fresh.numbers = world.numbers
    assert (await fresh.get("/accounts/ALICE/portfolio")).equity[:-1] == later.equity[:-1]
