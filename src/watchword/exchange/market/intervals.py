"""Where candles begin and end: the sixteen intervals, shifted by a time zone. Never looks at a trade.

Source: rest-api.md "Kline/Candlestick data": intervals are interpreted in `timeZone`, times stay UTC.
"""

import re
from datetime import date
from typing import Final

from watchword.binance.enums import KLINE_INTERVALS

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
WEEK_US: Final = 7 * DAY_US

MONTH: Final = "1M"

#: Length of every interval but the month, microseconds.
LENGTH_US: Final[dict[str, int]] = {
    "1s": SECOND_US,
    "1m": MINUTE_US,
    "3m": 3 * MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "30m": 30 * MINUTE_US,
    "1h": HOUR_US,
    "2h": 2 * HOUR_US,
    "4h": 4 * HOUR_US,
    "6h": 6 * HOUR_US,
    "8h": 8 * HOUR_US,
    "12h": 12 * HOUR_US,
    "1d": DAY_US,
    "3d": 3 * DAY_US,
    "1w": WEEK_US,
}
INTERVALS: Final = KLINE_INTERVALS

#: 1970-01-05 was the first Monday; weeks begin there, everything else at the epoch.
_WEEK_PHASE_US: Final = 4 * DAY_US
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

_OFFSET = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-9]{2}))?", re.ASCII)
OFFSET_MIN_US: Final = -12 * HOUR_US
OFFSET_MAX_US: Final = 14 * HOUR_US


def parse_time_zone(text: str) -> int | None:
    """Read a `timeZone` parameter.

    Args:
        text: Hours (`0`, `8`, `-4`) or hours and minutes (`-1:00`, `05:45`), sign optional.

    Returns:
        The offset from UTC, microseconds, or None where the text is no offset within [-12:00, +14:00].

    Source: rest-api.md "Kline/Candlestick data", Notes.
    """
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    sign, hours, minutes = match.groups()
    if minutes is not None and int(minutes) > 59:
        return None
    offset = int(hours) * HOUR_US + int(minutes or 0) * MINUTE_US
    if sign == "-":
        offset = -offset
    return offset if OFFSET_MIN_US <= offset <= OFFSET_MAX_US else None


def open_of(interval: str, at_us: int, offset_us: int = 0) -> int:
    """Find the bucket that contains a moment.

    Args:
        interval: One of `INTERVALS`.
        at_us: The moment, epoch microseconds (UTC).
        offset_us: Time zone, microseconds east of UTC.

    Returns:
        Where the bucket opens, epoch microseconds (UTC).
    """
    if interval == MONTH:
        return _month_open(at_us + offset_us, 0) - offset_us
    length = LENGTH_US[interval]
    phase = offset_us - (_WEEK_PHASE_US if interval == "1w" else 0)
    return (at_us + phase) // length * length - phase


def next_open(interval: str, open_us: int, offset_us: int = 0) -> int:
    """Return where the bucket after the one opening at `open_us` opens, epoch microseconds (UTC)."""
    return shifted_open(interval, open_us, 1, offset_us)


def shifted_open(interval: str, open_us: int, count: int, offset_us: int = 0) -> int:
    """Return the opening `count` buckets after (or, negative, before) the one that opens at `open_us`."""
    if interval == MONTH:
        return _month_open(open_us + offset_us, count) - offset_us
    return open_us + count * LENGTH_US[interval]


def _month_open(local_us: int, months_later: int) -> int:
    day = date.fromordinal(local_us // DAY_US + _EPOCH_ORDINAL)
    month = day.year * 12 + day.month - 1 + months_later
    return (date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY_US
