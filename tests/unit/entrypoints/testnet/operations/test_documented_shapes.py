"""Every REST route and every WebSocket API method: names and types against the documented example, weight, security."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.operations import OperationsFloor, Trader
from tests.support.shapes import SHAPES, mismatch

from watchword.binance.endpoints import BY_NAME, ENDPOINTS, classify, for_ws
from watchword.binance.errors import WireError
from watchword.binance.sapi_endpoints import SAPI_BY_NAME
from watchword.entrypoints.testnet.operations import OPERATIONS

#: name, security, weight, parameters, which documented example (by place in tests/vectors/binance_shapes.json).
CASES: tuple[tuple[str, str, int, dict[str, Any], int], ...] = (
    ("ping", "NONE", 1, {}, 0),
    ("time", "NONE", 1, {}, 0),
    ("exchangeInfo", "NONE", 20, {}, 0),
    ("depth", "NONE", 5, {"symbol": "BTCUSDT"}, 0),
    ("depth", "NONE", 25, {"symbol": "BTCUSDT", "limit": 500}, 0),
    ("depth", "NONE", 50, {"symbol": "BTCUSDT", "limit": 1000}, 0),
    ("depth", "NONE", 250, {"symbol": "BTCUSDT", "limit": 5000}, 0),
    ("trades.recent", "NONE", 25, {"symbol": "BTCUSDT"}, 0),
    ("trades.historical", "NONE", 25, {"symbol": "BTCUSDT", "fromId": 1}, 0),
    ("trades.aggregate", "NONE", 4, {"symbol": "BTCUSDT"}, 0),
    ("klines", "NONE", 2, {"symbol": "BTCUSDT", "interval": "1m"}, 0),
    ("uiKlines", "NONE", 2, {"symbol": "BTCUSDT", "interval": "1M"}, 0),
    ("avgPrice", "NONE", 2, {"symbol": "BTCUSDT"}, 0),
    ("ticker.24hr", "NONE", 2, {"symbol": "BTCUSDT"}, 0),
    ("ticker.24hr", "NONE", 80, {}, 1),
    ("ticker.24hr", "NONE", 2, {"symbol": "BTCUSDT", "type": "MINI"}, 2),
    ("ticker.24hr", "NONE", 2, {"symbols": ["BTCUSDT", "BNBBTC"], "type": "MINI"}, 3),
    ("ticker.tradingDay", "NONE", 4, {"symbol": "BTCUSDT"}, 0),
    ("ticker.tradingDay", "NONE", 8, {"symbols": ["BTCUSDT", "BNBBTC"]}, 1),
    ("ticker.tradingDay", "NONE", 4, {"symbol": "BTCUSDT", "type": "MINI"}, 2),
    ("ticker.tradingDay", "NONE", 8, {"symbols": ["BTCUSDT", "BNBBTC"], "type": "MINI"}, 3),
    ("ticker.price", "NONE", 2, {"symbol": "BTCUSDT"}, 0),
    ("ticker.price", "NONE", 4, {}, 1),
    ("ticker.book", "NONE", 2, {"symbol": "BTCUSDT"}, 0),
    ("ticker.book", "NONE", 4, {}, 1),
    ("ticker", "NONE", 4, {"symbol": "BTCUSDT"}, 0),
    ("ticker", "NONE", 8, {"symbols": ["BTCUSDT", "BNBBTC"]}, 1),
    ("ticker", "NONE", 4, {"symbol": "BTCUSDT", "type": "MINI", "windowSize": "7d"}, 2),
    ("ticker", "NONE", 8, {"symbols": ["BTCUSDT", "BNBBTC"], "type": "MINI"}, 3),
    ("order.place", "TRADE", 1, {"@": "limit", "newOrderRespType": "ACK"}, 0),
    ("order.place", "TRADE", 1, {"@": "limit", "newOrderRespType": "RESULT"}, 1),
    ("order.place", "TRADE", 1, {"@": "limit", "price": "50000"}, 2),
    ("order.test", "TRADE", 1, {"@": "limit"}, 0),
    ("order.test", "TRADE", 20, {"@": "limit", "computeCommissionRates": True}, 1),
    ("order.status", "USER_DATA", 4, {"symbol": "BTCUSDT", "origClientOrderId": "resting"}, 0),
    ("order.cancel", "TRADE", 1, {"symbol": "BTCUSDT", "origClientOrderId": "resting"}, 0),
    ("order.cancelReplace", "TRADE", 1, {"@": "replace", "cancelOrigClientOrderId": "resting", "newOrderRespType": "FULL"}, 0),
    ("order.cancelReplace", "TRADE", 1, {"@": "replace", "cancelOrigClientOrderId": "nobody"}, 1),
    ("order.cancelReplace", "TRADE", 1, {"@": "replace", "cancelOrigClientOrderId": "resting", "quantity": 150}, 2),
    (
        "order.cancelReplace", "TRADE", 1,
        {"@": "replace", "cancelOrigClientOrderId": "nobody", "cancelReplaceMode": "ALLOW_FAILURE"}, 3,
    ),
    (
        "order.cancelReplace", "TRADE", 1,
        {"@": "replace", "cancelOrigClientOrderId": "nobody", "cancelReplaceMode": "ALLOW_FAILURE", "quantity": 150}, 4,
    ),
    ("openOrders.status", "USER_DATA", 6, {"symbol": "BTCUSDT"}, 0),
    ("openOrders.status", "USER_DATA", 80, {}, 0),
    ("openOrders.cancelAll", "TRADE", 1, {"symbol": "BTCUSDT"}, -1),
    ("allOrders", "USER_DATA", 20, {"symbol": "BTCUSDT"}, 0),
    ("orderList.place", "TRADE", 1, {"@": "old_oco"}, 0),
    ("orderList.place.oco", "TRADE", 1, {"@": "oco"}, 0),
    ("orderList.status", "USER_DATA", 4, {"origClientOrderId": "resting-list"}, 0),
    ("orderList.cancel", "TRADE", 1, {"symbol": "BTCUSDT", "listClientOrderId": "resting-list"}, 0),
    ("openOrderLists.status", "USER_DATA", 6, {}, 0),
    ("allOrderLists", "USER_DATA", 20, {}, 0),
    ("account.status", "USER_DATA", 20, {}, 0),
    ("account.commission", "USER_DATA", 20, {"symbol": "BTCUSDT"}, 0),
    ("account.rateLimits.orders", "USER_DATA", 40, {}, 0),
    ("myTrades", "USER_DATA", 20, {"symbol": "BTCUSDT"}, 0),
    ("myTrades", "USER_DATA", 5, {"symbol": "BTCUSDT", "orderId": 1}, 0),
    ("myPreventedMatches", "USER_DATA", 2, {"symbol": "BTCUSDT", "preventedMatchId": 1}, 0),
    ("myPreventedMatches", "USER_DATA", 20, {"symbol": "BTCUSDT", "orderId": 5}, 0),
    ("myAllocations", "USER_DATA", 20, {"symbol": "BTCUSDT"}, 0),
    ("myFilters", "USER_DATA", 40, {"symbol": "BTCUSDT"}, 0),
    ("order.amendments", "USER_DATA", 4, {"symbol": "BTCUSDT", "orderId": 1}, 0),
    ("sapi.v1.account.apiRestrictions", "USER_DATA", 1, {}, 0),
    ("sapi.v1.account.apiTradingStatus", "USER_DATA", 1, {}, 0),
    ("sapi.v1.account.status", "USER_DATA", 1, {}, 0),
    ("sapi.v1.system.status", "NONE", 1, {}, 0),
    ("sapi.v1.capital.config.getall", "USER_DATA", 10, {}, 0),
    ("sapi.v1.margin.allPairs", "NONE", 1, {}, 0),
    ("sapi.v1.margin.isolated.allPairs", "NONE", 10, {}, 0),
    ("sapi.v1.asset.tradeFee", "USER_DATA", 1, {"symbol": "BTCUSDT"}, 0),
    ("fapi.v1.exchangeInfo", "NONE", 1, {}, 0),
    ("dapi.v1.exchangeInfo", "NONE", 1, {}, 0),
)  # fmt: skip

BASES: dict[str, dict[str, Any]] = {
    "limit": {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
        "price": "49000",
    },
    "replace": {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT_MAKER", "quantity": "1", "price": "52000",
        "cancelReplaceMode": "STOP_ON_FAILURE",
    },
    "oco": {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "60000",
        "belowType": "STOP_LOSS", "belowStopPrice": "40000",
    },
    "old_oco": {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "price": "60000", "stopPrice": "40000",
        "stopLimitPrice": "39000", "stopLimitTimeInForce": "GTC",
    },
}  # fmt: skip
#: The engine's door answers these itself.
SESSION = frozenset(e.name for e in ENDPOINTS if e.name.startswith(("session.", "userDataStream.")))
#: Asked for, they are refused: see test_refusals.
REFUSED = frozenset(
    ("order.amend.keepPriority", "orderList.place.oto", "orderList.place.otoco", "orderList.place.opo",
     "orderList.place.opoco", "sor.order.place", "sor.order.test")
)  # fmt: skip


@pytest.fixture
def floor() -> Iterator[tuple[OperationsFloor, Trader]]:
    """A venue where alice has a filled, a resting and a cancelled order, a list and a prevented match."""
    with OperationsFloor() as floor:
        alice, bob = floor.trader("alice"), floor.trader("bob")
        bob.limit("SELL", "50000", "2")
        alice.limit("BUY", "50000", "0.1")
        gone = alice.limit("BUY", "48000", "0.1")
        alice.do("order.cancel", symbol="BTCUSDT", orderId=gone["orderId"])
        alice.limit("BUY", "49500", "0.1", newClientOrderId="crossed")
        alice.limit("SELL", "49500", "0.1", selfTradePreventionMode="EXPIRE_BOTH")
        alice.limit("BUY", "47000", "0.1", newClientOrderId="resting")
        alice.do("orderList.place.oco", **BASES["oco"], listClientOrderId="resting-list")
        yield floor, alice


@pytest.mark.parametrize("websocket", [False, True], ids=["rest", "ws"])
@pytest.mark.parametrize(("name", "security", "weight", "params", "example"), CASES)
def test_answer_of_every_operation_has_the_documented_shape(
    floor: tuple[OperationsFloor, Trader],
    name: str,
    security: str,
    weight: int,
    params: dict[str, Any],
    example: int,
    websocket: bool,
) -> None:
    endpoint = BY_NAME[name]
    if websocket and not endpoint.ws_method:
        assert for_ws(name) is None
        return
    venue, alice = floor
    venue.websocket = websocket
    full = {
        **BASES.get(params.get("@", ""), {}),
        **{key: value for key, value in params.items() if key != "@"},
    }
    answer = venue.call(name, alice.credential if security != "NONE" else None, full)
    if isinstance(answer, WireError):
        assert answer.payload, answer
        answer = answer.payload
    decoded = json.loads(answer)
    examples = SHAPES[f"{endpoint.http_method} {endpoint.path}"]
    if example == -1:  # a mixed array: each element is one of the examples' elements
        assert {_kind(element, examples) for element in decoded} == set(range(len(examples)))
    else:
        assert mismatch(decoded, examples[example]) is None
    assert endpoint.security == security
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in full.items()}
    assert endpoint.weight(texts) == weight


def _kind(element: Any, examples: list[Any]) -> int:
    fits = [index for index, example in enumerate(examples) if mismatch([element], example) is None]
    assert len(fits) == 1, element
    return fits[0]


def test_cases_cover_every_operation() -> None:
    covered = {case[0] for case in CASES}
    # The routes of /sapi are held against the official SDKs' models, in the contract tests.
    of_sapi = SAPI_BY_NAME.keys()
    assert covered | REFUSED == OPERATIONS.keys() - of_sapi
    assert OPERATIONS.keys() | SESSION == {endpoint.name for endpoint in ENDPOINTS} | of_sapi


def test_every_route_and_method_leads_to_its_endpoint() -> None:
    for endpoint in ENDPOINTS:
        if endpoint.path:
            assert classify(endpoint.http_method, endpoint.path) is endpoint
        if endpoint.ws_method:
            assert for_ws(endpoint.ws_method) is for_ws(f"v3/{endpoint.ws_method}") is endpoint


def test_shape_comparison_finds_a_wrong_type_a_missing_and_an_extra_name() -> None:
    shape = {"a": "i", "b": ["d"]}
    assert mismatch({"a": 1, "b": ["1.0"]}, shape) is None
    assert mismatch({"a": "1", "b": []}, shape) is not None
    assert mismatch({"a": True, "b": []}, shape) is not None
    assert mismatch({"a": 1}, shape) is not None
    assert mismatch({"a": 1, "b": [], "c": 1}, shape) is not None
    assert mismatch({"a": 1, "b": ["x"]}, shape) is not None
