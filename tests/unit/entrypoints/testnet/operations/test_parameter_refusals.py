"""What malformed, missing, superfluous and unknown parameters are answered with: Binance's codes and exact texts."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.operations import OperationsFloor, Trader

DECIMAL = "legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."
INTEGER = "legal range is '^[0-9]{1,20}$'."
CLIENT_ID = "legal range is '^[a-zA-Z0-9-_]{1,36}$'."
BAD_COMBINATION = (-1128, "Combination of optional parameters invalid.")

ORDER = {"symbol": "BTCUSDT", "side": "BUY"}
LIMIT = {**ORDER, "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "100"}
MARKET = {**ORDER, "type": "MARKET", "quantity": "1"}
STOP = {**ORDER, "type": "STOP_LOSS", "quantity": "1", "stopPrice": "100"}
STOP_LIMIT = {**LIMIT, "type": "STOP_LOSS_LIMIT", "stopPrice": "100"}
MAKER = {**ORDER, "type": "LIMIT_MAKER", "quantity": "1", "price": "100"}


def missing(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def either(first: str, second: str) -> tuple[int, str]:
    return -1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!"


def superfluous(name: str) -> tuple[int, str]:
    return -1106, f"Parameter '{name}' sent when not required."


def unsupported(kind: str) -> tuple[int, str]:
    return -1013, f"{kind} orders are not supported for this symbol."


def without(params: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in params.items() if key != name}


@pytest.fixture(scope="module")
def alice() -> Iterator[Trader]:
    with OperationsFloor() as floor:
        yield floor.trader()


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, missing("symbol")),
        ({"symbol": ""}, missing("symbol")),
        ({"symbol": "BTCUSDT"}, missing("side")),
        (ORDER, missing("type")),
        ({**LIMIT, "symbol": "NOSUCH"}, (-1121, "Invalid symbol.")),
        (
            {**LIMIT, "symbol": "btcusdt"},
            (
                -1100,
                r"Illegal characters found in parameter 'symbol'; legal range is '^[\w\-._&&[^a-z]]{1,50}$'.",
            ),
        ),
        ({**LIMIT, "side": "HOLD"}, (-1117, "Invalid side.")),
        ({**LIMIT, "type": "ICEBERG"}, (-1116, "Invalid orderType.")),
        ({**LIMIT, "timeInForce": "GTX"}, (-1115, "Invalid timeInForce.")),
        ({**LIMIT, "timeInForce": ""}, (-1105, "Parameter 'timeInForce' was empty.")),
        ({**LIMIT, "price": "1e5"}, (-1100, f"Illegal characters found in parameter 'price'; {DECIMAL}")),
        ({**LIMIT, "price": "-1"}, (-1100, f"Illegal characters found in parameter 'price'; {DECIMAL}")),
        ({**LIMIT, "price": "1" * 40}, (-1100, f"Illegal characters found in parameter 'price'; {DECIMAL}")),
        ({**LIMIT, "price": "9" * 20}, (-1108, "Parameter 'price' overflowed.")),
        ({**LIMIT, "quantity": "0.123456789"}, (-1111, "Parameter 'quantity' has too much precision.")),
        (
            {**LIMIT, "newClientOrderId": "a.b"},
            (-1100, f"Illegal characters found in parameter 'newClientOrderId'; {CLIENT_ID}"),
        ),
        (
            {**LIMIT, "newClientOrderId": "a" * 37},
            (-1100, f"Illegal characters found in parameter 'newClientOrderId'; {CLIENT_ID}"),
        ),
        (
            {**LIMIT, "strategyId": "x"},
            (-1100, f"Illegal characters found in parameter 'strategyId'; {INTEGER}"),
        ),
        ({**LIMIT, "strategyId": "9" * 20}, (-1108, "Parameter 'strategyId' overflowed.")),
        ({**LIMIT, "strategyType": "999999"}, (-1134, "`strategyType` was less than 1000000.")),
        (
            {**LIMIT, "newOrderRespType": "ALL"},
            (-1130, "Data sent for parameter 'newOrderRespType' is not valid."),
        ),
        (
            {**LIMIT, "selfTradePreventionMode": "ALL"},
            (-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."),
        ),
        # unknown names: before conditional mandatory ones, after the values
        (
            {**without(LIMIT, "timeInForce"), "timeInforce": "GTC"},
            (-1104, "Not all sent parameters were read; read '7' parameter(s) but was sent '8'."),
        ),
        # mandatory by type
        (without(LIMIT, "timeInForce"), missing("timeInForce")),
        (without(LIMIT, "quantity"), missing("quantity")),
        (without(LIMIT, "price"), missing("price")),
        (without(MARKET, "quantity"), either("quantity", "quoteOrderQty")),
        (without(STOP, "stopPrice"), either("stopPrice", "trailingDelta")),
        (without(STOP_LIMIT, "stopPrice"), either("stopPrice", "trailingDelta")),
        (without(STOP_LIMIT, "timeInForce"), missing("timeInForce")),
        (without(MAKER, "price"), missing("price")),
        # superfluous by type
        ({**MARKET, "timeInForce": "GTC"}, superfluous("timeInForce")),
        ({**MARKET, "price": "1"}, superfluous("price")),
        ({**MARKET, "quoteOrderQty": "10"}, superfluous("quoteOrderQty")),
        ({**LIMIT, "stopPrice": "1"}, superfluous("stopPrice")),
        ({**LIMIT, "quoteOrderQty": "1"}, superfluous("quoteOrderQty")),
        ({**MAKER, "timeInForce": "GTC"}, superfluous("timeInForce")),
        ({**STOP, "price": "1"}, superfluous("price")),
        ({**STOP, "timeInForce": "GTC"}, superfluous("timeInForce")),
        # what this exchange does not build
        ({**LIMIT, "icebergQty": "0.5"}, unsupported("Iceberg")),
        ({**without(STOP, "stopPrice"), "trailingDelta": "100"}, unsupported("Trailing stop")),
        ({**LIMIT, "pegPriceType": "PRIMARY_PEG"}, unsupported("Pegged")),
        ({**LIMIT, "pegOffsetValue": "1"}, unsupported("Pegged")),
        # a trigger that could never be reached
        ({**STOP, "stopPrice": "0"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({**STOP_LIMIT, "stopPrice": "0.00"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({**without(STOP, "stopPrice"), "trailingDelta": "0"}, (-1013, "Filter failure: PRICE_FILTER")),
    ],
)
def test_place_with_bad_parameters_is_refused(
    alice: Trader, params: dict[str, str], expected: tuple[int, str]
) -> None:
    assert alice.refused("order.place", **params) == expected
    assert alice.refused("order.test", **params) == expected


def test_place_with_more_parameters_than_exist_is_refused(alice: Trader) -> None:
    many = {**LIMIT, **{f"x{number}": "1" for number in range(30)}}
    assert alice.refused("order.place", **many) == (
        -1101,
        "Too many parameters; expected '21' and received '38'.",
    )


def test_status_with_an_orders_parameters_is_refused_as_binance_does(alice: Trader) -> None:
    # Seen live: GET /api/v3/order with the parameters of a new order.
    assert alice.refused("order.status", **LIMIT) == (
        -1101,
        "Too many parameters; expected '6' and received '8'.",
    )


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("order.status", {"symbol": "BTCUSDT"}, either("origClientOrderId", "orderId")),
        ("order.cancel", {"symbol": "BTCUSDT"}, either("origClientOrderId", "orderId")),
        ("order.cancel", {"orderId": "1"}, missing("symbol")),
        ("order.cancel", {"symbol": "BTCUSDT", "orderId": "1", "cancelRestrictions": "NO"}, (-1145, "Invalid cancelRestrictions")),
        ("order.cancel", {"symbol": "BTCUSDT", "orderId": "1"}, (-2011, "Unknown order sent.")),
        ("order.status", {"symbol": "BTCUSDT", "orderId": "1"}, (-2013, "Order does not exist.")),
        ("order.status", {"symbol": "NOSUCH", "orderId": "1"}, (-1121, "Invalid symbol.")),
        ("openOrders.cancelAll", {}, missing("symbol")),
        ("openOrders.cancelAll", {"symbol": "BTCUSDT"}, (-2011, "Unknown order sent.")),
        ("orderList.status", {}, either("orderListId", "origClientOrderId")),
        ("orderList.status", {"orderListId": "0"}, (-2013, "Order list does not exist.")),
        ("orderList.cancel", {"symbol": "BTCUSDT"}, either("orderListId", "listClientOrderId")),
        ("orderList.cancel", {"symbol": "BTCUSDT", "orderListId": "0"}, (-2011, "Unknown order sent.")),
        ("order.cancelReplace", {**LIMIT, "cancelOrderId": "1"}, missing("cancelReplaceMode")),
        (
            "order.cancelReplace", {**LIMIT, "cancelReplaceMode": "ALLOW_FAILURE"},
            either("cancelOrigClientOrderId", "cancelOrderId"),
        ),
        ("allOrders", {}, missing("symbol")),
        (
            "allOrders", {"symbol": "BTCUSDT", "startTime": "1767139200000", "endTime": "1767225600001"},
            (-1127, "More than 24 hours between startTime and endTime."),
        ),
        ("allOrders", {"symbol": "BTCUSDT", "limit": "0"}, (-1130, "Data sent for parameter 'limit' is not valid.")),
        ("allOrderLists", {"fromId": "1", "startTime": "1767139200000"}, BAD_COMBINATION),
        ("myTrades", {"symbol": "BTCUSDT", "orderId": "1", "startTime": "1767139200000"}, BAD_COMBINATION),
        ("myTrades", {"symbol": "BTCUSDT", "fromId": "1", "endTime": "1767139200000"}, BAD_COMBINATION),
        (
            "myTrades", {"symbol": "BTCUSDT", "startTime": "1", "endTime": "1767225600001"},
            (-1127, "More than 24 hours between startTime and endTime."),
        ),
        ("myPreventedMatches", {"symbol": "BTCUSDT"}, BAD_COMBINATION),
        ("myPreventedMatches", {"symbol": "BTCUSDT", "preventedMatchId": "1", "orderId": "1"}, BAD_COMBINATION),
        ("account.status", {"omitZeroBalances": "yes"}, (-1130, "Data sent for parameter 'omitZeroBalances' is not valid.")),
        ("account.commission", {}, missing("symbol")),
        ("order.amend.keepPriority", {"symbol": "BTCUSDT"}, (-2038, "Order amend is not supported for this symbol.")),
        ("order.amend.keepPriority", {}, missing("symbol")),
        ("orderList.place.oto", {"symbol": "BTCUSDT"}, unsupported("OTO")),
        ("orderList.place.otoco", {"symbol": "BTCUSDT"}, unsupported("OTO")),
        ("orderList.place.opo", {"symbol": "BTCUSDT"}, unsupported("OPO")),
        ("orderList.place.opoco", {"symbol": "NOSUCH"}, (-1121, "Invalid symbol.")),
        ("sor.order.place", {"symbol": "BTCUSDT"}, (-1020, "This operation is not supported.")),
        ("sor.order.test", {"symbol": "BTCUSDT"}, (-1020, "This operation is not supported.")),
        ("sapi.v1.asset.tradeFee", {"symbol": "NOSUCH"}, (-1121, "Invalid symbol.")),
    ],
)  # fmt: skip
def test_signed_operation_with_bad_parameters_is_refused(
    alice: Trader, name: str, params: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert alice.refused(name, **params) == expected


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("ping", {"x": "1"}, (-1101, "Too many parameters; expected '0' and received '1'.")),
        ("depth", {"symbol": "BTCUSDT", "depth": "5"}, (-1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'.")),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, (-1100, f"Illegal characters found in parameter 'limit'; {INTEGER}")),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}, (-1220, "The symbol's status does not match the requested symbolStatus.")),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "OPEN"}, (-1122, "Invalid symbolStatus.")),
        ("klines", {"symbol": "BTCUSDT"}, missing("interval")),
        ("klines", {"symbol": "BTCUSDT", "interval": "1M1"}, (-1120, "Invalid interval.")),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "timeZone": "15:00"}, (-1130, "Data sent for parameter 'timeZone' is not valid.")),
        ("trades.aggregate", {"symbol": "BTCUSDT", "fromId": "1", "startTime": "1"}, BAD_COMBINATION),
        ("ticker", {}, either("symbol", "symbols")),
        ("ticker", {"symbol": "BTCUSDT", "windowSize": "8d"}, (-1130, "Data sent for parameter 'windowSize' is not valid.")),
        ("ticker", {"symbol": "BTCUSDT"}, (-2016, "No trading window could be found for the symbol. Try ticker/24hrs instead.")),
        ("ticker.tradingDay", {}, either("symbol", "symbols")),
        ("ticker.24hr", {"symbol": "BTCUSDT", "type": "TINY"}, (-1139, "Invalid ticker type.")),
        ("ticker.price", {"symbols": '["BTCUSDT","BTCUSDT"]'}, (-1151, "Symbol is present multiple times in the list.")),
        ("ticker.price", {"symbols": '["NOSUCH"]'}, (-1121, "Invalid symbol.")),
        (
            "ticker.price", {"symbols": '["A1"]x'},
            (-1100, r"""Illegal characters found in parameter 'symbols'; legal range is '^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'."""),
        ),
        (
            "ticker.price", {"symbols": [f"A{number}" for number in range(101)]},
            (-1101, "Too many values sent for parameter 'symbols', maximum allowed up to 100."),
        ),
        (
            "ticker.book", {"symbol": "BTCUSDT", "symbols": '["BNBBTC"]'},
            (-1128, "Combination of optional parameters invalid. Recommendation: 'symbol' and 'symbols' cannot both be sent."),
        ),
        ("exchangeInfo", {"symbol": "BTCUSDT", "permissions": "SPOT"}, BAD_COMBINATION),
        ("exchangeInfo", {"symbols": '["BTCUSDT"]', "symbolStatus": "TRADING"}, BAD_COMBINATION),
        ("exchangeInfo", {"permissions": '["SPOT"'}, (-1130, "Data sent for parameter 'permissions' is not valid.")),
    ],
)  # fmt: skip
def test_public_operation_with_bad_parameters_is_refused(
    alice: Trader, name: str, params: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert alice.floor.public_refused(name, **params) == expected


def test_oco_leg_with_missing_or_superfluous_parameters_is_refused(alice: Trader) -> None:
    oco = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "60000",
        "belowType": "STOP_LOSS", "belowStopPrice": "40000",
    }  # fmt: skip
    refused = alice.refused
    assert refused("orderList.place.oco", **without(oco, "abovePrice")) == missing("abovePrice")
    assert refused("orderList.place.oco", **without(oco, "belowStopPrice")) == either(
        "belowStopPrice", "belowTrailingDelta"
    )
    assert refused("orderList.place.oco", **oco, aboveTimeInForce="GTC") == superfluous("aboveTimeInForce")
    assert refused("orderList.place.oco", **oco, belowPrice="1") == superfluous("belowPrice")
    assert refused("orderList.place.oco", **{**oco, "aboveType": "LIMIT"}) == (
        -1158,
        "Order type not supported in OCO.",
    )
    assert refused("orderList.place.oco", **oco, aboveIcebergQty="0.1") == unsupported("Iceberg")
    assert refused("orderList.place.oco", **{**oco, "belowStopPrice": "0"}) == (
        -1013,
        "Filter failure: PRICE_FILTER",
    )


def test_old_oco_with_a_limit_price_and_no_time_in_force_is_refused(alice: Trader) -> None:
    base = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "price": "60000", "stopPrice": "40000"}
    assert alice.refused("orderList.place", **base, stopLimitPrice="39000") == (
        -1128,
        "Combination of optional parameters invalid. Recommendation: 'stopLimitTimeInForce' should also be sent.",
    )
    assert alice.refused("orderList.place", **base, stopLimitTimeInForce="GTC") == superfluous(
        "stopLimitTimeInForce"
    )
    assert alice.refused("orderList.place", **base, trailingDelta="10") == unsupported("Trailing stop")
