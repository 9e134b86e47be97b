"""Cancels and cancel-replace."""

import pytest
from tests.unit.exchange.house import ANN, BEN, House, names, units

from watchword.exchange.commands import SetSymbolStatus


def test_cancel_frees_hold_and_keeps_what_was_executed() -> None:
    house = House()
    order = house.order(ANN, "BUY", 2, 100)
    house.order(BEN, "SELL", 1, 100)
    (event,) = house.cancel(ANN, order.order_id)
    assert (event.order, event.cancel_client_order_id) == (order, "cancel")
    assert (order.status, order.executed, order.cancel_client_order_id) == ("CANCELED", units(1), "cancel")
    assert (house.free(ANN, "USDT"), house.locked(ANN, "USDT")) == ("19900", "0")


def test_cancel_finds_by_id_by_client_id_or_both() -> None:
    house = House()
    first = house.order(ANN, "BUY", 1, 1, client_order_id="one")
    house.order(ANN, "BUY", 1, 1, client_order_id="two")
    assert house.cancel(ANN, first.order_id, "two").text == (
        "Cancel order is invalid. Check origClOrdId and orderId."
    )
    assert house.cancel(ANN, 99).text == "Unknown order sent."
    assert house.cancel(ANN, client_id="nobody").text == "Unknown order sent."
    assert house.cancel(ANN).text == "Unknown order sent."
    assert house.cancel(BEN, first.order_id).text == "Unknown order sent."
    assert names(house.cancel(ANN, first.order_id, "one")) == ["OrderCanceled"]
    assert names(house.cancel(ANN, client_id="two")) == ["OrderCanceled"]
    assert house.cancel(ANN, first.order_id).code == -2011


@pytest.mark.parametrize(
    ("restriction", "filled", "passes"),
    [("ONLY_NEW", False, True), ("ONLY_NEW", True, False), ("ONLY_PARTIALLY_FILLED", False, False),
     ("ONLY_PARTIALLY_FILLED", True, True)],
)  # fmt: skip
def test_cancel_restriction(restriction: str, filled: bool, passes: bool) -> None:
    house = House()
    order = house.order(ANN, "BUY", 2, 1)
    if filled:
        house.order(BEN, "SELL", 1, 1)
    result = house.cancel(ANN, order.order_id, restriction=restriction)
    if passes:
        assert names(result) == ["OrderCanceled"]
    else:
        assert (result.code, result.text) == (-2011, "Order was not canceled due to cancel restrictions.")


def test_cancel_allowed_on_halted_symbol() -> None:
    house = House()
    order = house.order(ANN, "BUY", 1, 1)
    house.apply(SetSymbolStatus, symbol="BTCUSDT", status="HALT")
    assert names(house.cancel(ANN, order.order_id)) == ["OrderCanceled"]


def test_cancel_all_takes_oldest_first_and_only_own() -> None:
    house = House()
    assert house.cancel_all(ANN).text == "Unknown order sent."
    orders = [house.order(ANN, "BUY", 1, price) for price in (3, 1, 2)]
    other = house.order(BEN, "BUY", 1, 1)
    events = house.cancel_all(ANN)
    assert [event.order for event in events] == orders
    assert other.status == "NEW"


def test_replace_does_both() -> None:
    house = House()
    old = house.order(ANN, "BUY", 2, 100)
    events = house.replace(ANN, old.order_id, "STOP_ON_FAILURE", "BUY", 200, 100)
    # The hold of the old one is free before the new one is judged.
    assert names(events) == ["OrderCanceled", "OrderAccepted", "CancelReplaceResolved"]
    resolved = events[-1]
    assert (resolved.cancel_error, resolved.new_error, resolved.attempted) == (None, None, True)
    assert (resolved.canceled, resolved.placed) == (old, events[1].order)


@pytest.mark.parametrize(("mode", "attempted"), [("STOP_ON_FAILURE", False), ("ALLOW_FAILURE", True)])
def test_replace_goes_on_after_failed_cancel_only_where_allowed(mode: str, attempted: bool) -> None:
    house = House()
    resolved = house.replace(ANN, 99, mode, "BUY", 1, 100)[-1]
    assert resolved.cancel_error.text == "Unknown order sent."
    assert resolved.attempted is attempted
    assert (resolved.placed is not None) is attempted


def test_replace_reports_failed_placement_after_cancel() -> None:
    house = House()
    old = house.order(ANN, "BUY", 2, 100)
    events = house.replace(ANN, old.order_id, "STOP_ON_FAILURE", "BUY", 201, 100)
    assert names(events) == ["OrderCanceled", "CancelReplaceResolved"]
    assert events[-1].new_error.text == "Account has insufficient balance for requested action."


def test_replace_over_order_limit_cancels_only() -> None:
    house = House()
    old = house.order(ANN, "BUY", 2, 100)
    resolved = house.replace(ANN, old.order_id, "STOP_ON_FAILURE", "BUY", 1, 1, over_order_limit=True)[-1]
    assert (resolved.new_error.code, resolved.new_error.http_status) == (-1015, 429)
    assert old.status == "CANCELED"


def test_replace_judges_filters_before_it_cancels() -> None:
    house = House(max_num_orders=1)
    old = house.order(ANN, "BUY", 2, 100)
    refusal = house.replace(ANN, old.order_id, "ALLOW_FAILURE", "BUY", 1, 1)
    assert refusal.text == "Filter failure: MAX_NUM_ORDERS"
    assert old.status == "NEW"


def test_replace_not_allowed_on_symbol() -> None:
    house = House(cancel_replace_allowed=False)
    old = house.order(ANN, "BUY", 2, 100)
    refusal = house.replace(ANN, old.order_id, "ALLOW_FAILURE", "BUY", 1, 1)
    assert refusal.text == "Order cancel-replace is not supported for this symbol."
