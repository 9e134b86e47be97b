"""Binance's official SDK over its WebSocket API and its streams, unmodified, with default settings, against a testnet."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("binance_sdk_spot")

from binance_common.configuration import ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot
from binance_sdk_spot.websocket_api import SpotWebSocketAPI
from binance_sdk_spot.websocket_api.models import (
    KlinesIntervalEnum,
    OrderListPlaceOcoAboveTypeEnum,
    OrderListPlaceOcoBelowTypeEnum,
    OrderPlaceSideEnum,
    OrderPlaceTimeInForceEnum,
    OrderPlaceTypeEnum,
)
from binance_sdk_spot.websocket_streams import SpotWebSocketStreams
from binance_sdk_spot.websocket_streams.models import (
    DiffBookDepthUpdateSpeedEnum,
    KlineIntervalEnum,
    PartialBookDepthLevelsEnum,
)
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

pytestmark = [
    pytest.mark.client,
    pytest.mark.filterwarnings(
        "ignore:parameter 'timeout' of type 'float':DeprecationWarning"
    ),  # the SDK's own
]

BUY, SELL = OrderPlaceSideEnum.BUY, OrderPlaceSideEnum.SELL
LIMIT, MARKET = OrderPlaceTypeEnum.LIMIT, OrderPlaceTypeEnum.MARKET
GTC = OrderPlaceTimeInForceEnum.GTC
RESTING = {
    "symbol": SYMBOL, "side": BUY, "type": LIMIT, "time_in_force": GTC, "quantity": 0.01, "price": LAST - 1000.0,
}  # fmt: skip
BAD_KEY = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
SNAKE = {"timeInForce": "time_in_force", "stopPrice": "stop_price"}
EVENT_WAIT_S = 5


@pytest.fixture(autouse=True)
def _models_hold(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK logs what it could not parse into its models; that is a fault of ours."""
    with caplog.at_level(logging.WARNING):
        yield
    trouble = ("parse", "Error in callback", "Unknown user data event")
    assert [r.message for r in caplog.get_records("call") if any(word in r.message for word in trouble)] == []


@asynccontextmanager
async def connected(
    testnet: TestnetProcess, key: TestnetKey, **options: Any
) -> AsyncIterator[SpotWebSocketAPI]:
    secret = {"api_secret": key.secret} if key.type == "HMAC" else {"private_key": key.pem}
    configuration = ConfigurationWebSocketAPI(
        api_key=key.api_key, stream_url=testnet.ws_api, **secret, **options
    )
    client = Spot(config_ws_api=configuration).websocket_api
    await client.create_connection()
    try:
        yield client
    finally:
        await client.close_connection()


@asynccontextmanager
async def streaming(testnet: TestnetProcess) -> AsyncIterator[SpotWebSocketStreams]:
    client = Spot(
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=testnet.streams)
    ).websocket_streams
    await client.create_connection()
    try:
        yield client
    finally:
        await client.close_connection()


async def error_of(call: Any) -> dict[str, Any]:
    """The SDK hands a refusal back as data, in place of the reply."""
    found = (await call).data()
    assert isinstance(found, dict), found
    return {name: found["error"][name] for name in ("code", "msg")}


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_session_with_each_key_type_completes(
    floor: Floor, account: Account, key_type: KeyType
) -> None:
    async with connected(floor.testnet, floor.testnet.create_key(account.name, key_type)) as client:
        await _reads_the_market(client)
        await _reads_the_account(client)
        await _places_and_cancels(client)
        await _trades(client)
        await _places_stops_and_lists(client)


async def _reads_the_market(client: SpotWebSocketAPI) -> None:
    reply = await client.time()
    assert abs(reply.data().result.server_time - time.time() * 1000) < 2000
    assert [limit.rateLimitType for limit in reply.rate_limits] == ["REQUEST_WEIGHT"]
    # The SDK's model of this reply lacks the envelope; what it did not know is in additional_properties.
    info = (await client.exchange_info(symbols=["BTCUSDT", "ETHUSDT"])).data().additional_properties["result"]
    assert {found["symbol"] for found in info["symbols"]} == {"BTCUSDT", "ETHUSDT"}
    book = (await client.depth(symbol=SYMBOL)).data().result
    assert [Decimal(price) for price, _ in book.bids] == list(BIDS)
    candles = (await client.klines(symbol=SYMBOL, interval=KlinesIntervalEnum.INTERVAL_1m)).data().result
    assert Decimal(candles[-1][4]) == LAST
    assert Decimal((await client.trades_recent(symbol=SYMBOL)).data().result[-1].price) == LAST
    assert Decimal((await client.trades_aggregate(symbol=SYMBOL)).data().result[-1].p) == LAST
    assert (await client.avg_price(symbol=SYMBOL)).data().result.mins == 5


async def _reads_the_account(client: SpotWebSocketAPI) -> None:
    account = (await client.account_status()).data().result
    assert {entry.asset: entry.free for entry in account.balances}["USDT"] == "250000.00000000"
    limits = (await client.account_rate_limits_orders()).data().result
    assert {limit.rate_limit_type for limit in limits} == {"ORDERS"}
    assert (await client.account_commission(symbol=SYMBOL)).data().result.symbol == SYMBOL


async def _places_and_cancels(client: SpotWebSocketAPI) -> None:
    assert (await client.order_test(**RESTING)).data().status == 200
    placed = (await client.order_place(**RESTING)).data().result
    assert placed.status == "NEW"
    (opened,) = (await client.open_orders_status(symbol=SYMBOL)).data().result
    assert opened.order_id == placed.order_id
    found = (await client.order_status(symbol=SYMBOL, order_id=placed.order_id)).data().result
    assert found.client_order_id == placed.client_order_id
    cancelled = (await client.order_cancel(symbol=SYMBOL, order_id=placed.order_id)).data().result
    assert cancelled.status == "CANCELED"


async def _trades(client: SpotWebSocketAPI) -> None:
    bought = (await client.order_place(symbol=SYMBOL, side=BUY, type=MARKET, quantity=0.5)).data().result
    assert bought.status == "FILLED"
    assert [(Decimal(fill.price), fill.qty) for fill in bought.fills] == [(ASKS[0], "0.50000000")]
    (trade,) = (await client.my_trades(symbol=SYMBOL)).data().result
    assert (trade.order_id, trade.is_buyer) == (bought.order_id, True)
    assert len((await client.all_orders(symbol=SYMBOL)).data().result) == 2


async def _places_stops_and_lists(client: SpotWebSocketAPI) -> None:
    stop = await client.order_place(
        symbol=SYMBOL, side=SELL, type=OrderPlaceTypeEnum.STOP_LOSS_LIMIT, time_in_force=GTC,
        quantity=0.01, price=LAST - 1100.0, stop_price=LAST - 1000.0,
    )  # fmt: skip
    await client.order_cancel(symbol=SYMBOL, order_id=stop.data().result.order_id)
    listed = await client.order_list_place_oco(
        symbol=SYMBOL, side=SELL, quantity=0.01,
        above_type=OrderListPlaceOcoAboveTypeEnum.LIMIT_MAKER, above_price=LAST + 5000.0,
        below_type=OrderListPlaceOcoBelowTypeEnum.STOP_LOSS, below_stop_price=LAST - 5000.0,
    )  # fmt: skip
    list_id = listed.data().result.order_list_id
    (opened,) = (await client.open_order_lists_status()).data().result
    assert opened.order_list_id == list_id
    assert (
        await client.order_list_status(order_list_id=list_id)
    ).data().result.list_status_type == "EXEC_STARTED"
    ended = (await client.order_list_cancel(symbol=SYMBOL, order_list_id=list_id)).data().result
    assert ended.list_order_status == "ALL_DONE"
    await client.order_place(**RESTING)
    assert len((await client.open_orders_cancel_all(symbol=SYMBOL)).data().result) == 1


async def test_session_logon_signs_once(account: Account) -> None:
    key = account.testnet.create_key(account.name, "ED25519")
    async with connected(account.testnet, key) as client:
        assert (await client.session_status()).data().result.api_key is None
        logged_on = (await client.session_logon()).data().result
        assert logged_on.api_key == key.api_key
        assert logged_on.authorized_since is not None
        events: list[Any] = []
        subscribed = await client.user_data_stream_subscribe()
        subscribed.stream.on("message", events.append)
        placed = (await client.order_place(**RESTING)).data().result
        assert placed.status == "NEW"
        await _until(lambda: len(events) >= 2)
        assert events[0].actual_instance.x == "NEW"
        assert (await client.session_status()).data().result.user_data_stream is True
        assert (await client.session_logout()).data().result.api_key is None
        assert (
            await client.order_cancel(symbol=SYMBOL, order_id=placed.order_id)
        ).data().result.status == "CANCELED"


async def test_session_logon_with_hmac_is_refused(account: Account) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as client:
        refusal = await error_of(client.session_logon())
        assert refusal == {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_user_stream_reports_every_step(account: Account, key_type: KeyType) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, key_type)) as client:
        events: list[Any] = []
        subscribed = await client.user_data_stream_subscribe_signature()
        subscribed.stream.on("message", lambda event: events.append(event.actual_instance))
        placed = (await client.order_place(**RESTING)).data().result
        await client.order_cancel(symbol=SYMBOL, order_id=placed.order_id)
        await client.order_place(symbol=SYMBOL, side=BUY, type=MARKET, quantity=0.5)
        account.testnet.deposit(account.name, "USDT", "7")
        await _until(lambda: sum(type(event).__name__ == "OutboundAccountPosition" for event in events) == 4)
        (paid,) = (event for event in events if type(event).__name__ == "BalanceUpdate")
        assert (paid.a, Decimal(paid.d)) == ("USDT", 7)
        reports = [event for event in events if type(event).__name__ == "ExecutionReport"]
        assert [report.x for report in reports] == ["NEW", "CANCELED", "NEW", "TRADE"]
        assert Decimal(reports[3].L) == ASKS[0]
        await client.user_data_stream_unsubscribe()
        seen = len(events)
        assert (await client.session_subscriptions()).data().result == []
        await client.order_place(symbol=SYMBOL, side=BUY, type=MARKET, quantity=0.1)
        await client.time()
        assert len(events) <= seen + 1  # eventStreamTerminated at most


async def test_replies_without_rate_limits_when_asked(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC")
    async with connected(account.testnet, key, return_rate_limits=False) as client:
        assert (await client.order_place(**RESTING)).data().result.status == "NEW"
        assert (await client.time()).rate_limits == []


async def test_market_streams_parse_into_their_models(floor: Floor) -> None:
    seen: dict[str, list[Any]] = {}
    async with streaming(floor.testnet) as client:
        opened = {
            "trade": client.trade(symbol=SYMBOL),
            "aggTrade": client.agg_trade(symbol=SYMBOL),
            "kline": client.kline(symbol=SYMBOL, interval=KlineIntervalEnum.INTERVAL_1m.value),
            "miniTicker": client.mini_ticker(symbol=SYMBOL),
            "ticker": client.ticker(symbol=SYMBOL),
            "bookTicker": client.book_ticker(symbol=SYMBOL),
            "avgPrice": client.avg_price(symbol=SYMBOL),
            "depth": client.diff_book_depth(
                symbol=SYMBOL, update_speed=DiffBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms.value
            ),
            "depth5": client.partial_book_depth(
                symbol=SYMBOL, levels=PartialBookDepthLevelsEnum.LEVELS_5.value
            ),
        }
        names = list(opened)
        for pair in (names[start : start + 2] for start in range(0, len(names), 2)):
            # The SDK sleeps half a second before each SUBSCRIBE; two at a time stay below 5 messages a second.
            for name, handle in zip(
                pair, await asyncio.gather(*(opened[name] for name in pair)), strict=True
            ):
                handle.on("message", seen.setdefault(name, []).append)
        assert len((await client.list_subscribe())["result"]) == len(opened)
        floor.taker.limit("BUY", ASKS[0], "0.25")
        await _until(lambda: all(seen[name] for name in opened) and Decimal(seen["kline"][-1].k.c) == ASKS[0])
    (trade,) = seen["trade"]
    assert (Decimal(trade.p), trade.q, trade.m) == (ASKS[0], "0.25000000", False)
    assert seen["depth"][0].a == [["50010.00000000", "0.75000000"]]
    assert seen["bookTicker"][-1].A == "0.75000000"
    told = [ticker.E for ticker in seen["miniTicker"]]
    assert len(told) > 1
    assert all(later - earlier > 500 for earlier, later in pairwise(told)), "once a second, never twice"


async def _until(condition: Any) -> None:
    async with asyncio.timeout(EVENT_WAIT_S):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in a client or in a server
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_symbol_outside_ascii_is_signed_alike(account: Account, key_type: KeyType) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, key_type)) as client:
        order = {"side": BUY, "type": LIMIT, "time_in_force": GTC, "quantity": 1.0, "price": 10.0}
        assert (await client.order_test(symbol=UNICODE_SYMBOL, **order)).data().status == 200


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    async with connected(
        account.testnet, TestnetKey(key_type, key.api_key, other.secret, other.pem)
    ) as client:
        refusal = {"code": -1022, "msg": "Signature for this request is not valid."}
        assert await error_of(client.account_status()) == refusal
        with pytest.raises(ValueError, match="-1022"):
            await client.user_data_stream_subscribe_signature()


async def test_wrong_key_is_refused(quiet_testnet: TestnetProcess) -> None:
    async with connected(quiet_testnet, TestnetKey("HMAC", "k" * 64, "s" * 64)) as client:
        assert await error_of(client.account_status()) == BAD_KEY


async def test_wrong_address_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "ED25519", ips=["203.0.113.7"])
    async with connected(account.testnet, key) as client:
        assert await error_of(client.account_status()) == BAD_KEY
        assert await error_of(client.session_logon()) == BAD_KEY


async def test_missing_permission_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC", permissions=["READING"])
    async with connected(account.testnet, key) as client:
        assert (await client.account_status()).data().status == 200
        assert await error_of(client.order_place(**RESTING)) == BAD_KEY


async def test_deleted_key_ends_its_session(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    key = account.testnet.create_key(account.name, "ED25519")
    async with connected(account.testnet, key) as client:
        await client.session_logon()
        account.testnet.delete_key(key)
        # The refusal of the next request carries no id, so the SDK goes on waiting for its own.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.account_status(), 0.5)
        assert BAD_KEY["msg"] in caplog.text
        assert (await client.session_status()).data().result.api_key is None


@pytest.mark.parametrize(
    ("offset_ms", "text"),
    [
        (-6_000, "Timestamp for this request is outside of the recvWindow."),
        (2_000, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
async def test_wrong_clock_is_refused(
    account: Account, monkeypatch: pytest.MonkeyPatch, offset_ms: int, text: str
) -> None:
    monkeypatch.setattr("binance_common.utils.get_timestamp", lambda: int(time.time() * 1000) + offset_ms)
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as client:
        assert await error_of(client.account_status()) == {"code": -1021, "msg": text}


async def test_orders_breaking_a_rule_are_refused(account: Account, floor: Floor) -> None:
    filters = filters_of(floor)
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as client:
        for name, expected in REFUSALS.items():
            found = await error_of(client.order_place(**_snake(refused_order(name, filters))))
            assert found == {"code": expected.code, "msg": expected.text}, name


@pytest.mark.parametrize("name", COUNT_REFUSALS)
async def test_one_order_too_many_is_refused(account: Account, floor: Floor, name: str) -> None:
    fill_up(account, name, filters_of(floor))
    expected = COUNT_REFUSALS[name]
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as client:
        found = await error_of(client.order_place(**_snake(order_over_count(name))))
        assert found == {"code": expected.code, "msg": expected.text}


def _snake(order: dict[str, str]) -> dict[str, str]:
    return {SNAKE.get(field, field): value for field, value in order.items()}
