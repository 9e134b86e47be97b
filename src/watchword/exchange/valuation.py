"""What an amount is worth in another asset, by the last prices of this venue. Never guesses: no price, no worth.

Why floored: a valuation is shown, never booked.
"""

from typing import Final

from watchword.exchange.state import State
from watchword.kernel.units import SCALE

#: Where two assets have no symbol in common, the way goes over one of these.
_BRIDGES: Final = ("USDT", "BTC")


def worth(state: State, asset: str, amount: int, quote: str) -> int:
    """Value an amount.

    Args:
        state: Whose prices.
        asset: Of what.
        amount: Scaled.
        quote: In what.

    Returns:
        Scaled and floored; 0 where no last price leads there, directly, the other way round, or over one bridge.
    """
    direct = _direct(state, asset, amount, quote)
    if direct is not None:
        return direct
    for bridge in _BRIDGES:
        halfway = _direct(state, asset, amount, bridge)
        if halfway is not None:
            value = _direct(state, bridge, halfway, quote)
            if value is not None:
                return value
    return 0


def _direct(state: State, asset: str, amount: int, quote: str) -> int | None:
    """Value by one symbol at most; None where there is none or it never traded."""
    if asset == quote:
        return amount
    floor = state.floors.get(asset + quote)
    if floor is not None and floor.last_price:
        return floor.last_price * amount // SCALE
    floor = state.floors.get(quote + asset)
    if floor is not None and floor.last_price:
        return amount * SCALE // floor.last_price
    return None
