"""One-cancels-the-other lists: judging and placing them. How they end is in `lifecycle`.

The hold of both legs is kept once, on the list: the larger of the two needs, because at most one leg trades.

Source: rest-api.md "New Order list - OCO" (types, price restrictions); filters.md (each leg counts as an order).
"""

from typing import Final

from watchword.binance.errors import (
    BAD_PRICE_RELATION,
    BAD_SYMBOL,
    DUPLICATE_ORDER,
    INSUFFICIENT_BALANCE,
    MARKET_CLOSED,
    WOULD_TAKE,
    WOULD_TRIGGER,
    WireError,
    new_order_rejected,
)
from watchword.exchange.commands import Leg, OrderTerms, PlaceOco
from watchword.exchange.events import AnyEvent, OrderListChanged
from watchword.exchange.matching import crosses
from watchword.exchange.order import NOT_WORKING, Order
from watchword.exchange.placing import NO_ACCOUNT, accept, new_order, work_limit
from watchword.exchange.risk import NOTHING, hold_for, judge_counts, judge_position
from watchword.exchange.state import Desk, Floor, OrderList, State
from watchword.exchange.stops import would_trigger

STOP_TYPES: Final = frozenset(("STOP_LOSS", "STOP_LOSS_LIMIT"))
PROFIT_TYPES: Final = frozenset(("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
LEG_TYPE: Final = WireError(-1158, "Order type not supported in OCO.")
OCO_UNSUPPORTED: Final = new_order_rejected("OCO orders are not supported for this symbol")


def place_oco(state: State, command: PlaceOco, events: list[AnyEvent]) -> WireError | None:
    """Place an OCO list.

    Args:
        state: Changed, unless the list is refused as a whole.
        command: What is wanted; static filters were judged before.
        events: Receives the list's beginning, then each leg's acceptance, stop leg first.

    Returns:
        Why it was refused, or None.
    """
    floor = state.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    desk = state.desk(floor, command.account_id)
    if desk is None:
        return NO_ACCOUNT
    if command.above.type in STOP_TYPES:
        stop, profit = command.above, command.below
    else:
        stop, profit = command.below, command.above
    refusal = _judge(floor, desk, command, stop, profit)
    if refusal is not None:
        return refusal
    held = max(hold_for(command.side, leg.price, leg.stop_price, command.quantity) for leg in (stop, profit))
    balance = desk.quote if command.side == "BUY" else desk.base
    if balance.free < held:
        return INSUFFICIENT_BALANCE
    if profit.type == "LIMIT_MAKER" and crosses(floor, command.side == "BUY", profit.price):
        return WOULD_TAKE
    _open(state, floor, desk, command, (stop, profit), held, events)
    return None


def _judge(floor: Floor, desk: Desk, command: PlaceOco, stop: Leg, profit: Leg) -> WireError | None:
    """Judge everything but the money, in the order of a single order's checks."""
    if floor.status != "TRADING":
        return MARKET_CLOSED
    if not floor.instrument.oco_allowed:
        return OCO_UNSUPPORTED
    if stop.type not in STOP_TYPES or profit.type not in PROFIT_TYPES:
        return LEG_TYPE
    ids = (stop.client_order_id, profit.client_order_id)
    if ids[0] == ids[1] or any(one in desk.by_client for one in ids):
        return DUPLICATE_ORDER
    if any(one.list_client_order_id == command.list_client_order_id for one in desk.lists.values()):
        return DUPLICATE_ORDER
    refusal = judge_counts(floor, desk, 2, sum(1 for leg in (stop, profit) if leg.stop_price), 1)
    if refusal is None and command.side == "BUY":
        refusal = judge_position(floor, desk, command.quantity)
    if refusal is not None:
        return refusal
    if not all(hold_for("BUY", leg.price, leg.stop_price, command.quantity) for leg in (stop, profit)):
        return NOTHING
    if not _straddles(command.side, stop, profit, floor.last_price):
        return BAD_PRICE_RELATION
    if profit.stop_price and would_trigger(profit.type, command.side, profit.stop_price, floor.last_price):
        return WOULD_TRIGGER
    return None


def _straddles(side: str, stop: Leg, profit: Leg, last_price: int) -> bool:
    """Return whether the last price lies strictly between the legs; before any trade, whether one could."""
    target = profit.price or profit.stop_price
    low, high = (target, stop.stop_price) if side == "BUY" else (stop.stop_price, target)
    return low < last_price < high if last_price else low < high


def _open(
    state: State,
    floor: Floor,
    desk: Desk,
    command: PlaceOco,
    legs: tuple[Leg, Leg],
    held: int,
    events: list[AnyEvent],
) -> None:
    """Take the hold, create both legs, report them, and put them where they wait."""
    balance = desk.quote if command.side == "BUY" else desk.base
    balance.free -= held
    balance.locked += held
    list_id = state.next_list_id
    state.next_list_id += 1
    orders = tuple(_order(state, floor, desk, command, leg, list_id) for leg in legs)
    listed = OrderList(
        list_id,
        command.account_id,
        floor.symbol,
        command.list_client_order_id,
        orders,
        held,
        state.now_us,
        state.now_us,
    )
    state.lists[list_id] = desk.lists[list_id] = listed
    events.append(
        OrderListChanged(
            state.now_us,
            list_id,
            listed.list_client_order_id,
            listed.account_id,
            listed.symbol,
            "EXEC_STARTED",
            "EXECUTING",
            orders,
        )
    )
    for order in orders:
        accept(state, order, not order.stop_price, events)
        if order.stop_price:
            floor.stops.add(order)
        else:
            work_limit(state, floor, desk, order, events)


def _order(state: State, floor: Floor, desk: Desk, command: PlaceOco, leg: Leg, list_id: int) -> Order:
    """Create a leg. It holds nothing itself."""
    terms = OrderTerms(
        command.sequence,
        command.now_us,
        command.account_id,
        command.symbol,
        command.side,
        leg.type,
        leg.time_in_force,
        command.quantity,
        0,
        leg.price,
        leg.stop_price,
        leg.client_order_id,
        command.stp_mode,
        leg.strategy_id,
        leg.strategy_type,
    )
    working_us = NOT_WORKING if leg.stop_price else state.now_us
    order = new_order(state, desk, floor, terms, command.quantity, 0, working_us)
    order.order_list_id = list_id
    return order
