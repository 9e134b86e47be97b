"""One recorded trade as commands: whoever stands in its way is hit, then the trade itself is printed.

Never judges filters: what was traded elsewhere is traded here, at its own price and size.
"""

from collections.abc import Iterator
from typing import Final

from watchword.exchange.commands import ImportTrade
from watchword.exchange.liquidity.floor import Floor
from watchword.exchange.liquidity.maker import Side

#: Levels of resting user orders one recorded trade may run through.
_LEVELS_MAX: Final = 1_000


def in_the_way(floor: Floor, trade: ImportTrade) -> tuple[Side, int] | None:
    """Find user orders that the recorded trade proves wrong.

    A trade at a price with the seller as taker means that the best bid stood there: every ask at or below it would
    have been filled, and likewise for the other side.

    Args:
        floor: The engine.
        trade: What was recorded.

    Returns:
        Side and quantity of an order at the trade's price that fills them, or None where there are none.
    """
    bids, asks = floor.book(trade.symbol).depth(_LEVELS_MAX)
    if trade.buyer_is_maker:
        quantity = sum(amount for price, amount in asks if price <= trade.price)
        return ("BUY", quantity) if quantity else None
    quantity = sum(amount for price, amount in bids if price >= trade.price)
    return ("SELL", quantity) if quantity else None


def print_sides(trade: ImportTrade) -> Iterator[Side]:
    """Yield the side that rests, then the side that takes."""
    yield "BUY" if trade.buyer_is_maker else "SELL"
    yield "SELL" if trade.buyer_is_maker else "BUY"
