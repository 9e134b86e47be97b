"""Operations run for an account over the admin socket: the list, the account, errors as Binance has them, the counts."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from watchword.binance.endpoints import BY_NAME
from watchword.binance.sapi_endpoints import SAPI_BY_NAME
from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin.account_calls import (
    ACCOUNT_CHANGES,
    ACCOUNT_READS,
    CALLABLE,
    DEPOSIT_HISTORY,
    PUBLIC_OPERATIONS,
)
from watchword.entrypoints.testnet.admin.account_watch import AccountWatches
from watchword.entrypoints.testnet.admin.listener import answer
from watchword.entrypoints.testnet.operations import OPERATIONS
from watchword.entrypoints.testnet.server import open_door

START_US = 1_795_000_000_000_000
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "60000",
    "quantity": "0.01",
}
ON_BEHALF = {"person": "olga", "ip": "127.0.0.1", "factor": "totp", "session": "s-1"}


class HandClock:
    def now_us(self) -> int:
        return START_US


class Desk:
    def __init__(self, testnet: Testnet) -> None:
        self.testnet = testnet

    async def ask(self, op: str, **fields: Any) -> Any:
        return json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))

    async def call(self, operation: str, account: str = "alice", **params: str) -> Any:
        told = await self.ask(
            "account.call", account=account, operation=operation, params=params, on_behalf=ON_BEHALF
        )
        assert set(told) == {"result"}, told
        return told["result"]

    async def do(self, operation: str, account: str = "alice", **params: str) -> Any:
        told = await self.call(operation, account, **params)
        assert set(told) == {"answer"}, told
        return told["answer"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    testnet = open_memory_testnet(read_settings(liquidity=False), HandClock())
    await testnet.start()
    made = Desk(testnet)
    for name in ("alice", "bob"):
        await made.ask("account.create", name=name, deposits={"USDT": "10000", "BTC": "1"})
    yield made
    await testnet.stop()


def test_list_holds_no_way_out_and_nothing_unbuilt() -> None:
    for word in ("withdraw", "transfer", "sub-account", "Key", "reset", "asset"):
        assert [name for name in CALLABLE if word in name] == []
    assert set(OPERATIONS) >= CALLABLE
    assert not ACCOUNT_CHANGES & (PUBLIC_OPERATIONS | ACCOUNT_READS)
    assert {name for name in PUBLIC_OPERATIONS if BY_NAME[name].security != "NONE"} == set()


async def test_every_operation_not_on_the_list_is_refused(desk: Desk) -> None:
    for name in sorted({*OPERATIONS, *BY_NAME, *SAPI_BY_NAME, "nothing", ""} - CALLABLE):
        told = await desk.ask("account.call", account="alice", operation=name, params={})
        assert "cannot be called" in told["error"], name


async def test_every_operation_on_the_list_gets_an_answer_or_an_error_of_binance(desk: Desk) -> None:
    for name in sorted(CALLABLE):
        told = await desk.ask("account.call", account="alice", operation=name, params={})
        assert set(told["result"]) in ({"answer"}, {"code", "text"}), name


async def test_order_is_placed_listed_filled_and_cancelled_for_that_account(desk: Desk) -> None:
    placed = await desk.do("order.place", **LIMIT)
    assert placed["status"] == "NEW"
    assert placed["transactTime"] == START_US
    (open_order,) = await desk.do("openOrders.status")
    assert open_order["orderId"] == placed["orderId"]
    assert await desk.do("openOrders.status", "bob") == []
    sold = await desk.do("order.place", "bob", **{**LIMIT, "side": "SELL", "quantity": "0.004"})
    assert sold["status"] == "FILLED"
    (trade,) = await desk.do("myTrades", symbol="BTCUSDT")
    assert (trade["qty"], trade["isBuyer"], trade["time"]) == ("0.00400000", True, START_US)
    gone = await desk.do("order.cancel", symbol="BTCUSDT", orderId=str(placed["orderId"]))
    assert gone["status"] == "CANCELED"
    assert await desk.do("openOrders.status") == []


async def test_another_accounts_order_is_not_found(desk: Desk) -> None:
    placed = await desk.do("order.place", **LIMIT)
    told = await desk.call("order.cancel", "bob", symbol="BTCUSDT", orderId=str(placed["orderId"]))
    assert told == {"code": -2011, "text": "Unknown order sent."}


async def test_filter_and_balance_say_what_they_say_over_rest(desk: Desk) -> None:
    assert await desk.call("order.place", **{**LIMIT, "price": "60000.001"}) == {
        "code": -1013,
        "text": "Filter failure: PRICE_FILTER",
    }
    told = await desk.call("order.place", **{**LIMIT, "quantity": "9"})
    assert told["code"] == -2010
    assert (await desk.call("order.place", **{**LIMIT, "symbol": "NOPE"}))["code"] == -1121
    assert (await desk.call("order.place", symbol="BTCUSDT"))["code"] == -1102


@pytest.mark.parametrize("name", ["timestamp", "recvWindow", "signature", "apiKey"])
async def test_parameters_of_authentication_are_refused(desk: Desk, name: str) -> None:
    told = await desk.ask(
        "account.call", account="alice", operation="order.place", params={**LIMIT, name: "1"}
    )
    assert "nothing is signed here" in told["error"]
    assert await desk.do("openOrders.status") == []


@pytest.mark.parametrize("account", ["", "carol", "99", "house:floor"])
async def test_account_nobody_has_is_refused_and_market_data_needs_none(desk: Desk, account: str) -> None:
    told = await desk.ask("account.call", account=account, operation="account.status")
    assert "no account" in told["error"]
    assert (await desk.do("depth", account, symbol="BTCUSDT"))["lastUpdateId"] >= 0


async def test_too_many_or_too_long_parameters_are_refused(desk: Desk) -> None:
    for params in ({f"p{number}": "1" for number in range(21)}, {"symbol": "x" * 129}, {"symbol": 5}):
        told = await desk.ask("account.call", account="alice", operation="depth", params=params)
        assert "not a request" in told["error"]


async def test_orders_count_as_those_of_the_doors_and_refused_ones_are_given_back(desk: Desk) -> None:
    door = open_door(desk.testnet)

    def counted() -> int:
        return door.limits.order_counts(1, START_US)[0][1]

    await desk.do("order.place", **LIMIT)
    assert counted() == 1
    await desk.call("order.place", **{**LIMIT, "price": "60000.001"})
    assert counted() == 1
    await desk.do("order.test", **LIMIT)
    assert counted() == 1


async def test_deposits_are_listed_and_past_adds_up(desk: Desk) -> None:
    await desk.ask("deposit", account="alice", deposits={"USDT": "5"})
    (deposit,) = await desk.do(DEPOSIT_HISTORY)
    assert (deposit["coin"], deposit["amount"]) == ("USDT", "5")
    await desk.do("order.place", **LIMIT)
    await desk.do("order.place", "bob", **{**LIMIT, "side": "SELL"})
    past = (await desk.ask("account.past", account="alice"))["result"]
    assert past["traded"] == ["BTCUSDT"]
    assert past["complete"] is True
    assert past["moves"] == [{"kind": "deposit", "asset": "USDT", "amount": "5.00000000", "at_us": START_US}]
    assert {"symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", "price": "60000.00000000"} in past["symbols"]
    assert past["balances"]["USDT"] == {"free": "9405.00000000", "locked": "0.00000000"}
    assert "no account" in (await desk.ask("account.past", account="carol"))["error"]


async def test_watch_waits_for_what_happens_to_that_account_only(desk: Desk) -> None:
    began = (await desk.ask("account.watch", account="alice"))["result"]
    assert began == {"next": 0, "events": [], "missed": False}
    waiting = asyncio.ensure_future(desk.ask("account.watch", account="alice", after=0, wait_ms=5_000))
    await asyncio.sleep(0)
    await desk.do("order.place", "bob", **LIMIT)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await desk.do("order.place", **LIMIT)
    told = (await asyncio.wait_for(waiting, 5))["result"]
    assert told["events"][0]["e"] == "executionReport"
    assert told["events"][0]["X"] == "NEW"
    again = (await desk.ask("account.watch", account="alice", after=told["next"]))["result"]
    assert again == {"next": told["next"], "events": [], "missed": False}


@pytest.mark.parametrize("after", [7, 10**9])
async def test_watch_says_that_something_was_missed(desk: Desk, after: int) -> None:
    await desk.ask("account.watch", account="alice")
    told = (await desk.ask("account.watch", account="alice", after=after))["result"]
    assert told == {"next": 0, "events": [], "missed": True}


async def test_watching_is_bounded_and_forgotten_accounts_make_room(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchword.entrypoints.testnet.admin.account_watch.ACCOUNTS_MAX", 1)
    await desk.ask("account.watch", account="alice")
    assert "watched already" in (await desk.ask("account.watch", account="bob"))["error"]
    watch = AccountWatches.of(desk.testnet).watch(1)
    assert watch is not None
    watch.asked_s -= 1_000
    assert (await desk.ask("account.watch", account="bob"))["result"]["events"] == []
