"""What an order may do before it does it: count filters, position, and what a market order would take and cost.

Changes nothing. A plan walks the book exactly as `matching` will, self-trade prevention included.

Source: filters.md (MAX_NUM_ORDERS, MAX_NUM_ALGO_ORDERS, MAX_NUM_ORDER_LISTS, MAX_POSITION);
faqs/market_orders_faq.md; errors.md for the texts. Count filters answer -2010, as observed.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from watchword.binance.errors import WireError, filter_failure, new_order_rejected
from watchword.exchange.matching import same_owner, transfers
from watchword.exchange.order import Order
from watchword.exchange.state import Desk, Floor
from watchword.kernel.units import SCALE

MAX_NUM_ORDERS: Final = new_order_rejected("Filter failure: MAX_NUM_ORDERS")
MAX_NUM_ALGO_ORDERS: Final = new_order_rejected("Filter failure: MAX_NUM_ALGO_ORDERS")
MAX_NUM_ORDER_LISTS: Final = new_order_rejected("Filter failure: MAX_NUM_ORDER_LISTS")
MAX_POSITION: Final = new_order_rejected("Filter failure: MAX_POSITION")
NOTHING: Final = new_order_rejected("Price * QTY is zero or less.")
EMPTY_BOOK: Final = new_order_rejected("Order book liquidity is less than symbol minimum quantity.")
THIN_FOR_LOT: Final = new_order_rejected(
    "Order book liquidity is less than `LOT_SIZE` filter minimum quantity."
)
THIN_FOR_MARKET_LOT: Final = new_order_rejected(
    "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity."
)
LOT_SIZE: Final = filter_failure("LOT_SIZE")
MARKET_LOT_SIZE: Final = filter_failure("MARKET_LOT_SIZE")


class Plan(NamedTuple):
    """What a taker would get.

    Attributes:
        quantity: Base it would use up: filled, or removed from it by self-trade prevention.
        filled: Base it would trade.
        quote: What changes hands for it.
        short: The book ends before the order does.
    """

    quantity: int
    filled: int
    quote: int
    short: bool


def judge_counts(floor: Floor, desk: Desk, orders: int, algo: int, lists: int) -> WireError | None:
    """Judge the count filters.

    Args:
        floor: The symbol.
        desk: The account there.
        orders: Orders that would be added.
        algo: How many of them are contingent.
        lists: Order lists that would be added.

    Returns:
        The first filter that fails, or None.
    """
    if len(desk.open) + orders > desk.orders_max:
        return MAX_NUM_ORDERS
    instrument = floor.instrument
    if algo and instrument.max_num_algo_orders and desk.algo + algo > instrument.max_num_algo_orders:
        return MAX_NUM_ALGO_ORDERS
    bound = instrument.max_num_order_lists
    if lists and bound and len(desk.lists) + lists > bound:
        return MAX_NUM_ORDER_LISTS
    return None


def judge_position(floor: Floor, desk: Desk, quantity: int) -> WireError | None:
    """Judge MAX_POSITION for a BUY: the base owned plus all open BUY quantity plus this order's."""
    bound = floor.instrument.max_position
    if not bound or desk.account.house:
        return None
    wanted = sum(
        one.quantity - one.executed - one.prevented for one in desk.open.values() if one.side == "BUY"
    )
    return MAX_POSITION if desk.base.free + desk.base.locked + wanted + quantity > bound else None


def plan_quantity(floor: Floor, desk: Desk, side: str, mode: str, quantity: int, price: int) -> Plan:
    """Walk the book for an order by base quantity.

    Args:
        floor: The symbol.
        desk: The taker's account there.
        side: The taker's.
        mode: Its self-trade prevention mode.
        quantity: Base wanted.
        price: Limit price; 0 for any.
    """
    filled = quote = 0
    left = quantity
    for maker in _resting(floor, side, price):
        take = min(left, maker.leaves)
        if mode != "NONE" and same_owner(floor, desk, maker):
            if mode == "EXPIRE_MAKER":
                continue
            if mode in {"EXPIRE_TAKER", "EXPIRE_BOTH"}:
                return Plan(quantity, filled, quote, short=False)
            if transfers(desk, mode, maker):
                quote += maker.price * take // SCALE
        else:
            filled += take
            quote += maker.price * take // SCALE
        left -= take
        if not left:
            return Plan(quantity, filled, quote, short=False)
    return Plan(quantity - left, filled, quote, short=True)


def plan_quote(floor: Floor, desk: Desk, side: str, mode: str, quote_quantity: int) -> Plan:
    """Walk the book for a market order by quote quantity: as much base, in whole lots, as it pays for.

    Args:
        floor: The symbol.
        desk: The taker's account there.
        side: The taker's.
        mode: Its self-trade prevention mode.
        quote_quantity: Quote to spend or to receive; never exceeded.
    """
    step = floor.instrument.step_size or 1
    used = filled = quote = 0
    left = quote_quantity
    for maker in _resting(floor, side, 0):
        price = maker.price
        affordable = left * SCALE // price
        affordable -= affordable % step
        take = min(affordable, maker.leaves)
        if not take:
            break
        amount = price * take // SCALE
        if mode != "NONE" and same_owner(floor, desk, maker):
            if mode == "EXPIRE_MAKER":
                continue
            if mode in {"EXPIRE_TAKER", "EXPIRE_BOTH"}:
                used += affordable
                break
            if transfers(desk, mode, maker):
                quote += amount
        else:
            filled += take
            quote += amount
        used += take
        left -= amount
        if take < maker.leaves:
            break
    else:
        return Plan(used, filled, quote, short=True)
    return Plan(used, filled, quote, short=False)


def judge_plan(floor: Floor, plan: Plan, side: str) -> WireError | None:
    """Judge the lot size of a market order by quote quantity, which only the book can tell."""
    instrument = floor.instrument
    opposite = floor.book.asks if side == "BUY" else floor.book.bids
    if not opposite.keys:
        return EMPTY_BOOK
    quantity = plan.quantity
    if quantity < instrument.min_qty or not quantity:
        return THIN_FOR_LOT if plan.short else LOT_SIZE
    if quantity < instrument.market_min_qty:
        return THIN_FOR_MARKET_LOT if plan.short else MARKET_LOT_SIZE
    if 0 < instrument.market_max_qty < quantity:
        return MARKET_LOT_SIZE
    if 0 < instrument.max_qty < quantity:
        return LOT_SIZE
    return None


def hold_for(side: str, price: int, stop_price: int, quantity: int) -> int:
    """Return what an order with a limit or stop price holds: quote for BUY, base for SELL.

    Why the stop price: a stop order without a limit has no other price before it is triggered. What it really
    costs is asked again then.
    """
    if side == "SELL":
        return quantity
    return (price or stop_price) * quantity // SCALE


def _resting(floor: Floor, side: str, price: int) -> Iterator[Order]:
    """Yield the orders a taker would meet, in the order it would meet them."""
    buying = side == "BUY"
    opposite = floor.book.asks if buying else floor.book.bids
    for maker in opposite.orders():
        if price and (maker.price > price if buying else maker.price < price):
            return
        yield maker
