"""One recorded trade as commands: whoever stands in its way is hit, then the trade itself is printed.

Never judges filters: what was traded elsewhere is traded here, at its own price and size.
"""

from typing import Final

from watchword.exchange.commands import ImportTrade
from watchword.exchange.liquidity import view
from watchword.exchange.liquidity.maker import Side
from watchword.exchange.liquidity.taker import Strike
from watchword.exchange.state import State

#: Levels of resting user orders one recorded trade may run through.
_LEVELS_MAX: Final = 1_000


def in_the_way(engine: State, trade: ImportTrade) -> tuple[Side, int] | None:
    """Find user orders that the recorded trade proves wrong.

    A trade at a price with the seller as taker means that the best bid stood there: every ask at or below it would
    have been filled, and likewise for the other side.

    Args:
        engine: The engine.
        trade: What was recorded.

    Returns:
        Side and quantity of an order at the trade's price that fills them, or None where there are none.
    """
    bids, asks = view.book(engine, trade.symbol).depth(_LEVELS_MAX)
    if trade.buyer_is_maker:
        quantity = sum(amount for price, amount in asks if price <= trade.price)
        return ("BUY", quantity) if quantity else None
    quantity = sum(amount for price, amount in bids if price >= trade.price)
    return ("SELL", quantity) if quantity else None


def both_sides(trade: ImportTrade) -> tuple[Strike, Strike]:
    """Return the order that rests and the order that takes it."""
    bid = Strike("BUY", trade.price, trade.quantity)
    ask = Strike("SELL", trade.price, trade.quantity)
    return (bid, ask) if trade.buyer_is_maker else (ask, bid)
