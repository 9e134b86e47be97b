"""Ways a key could try to touch an order that is not its own: each is found to be nobody's, and nothing is sent."""

from collections.abc import Iterator

import pytest
from tests.support.desk_floor import DeskFloor, active_key, drive, json_body

from watchword.binance.errors import UNKNOWN_ORDER, WireError
from watchword.gateway.messages import Answer, Unanswered
from watchword.gateway.ownership import AMEND_REJECTED, NOT_TOLD, REPLACE_FAILED

ALICE = active_key("alice")
BOB = active_key("bob")
SYMBOL = {"symbol": "BTCUSDT"}
LIMIT = {**SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "90000", "quantity": "1"}
OCO = {
    **SYMBOL, "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110000",
    "belowType": "STOP_LOSS", "belowStopPrice": "90000",
}  # fmt: skip


@pytest.fixture
def floor() -> Iterator[DeskFloor]:
    """One open order of Bob, one that was placed past Watchword."""
    with DeskFloor() as floor:
        floor.stranger.limit("SELL", "100000", "0.01")
        floor.exchange.trader("third").limit("BUY", "100000", "0.01")
        floor.limit(BOB, "BUY", "90101", "1", newClientOrderId="of-bob")
        floor.outside("BUY", "90102", "1", newClientOrderId="outside")
        floor.deliver()
        floor.exchange.clock.move(5)
        yield floor


def open_names(floor: DeskFloor) -> list[str]:
    return sorted(row["clientOrderId"] for row in floor.account.do("openOrders.status", **SYMBOL))


@pytest.mark.parametrize("width", [19, 20])
@pytest.mark.parametrize("foreign", ["of-bob", "outside"])
def test_number_with_zeros_before_it_is_the_same_number(floor: DeskFloor, foreign: str, width: int) -> None:
    order = floor.account.do("order.status", **SYMBOL, origClientOrderId=foreign)
    number = str(order["orderId"]).rjust(width, "0")
    assert floor.send(ALICE, "order.cancel", **SYMBOL, orderId=number) == UNKNOWN_ORDER
    amended = floor.send(ALICE, "order.amend.keepPriority", **SYMBOL, orderId=number, newQty="0.5")
    assert amended == AMEND_REJECTED
    replace = {**LIMIT, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": number}
    assert floor.send(ALICE, "order.cancelReplace", **replace) == REPLACE_FAILED
    assert open_names(floor) == ["of-bob", "outside"]


def test_list_number_with_zeros_before_it_is_the_same_number(floor: DeskFloor) -> None:
    placed = json_body(floor.send(BOB, "orderList.place.oco", **OCO))
    number = str(placed["orderListId"]).rjust(20, "0")
    assert floor.send(ALICE, "orderList.cancel", **SYMBOL, orderListId=number) == UNKNOWN_ORDER
    assert len(open_names(floor)) == 4


def test_number_zero_beside_a_name_names_nothing(floor: DeskFloor) -> None:
    both = {**SYMBOL, "orderId": "0", "origClientOrderId": "outside"}
    assert floor.send(ALICE, "order.cancel", **both) == UNKNOWN_ORDER


def test_name_of_a_rejected_order_of_its_own_is_not_its_own(floor: DeskFloor) -> None:
    duplicate = floor.send(ALICE, "order.place", **LIMIT, newClientOrderId="outside")
    assert json_body(duplicate)["code"] == -2010
    by_name = {**SYMBOL, "origClientOrderId": "outside"}
    assert floor.send(ALICE, "order.cancel", **by_name) == UNKNOWN_ORDER
    assert floor.send(ALICE, "order.amend.keepPriority", **by_name, newQty="0.5") == AMEND_REJECTED
    replace = {**LIMIT, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "outside"}
    assert floor.send(ALICE, "order.cancelReplace", **replace) == REPLACE_FAILED
    assert open_names(floor) == ["of-bob", "outside"]


def test_name_of_an_order_on_its_way_is_asked_for_first(floor: DeskFloor) -> None:
    floor.fails.append(Unanswered(True, "lost"))
    assert isinstance(floor.send(ALICE, "order.place", **LIMIT, newClientOrderId="outside"), Unanswered)
    by_name = {**SYMBOL, "origClientOrderId": "outside"}
    assert floor.send(ALICE, "order.cancel", **by_name) == UNKNOWN_ORDER
    assert floor.asked == ["order.status"]
    floor.fails.append(Unanswered(False, "down"))
    assert floor.send(ALICE, "order.cancel", **by_name) == NOT_TOLD
    assert open_names(floor) == ["of-bob", "outside"]


def test_own_order_whose_answer_was_lost_is_cancelled_by_its_number(floor: DeskFloor) -> None:
    floor.drops = 1
    assert isinstance(floor.send(ALICE, "order.place", **LIMIT, newClientOrderId="mine"), Unanswered)
    permitted = drive(
        floor.desk.permit(ALICE, "order.cancel", {**SYMBOL, "origClientOrderId": "mine"}, floor.ask)
    )
    assert not isinstance(permitted, WireError)
    assert permitted["orderId"] == str(floor.record("mine").order_id)
    cancelled = json_body(floor.send(ALICE, "order.cancel", **SYMBOL, origClientOrderId="mine"))
    assert cancelled["status"] == "CANCELED"


def test_name_of_a_list_on_its_way_is_asked_for_first(floor: DeskFloor) -> None:
    floor.account.do("orderList.place.oco", **OCO, listClientOrderId="outside-list")
    floor.exchange.clock.move(5)
    floor.fails.append(Unanswered(True, "lost"))
    lost = floor.send(ALICE, "orderList.place.oco", **OCO, listClientOrderId="outside-list")
    assert isinstance(lost, Unanswered)
    by_name = {**SYMBOL, "listClientOrderId": "outside-list"}
    assert floor.send(ALICE, "orderList.cancel", **by_name) == UNKNOWN_ORDER
    assert len(open_names(floor)) == 4


def test_own_list_whose_answer_was_lost_is_cancelled(floor: DeskFloor) -> None:
    floor.drops = 1
    lost = floor.send(ALICE, "orderList.place.oco", **OCO, listClientOrderId="my-list")
    assert isinstance(lost, Unanswered)
    cancelled = floor.send(ALICE, "orderList.cancel", **SYMBOL, listClientOrderId="my-list")
    assert isinstance(cancelled, Answer)
    assert json_body(cancelled)["listOrderStatus"] == "ALL_DONE"
    assert open_names(floor) == ["of-bob", "outside"]
