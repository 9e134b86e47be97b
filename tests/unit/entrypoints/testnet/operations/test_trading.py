"""Placing and cancelling: what is answered when it works, and what the engine's refusals look like."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.operations import START_US, OperationsFloor, Trader

from watchword.binance.errors import WireError

STALE = (-1021, "Timestamp for this request is outside of the recvWindow.")
TOO_MANY = WireError(
    -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", 429, START_US + 5
)
OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "60000",
    "belowType": "STOP_LOSS", "belowStopPrice": "40000",
}  # fmt: skip


@pytest.fixture
def floor() -> Iterator[OperationsFloor]:
    with OperationsFloor() as floor:
        yield floor


@pytest.fixture
def alice(floor: OperationsFloor) -> Trader:
    return floor.trader("alice")


@pytest.fixture
def bob(floor: OperationsFloor) -> Trader:
    return floor.trader("bob")


def place(trader: Trader, **params: Any) -> Any:
    return trader.do("order.place", **{"symbol": "BTCUSDT", "side": "BUY", **params})


def test_limit_answers_in_full_and_limit_maker_with_ack_by_default(alice: Trader) -> None:
    assert place(alice, type="LIMIT", timeInForce="GTC", quantity="1", price="100")["fills"] == []
    assert list(place(alice, type="LIMIT_MAKER", quantity="1", price="101")) == [
        "symbol", "orderId", "orderListId", "clientOrderId", "transactTime",
    ]  # fmt: skip


def test_fills_are_the_takers_own_in_order(alice: Trader, bob: Trader) -> None:
    bob.limit("SELL", "50000", "0.2")
    alice.limit("BUY", "50000", "0.1")
    bob.limit("SELL", "50001", "0.2")
    answer = place(alice, type="MARKET", quantity="0.3")
    assert [(fill["price"], fill["qty"], fill["tradeId"]) for fill in answer["fills"]] == [
        ("50000.00000000", "0.10000000", 2),
        ("50001.00000000", "0.20000000", 3),
    ]
    assert [fill["commission"] for fill in answer["fills"]] == ["0.00010000", "0.00020000"]
    assert answer["status"] == "FILLED"
    assert answer["cummulativeQuoteQty"] == "15000.20000000"
    assert answer["timeInForce"] == "GTC"


def test_market_short_of_liquidity_expires_and_says_why(alice: Trader, bob: Trader) -> None:
    bob.limit("SELL", "50000", "0.2")
    alice.limit("BUY", "50000", "0.1")
    answer = place(alice, type="MARKET", quantity="0.3")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.10000000")
    assert answer["expiryReason"] == "INSUFFICIENT_LIQUIDITY"


def test_stop_order_shows_its_stop_price_and_is_not_working(alice: Trader) -> None:
    params = {
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "101",
        "stopPrice": "100",
    }
    answer = place(alice, **params, newOrderRespType="RESULT")
    assert (answer["stopPrice"], answer["workingTime"]) == ("100.00000000", -1)
    queried = alice.do("order.status", symbol="BTCUSDT", orderId=answer["orderId"])
    assert (queried["isWorking"], queried["workingTime"], queried["stopPrice"]) == (False, -1, "100.00000000")


def test_strategy_is_shown_only_where_it_was_sent(alice: Trader) -> None:
    plain = alice.limit("BUY", "100", "1")
    marked = alice.limit("BUY", "100", "1", strategyId=7, strategyType=1_000_000)
    assert "strategyId" not in plain
    assert (marked["strategyId"], marked["strategyType"]) == (7, 1_000_000)
    queried = alice.do("order.status", symbol="BTCUSDT", orderId=marked["orderId"])
    assert (queried["strategyId"], queried["strategyType"]) == (7, 1_000_000)


def test_prevented_self_trade_is_shown_with_its_match(alice: Trader) -> None:
    alice.limit("BUY", "100", "1", newClientOrderId="first")
    alice.limit("SELL", "100", "1", selfTradePreventionMode="EXPIRE_MAKER")
    queried = alice.do("order.status", symbol="BTCUSDT", origClientOrderId="first")
    assert queried["status"] == "EXPIRED_IN_MATCH"
    assert queried["preventedQuantity"] == "1.00000000"
    (match,) = alice.do("myPreventedMatches", symbol="BTCUSDT", preventedMatchId=queried["preventedMatchId"])
    assert (match["selfTradePreventionMode"], match["makerOrderId"]) == ("EXPIRE_MAKER", queried["orderId"])


def test_client_order_ids_are_made_up_in_binances_form_and_differ(alice: Trader) -> None:
    ids = {alice.limit("BUY", str(100 + number), "1")["clientOrderId"] for number in range(40)}
    assert len(ids) == 40
    assert all(len(text) == 22 and text.isalnum() and text.isascii() for text in ids)


def test_timestamps_follow_the_time_unit(floor: OperationsFloor, alice: Trader) -> None:
    floor.clock.at_us += 7
    floor.micros = True
    answer = alice.limit("BUY", "100", "1")
    assert answer["transactTime"] == answer["workingTime"] == START_US + 7
    floor.micros = False
    assert alice.limit("BUY", "100", "1")["transactTime"] == START_US // 1000


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("order.place", {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "100"}),
        ("order.cancel", {"symbol": "BTCUSDT", "orderId": 1}),
        ("openOrders.cancelAll", {"symbol": "BTCUSDT"}),
        ("orderList.place.oco", OCO),
        ("orderList.cancel", {"symbol": "BTCUSDT", "orderListId": 1}),
        (
            "order.cancelReplace",
            {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "100",
             "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 1},
        ),
    ],
)  # fmt: skip
def test_request_past_its_deadline_never_reaches_the_engine(
    floor: OperationsFloor, alice: Trader, name: str, params: dict[str, Any]
) -> None:
    alice.limit("BUY", "100", "1")
    sequence = floor.testnet.venue.sequence
    floor.window_us = -1
    assert alice.refused(name, **params) == STALE
    assert floor.testnet.venue.sequence == sequence
    floor.window_us = 0
    alice.raw(name, **params)
    assert floor.testnet.venue.sequence == sequence + 1


def test_test_order_leaves_no_trace(floor: OperationsFloor, alice: Trader) -> None:
    sequence = floor.testnet.venue.sequence
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "100"}
    assert alice.do("order.test", **params) == {}
    rates = alice.do("order.test", **params, computeCommissionRates=True)
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert floor.testnet.venue.sequence == sequence


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"quantity": "1000", "price": "50000"}, (-1013, "Filter failure: NOTIONAL")),
        ({"quantity": "9001", "price": "49000"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"quantity": "0.000001", "price": "50000"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"quantity": "0.000015", "price": "50000"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"quantity": "1", "price": "50000.001"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({"quantity": "1", "price": "1000000.01"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({"quantity": "0.00001", "price": "50000"}, (-1013, "Filter failure: NOTIONAL")),
        ({"quantity": "1", "price": "300000"}, (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        ({"quantity": "1", "price": "9000"}, (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        ({"quantity": "0", "price": "50000"}, (-1013, "Invalid quantity.")),
        ({"quantity": "1", "price": "0"}, (-1013, "Invalid price.")),
        ({"quantity": "150", "price": "49000"}, None),
        (
            {"quantity": "170", "price": "52000"},
            (-2010, "Account has insufficient balance for requested action."),
        ),
    ],
)
def test_limit_order_is_judged_by_every_filter(
    alice: Trader, bob: Trader, params: dict[str, str], expected: tuple[int, str] | None
) -> None:
    bob.limit("SELL", "50000", "0.1")
    alice.limit("BUY", "50000", "0.1")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **params}
    if expected is None:
        alice.do("order.place", **order)
    elif expected[0] == -2010:
        alice.limit("BUY", "49000", "60")
        assert alice.refused("order.place", **order) == expected
    else:
        assert alice.refused("order.place", **order) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"quantity": "121"}, "MARKET_LOT_SIZE"),
        ({"quantity": "9001"}, "LOT_SIZE"),
        ({"quantity": "0.00001"}, "NOTIONAL"),
        ({"quoteOrderQty": "4.99"}, "NOTIONAL"),
        ({"quoteOrderQty": "7000000"}, "MARKET_LOT_SIZE"),
    ],
)
def test_market_order_is_judged_by_every_filter(
    alice: Trader, bob: Trader, params: dict[str, str], expected: str
) -> None:
    bob.limit("SELL", "50000", "0.1")
    alice.limit("BUY", "50000", "0.1")
    answer = alice.refused("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", **params)
    assert answer == (-1013, f"Filter failure: {expected}")


def test_market_order_before_any_trade_fails_notional(alice: Trader) -> None:
    answer = alice.refused("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")
    assert answer == (-1013, "Filter failure: NOTIONAL")


def test_engine_refusals_keep_their_texts(alice: Trader, bob: Trader) -> None:
    bob.limit("SELL", "50000", "0.1")
    alice.limit("BUY", "100", "1", newClientOrderId="mine")
    limit = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
    assert alice.refused("order.place", **limit, price="100", newClientOrderId="mine") == (
        -2010,
        "Duplicate order sent.",
    )
    maker = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "50000"}
    assert alice.refused("order.place", **maker) == (-2010, "Order would immediately match and take.")


def test_cancel_by_both_ids_needs_them_to_agree(alice: Trader) -> None:
    order_id = alice.limit("BUY", "100", "1", newClientOrderId="mine")["orderId"]
    answer = alice.refused("order.cancel", symbol="BTCUSDT", orderId=order_id, origClientOrderId="other")
    assert answer == (-2011, "Cancel order is invalid. Check origClOrdId and orderId.")
    canceled = alice.do(
        "order.cancel", symbol="BTCUSDT", orderId=order_id, origClientOrderId="mine", newClientOrderId="bye"
    )
    assert (canceled["origClientOrderId"], canceled["clientOrderId"]) == ("mine", "bye")
    assert (canceled["status"], canceled["price"]) == ("CANCELED", "100.00000000")


def test_cancel_of_one_leg_answers_with_the_whole_list(alice: Trader) -> None:
    placed = alice.do("orderList.place.oco", **OCO)
    answer = alice.do("order.cancel", symbol="BTCUSDT", orderId=placed["orders"][0]["orderId"])
    assert (answer["orderListId"], answer["listOrderStatus"]) == (placed["orderListId"], "ALL_DONE")
    assert [report["status"] for report in answer["orderReports"]] == ["CANCELED", "CANCELED"]
    assert alice.do("openOrders.status") == []


def test_cancel_all_answers_orders_and_lists(alice: Trader) -> None:
    alice.limit("BUY", "100", "1")
    alice.do("orderList.place.oco", **OCO)
    answer = alice.do("openOrders.cancelAll", symbol="BTCUSDT")
    assert ["orderReports" in element for element in answer] == [False, True]


def test_old_and_new_oco_place_the_same_list(alice: Trader) -> None:
    old = alice.do(
        "orderList.place", symbol="BTCUSDT", side="SELL", quantity="1", price="60000", stopPrice="40000",
        stopLimitPrice="39000", stopLimitTimeInForce="GTC", limitClientOrderId="l", stopClientOrderId="s",
    )  # fmt: skip
    new = alice.do(
        "orderList.place.oco", **{**OCO, "belowType": "STOP_LOSS_LIMIT"}, belowPrice="39000",
        belowTimeInForce="GTC", aboveClientOrderId="l2", belowClientOrderId="s2",
    )  # fmt: skip
    ignored = {"orderId", "orderListId", "clientOrderId"}
    for left, right in zip(old["orderReports"], new["orderReports"], strict=True):
        assert {k: v for k, v in left.items() if k not in ignored} == {
            k: v for k, v in right.items() if k not in ignored
        }
    assert [leg["clientOrderId"] for leg in old["orders"]] == ["s", "l"]
    assert [leg["clientOrderId"] for leg in new["orders"]] == ["s2", "l2"]


def replace(trader: Trader, mode: str, **params: Any) -> tuple[int, int, dict[str, Any]]:
    """Cancel-replace; HTTP status, code (0: none) and both halves."""
    base = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "100"}
    answer = trader.raw("order.cancelReplace", **{**base, "cancelReplaceMode": mode, **params})
    if isinstance(answer, WireError):
        halves = json.loads(answer.payload) if answer.payload else {}
        return answer.http_status, answer.code, halves
    return 200, 0, json.loads(answer)


@pytest.mark.parametrize(
    ("mode", "cancel_works", "new_works", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", True, True, 200, 0, ("SUCCESS", "SUCCESS")),
        ("STOP_ON_FAILURE", False, True, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("STOP_ON_FAILURE", True, False, 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", True, True, 200, 0, ("SUCCESS", "SUCCESS")),
        ("ALLOW_FAILURE", False, False, 400, -2022, ("FAILURE", "FAILURE")),
        ("ALLOW_FAILURE", False, True, 409, -2021, ("FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", True, False, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)
def test_cancel_replace_within_limits_answers_as_the_table_says(
    alice: Trader,
    mode: str,
    cancel_works: bool,
    new_works: bool,
    status: int,
    code: int,
    results: tuple[str, str],
) -> None:
    order_id = alice.limit("BUY", "99", "1")["orderId"]
    answer = replace(
        alice, mode, cancelOrderId=order_id if cancel_works else 999, side="SELL",
        quantity="1" if new_works else "150",
    )  # fmt: skip
    if not new_works:
        assert answer[2]["newOrderResponse"]["code"] == -2010
    assert (answer[0], answer[1]) == (status, code)
    assert (answer[2]["cancelResult"], answer[2]["newOrderResult"]) == results
    if results[1] == "NOT_ATTEMPTED":
        assert answer[2]["newOrderResponse"] is None


@pytest.mark.parametrize(
    ("mode", "cancel_works", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", False, 429, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("STOP_ON_FAILURE", True, 429, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", True, 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", False, 400, -2022, ("FAILURE", "FAILURE")),
    ],
)
def test_cancel_replace_over_the_order_limit_only_cancels(
    floor: OperationsFloor,
    alice: Trader,
    mode: str,
    cancel_works: bool,
    status: int,
    code: int,
    results: tuple[str, str],
) -> None:
    order_id = alice.limit("BUY", "99", "1")["orderId"]
    floor.over_order_limit = TOO_MANY
    answer = replace(
        alice, mode, cancelOrderId=order_id if cancel_works else 999, orderRateLimitExceededMode="CANCEL_ONLY"
    )
    assert (answer[0], answer[1]) == (status, code)
    assert (answer[2]["cancelResult"], answer[2]["newOrderResult"]) == results
    if results[1] == "FAILURE":
        assert answer[2]["newOrderResponse"] == {"code": -1015, "msg": TOO_MANY.text}
    assert len(alice.do("openOrders.status")) == (0 if cancel_works else 1)


def test_cancel_replace_over_the_order_limit_does_nothing_by_default(
    floor: OperationsFloor, alice: Trader
) -> None:
    order_id = alice.limit("BUY", "99", "1")["orderId"]
    floor.over_order_limit = TOO_MANY
    assert replace(alice, "STOP_ON_FAILURE", cancelOrderId=order_id)[:2] == (429, -1015)
    assert len(alice.do("openOrders.status")) == 1
