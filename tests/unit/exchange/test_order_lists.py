"""OCO lists: holds, relations, what ends the other leg."""

from typing import Any

import pytest
from tests.unit.exchange.house import ANN, BEN, CAT, House, names, units

from watchword.exchange.events import OrderExpired, OrderListChanged


def _selling(house: House, account: int = CAT) -> Any:
    """Sell one at 110, or below 90 at 89."""
    return house.oco(
        account, "SELL", 1, above=house.leg("LIMIT_MAKER", 110), below=house.leg("STOP_LOSS_LIMIT", 89, 90)
    )


def test_oco_begins_with_stop_leg_first_and_one_hold() -> None:
    house = House()
    house.trade_at(100)
    events = _selling(house)
    assert names(events) == ["OrderListChanged", "OrderAccepted", "OrderAccepted"]
    assert [leg.type for leg in events[0].legs] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
    assert (events[0].list_status_type, events[0].list_order_status) == ("EXEC_STARTED", "EXECUTING")
    assert [event.working for event in events[1:]] == [False, True]
    assert house.locked(CAT, "BTC") == "1"


def test_oco_buying_holds_the_dearer_leg() -> None:
    house = House()
    house.trade_at(100)
    house.oco(CAT, "BUY", 2, above=house.leg("STOP_LOSS_LIMIT", 115, 110), below=house.leg("LIMIT_MAKER", 90))
    assert house.locked(CAT, "USDT") == "230"


def test_oco_limit_leg_traded_expires_stop_leg_after_it() -> None:
    house = House()
    house.trade_at(100)
    stop, limit = _selling(house)[0].legs
    events = house.place(ANN, "BUY", "0.4", 110)
    assert names(events) == ["OrderAccepted", "OrderTraded", "OrderExpired"]
    assert (events[2].order, events[2].reason) == (stop, "OCO_TRIGGER")
    assert limit.status == "PARTIALLY_FILLED"
    assert house.locked(CAT, "BTC") == "0.6"
    events = house.place(ANN, "BUY", "0.6", 110)
    assert names(events) == ["OrderAccepted", "OrderTraded", "OrderListChanged"]
    assert events[2].list_order_status == "ALL_DONE"
    assert house.engine.lists == {}


def test_oco_stop_triggered_expires_limit_leg_before_it() -> None:
    house = House()
    house.trade_at(100)
    stop, limit = _selling(house)[0].legs
    house.order(ANN, "BUY", 2, 90)
    events = house.place(BEN, "SELL", 1, 90)
    assert names(events) == [
        "OrderAccepted", "OrderTraded", "OrderExpired", "OrderTriggered", "OrderTraded", "OrderListChanged",
    ]  # fmt: skip
    assert (events[2].order, events[2].reason) == (limit, "OCO_TRIGGER")
    assert stop.status == "FILLED"
    assert house.locked(CAT, "BTC") == "0"


def test_oco_buying_gives_back_what_the_cheaper_leg_does_not_need() -> None:
    house = House()
    house.trade_at(100)
    house.oco(CAT, "BUY", 2, above=house.leg("STOP_LOSS_LIMIT", 115, 110), below=house.leg("LIMIT_MAKER", 90))
    house.order(ANN, "SELL", 1, 90)
    assert house.locked(CAT, "USDT") == "90"
    assert house.free(CAT, "USDT") == "19820"


@pytest.mark.parametrize("leg", [0, 1])
def test_oco_cancelling_a_leg_cancels_both(leg: int) -> None:
    house = House()
    house.trade_at(100)
    legs = _selling(house)[0].legs
    events = house.cancel(CAT, legs[leg].order_id)
    assert names(events) == ["OrderCanceled", "OrderCanceled", "OrderListChanged"]
    assert [one.status for one in legs] == ["CANCELED", "CANCELED"]
    assert house.locked(CAT, "BTC") == "0"
    assert house.engine.book("BTCUSDT").depth(5) == ([], [])


def test_oco_cancelled_by_list_id_or_client_id() -> None:
    house = House()
    house.trade_at(100)
    listed = _selling(house)[0]
    assert house.cancel_list(CAT, 77).text == "Unknown order sent."
    assert house.cancel_list(CAT, listed.order_list_id, "other").text == "Unknown order sent."
    assert house.cancel_list(BEN, listed.order_list_id).text == "Unknown order sent."
    assert names(house.cancel_list(CAT, client_id=listed.list_client_order_id))[-1] == "OrderListChanged"
    assert house.cancel_list(CAT, listed.order_list_id).text == "Unknown order sent."


@pytest.mark.parametrize(
    ("side", "above", "below", "code", "text"),
    [
        ("SELL", ("LIMIT_MAKER", 99, 0), ("STOP_LOSS", 0, 90), -2010, "relationship"),
        ("SELL", ("LIMIT_MAKER", 110, 0), ("STOP_LOSS", 0, 100), -2010, "relationship"),
        ("BUY", ("STOP_LOSS", 0, 110), ("LIMIT_MAKER", 100, 0), -2010, "relationship"),
        ("SELL", ("TAKE_PROFIT_LIMIT", 110, 99), ("STOP_LOSS", 0, 90), -2010, "trigger immediately"),
        ("SELL", ("LIMIT_MAKER", 110, 0), ("TAKE_PROFIT", 0, 90), -1158, "not supported in OCO"),
        ("SELL", ("STOP_LOSS", 0, 110), ("STOP_LOSS", 0, 90), -1158, "not supported in OCO"),
    ],
)
def test_oco_refused(
    side: str, above: tuple[str, int, int], below: tuple[str, int, int], code: int, text: str
) -> None:
    house = House()
    house.trade_at(100)
    refusal = house.oco(CAT, side, 1, above=house.leg(*above), below=house.leg(*below))
    assert refusal.code == code
    assert text in refusal.text
    assert house.locked(CAT, "BTC") == "0"


def test_oco_refused_where_limit_leg_would_take() -> None:
    house = House()
    house.trade_at(100)
    house.order(ANN, "BUY", 1, 112)
    assert _selling(house).text == "Order would immediately match and take."


def test_oco_counts_two_orders_and_one_list() -> None:
    house = House(max_num_orders=3, max_num_order_lists=1, max_num_algo_orders=5)
    house.trade_at(100)
    house.order(CAT, "SELL", 1, 200)
    house.order(CAT, "SELL", 1, 200)
    assert _selling(house).text == "Filter failure: MAX_NUM_ORDERS"
    house.cancel_all(CAT)
    _selling(house)
    house = House(max_num_order_lists=1)
    house.trade_at(100)
    _selling(house)
    assert _selling(house).text == "Filter failure: MAX_NUM_ORDER_LISTS"


def test_oco_not_allowed_on_symbol() -> None:
    house = House(oco_allowed=False)
    assert _selling(house).text == "OCO orders are not supported for this symbol"


def test_oco_leg_ended_by_self_trade_prevention_ends_the_list() -> None:
    house = House()
    house.trade_at(100)
    stop, limit = _selling(house)[0].legs
    events = house.place(CAT, "BUY", 1, 110, stp_mode="EXPIRE_MAKER")
    ends = [(event.order, event.status) for event in events if isinstance(event, OrderExpired)]
    assert ends == [(limit, "EXPIRED_IN_MATCH"), (stop, "EXPIRED")]
    assert any(isinstance(event, OrderListChanged) for event in events)
    assert house.locked(CAT, "BTC") == "0"


@pytest.mark.parametrize(("quantity", "left"), [("0.4", "0.6"), (1, "0")])
def test_oco_leg_decremented_counts_as_begun(quantity: str, left: str) -> None:
    house = House()
    house.trade_at(100)
    stop, limit = _selling(house)[0].legs
    house.place(CAT, "BUY", quantity, 110, stp_mode="DECREMENT")
    assert limit.prevented == units(quantity)
    assert (stop.status, stop.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert house.locked(CAT, "BTC") == left
