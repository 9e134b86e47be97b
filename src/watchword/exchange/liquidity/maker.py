"""The ladder of one symbol: which prices the maker stands at, and how to get there from where it stands.

Pure: decides, never places. Prices lie on grids, so that a small move of the market changes few orders.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from watchword.exchange.liquidity.profile import Profile
from watchword.exchange.liquidity.random import Dice
from watchword.exchange.order import Order
from watchword.kernel.units import SCALE

#: An order of which less than a quarter is left is replaced by a fresh one.
_REFILL_DIVISOR: Final = 4
#: Worth of the k-th level is (k + 2) eighths of the profile's.
_WEIGHT_OFFSET: Final = 2
_WEIGHT_DIVISOR: Final = 8

Side = Literal["BUY", "SELL"]


class Quote(msgspec.Struct, frozen=True, gc=False):
    """An order the maker wants. `rank` counts from the best price, 0."""

    side: Side
    price: int
    rank: int


def bid_prices(profile: Profile, below: int) -> list[int]:
    """Return the ladder's bids, best first.

    Args:
        profile: Grids and numbers of levels.
        below: All prices are at or below this, scaled.
    """
    prices: list[int] = []
    at = below
    for levels, grid in profile.zones:
        at = at // grid * grid
        for _ in range(levels):
            if at <= 0:
                return prices
            prices.append(at)
            at -= grid
    return prices


def ask_prices(profile: Profile, above: int) -> list[int]:
    """Return the ladder's asks, best first; all prices are at or above `above`."""
    prices: list[int] = []
    at = above
    for levels, grid in profile.zones:
        at = -(-at // grid) * grid
        for _ in range(levels):
            prices.append(at)
            at += grid
    return prices


def half_spread(profile: Profile) -> int:
    """Return how far the best price stays from the fair one."""
    return max(1, profile.grid // 2)


def obsolete(
    orders: Iterable[Order], bids: list[int], asks: list[int]
) -> tuple[list[Order], set[int], set[int]]:
    """Sort the maker's open orders.

    Args:
        orders: All it has open on the symbol.
        bids: Prices it wants to bid at.
        asks: Prices it wants to ask at.

    Returns:
        (orders to cancel, prices where a bid may stay, prices where an ask may stay).
    """
    wanted_bids, wanted_asks = set(bids), set(asks)
    kept_bids: set[int] = set()
    kept_asks: set[int] = set()
    gone: list[Order] = []
    for order in orders:
        wanted, kept = (wanted_bids, kept_bids) if order.side == "BUY" else (wanted_asks, kept_asks)
        left = order.quantity - order.executed - order.prevented
        if order.price in wanted and order.price not in kept and left * _REFILL_DIVISOR >= order.quantity:
            kept.add(order.price)
        else:
            gone.append(order)
    return gone, kept_bids, kept_asks


def missing(bids: list[int], asks: list[int], kept_bids: set[int], kept_asks: set[int]) -> Iterator[Quote]:
    """Yield the quotes to place, from the inside out, the two sides in turn."""
    for rank in range(max(len(bids), len(asks))):
        if rank < len(bids) and bids[rank] not in kept_bids:
            yield Quote("BUY", bids[rank], rank)
        if rank < len(asks) and asks[rank] not in kept_asks:
            yield Quote("SELL", asks[rank], rank)


def level_quantity(profile: Profile, price: int, rank: int, dice: Dice) -> int:
    """Draw the size of a level: between a half and one and a half of what its rank is worth.

    Returns:
        Base quantity, scaled, a multiple of the step and above the symbol's smallest order.
    """
    worth = profile.level_quote * (rank + _WEIGHT_OFFSET) // _WEIGHT_DIVISOR
    return fit_quantity(profile, price, worth * (512 + dice.below(1024)) // 1024)


def fit_quantity(profile: Profile, price: int, worth: int) -> int:
    """Turn an amount of quote asset into a quantity the symbol's filters accept.

    Args:
        profile: The symbol.
        price: Scaled.
        worth: Scaled quote amount.
    """
    step = profile.step
    smallest = max(profile.quantity_min, profile.notional_min * SCALE // price + 1)
    smallest = -(-smallest // step) * step
    return max(smallest, min(profile.quantity_max, worth * SCALE // price) // step * step)
