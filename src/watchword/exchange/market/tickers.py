"""Price change statistics over a stretch of time. Never looks at the order book: best prices come from there.

Source: rest-api.md "24hr ticker price change statistics", "Trading Day Ticker", "Rolling window price change
statistics".
"""

import re
from typing import Final

import msgspec

from watchword.exchange.market.intervals import DAY_US, HOUR_US, MINUTE_US
from watchword.exchange.market.pieces import NO_TRADE_ID
from watchword.exchange.market.series import (
    CLOSE,
    HIGH,
    LAST_ID,
    LOW,
    OPEN,
    QUOTE,
    TRADES,
    VOLUME,
    Bar,
)
from watchword.exchange.market.trades import PublicTrade
from watchword.kernel.units import SCALE

_WINDOW = re.compile(r"([1-9][0-9]?)([mhd])", re.ASCII)
_UNIT_US: Final = {"m": MINUTE_US, "h": HOUR_US, "d": DAY_US}
_UNITS_MAX: Final = {"m": 59, "h": 23, "d": 7}
#: Thousandths of a percent in one.
_PERCENT_MILLIS: Final = 100_000


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """Statistics of one symbol. Prices and amounts are scaled integers (10^-8).

    Attributes:
        open_us, close_us: The window, epoch microseconds, both inclusive.
        previous_close: Last price before the window, or the open where there is none.
        change_percent_millis: Price change in thousandths of a percent, rounded half away from zero.
        weighted_average: Quote volume over volume.
        first_id, last_id: Trade ids, -1 where nobody traded in the window; then all but `last` is zero.
    """

    symbol: str
    open_us: int
    close_us: int
    open: int
    high: int
    low: int
    last: int
    last_quantity: int
    previous_close: int
    change: int
    change_percent_millis: int
    weighted_average: int
    volume: int
    quote_volume: int
    first_id: int
    last_id: int
    count: int


def parse_window(text: str) -> int | None:
    """Read a `windowSize`: 1m…59m, 1h…23h, 1d…7d.

    Returns:
        Its length in microseconds, or None where the text is none of these.
    """
    match = _WINDOW.fullmatch(text)
    if match is None or int(match[1]) > _UNITS_MAX[match[2]]:
        return None
    return int(match[1]) * _UNIT_US[match[2]]


def ticker_of(
    symbol: str,
    bar: Bar | None,
    open_us: int,
    close_us: int,
    previous_close: int | None,
    latest: PublicTrade | None,
) -> Ticker:
    """Make a ticker from the merged trades of its window.

    Args:
        symbol: Whose.
        bar: The window's trades, or None.
        open_us: Where the window opens.
        close_us: Its last microsecond.
        previous_close: Last price before the window, or None.
        latest: The symbol's last trade, or None.
    """
    if bar is None:
        last = latest.price if latest is not None else previous_close or 0
        return Ticker(
            symbol, open_us, close_us, 0, 0, 0, last, 0, last, 0, 0, 0, 0, 0, NO_TRADE_ID, NO_TRADE_ID, 0
        )
    change = bar[CLOSE] - bar[OPEN]
    return Ticker(
        symbol=symbol,
        open_us=open_us,
        close_us=close_us,
        open=bar[OPEN],
        high=bar[HIGH],
        low=bar[LOW],
        last=bar[CLOSE],
        last_quantity=latest.quantity if latest is not None else 0,
        previous_close=bar[OPEN] if previous_close is None else previous_close,
        change=change,
        change_percent_millis=_rounded_ratio(change * _PERCENT_MILLIS, bar[OPEN]),
        weighted_average=bar[QUOTE] * SCALE // bar[VOLUME] if bar[VOLUME] else 0,
        volume=bar[VOLUME],
        quote_volume=bar[QUOTE],
        first_id=bar[LAST_ID] - bar[TRADES] + 1,
        last_id=bar[LAST_ID],
        count=bar[TRADES],
    )


def format_percent(millis: int) -> str:
    """Write thousandths of a percent as Binance does (`"-95.960"`)."""
    sign = "-" if millis < 0 else ""
    return f"{sign}{abs(millis) // 1000}.{abs(millis) % 1000:03d}"


def _rounded_ratio(numerator: int, denominator: int) -> int:
    if denominator <= 0:
        return 0
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -rounded if numerator < 0 else rounded
