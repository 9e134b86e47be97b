"""From endpoint and parameters to the typed intent: what is read, and what is Unknown."""

import pytest

from watchword.binance.endpoints import ENDPOINTS
from watchword.kernel.units import SCALE
from watchword.policy.intent import Cancel, Order, Place, Read, Reduce, Unknown, Withdraw
from watchword.policy.reading import WITHDRAW_ROUTE, read_intent

LIMIT = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "quantity": "2", "price": "100.5",
    "newClientOrderId": "a1",
}  # fmt: skip
SIGNED = {"timestamp": "1", "recvWindow": "5000", "signature": "x", "apiKey": "k"}
AMOUNT = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "2"}
OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "2", "aboveType": "LIMIT_MAKER", "abovePrice": "110",
    "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "90", "belowPrice": "89", "belowTimeInForce": "GTC",
    "listClientOrderId": "list", "aboveClientOrderId": "above",
}  # fmt: skip
WORKING = {
    "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "99", "workingQuantity": "2",
    "workingTimeInForce": "GTC", "pendingSide": "SELL",
}  # fmt: skip
PAIR = {
    "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "110", "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "90",
}  # fmt: skip
COINS = {"coin": "BTC", "network": "BTC", "address": "bc1q", "amount": "0.5"}


@pytest.mark.parametrize("extra", [{}, SIGNED])
def test_order_is_read_from_either_door(extra: dict[str, str]) -> None:
    found = read_intent("order.place", LIMIT | extra)
    order = Order("BUY", "LIMIT", 2 * SCALE, "IOC", price=100_50000000, client_order_id="a1")
    assert found == Place("order.place", "BTCUSDT", ((order,),))


def test_test_order_is_dry() -> None:
    found = read_intent("order.test", LIMIT | {"computeCommissionRates": "true"})
    assert isinstance(found, Place)
    assert found.dry


def test_cancel_replace_names_both_halves() -> None:
    found = read_intent(
        "order.cancelReplace", LIMIT | {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": "7"}
    )
    assert isinstance(found, Place)
    assert found.cancels == Cancel("order.cancelReplace", "BTCUSDT", "order", 7, "")
    assert found.orders[0].price == 100_50000000


def test_oco_is_one_group() -> None:
    found = read_intent("orderList.place.oco", OCO)
    assert isinstance(found, Place)
    assert [len(group) for group in found.groups] == [2]
    above, below = found.orders
    assert (above.type, above.price, above.client_order_id) == ("LIMIT_MAKER", 110 * SCALE, "above")
    assert (below.type, below.stop_price, below.price) == ("STOP_LOSS_LIMIT", 90 * SCALE, 89 * SCALE)
    assert above.quantity == below.quantity == 2 * SCALE
    assert found.list_client_order_id == "list"


@pytest.mark.parametrize(
    ("side", "extra", "types"),
    [
        ("SELL", {}, ("LIMIT_MAKER", "STOP_LOSS")),
        ("BUY", {"stopLimitPrice": "91", "stopLimitTimeInForce": "GTC"}, ("STOP_LOSS_LIMIT", "LIMIT_MAKER")),
    ],
)
def test_deprecated_oco_has_the_same_groups(side: str, extra: dict[str, str], types: tuple[str, str]) -> None:
    params = AMOUNT | {"side": side, "price": "110", "stopPrice": "90"} | extra
    found = read_intent("orderList.place", params)
    assert isinstance(found, Place)
    assert tuple(order.type for order in found.groups[0]) == types


def test_oto_is_two_groups() -> None:
    pending = {"pendingType": "MARKET", "pendingQuantity": "1"}
    found = read_intent("orderList.place.oto", WORKING | pending)
    assert isinstance(found, Place)
    assert [[order.quantity for order in group] for group in found.groups] == [[2 * SCALE], [SCALE]]


def test_otoco_is_a_group_and_a_pair() -> None:
    found = read_intent("orderList.place.otoco", WORKING | PAIR | {"pendingQuantity": "1"})
    assert isinstance(found, Place)
    assert [len(group) for group in found.groups] == [1, 2]
    assert found.groups[1][1].stop_price == 90 * SCALE


def test_opo_pends_what_the_working_order_brings() -> None:
    pending = {"pendingType": "LIMIT", "pendingPrice": "120", "pendingTimeInForce": "GTC"}
    found = read_intent("orderList.place.opo", WORKING | pending)
    assert isinstance(found, Place)
    assert found.groups[1][0].quantity == 2 * SCALE
    pair = read_intent("orderList.place.opoco", WORKING | PAIR)
    assert isinstance(pair, Place)
    assert [order.quantity for order in pair.groups[1]] == [2 * SCALE, 2 * SCALE]


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("order.cancel", {"orderId": "7"}, Cancel("order.cancel", "BTCUSDT", "order", 7)),
        (
            "order.cancel",
            {"origClientOrderId": "a", "cancelRestrictions": "ONLY_NEW"},
            Cancel("order.cancel", "BTCUSDT", "order", 0, "a"),
        ),
        ("openOrders.cancelAll", {}, Cancel("openOrders.cancelAll", "BTCUSDT", "symbol")),
        ("orderList.cancel", {"orderListId": "3"}, Cancel("orderList.cancel", "BTCUSDT", "list", 3)),
        (
            "order.amend.keepPriority",
            {"orderId": "7", "newQty": "1"},
            Reduce("order.amend.keepPriority", "BTCUSDT", SCALE, 7),
        ),
    ],
)
def test_cancels_and_reductions_are_read(name: str, params: dict[str, str], expected: object) -> None:
    assert read_intent(name, {"symbol": "BTCUSDT", **params}) == expected


def test_withdrawal_is_read_to_the_letter() -> None:
    found = read_intent(WITHDRAW_ROUTE, COINS | {"addressTag": "9"})
    assert found == Withdraw(WITHDRAW_ROUTE, "BTC", "BTC", "bc1q", "9", 50_000_000)


@pytest.mark.parametrize(
    "name",
    ["order.cancel", "openOrders.cancelAll", "orderList.cancel", "order.amend.keepPriority", "order.test",
     "order.cancelReplace", "orderList.place", "orderList.place.oco", "order.place", "sor.order.place", "sor.order.test",
     WITHDRAW_ROUTE],
)  # fmt: skip
def test_change_without_its_parameters_is_unknown(name: str) -> None:
    assert isinstance(read_intent(name, {}), Unknown)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("order.place", LIMIT | {"tomorrow": "1"}),
        ("order.place", {key: value for key, value in LIMIT.items() if key != "price"}),
        ("order.place", LIMIT | {"price": "0"}),
        ("order.place", LIMIT | {"quantity": "0"}),
        ("order.place", LIMIT | {"quantity": "1e3"}),
        ("order.place", LIMIT | {"side": "buy"}),
        ("order.place", LIMIT | {"pegPriceType": "PRIMARY_PEG"}),
        ("order.place", AMOUNT | {"type": "MARKET", "quoteOrderQty": "5"}),
        ("order.place", AMOUNT | {"type": "STOP_LOSS", "stopPrice": "0"}),
        ("order.test", LIMIT | {"quantity": "0"}),
        ("sor.order.place", AMOUNT | {"type": "STOP_LOSS", "stopPrice": "90"}),
        ("sor.order.place", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "5"}),
        ("order.cancelReplace", LIMIT | {"cancelReplaceMode": "ALLOW_FAILURE"}),
        (
            "order.cancelReplace",
            LIMIT | {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": "7", "price": "0"},
        ),
        ("orderList.place.oco", OCO | {"belowType": "TAKE_PROFIT_LIMIT"}),
        ("orderList.place.oco", OCO | {"abovePegPriceType": "PRIMARY_PEG"}),
        ("orderList.place.oco", OCO | {"abovePrice": "0"}),
        ("orderList.place.oco", OCO | {"belowPrice": ""}),
        ("orderList.place", AMOUNT | {"price": "110", "stopPrice": "0"}),
        (
            "orderList.place.oto",
            WORKING | {"workingType": "MARKET", "pendingType": "MARKET", "pendingQuantity": "1"},
        ),
        (
            "orderList.place.oto",
            WORKING
            | {"workingType": "STOP_LOSS_LIMIT", "workingStopPrice": "90", "pendingType": "MARKET",
               "pendingQuantity": "1"},
        ),
        (WITHDRAW_ROUTE, {key: value for key, value in COINS.items() if key != "network"}),
        (WITHDRAW_ROUTE, COINS | {"address": "x" * 257}),
        (WITHDRAW_ROUTE, COINS | {"amount": "0.123456789"}),
    ],
)  # fmt: skip
def test_change_that_is_not_read_whole_is_unknown(name: str, params: dict[str, str]) -> None:
    found = read_intent(name, params)
    assert isinstance(found, Unknown)
    assert found.why


def test_sor_order_is_an_order() -> None:
    assert isinstance(read_intent("sor.order.place", LIMIT), Place)
    found = read_intent("sor.order.test", LIMIT)
    assert isinstance(found, Place)
    assert found.dry


@pytest.mark.parametrize(
    "name",
    ["POST /sapi/v1/asset/transfer", "POST /sapi/v1/convert/acceptQuote", "DELETE /sapi/v1/margin/openOrders",
     "POST /fapi/v1/order", "order.brandNew", "GET", "session.unheard"],
)  # fmt: skip
def test_operation_nobody_typed_is_unknown(name: str) -> None:
    assert isinstance(read_intent(name, LIMIT), Unknown)


def test_get_outside_the_table_is_a_read_of_the_account() -> None:
    assert read_intent("GET /fapi/v1/positionRisk", {}) == Read("GET /fapi/v1/positionRisk", "USER_DATA")


def test_every_endpoint_that_trades_is_a_change_and_no_other_is() -> None:
    for endpoint in ENDPOINTS:
        changes = not isinstance(read_intent(endpoint.name, {}), Read)
        assert changes == (endpoint.security == "TRADE"), endpoint.name
        if endpoint.http_method not in {"", "GET"}:
            assert changes, endpoint.name
