"""New orders, and stop orders whose moment has come. Judges, holds, accepts, matches, rests; in that order.

Source: rest-api.md "New order"; faqs/market_orders_faq.md.
"""

from collections import deque
from typing import Final

from watchword.binance.errors import (
    BAD_SYMBOL,
    DUPLICATE_ORDER,
    INSUFFICIENT_BALANCE,
    MARKET_CLOSED,
    WOULD_TAKE,
    WOULD_TRIGGER,
    WireError,
    new_order_rejected,
)
from watchword.exchange.commands import OrderTerms
from watchword.exchange.events import AnyEvent, OrderAccepted, OrderTriggered
from watchword.exchange.lifecycle import (
    close,
    expire,
    expire_other_leg,
    follow_list,
    release,
    start_leg,
)
from watchword.exchange.matching import crosses, match
from watchword.exchange.order import NO_LIST, NOT_WORKING, Order
from watchword.exchange.risk import (
    MAX_NUM_ORDERS,
    NOTHING,
    Plan,
    hold_for,
    judge_counts,
    judge_plan,
    judge_position,
    plan_quantity,
    plan_quote,
)
from watchword.exchange.state import Desk, Floor, State
from watchword.exchange.stops import would_trigger
from watchword.kernel.units import SCALE

NO_ACCOUNT: Final = new_order_rejected("This account may not place or cancel orders.")


def place(state: State, terms: OrderTerms, events: list[AnyEvent]) -> Order | WireError:
    """Place one order.

    Args:
        state: Changed, unless the order is refused.
        terms: What is wanted; static filters were judged before.
        events: Receives the facts.

    Returns:
        The order, or why it was refused.
    """
    floor = state.floors.get(terms.symbol)
    if floor is None:
        return BAD_SYMBOL
    desk = floor.desks.get(terms.account_id) or state.desk(floor, terms.account_id)
    if desk is None:
        return NO_ACCOUNT
    if floor.status != "TRADING":
        return MARKET_CLOSED
    if terms.client_order_id in desk.by_client:
        return DUPLICATE_ORDER
    if len(desk.open) >= desk.orders_max:
        return MAX_NUM_ORDERS
    kind = terms.type
    if kind in {"LIMIT", "LIMIT_MAKER"}:
        return _place_limit(state, floor, desk, terms, events)
    if kind == "MARKET":
        return _place_market(state, floor, desk, terms, events)
    return _place_contingent(state, floor, desk, terms, events)


def new_order(
    state: State, desk: Desk, floor: Floor, terms: OrderTerms, quantity: int, held: int, working_us: int
) -> Order:
    """Give an order its id, count it as open and move its hold from free to locked."""
    balance = desk.quote if terms.side == "BUY" else desk.base
    balance.free -= held
    balance.locked += held
    now_us = state.now_us
    order_id = state.next_order_id
    state.next_order_id = order_id + 1
    desk.account.updated_us = now_us
    client_order_id = terms.client_order_id
    stop_price = terms.stop_price
    order = Order(
        order_id,
        terms.account_id,
        floor.symbol,
        client_order_id,
        terms.side,
        terms.type,
        terms.time_in_force,
        terms.price,
        quantity,
        terms.quote_quantity,
        stop_price,
        terms.stp_mode,
        now_us,
        now_us,
        working_us,
        "NEW",
        0,
        0,
        0,
        held,
        NO_LIST,
        terms.strategy_id,
        terms.strategy_type,
    )
    desk.open[order_id] = order
    desk.by_client[client_order_id] = order
    if stop_price:
        desk.algo += 1
    return order


def accept(state: State, order: Order, working: bool, events: list[AnyEvent]) -> None:
    """Report a new order."""
    events.append(OrderAccepted(state.now_us, state.next_execution_id, order, working))
    state.next_execution_id += 1


def work_limit(state: State, floor: Floor, desk: Desk, order: Order, events: list[AnyEvent]) -> None:
    """Let an accepted order with a limit price trade, and rest or expire.

    Args:
        state: Gives ids and the moment.
        floor: The symbol.
        desk: The order's account there.
        order: Open, holding, not in the book.
        events: Receives the facts.
    """
    leaves = order.quantity
    time_in_force = order.time_in_force
    if crosses(floor, order.side == "BUY", order.price):
        if time_in_force == "FOK":
            plan = plan_quantity(floor, desk, order.side, order.stp_mode, leaves, order.price)
            if plan.filled < leaves:
                expire(state, floor, desk, order, "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED", events)
                return
        leaves = match(state, floor, desk, order, leaves, events)
        if not leaves:
            _finish(state, floor, desk, order, events)
            return
        if order.executed:
            order.status = "PARTIALLY_FILLED"
    if time_in_force == "GTC":
        floor.book.add(order, leaves)
    elif time_in_force == "IOC":
        expire(state, floor, desk, order, "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED", events)
    else:
        expire(state, floor, desk, order, "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED", events)


def work_market(state: State, floor: Floor, desk: Desk, order: Order, events: list[AnyEvent]) -> None:
    """Let an accepted order without a limit price trade; what the book cannot give expires."""
    leaves = match(state, floor, desk, order, order.quantity, events)
    if order.quote_quantity:
        order.quantity = order.executed + order.prevented
    if leaves:
        if order.executed:
            order.status = "PARTIALLY_FILLED"
        expire(state, floor, desk, order, "EXPIRED", "INSUFFICIENT_LIQUIDITY", events)
    else:
        _finish(state, floor, desk, order, events)


def run_triggers(state: State, floor: Floor, events: list[AnyEvent]) -> None:
    """Execute the stop orders that the latest trades reached, and those that their own trades reach.

    Oldest first within what one match reached; what a triggered order's trades reach queues up behind.
    """
    waiting: deque[Order] = deque()
    while True:
        if floor.range_high:
            waiting.extend(floor.stops.take_triggered(floor.range_low, floor.range_high))
            floor.range_low = floor.range_high = 0
        if not waiting:
            return
        order = waiting.popleft()
        desk = floor.desks[order.account_id]
        # An earlier one may have ended it meanwhile: by its list, or by self-trade prevention.
        if order.order_id in desk.open:
            _trigger(state, floor, desk, order, events)


def _place_limit(
    state: State, floor: Floor, desk: Desk, terms: OrderTerms, events: list[AnyEvent]
) -> Order | WireError:
    quantity, price = terms.quantity, terms.price
    notional = price * quantity // SCALE
    if not notional:
        return NOTHING
    buying = terms.side == "BUY"
    if buying:
        held, free = notional, desk.quote.free
        if floor.instrument.max_position:
            refusal = judge_position(floor, desk, quantity)
            if refusal is not None:
                return refusal
    else:
        held, free = quantity, desk.base.free
    if free < held:
        return INSUFFICIENT_BALANCE
    takes = crosses(floor, buying, price)
    if takes and terms.type == "LIMIT_MAKER":
        return WOULD_TAKE
    order = new_order(state, desk, floor, terms, quantity, held, state.now_us)
    events.append(OrderAccepted(state.now_us, state.next_execution_id, order, True))
    state.next_execution_id += 1
    if not takes and terms.time_in_force == "GTC":
        floor.book.add(order, quantity)
        return order
    work_limit(state, floor, desk, order, events)
    if floor.range_high:
        run_triggers(state, floor, events)
    return order


def _place_market(
    state: State, floor: Floor, desk: Desk, terms: OrderTerms, events: list[AnyEvent]
) -> Order | WireError:
    side, mode = terms.side, terms.stp_mode
    buying = side == "BUY"
    balance = desk.quote if buying else desk.base
    quantity = terms.quantity
    if terms.quote_quantity:
        plan = plan_quote(floor, desk, side, mode, terms.quote_quantity)
        refusal = judge_plan(floor, plan, side)
        if refusal is not None:
            return refusal
        # One lot more than the book has, so that what is missing expires like that of any other market order.
        quantity = plan.quantity + (floor.instrument.step_size or 1 if plan.short else 0)
        held, wanted = (plan.quote, terms.quote_quantity) if buying else (quantity, plan.quantity)
    elif buying:
        plan = plan_quantity(floor, desk, side, mode, quantity, 0)
        held = wanted = plan.quote
    else:
        held = wanted = quantity
    if balance.free < wanted:
        return INSUFFICIENT_BALANCE
    if buying and floor.instrument.max_position:
        refusal = judge_position(floor, desk, quantity)
        if refusal is not None:
            return refusal
    order = new_order(state, desk, floor, terms, quantity, min(held, balance.free), state.now_us)
    accept(state, order, True, events)
    work_market(state, floor, desk, order, events)
    if floor.range_high:
        run_triggers(state, floor, events)
    return order


def _place_contingent(
    state: State, floor: Floor, desk: Desk, terms: OrderTerms, events: list[AnyEvent]
) -> Order | WireError:
    refusal = judge_counts(floor, desk, 1, 1, 0)
    if refusal is None and terms.side == "BUY":
        refusal = judge_position(floor, desk, terms.quantity)
    if refusal is not None:
        return refusal
    held = hold_for(terms.side, terms.price, terms.stop_price, terms.quantity)
    if not held:
        return NOTHING
    if (desk.quote if terms.side == "BUY" else desk.base).free < held:
        return INSUFFICIENT_BALANCE
    if would_trigger(terms.type, terms.side, terms.stop_price, floor.last_price):
        return WOULD_TRIGGER
    order = new_order(state, desk, floor, terms, terms.quantity, held, NOT_WORKING)
    floor.stops.add(order)
    accept(state, order, False, events)
    return order


def _trigger(state: State, floor: Floor, desk: Desk, order: Order, events: list[AnyEvent]) -> None:
    """Turn a waiting order into limit or market business."""
    if order.order_list_id != NO_LIST:
        start_leg(state, desk, order)
        expire_other_leg(state, floor, desk, order, events)
    order.working_us = order.updated_us = desk.account.updated_us = state.now_us
    events.append(OrderTriggered(state.now_us, state.next_execution_id, order))
    state.next_execution_id += 1
    if order.price:
        work_limit(state, floor, desk, order, events)
        return
    if order.side == "BUY" and not _hold_anew(desk, order, _plan(floor, desk, order)):
        expire(state, floor, desk, order, "EXPIRED", "REJECTED", events)
        return
    work_market(state, floor, desk, order, events)


def _plan(floor: Floor, desk: Desk, order: Order) -> Plan:
    return plan_quantity(floor, desk, order.side, order.stp_mode, order.quantity, 0)


def _hold_anew(desk: Desk, order: Order, plan: Plan) -> bool:
    """Hold what the plan costs instead of what was held while waiting; False where the money is not there."""
    release(desk, order)
    if desk.quote.free < plan.quote:
        return False
    desk.quote.free -= plan.quote
    desk.quote.locked += plan.quote
    order.held = plan.quote
    return True


def _finish(state: State, floor: Floor, desk: Desk, order: Order, events: list[AnyEvent]) -> None:
    """Close a taker that has nothing open any more: filled, or ended by self-trade prevention."""
    if order.status == "EXPIRED_IN_MATCH":
        expire(state, floor, desk, order, "EXPIRED_IN_MATCH", "", events)
        return
    order.status = "FILLED"
    close(desk, order)
    if order.order_list_id != NO_LIST:
        follow_list(state, floor, desk, order, events)
