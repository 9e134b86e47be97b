"""Taking orders back: one, all of a symbol, a list; and cancel-replace. Allowed whatever the symbol's status.

Source: rest-api.md "Cancel order", "Cancel All Open Orders on a Symbol", "Cancel Order list", "Cancel an Existing
Order and Send a New Order".
"""

from typing import Final

from watchword.binance.errors import (
    BAD_SYMBOL,
    CANCEL_IDS_DISAGREE,
    CANCEL_RESTRICTED,
    UNKNOWN_ORDER,
    WireError,
    new_order_rejected,
)
from watchword.binance.rate_limits import ORDERS_PER_10_SECONDS
from watchword.exchange.commands import CancelOpenOrders, CancelOrder, CancelOrderList, CancelReplace
from watchword.exchange.events import AnyEvent, CancelReplaceResolved
from watchword.exchange.lifecycle import cancel
from watchword.exchange.order import Order
from watchword.exchange.placing import place
from watchword.exchange.risk import judge_counts, judge_position
from watchword.exchange.state import Desk, Floor, State

TOO_MANY_ORDERS: Final = WireError(
    -1015,
    f"Too many new orders; current limit is {ORDERS_PER_10_SECONDS.limit} orders per 10 SECOND.",
    429,
)
REPLACE_UNSUPPORTED: Final = new_order_rejected("Order cancel-replace is not supported for this symbol.")


def cancel_order(state: State, command: CancelOrder, events: list[AnyEvent]) -> WireError | None:
    """Cancel one order, and with it the list it belongs to."""
    floor = state.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    desk = floor.desks.get(command.account_id)
    if desk is None:
        return UNKNOWN_ORDER
    order = _find(desk, command.order_id, command.orig_client_order_id, command.restriction)
    if type(order) is WireError:
        return order
    cancel(state, floor, desk, order, command.client_order_id, events)
    return None


def cancel_open_orders(state: State, command: CancelOpenOrders, events: list[AnyEvent]) -> WireError | None:
    """Cancel everything an account has open on a symbol, oldest first; a list goes with its first leg."""
    floor = state.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    desk = floor.desks.get(command.account_id)
    if desk is None or not desk.open:
        return UNKNOWN_ORDER
    for order_id in sorted(desk.open):
        order = desk.open.get(order_id)
        if order is not None:
            cancel(state, floor, desk, order, command.client_order_id, events)
    return None


def cancel_order_list(state: State, command: CancelOrderList, events: list[AnyEvent]) -> WireError | None:
    """Cancel a list by its id or by its client id; sent both, they must agree."""
    floor = state.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    desk = floor.desks.get(command.account_id)
    if desk is None:
        return UNKNOWN_ORDER
    for listed in desk.lists.values():
        if command.order_list_id and listed.order_list_id != command.order_list_id:
            continue
        if command.list_client_order_id and listed.list_client_order_id != command.list_client_order_id:
            continue
        order = next(leg for leg in listed.legs if leg.order_id in desk.open)
        cancel(state, floor, desk, order, command.client_order_id, events)
        return None
    return UNKNOWN_ORDER


def cancel_replace(state: State, command: CancelReplace, events: list[AnyEvent]) -> WireError | None:
    """Cancel one order and place another.

    Args:
        state: Changed by each half that succeeds.
        command: Both halves.
        events: Receives the cancel's facts, the new order's, and how both went.

    Returns:
        A refusal of the whole (filters are judged before the cancel), or None: then the last event tells.
    """
    floor = state.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    desk = state.desk(floor, command.account_id)
    if desk is None:
        return UNKNOWN_ORDER
    if not floor.instrument.cancel_replace_allowed:
        return REPLACE_UNSUPPORTED
    refusal = _judge_filters(floor, desk, command)
    if refusal is not None:
        return refusal
    cancel_error: WireError | None = None
    new_error: WireError | None = None
    canceled: Order | None = None
    placed: Order | None = None
    found = _find(
        desk, command.cancel_order_id, command.cancel_orig_client_order_id, command.cancel_restriction
    )
    if type(found) is WireError:
        cancel_error = found
    else:
        canceled = found
        cancel(state, floor, desk, found, command.cancel_client_order_id, events)
    attempted = cancel_error is None or command.mode == "ALLOW_FAILURE"
    if attempted:
        outcome = TOO_MANY_ORDERS if command.over_order_limit else place(state, command, events)
        if type(outcome) is WireError:
            new_error = outcome
        else:
            placed = outcome
    events.append(CancelReplaceResolved(state.now_us, cancel_error, new_error, attempted, canceled, placed))
    return None


def _judge_filters(floor: Floor, desk: Desk, command: CancelReplace) -> WireError | None:
    refusal = judge_counts(floor, desk, 1, 1 if command.stop_price else 0, 0)
    if refusal is None and command.side == "BUY":
        refusal = judge_position(floor, desk, command.quantity)
    return refusal


def _find(desk: Desk, order_id: int, client_order_id: str, restriction: str) -> Order | WireError:
    """Find an open order by id, by client id, or by both; judge the cancel restriction."""
    if order_id:
        order = desk.open.get(order_id)
        if order is not None and client_order_id and order.client_order_id != client_order_id:
            return CANCEL_IDS_DISAGREE
    else:
        order = desk.by_client.get(client_order_id)
    if order is None:
        return UNKNOWN_ORDER
    if restriction:
        wanted = "NEW" if restriction == "ONLY_NEW" else "PARTIALLY_FILLED"
        if order.status != wanted:
            return CANCEL_RESTRICTED
    return order
