"""How an order ends, and what that means for its hold, its list and the other leg. Matches nothing.

Events are appended in the order in which Binance reports them. Legs of one list: as soon as one leg trades or is
triggered, the other expires (OCO_TRIGGER); cancelling one cancels all; the list is done when no leg is open.

Source: user-data-stream.md "Order Expiry Reason"; rest-api.md "Order lists".
"""

from typing import Literal

from watchword.binance.enums import ExpiryReason
from watchword.exchange.events import AnyEvent, OrderCanceled, OrderExpired, OrderListChanged
from watchword.exchange.order import NO_LIST, Order
from watchword.exchange.state import Desk, Floor, OrderList, State
from watchword.kernel.units import SCALE


def close(desk: Desk, order: Order) -> None:
    """Count an order as open no longer; its client id is free again."""
    del desk.open[order.order_id]
    del desk.by_client[order.client_order_id]
    if order.stop_price:
        desk.algo -= 1


def withdraw(floor: Floor, order: Order) -> None:
    """Take an order out of the book or away from the waiting ones, wherever it is."""
    if order.leaves:
        floor.book.remove(order)
    elif order.stop_price:
        floor.stops.remove(order)


def release(desk: Desk, order: Order) -> None:
    """Free what is still held for an order."""
    held = order.held
    if held:
        balance = desk.quote if order.side == "BUY" else desk.base
        balance.locked -= held
        balance.free += held
        order.held = 0


def trim_hold(desk: Desk, order: Order) -> None:
    """Free what an order with a limit price holds beyond its open quantity."""
    open_quantity = order.quantity - order.executed - order.prevented
    if order.side == "BUY":
        balance, need = desk.quote, order.price * open_quantity // SCALE
    else:
        balance, need = desk.base, open_quantity
    surplus = order.held - need
    balance.locked -= surplus
    balance.free += surplus
    order.held = need


def expire(
    state: State,
    floor: Floor,
    desk: Desk,
    order: Order,
    status: Literal["EXPIRED", "EXPIRED_IN_MATCH"],
    reason: ExpiryReason,
    events: list[AnyEvent],
) -> None:
    """Let the engine end an order.

    Args:
        state: Gives the execution id and the moment.
        floor: The order's symbol.
        desk: The order's account there.
        order: Open; in the book, waiting, or neither.
        status: How it ends.
        reason: Why, empty for self-trade prevention.
        events: Receives the facts.
    """
    withdraw(floor, order)
    release(desk, order)
    close(desk, order)
    order.status = status
    order.expiry_reason = reason
    order.updated_us = desk.account.updated_us = now_us = state.now_us
    events.append(OrderExpired(now_us, state.next_execution_id, order, status, reason))
    state.next_execution_id += 1
    if order.order_list_id != NO_LIST:
        follow_list(state, floor, desk, order, events)


def cancel(
    state: State, floor: Floor, desk: Desk, order: Order, cancel_client_order_id: str, events: list[AnyEvent]
) -> None:
    """Cancel an order; of a list, every leg that is still open.

    Args:
        state: Gives the execution id and the moment.
        floor: The order's symbol.
        desk: The order's account there.
        order: Open.
        cancel_client_order_id: Client id of the request, shown on every leg.
        events: Receives the facts.
    """
    if order.order_list_id == NO_LIST:
        _cancel_one(state, floor, desk, order, cancel_client_order_id, events)
        return
    listed = state.lists[order.order_list_id]
    for leg in listed.legs:
        if leg.order_id in desk.open:
            _cancel_one(state, floor, desk, leg, cancel_client_order_id, events)
    _end_list(state, desk, listed, events)


def start_leg(state: State, desk: Desk, order: Order) -> None:
    """Give the list's hold to the leg that begins to trade. Does nothing where it already did."""
    listed = state.lists[order.order_list_id]
    if listed.held:
        order.held = listed.held
        listed.held = 0
        if order.price:
            trim_hold(desk, order)


def expire_other_leg(state: State, floor: Floor, desk: Desk, order: Order, events: list[AnyEvent]) -> None:
    """Let the leg beside this one expire, where it is still open."""
    for leg in state.lists[order.order_list_id].legs:
        if leg is not order and leg.order_id in desk.open:
            expire(state, floor, desk, leg, "EXPIRED", "OCO_TRIGGER", events)


def follow_list(state: State, floor: Floor, desk: Desk, order: Order, events: list[AnyEvent]) -> None:
    """Draw the consequences for the list of an order that was just closed by the engine.

    Why `held` decides: while the list still holds for both legs neither has begun, and the end of one is the end of
    all; once a leg has begun, the other one's end changes nothing for it.
    """
    listed = state.lists.get(order.order_list_id)
    if listed is None:
        return
    for leg in listed.legs:
        if leg.order_id in desk.open:
            if listed.held:
                expire(state, floor, desk, leg, "EXPIRED", "OCO_TRIGGER", events)
            return
    _end_list(state, desk, listed, events)


def _cancel_one(
    state: State, floor: Floor, desk: Desk, order: Order, cancel_client_order_id: str, events: list[AnyEvent]
) -> None:
    withdraw(floor, order)
    release(desk, order)
    close(desk, order)
    order.status = "CANCELED"
    order.cancel_client_order_id = cancel_client_order_id
    order.updated_us = desk.account.updated_us = now_us = state.now_us
    events.append(OrderCanceled(now_us, state.next_execution_id, order, cancel_client_order_id))
    state.next_execution_id += 1


def _end_list(state: State, desk: Desk, listed: OrderList, events: list[AnyEvent]) -> None:
    if listed.held:
        balance = desk.quote if listed.legs[0].side == "BUY" else desk.base
        balance.locked -= listed.held
        balance.free += listed.held
        listed.held = 0
    del state.lists[listed.order_list_id]
    del desk.lists[listed.order_list_id]
    listed.list_status_type = "ALL_DONE"
    listed.updated_us = state.now_us
    events.append(
        OrderListChanged(
            state.now_us,
            listed.order_list_id,
            listed.list_client_order_id,
            listed.account_id,
            listed.symbol,
            "ALL_DONE",
            "ALL_DONE",
            listed.legs,
        )
    )
