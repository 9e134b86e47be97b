"""Binance's official SDK over REST, unmodified, with its default settings (1 s timeout), against a real testnet."""

import logging
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("binance_sdk_spot")

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, Error, UnauthorizedError
from binance_sdk_spot.rest_api import SpotRestAPI
from binance_sdk_spot.rest_api.models import (
    KlinesIntervalEnum,
    NewOrderSideEnum,
    NewOrderTimeInForceEnum,
    NewOrderTypeEnum,
    OrderCancelReplaceCancelReplaceModeEnum,
    OrderListOcoAboveTypeEnum,
    OrderListOcoBelowTimeInForceEnum,
    OrderListOcoBelowTypeEnum,
    TickerWindowSizeEnum,
)
from binance_sdk_spot.spot import Spot
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

BUY, SELL = NewOrderSideEnum.BUY, NewOrderSideEnum.SELL
LIMIT, MARKET = NewOrderTypeEnum.LIMIT, NewOrderTypeEnum.MARKET
GTC = NewOrderTimeInForceEnum.GTC
BAD_KEY = (UnauthorizedError, -2015, "Invalid API-key, IP, or permissions for action.")
SNAKE = {
    "timeInForce": "time_in_force", "stopPrice": "stop_price", "newOrderRespType": "new_order_resp_type",
}  # fmt: skip


def sdk(testnet: TestnetProcess, key: TestnetKey | None = None, **options: Any) -> SpotRestAPI:
    """The SDK as its users make it: defaults, and another base path."""
    keyed = {} if key is None else {"api_key": key.api_key}
    if key is not None:
        keyed |= {"api_secret": key.secret} if key.type == "HMAC" else {"private_key": key.pem}
    return Spot(config_rest_api=ConfigurationRestAPI(base_path=testnet.rest, **keyed, **options)).rest_api


@pytest.fixture(autouse=True)
def _models_hold(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK warns when a reply does not have the documented types; that is a fault of ours."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.message for record in caplog.get_records("call") if "response" in record.message] == []


@pytest.fixture
def client(account: Account) -> SpotRestAPI:
    return sdk(account.testnet, account.testnet.create_key(account.name, "HMAC"))


def refused(call: Any, *args: Any, **params: Any) -> tuple[type[Error], int, str]:
    """The SDK's own exception: class by HTTP status, Binance's code, text."""
    with pytest.raises(Error) as caught:
        call(*args, **params)
    return type(caught.value), caught.value.status_code, caught.value.error_message


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_session_with_each_key_type_completes(floor: Floor, account: Account, key_type: KeyType) -> None:
    client = sdk(floor.testnet, floor.testnet.create_key(account.name, key_type))
    _reads_the_market(client)
    _reads_the_account(client)
    _places_and_cancels(client)
    _trades(client)
    _places_stops_and_lists(client)
    _replaces(client)


def _reads_the_market(client: SpotRestAPI) -> None:
    client.ping()
    assert abs(client.time().data().server_time - time.time() * 1000) < 2000
    info = client.exchange_info().data()
    assert {"BTCUSDT", "ETHUSDT", "BNBBTC"} <= {found.symbol for found in info.symbols}
    assert {limit.rate_limit_type for limit in info.rate_limits} >= {"REQUEST_WEIGHT", "ORDERS"}
    book = client.depth(symbol=SYMBOL).data()
    assert [Decimal(price) for price, _ in book.bids] == list(BIDS)
    candles = client.klines(symbol=SYMBOL, interval=KlinesIntervalEnum.INTERVAL_1m).data()
    assert Decimal(candles[-1][4]) == LAST
    assert Decimal(client.get_trades(symbol=SYMBOL).data()[-1].price) == LAST
    assert Decimal(client.historical_trades(symbol=SYMBOL, limit=1).data()[0].price) == LAST
    assert Decimal(client.agg_trades(symbol=SYMBOL).data()[-1].p) == LAST
    assert client.avg_price(symbol=SYMBOL).data().mins == 5
    assert Decimal(client.ticker24hr(symbol=SYMBOL).data().actual_instance.last_price) == LAST
    assert Decimal(client.ticker_price(symbol=SYMBOL).data().actual_instance.price) == LAST
    assert Decimal(client.ticker_book_ticker(symbol=SYMBOL).data().actual_instance.ask_price) == ASKS[0]
    window = client.ticker(symbol=SYMBOL, window_size=TickerWindowSizeEnum.WINDOW_SIZE_1h).data()
    assert Decimal(window.actual_instance.last_price) == LAST
    assert Decimal(client.ticker_trading_day(symbol=SYMBOL).data().actual_instance.last_price) == LAST
    several = client.ticker_price(symbols=["BTCUSDT", "ETHUSDT"]).data()
    assert len(several.actual_instance) == 2


def _reads_the_account(client: SpotRestAPI) -> None:
    reply = client.get_account(omit_zero_balances=True)
    account = reply.data()
    assert {entry.asset: entry.free for entry in account.balances} == {
        "BTC": "5.00000000", "USDT": "250000.00000000", "BNB": "10.00000000",
    }  # fmt: skip
    assert [(limit.rateLimitType, limit.interval) for limit in reply.rate_limits] == [
        ("REQUEST_WEIGHT", "MINUTE")
    ]
    assert client.account_commission(symbol=SYMBOL).data().standard_commission.maker is not None
    assert {limit.rate_limit_type for limit in client.rate_limit_order().data()} == {"ORDERS"}


def _places_and_cancels(client: SpotRestAPI) -> None:
    order = {
        "symbol": SYMBOL, "side": BUY, "type": LIMIT, "time_in_force": GTC, "quantity": 0.01, "price": LAST - 1000.0,
    }  # fmt: skip
    client.order_test(**order)
    tested = client.order_test(**order, compute_commission_rates=True).data()
    assert tested.standard_commission_for_order is not None
    reply = client.new_order(**order)
    placed = reply.data()
    assert placed.status == "NEW"
    assert {(limit.rateLimitType, limit.intervalNum) for limit in reply.rate_limits} == {
        ("REQUEST_WEIGHT", 1), ("ORDERS", 10), ("ORDERS", 1),
    }  # fmt: skip
    (opened,) = client.get_open_orders(symbol=SYMBOL).data()
    assert opened.order_id == placed.order_id
    found = client.get_order(symbol=SYMBOL, order_id=placed.order_id).data()
    assert found.client_order_id == placed.client_order_id
    assert client.delete_order(symbol=SYMBOL, order_id=placed.order_id).data().status == "CANCELED"
    assert client.get_open_orders(symbol=SYMBOL).data() == []


def _trades(client: SpotRestAPI) -> None:
    bought = client.new_order(symbol=SYMBOL, side=BUY, type=MARKET, quantity=0.5).data()
    assert bought.status == "FILLED"
    assert [(Decimal(fill.price), fill.qty) for fill in bought.fills] == [(ASKS[0], "0.50000000")]
    sold = client.new_order(symbol=SYMBOL, side=SELL, type=MARKET, quote_order_qty=4999.0).data()
    assert sold.executed_qty == "0.10000000"
    trades = client.my_trades(symbol=SYMBOL).data()
    assert [(trade.is_buyer, trade.is_maker) for trade in trades] == [(True, False), (False, False)]
    assert [order.status for order in client.all_orders(symbol=SYMBOL).data()] == [
        "CANCELED",
        "FILLED",
        "FILLED",
    ]


def _places_stops_and_lists(client: SpotRestAPI) -> None:
    stop = client.new_order(
        symbol=SYMBOL, side=SELL, type=NewOrderTypeEnum.STOP_LOSS_LIMIT, time_in_force=GTC,
        quantity=0.01, price=LAST - 1100.0, stop_price=LAST - 1000.0,
    ).data()  # fmt: skip
    assert client.get_order(symbol=SYMBOL, order_id=stop.order_id).data().is_working is False
    client.delete_order(symbol=SYMBOL, orig_client_order_id=stop.client_order_id)
    legs = {
        "symbol": SYMBOL, "side": SELL, "quantity": 0.01,
        "above_type": OrderListOcoAboveTypeEnum.LIMIT_MAKER, "above_price": LAST + 5000.0,
        "below_type": OrderListOcoBelowTypeEnum.STOP_LOSS_LIMIT, "below_stop_price": LAST - 5000.0,
        "below_price": LAST - 5100.0, "below_time_in_force": OrderListOcoBelowTimeInForceEnum.GTC,
    }  # fmt: skip
    listed = client.order_list_oco(**legs).data()
    assert (listed.contingency_type, listed.list_order_status) == ("OCO", "EXECUTING")
    assert client.get_order_list(order_list_id=listed.order_list_id).data().list_client_order_id
    assert [found.order_list_id for found in client.open_order_list().data()] == [listed.order_list_id]
    ended = client.delete_order_list(symbol=SYMBOL, order_list_id=listed.order_list_id).data()
    assert {report.status for report in ended.order_reports} == {"CANCELED"}
    client.order_oco(
        symbol=SYMBOL, side=SELL, quantity=0.01, price=LAST + 5000.0, stop_price=LAST - 5000.0,
        stop_limit_price=LAST - 5100.0, stop_limit_time_in_force=GTC,
    )  # fmt: skip
    assert len(client.delete_open_orders(symbol=SYMBOL).data()) == 1
    assert len(client.all_order_list().data()) == 2


def _replaces(client: SpotRestAPI) -> None:
    order = {"symbol": SYMBOL, "side": BUY, "type": LIMIT, "time_in_force": GTC, "price": LAST - 2000.0}
    placed = client.new_order(**order, quantity=0.01).data()
    replaced = client.order_cancel_replace(
        **order, quantity=0.02, cancel_order_id=placed.order_id,
        cancel_replace_mode=OrderCancelReplaceCancelReplaceModeEnum.STOP_ON_FAILURE,
    ).data()  # fmt: skip
    assert (replaced.cancel_result, replaced.new_order_result) == ("SUCCESS", "SUCCESS")
    client.delete_open_orders(symbol=SYMBOL)


def test_microseconds_when_asked_for(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC")
    client = sdk(account.testnet, key, time_unit="MICROSECOND")
    assert abs(client.time().data().server_time - time.time() * 1e6) < 2e6
    assert client.get_account().data().update_time >= 0


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_symbol_outside_ascii_is_signed_alike(account: Account, key_type: KeyType) -> None:
    client = sdk(account.testnet, account.testnet.create_key(account.name, key_type))
    order = {"side": BUY, "type": LIMIT, "time_in_force": GTC, "quantity": 1.0, "price": 10.0}
    assert client.order_test(symbol=UNICODE_SYMBOL, **order).status == 200
    assert client.get_open_orders(symbol=UNICODE_SYMBOL).data() == []


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    mixed = TestnetKey(key_type, key.api_key, other.secret, other.pem)
    expected = (BadRequestError, -1022, "Signature for this request is not valid.")
    assert refused(sdk(account.testnet, mixed).get_account) == expected


def test_wrong_key_is_refused(quiet_testnet: TestnetProcess) -> None:
    assert refused(sdk(quiet_testnet, TestnetKey("HMAC", "k" * 64, "s" * 64)).get_account) == BAD_KEY
    malformed = (UnauthorizedError, -2014, "API-key format invalid.")
    assert refused(sdk(quiet_testnet, TestnetKey("HMAC", "short", "s" * 64)).get_account) == malformed


def test_wrong_address_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC", ips=["203.0.113.7"])
    assert refused(sdk(account.testnet, key).get_account) == BAD_KEY


def test_missing_permission_is_refused(account: Account) -> None:
    client = sdk(account.testnet, account.testnet.create_key(account.name, "RSA", permissions=["READING"]))
    assert client.get_account().status == 200
    order = {"symbol": SYMBOL, "side": BUY, "type": MARKET, "quantity": 0.01}
    assert refused(client.new_order, **order) == BAD_KEY


@pytest.mark.parametrize(
    ("offset_ms", "text"),
    [
        (-6_000, "Timestamp for this request is outside of the recvWindow."),
        (2_000, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
def test_wrong_clock_is_refused(
    client: SpotRestAPI, monkeypatch: pytest.MonkeyPatch, offset_ms: int, text: str
) -> None:
    monkeypatch.setattr("binance_common.utils.get_timestamp", lambda: int(time.time() * 1000) + offset_ms)
    assert refused(client.get_account) == (BadRequestError, -1021, text)


def test_orders_breaking_a_rule_are_refused(client: SpotRestAPI, floor: Floor) -> None:
    filters = filters_of(floor)
    for name, expected in REFUSALS.items():
        order = _snake(refused_order(name, filters))
        assert refused(client.new_order, **order) == (BadRequestError, expected.code, expected.text), name


@pytest.mark.parametrize("name", COUNT_REFUSALS)
def test_one_order_too_many_is_refused(
    client: SpotRestAPI, account: Account, floor: Floor, name: str
) -> None:
    fill_up(account, name, filters_of(floor))
    expected = COUNT_REFUSALS[name]
    order = _snake(order_over_count(name))
    assert refused(client.new_order, **order) == (BadRequestError, expected.code, expected.text)


def _snake(order: dict[str, str]) -> dict[str, str]:
    return {SNAKE.get(name, name): value for name, value in order.items()}


def test_unknown_order_is_refused(client: SpotRestAPI) -> None:
    missing = {"symbol": SYMBOL, "order_id": 999_999_999}
    assert refused(client.delete_order, **missing) == (BadRequestError, -2011, "Unknown order sent.")
    assert refused(client.get_order, **missing) == (BadRequestError, -2013, "Order does not exist.")
