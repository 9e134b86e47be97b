"""A taker meets the book: trades, self-trade prevention, and the money they move. The hot path.

Both sides of a trade are booked from the same floored quote amount, commissions included, so nothing appears or
gets lost. Who receives pays: base on BUY, quote on SELL. The taker's own balances are settled once, at the end;
that is allowed because nothing in between asks what is free.

Source: faqs/stp_faq.md; faqs/commission_faq.md.
"""

from typing import TYPE_CHECKING, Final

from watchword.exchange.accounts import NO_TRADE_GROUP
from watchword.exchange.book import BookSide
from watchword.exchange.events import AnyEvent, OrderTraded, TradePrevented
from watchword.exchange.lifecycle import (
    close,
    expire,
    expire_other_leg,
    follow_list,
    start_leg,
    trim_hold,
)
from watchword.exchange.order import NO_LIST, Order
from watchword.exchange.state import Desk, Floor, State
from watchword.kernel.units import SCALE

if TYPE_CHECKING:
    from watchword.binance.enums import OrderStatus

#: Limit key of an order without a limit price: every level is good enough.
ANY_PRICE: Final = -(1 << 62)


def crosses(floor: Floor, buying: bool, price: int) -> bool:
    """Return whether an order at this price would meet a resting one."""
    if buying:
        keys = floor.book.asks.keys
        return bool(keys) and keys[-1] >= -price
    keys = floor.book.bids.keys
    return bool(keys) and keys[-1] >= price


def same_owner(floor: Floor, desk: Desk, maker: Order) -> bool:
    """Return whether self-trade prevention looks at these two: one account or one trade group."""
    account = desk.account
    if maker.account_id == account.account_id:
        return True
    group = account.trade_group_id
    return group != NO_TRADE_GROUP and floor.desks[maker.account_id].account.trade_group_id == group


def transfers(desk: Desk, taker_mode: str, maker: Order) -> bool:
    """Return whether a prevented match moves the amounts: two accounts of a group, both orders with TRANSFER."""
    return (
        taker_mode == "TRANSFER"
        and maker.stp_mode == "TRANSFER"
        and maker.account_id != desk.account.account_id
    )


def match(state: State, floor: Floor, desk: Desk, taker: Order, leaves: int, events: list[AnyEvent]) -> int:
    """Trade a taker against the other side, best price first, oldest order first.

    Args:
        state: Gives execution ids and the moment.
        floor: The symbol.
        desk: The taker's account there.
        taker: Holds enough (`held`) for what it can meet. Its price 0 means any.
        leaves: Base quantity still open, above zero.
        events: Receives trades and prevented matches in order.

    Returns:
        What is still open. 0 with status EXPIRED_IN_MATCH where self-trade prevention ended the taker; the
        caller closes the order and gives it its status in every case.
    """
    account_id = desk.account.account_id
    buying = taker.side == "BUY"
    side = floor.book.asks if buying else floor.book.bids
    price = taker.price
    limit_key = (-price if buying else price) if price else ANY_PRICE
    keys, levels = side.keys, side.levels
    guarded = taker.stp_mode != "NONE"
    grouped = guarded and desk.account.trade_group_id != NO_TRADE_GROUP
    executed, executed_quote = taker.executed, taker.executed_quote
    received = first_price = 0
    while leaves and keys:
        key = keys[-1]
        if key < limit_key:
            break
        maker = levels[key].first()
        if guarded and (maker.account_id == account_id or (grouped and same_owner(floor, desk, maker))):
            leaves = _prevent(state, floor, desk, taker, leaves, maker, events)
            continue
        price = -key if buying else key
        first_price = first_price or price
        quantity = leaves if leaves < maker.leaves else maker.leaves  # noqa: FURB136 - a call costs more
        leaves -= quantity
        received += _trade(state, floor, desk, side, taker, maker, price, quantity, leaves, events)
    if first_price:
        floor.last_price = price
        if floor.stops.orders:
            _widen_range(floor, first_price, price)
    _settle_taker(
        desk, taker, leaves, taker.executed - executed, taker.executed_quote - executed_quote, received
    )
    return leaves


def _trade(
    state: State,
    floor: Floor,
    desk: Desk,
    side: BookSide,
    taker: Order,
    maker: Order,
    price: int,
    quantity: int,
    leaves: int,
    events: list[AnyEvent],
) -> int:
    """Trade a taker with the first order of a side; book the maker's money and both commissions.

    Returns:
        What the taker receives, commission taken off: base or quote.
    """
    maker_desk = floor.desks[maker.account_id]
    maker_account = maker_desk.account
    listed = maker.order_list_id != NO_LIST
    if listed:
        start_leg(state, maker_desk, maker)
    left = floor.book.fill(side, maker, quantity)
    quote = price * quantity // SCALE
    maker.updated_us = maker_account.updated_us = now_us = state.now_us
    maker.executed += quantity
    maker.executed_quote += quote
    maker_status: OrderStatus = "PARTIALLY_FILLED" if left else "FILLED"
    maker.status = maker_status
    if not left:
        close(maker_desk, maker)
    taker.executed += quantity
    taker.executed_quote += quote
    buying = taker.side == "BUY"
    taker_asset, maker_asset = floor.instrument.base_asset, floor.instrument.quote_asset
    received, paid = quantity, quote
    if not buying:
        taker_asset, maker_asset, received, paid = maker_asset, taker_asset, paid, received
    taker_commission = received * desk.account.taker_commission // SCALE
    maker_commission = paid * maker_account.maker_commission // SCALE
    if buying:
        floor.fee_base.free += taker_commission
        floor.fee_quote.free += maker_commission
    else:
        floor.fee_quote.free += taker_commission
        floor.fee_base.free += maker_commission
    _settle_maker(maker_desk, maker, left, quantity, quote, maker_commission)
    execution_id, trade_id = state.next_execution_id, floor.next_trade_id
    state.next_execution_id = execution_id + 2
    floor.next_trade_id = trade_id + 1
    events.append(
        OrderTraded(
            now_us, execution_id, floor.symbol, trade_id, price, quantity, quote, taker, maker,
            taker.executed, taker.executed_quote, "PARTIALLY_FILLED" if leaves else "FILLED",
            taker_commission, taker_asset,
            maker.executed, maker.executed_quote, maker_status, maker_commission, maker_asset,
        )
    )  # fmt: skip
    if listed:
        expire_other_leg(state, floor, maker_desk, maker, events)
        if not left:
            follow_list(state, floor, maker_desk, maker, events)
    return received - taker_commission


def _settle_maker(desk: Desk, maker: Order, left: int, quantity: int, quote: int, commission: int) -> None:
    """Pay out of the maker's hold, book what it received, free what the price's rounding left over."""
    if maker.side == "SELL":
        maker.held -= quantity
        desk.base.locked -= quantity
        desk.quote.free += quote - commission
        return
    need = maker.price * left // SCALE
    freed = maker.held - need
    maker.held = need
    desk.quote.locked -= freed
    desk.quote.free += freed - quote
    desk.base.free += quantity - commission


def _settle_taker(
    desk: Desk, taker: Order, leaves: int, traded: int, traded_quote: int, received: int
) -> None:
    """Pay out of the taker's hold, book what it received, free what it no longer needs."""
    if taker.side == "BUY":
        paying, gaining, spent = desk.quote, desk.base, traded_quote
        need = taker.price * leaves // SCALE
    else:
        paying, gaining, spent = desk.base, desk.quote, traded
        need = leaves
    freed = taker.held - need
    taker.held = need
    paying.locked -= freed
    paying.free += freed - spent
    gaining.free += received


def _widen_range(floor: Floor, first_price: int, last_price: int) -> None:
    """Remember the prices of this match for the waiting stop orders."""
    low, high = (first_price, last_price) if first_price < last_price else (last_price, first_price)
    floor.range_low = low if not floor.range_low or low < floor.range_low else floor.range_low
    floor.range_high = max(high, floor.range_high)


def _prevent(
    state: State, floor: Floor, desk: Desk, taker: Order, leaves: int, maker: Order, events: list[AnyEvent]
) -> int:
    """Let self-trade prevention act instead of a trade.

    Returns:
        What is still open of the taker; 0 and status EXPIRED_IN_MATCH where it ends here.
    """
    mode = taker.stp_mode
    maker_desk = floor.desks[maker.account_id]
    taker_prevented = maker_prevented = min(leaves, maker.leaves)
    if mode == "EXPIRE_TAKER":
        taker_prevented, maker_prevented = leaves, 0
    elif mode == "EXPIRE_MAKER":
        taker_prevented, maker_prevented = 0, maker.leaves
    elif mode == "EXPIRE_BOTH":
        taker_prevented, maker_prevented = leaves, maker.leaves
    elif maker.order_list_id != NO_LIST:
        start_leg(state, maker_desk, maker)
    match_id = floor.next_prevented_match_id
    floor.next_prevented_match_id += 1
    events.append(
        TradePrevented(
            state.now_us,
            state.next_execution_id,
            floor.symbol,
            match_id,
            desk.account.trade_group_id,
            maker.price,
            taker,
            maker,
            taker_prevented,
            maker_prevented,
        )
    )
    state.next_execution_id += 2
    if transfers(desk, mode, maker):
        _transfer(desk, taker, maker_desk, maker, taker_prevented)
    if maker_prevented:
        _prevent_maker(state, floor, maker_desk, maker, maker_prevented, match_id, events)
    if taker_prevented:
        taker.prevented += taker_prevented
        taker.prevented_match_id = match_id
        if taker_prevented == leaves:
            taker.status = "EXPIRED_IN_MATCH"
    return leaves - taker_prevented


def _prevent_maker(
    state: State,
    floor: Floor,
    desk: Desk,
    maker: Order,
    prevented: int,
    match_id: int,
    events: list[AnyEvent],
) -> None:
    """Take the prevented quantity from the maker, which may end it."""
    maker.prevented += prevented
    maker.prevented_match_id = match_id
    if prevented == maker.leaves:
        expire(state, floor, desk, maker, "EXPIRED_IN_MATCH", "", events)
    else:
        floor.book.reduce(maker, prevented)
        trim_hold(desk, maker)
        maker.updated_us = desk.account.updated_us = state.now_us
    if maker.order_list_id in state.lists:
        expire_other_leg(state, floor, desk, maker, events)


def _transfer(desk: Desk, taker: Order, maker_desk: Desk, maker: Order, quantity: int) -> None:
    """Move the prevented quantity and its notional between the two accounts, out of their holds, free of commission.

    Source: faqs/stp_faq.md, scenario H.
    """
    quote = maker.price * quantity // SCALE
    (buyer, buyer_desk), (seller, seller_desk) = (
        ((taker, desk), (maker, maker_desk)) if taker.side == "BUY" else ((maker, maker_desk), (taker, desk))
    )
    buyer.held -= quote
    buyer_desk.quote.locked -= quote
    seller_desk.quote.free += quote
    seller.held -= quantity
    seller_desk.base.locked -= quantity
    buyer_desk.base.free += quantity
