"""python-binance's asyncio client, unmodified, against a real testnet process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("binance")

from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket
from tests.contract.clients.python_binance_session import credentials, full_session, point_at
from tests.contract.clients.refused_orders import (
    COUNT_REFUSALS,
    REFUSALS,
    fill_up,
    filters_of,
    order_over_count,
    refused_order,
)
from tests.support.floor import ASKS, BIDS, LAST, SYMBOL, UNICODE_SYMBOL, Account, Floor
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetKey, TestnetProcess

pytestmark = pytest.mark.client

UNKNOWN_KEY = "k" * 64
BAD_KEY = (401, -2015, "Invalid API-key, IP, or permissions for action.")
EVENT_WAIT_S = 5
STREAMS_BEGIN_S = 0.5


@pytest.fixture(autouse=True)
def _address(quiet_testnet: TestnetProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(quiet_testnet, monkeypatch)
    # How long the library's read loops sleep before they notice that they were closed.
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 1)


@asynccontextmanager
async def connected(**given: Any) -> AsyncIterator[AsyncClient]:
    client = await AsyncClient.create(**given)
    try:
        yield client
    finally:
        await client.close_connection()


@pytest.fixture
async def client(account: Account) -> AsyncIterator[AsyncClient]:
    async with connected(**credentials(account.testnet.create_key(account.name, "HMAC"))) as made:
        yield made


async def refused(call: Any, *args: Any, **params: Any) -> tuple[int, int, str]:
    """Status, code and text of the library's own exception."""
    with pytest.raises(BinanceAPIException) as caught:
        await call(*args, **params)
    return caught.value.status_code, caught.value.code, caught.value.message


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_session_with_each_key_type_completes(
    floor: Floor, account: Account, key_type: KeyType, tmp_path: Path
) -> None:
    key = floor.testnet.create_key(account.name, key_type)
    async with connected(**credentials(key, tmp_path)) as client:
        await full_session(client, floor)


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_user_stream_reports_every_step(floor: Floor, account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    async with (
        connected(**credentials(key)) as client,
        BinanceSocketManager(client).user_socket() as stream,
    ):
        placed = await client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=str(LAST - 1000))
        await client.cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
        await client.order_market_buy(symbol=SYMBOL, quantity="0.5")
        listed = await client.order_oco_sell(
            symbol=SYMBOL, quantity="0.01", aboveType="LIMIT_MAKER", abovePrice=str(LAST + 5000),
            belowType="STOP_LOSS", belowStopPrice=str(LAST - 5000),
        )  # fmt: skip
        account.testnet.deposit(account.name, "USDT", "7")
        events = await _collect(stream, lambda seen: any(event["e"] == "balanceUpdate" for event in seen))
    _assert_told_in_order(events, placed)
    (status,) = (event for event in events if event["e"] == "listStatus")
    assert (status["g"], status["c"], status["L"]) == (listed["orderListId"], "OCO", "EXECUTING")
    assert [(event["a"], Decimal(event["d"])) for event in events if event["e"] == "balanceUpdate"] == [
        ("USDT", 7)
    ]


def _assert_told_in_order(events: list[dict[str, Any]], placed: dict[str, Any]) -> None:
    reports = [event for event in events if event["e"] == "executionReport"]
    assert [report["x"] for report in reports] == ["NEW", "CANCELED", "NEW", "TRADE", "NEW", "NEW"]
    assert reports[0]["c"] == reports[1]["C"] == placed["clientOrderId"]
    trade = reports[3]
    assert (trade["X"], trade["l"], Decimal(trade["L"]), trade["m"]) == (
        "FILLED",
        "0.50000000",
        ASKS[0],
        False,
    )
    executions = [report["I"] for report in reports]
    assert executions == sorted(set(executions))
    balances = [event for event in events if event["e"] == "outboundAccountPosition"]
    locked = {entry["a"]: Decimal(entry["l"]) for entry in balances[0]["B"]}
    assert locked["USDT"] == 490


async def _collect(stream: Any, enough: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not enough(events):
        events.append(await asyncio.wait_for(stream.recv(), EVENT_WAIT_S))
        assert events[-1]["e"] != "error", events[-1]
    return events


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_websocket_api_with_each_key_type_trades(
    floor: Floor, account: Account, key_type: KeyType
) -> None:
    async with connected(**credentials(account.testnet.create_key(account.name, key_type))) as client:
        assert abs((await client.ws_get_time())["serverTime"] - time.time() * 1000) < 2000
        assert (await client.ws_get_exchange_info(symbol=SYMBOL))["symbols"][0]["symbol"] == SYMBOL
        assert [
            Decimal(price) for price, _ in (await client.ws_get_order_book(symbol=SYMBOL))["bids"]
        ] == list(BIDS)
        assert len((await client.ws_get_klines(symbol=SYMBOL, interval="1m"))[-1]) == 12
        order = {"symbol": SYMBOL, "quantity": "0.01", "price": str(LAST - 1000)}
        assert await client.ws_create_test_order(side="BUY", type="LIMIT", timeInForce="GTC", **order) == {}
        placed = await client.ws_order_limit_buy(**order)
        assert (await client.ws_get_order(symbol=SYMBOL, orderId=placed["orderId"]))["status"] == "NEW"
        assert len(await client.ws_get_open_orders(symbol=SYMBOL)) == 1
        assert (await client.ws_cancel_order(symbol=SYMBOL, orderId=placed["orderId"]))[
            "status"
        ] == "CANCELED"
        bought = await client.ws_order_market_buy(symbol=SYMBOL, quantity="0.2")
        assert (bought["status"], bought["fills"][0]["qty"]) == ("FILLED", "0.20000000")
        assert [trade["orderId"] for trade in await client.ws_get_my_trades(symbol=SYMBOL)] == [
            bought["orderId"]
        ]
        assert (await client.ws_get_account())["accountType"] == "SPOT"
        assert len(await client.ws_get_all_orders(symbol=SYMBOL)) == 2


async def test_market_streams_show_a_trade(floor: Floor, client: AsyncClient) -> None:
    sockets = BinanceSocketManager(client)
    name = SYMBOL.lower()
    streams = [f"{name}@{kind}" for kind in
               ("trade", "aggTrade", "kline_1m", "miniTicker", "ticker", "bookTicker", "depth@100ms", "depth5@100ms")]  # fmt: skip
    seen: dict[str, Any] = {}
    async with sockets.multiplex_socket(streams) as stream, sockets.trade_socket(SYMBOL) as single:
        # Through a gateway the streams behind begin a moment after the socket is open.
        await asyncio.sleep(STREAMS_BEGIN_S)
        await client.order_market_buy(symbol=SYMBOL, quantity="0.3")
        trade = await asyncio.wait_for(single.recv(), EVENT_WAIT_S)
        # A candle is pushed at its own pace: one from before the trade may come first.
        while len(seen) < len(streams) or Decimal(seen[f"{name}@kline_1m"]["k"]["c"]) != ASKS[0]:
            message = await asyncio.wait_for(stream.recv(), EVENT_WAIT_S)
            seen[message["stream"]] = message["data"]
    assert (trade["e"], Decimal(trade["p"]), trade["q"], trade["m"]) == (
        "trade",
        ASKS[0],
        "0.30000000",
        False,
    )
    assert set(seen) == set(streams)
    assert seen[f"{name}@aggTrade"]["q"] == "0.30000000"
    assert ["50010.00000000", "0.70000000"] in seen[f"{name}@depth@100ms"]["a"]
    assert seen[f"{name}@depth5@100ms"]["asks"][0] == ["50010.00000000", "0.70000000"]
    assert "e" not in seen[f"{name}@bookTicker"]


async def test_microseconds_when_asked_for(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC")
    async with connected(**credentials(key), time_unit="MICROSECOND") as client:
        # create() compared the server's microseconds with its own milliseconds; undo the library's mistake.
        client.timestamp_offset = 0
        assert abs((await client.get_server_time())["serverTime"] - time.time() * 1e6) < 2e6
        placed = await client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=str(LAST - 1000))
        assert placed["transactTime"] > 10**15
        assert (await client.ws_get_time())["serverTime"] > 10**15


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_symbol_outside_ascii_is_signed_alike(account: Account, key_type: KeyType) -> None:
    async with connected(**credentials(account.testnet.create_key(account.name, key_type))) as client:
        order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "10"}
        assert await client.create_test_order(symbol=UNICODE_SYMBOL, **order) == {}
        assert await client.ws_create_test_order(symbol=UNICODE_SYMBOL, **order) == {}
        assert await client.get_open_orders(symbol=UNICODE_SYMBOL) == []


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    async with connected(**{**credentials(other), "api_key": key.api_key}) as client:
        expected = (400, -1022, "Signature for this request is not valid.")
        assert await refused(client.get_account) == expected
        assert await refused(client.ws_get_account) == expected


async def test_wrong_key_is_refused(account: Account) -> None:
    async with connected(api_key=UNKNOWN_KEY, api_secret="s" * 64) as client:
        assert await refused(client.get_account) == BAD_KEY
        assert await refused(client.ws_get_account) == BAD_KEY
        with pytest.raises(BinanceAPIException, match="Invalid API-key"):
            await BinanceSocketManager(client).user_socket().connect()


async def test_deleted_key_is_refused_at_once(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC")
    async with connected(**credentials(key)) as client:
        await client.get_account()
        account.testnet.delete_key(key)
        assert await refused(client.get_account) == BAD_KEY


async def test_wrong_address_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC", ips=["203.0.113.0/24"])
    async with connected(**credentials(key)) as client:
        assert await refused(client.get_account) == BAD_KEY


async def test_missing_permission_is_refused(account: Account) -> None:
    key: TestnetKey = account.testnet.create_key(account.name, "ED25519", permissions=["READING"])
    async with connected(**credentials(key)) as client:
        assert (await client.get_account())["accountType"] == "SPOT"
        order = {"symbol": SYMBOL, "quantity": "0.01", "price": "49000"}
        assert await refused(client.order_limit_buy, **order) == BAD_KEY
        assert await refused(client.ws_order_limit_buy, **order) == BAD_KEY


@pytest.mark.parametrize(
    ("offset_ms", "text"),
    [
        (-30_000, "Timestamp for this request is outside of the recvWindow."),
        (5_000, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
async def test_wrong_clock_is_refused(client: AsyncClient, offset_ms: int, text: str) -> None:
    client.timestamp_offset = offset_ms
    assert await refused(client.get_account) == (400, -1021, text)
    assert await refused(client.ws_get_account) == (400, -1021, text)


async def test_orders_breaking_a_rule_are_refused(client: AsyncClient, floor: Floor) -> None:
    filters = filters_of(floor)
    for name, expected in REFUSALS.items():
        order = refused_order(name, filters)
        assert await refused(client.create_order, **order) == (400, expected.code, expected.text), name
        assert await refused(client.ws_create_order, **order) == (400, expected.code, expected.text), name


@pytest.mark.parametrize("name", COUNT_REFUSALS)
async def test_one_order_too_many_is_refused(
    client: AsyncClient, account: Account, floor: Floor, name: str
) -> None:
    fill_up(account, name, filters_of(floor))
    expected = COUNT_REFUSALS[name]
    assert await refused(client.create_order, **order_over_count(name)) == (400, expected.code, expected.text)
