"""What the market looks like, given as values: a median price, its age, the book. Never fetches, never trusts one trade.

Whoever holds the market data keeps samples per symbol and makes a `Market` of them; rules ask how old it is.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from watchword.kernel.units import SCALE

#: Levels of one side a walk looks at.
LEVELS_COUNT_MAX: Final = 5_000

Level = tuple[int, int]


class Market(msgspec.Struct, frozen=True):
    """One symbol as last seen. Prices and quantities are scaled integers.

    Attributes:
        base: Asset that is bought and sold.
        quote: Asset it is paid in.
        median: Median of recent prices; 0 where there is none.
        median_at_us: When its newest sample was taken, epoch microseconds.
        bids: (price, quantity) from the best down.
        asks: (price, quantity) from the best up.
        book_at_us: When the book was seen, epoch microseconds.
    """

    base: str
    quote: str
    median: int = 0
    median_at_us: int = 0
    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()
    book_at_us: int = 0


References = Mapping[str, Market]


class Walk(msgspec.Struct, frozen=True, gc=False):
    """What a market order would do to a book.

    Attributes:
        quantity: Base units it fills.
        amount: Quote units that change hands, rounded up.
        worst: Price of the last level it touches.
        whole: False where the book is too thin for the order.
    """

    quantity: int
    amount: int
    worst: int
    whole: bool


def median_price(
    samples: Sequence[tuple[int, int]], now_us: int, window_us: int, samples_count_min: int
) -> tuple[int, int] | None:
    """Take the median of recent prices: one trade far from the market does not move it.

    Args:
        samples: (moment in epoch microseconds, price), in any order.
        now_us: Epoch microseconds.
        window_us: How far back samples count, to the microsecond.
        samples_count_min: Below so many there is no reference.

    Returns:
        The median (for an even count the lower of the two in the middle) and the moment of the newest sample, or
        None where there are too few.
    """
    recent = [sample for sample in samples if now_us - window_us <= sample[0] <= now_us]
    if not recent or len(recent) < samples_count_min:
        return None
    prices = sorted(price for _, price in recent)
    return prices[(len(prices) - 1) // 2], max(at_us for at_us, _ in recent)


def walk_quantity(levels: Sequence[Level], quantity: int) -> Walk:
    """Fill a quantity of base units level by level.

    Args:
        levels: The opposite side of the book, best first.
        quantity: Base units, scaled.
    """
    left, amount, worst = quantity, 0, 0
    for price, available in levels[:LEVELS_COUNT_MAX]:
        worst = price
        taken = min(available, left)
        amount += price * taken
        left -= taken
        if left <= 0:
            return Walk(quantity, -(-amount // SCALE), worst, True)
    return Walk(quantity - left, -(-amount // SCALE), worst, left <= 0)


def walk_amount(levels: Sequence[Level], amount: int) -> Walk:
    """Spend (or receive) an amount of quote units level by level.

    Args:
        levels: The opposite side of the book, best first.
        amount: Quote units, scaled.
    """
    left, quantity, worst = amount * SCALE, 0, 0
    for price, available in levels[:LEVELS_COUNT_MAX]:
        if price <= 0:
            break
        worst = price
        value = price * available
        if value >= left:
            return Walk(quantity - (-left // price), amount, worst, True)
        quantity += available
        left -= value
    return Walk(quantity, amount - left // SCALE, worst, left <= 0)
