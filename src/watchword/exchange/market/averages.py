"""The average price of the last minutes. Never older than the last trade: without one in the window it is that.

Source: rest-api.md "Current average price"; filters.md: with no trade in the window, the last price.
"""

import msgspec

from watchword.exchange.market.candles import BASES, MINUTES, SECONDS, Candles
from watchword.exchange.market.intervals import MINUTE_US, SECOND_US
from watchword.exchange.market.series import QUOTE, VOLUME
from watchword.kernel.units import SCALE


class AveragePrice(msgspec.Struct, frozen=True, gc=False):
    """Volume-weighted average over `minutes`, scaled; `close_us` is the last trade's moment."""

    minutes: int
    price: int
    close_us: int


def volume_weighted(candles: Candles, minutes: int, now_us: int) -> int | None:
    """Average the trades of the last minutes, weighted by quantity.

    Args:
        candles: The symbol's.
        minutes: Length of the window; up to an hour it is exact to the second, above to the minute.
        now_us: End of the window, epoch microseconds; the window begins on a second.

    Returns:
        Scaled price, or None where nobody traded in the window.
    """
    from_us = now_us // SECOND_US * SECOND_US - minutes * MINUTE_US
    level = SECONDS if from_us >= candles.series[SECONDS].complete_from * BASES[SECONDS][0] else MINUTES
    bar = candles.window(level, from_us, now_us + 1)
    if bar is None or bar[VOLUME] == 0:
        return None
    return bar[QUOTE] * SCALE // bar[VOLUME]
