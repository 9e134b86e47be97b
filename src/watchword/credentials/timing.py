"""The timing rule: reads `timestamp` and `recvWindow`, judges freshness. Never reads a clock.

Source: rest-api.md, "Timing security".
"""

import re
from typing import Final

import msgspec

from watchword.binance.errors import WireError, illegal, missing, too_precise

RECV_WINDOW_US_DEFAULT: Final = 5_000_000
RECV_WINDOW_MS_MAX: Final = 60_000
RECV_WINDOW_US_MAX: Final = RECV_WINDOW_MS_MAX * 1_000
AHEAD_US_MAX: Final = 1_000_000
#: Below this a timestamp counts milliseconds, from it on microseconds: it is the year 5138 in the one and 1973 in the
#: other, so that no moment of use is ambiguous.
MICROSECONDS_FROM: Final = 100_000_000_000_000

TIMESTAMP_RANGE: Final = "^[0-9]{1,20}$"
RECV_WINDOW_RANGE: Final = "^[0-9]{1,20}(\\.[0-9]{1,3})?$"

WINDOW_TOO_LONG: Final = WireError(
    -1102, f"'recvWindow' contains unexpected value. Cannot be greater than {RECV_WINDOW_MS_MAX}."
)

_WINDOW: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?", re.ASCII)
#: What clients send by default, so that the usual request is spared the pattern.
_COMMON_WINDOWS_US: Final = {str(ms): ms * 1_000 for ms in (5_000, 10_000, 20_000, 30_000, 60_000)}
_DIGITS_MAX: Final = 20
_FRACTION_DIGITS_MAX: Final = 3


class Stale(msgspec.Struct, frozen=True):
    """The request is older than its window.

    Attributes:
        age_us: Server time minus timestamp.
        window_us: What it was allowed to be.
    """

    age_us: int
    window_us: int


class Ahead(msgspec.Struct, frozen=True):
    """The request's timestamp is a second or more after the server's time.

    Attributes:
        ahead_us: Timestamp minus server time.
    """

    ahead_us: int


def read_timestamp_us(text: str) -> int | WireError:
    """Read a timestamp in milliseconds or microseconds, told apart by size.

    Args:
        text: Decimal digits.

    Returns:
        Epoch microseconds, or the refusal for a text that is empty or not 1 to 20 digits.
    """
    if not text:
        return missing("timestamp")
    if len(text) > _DIGITS_MAX or not (text.isascii() and text.isdigit()):
        return illegal("timestamp", TIMESTAMP_RANGE)
    value = int(text)
    return value if value >= MICROSECONDS_FROM else value * 1_000


def read_window_us(text: str | None) -> int | WireError:
    """Read a recvWindow, always in milliseconds with up to three decimals.

    Args:
        text: For example `5000` or `6000.346`; None where it was not sent.

    Returns:
        Microseconds (the default where it was not sent), or the refusal.
    """
    if text is None:
        return RECV_WINDOW_US_DEFAULT
    if text in _COMMON_WINDOWS_US:
        return _COMMON_WINDOWS_US[text]
    match = _WINDOW.fullmatch(text)
    if match is None:
        return illegal("recvWindow", RECV_WINDOW_RANGE) if text else missing("recvWindow")
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > _FRACTION_DIGITS_MAX:
        return too_precise("recvWindow")
    window_us = int(whole) * 1_000 + int(fraction.ljust(_FRACTION_DIGITS_MAX, "0"))
    return window_us if window_us <= RECV_WINDOW_US_MAX else WINDOW_TOO_LONG


def judge(timestamp_us: int, window_us: int, now_us: int) -> Stale | Ahead | None:
    """Judge a request on receipt.

    Args:
        timestamp_us: When the client says it sent the request.
        window_us: How long it may take.
        now_us: Server time.

    Returns:
        None where it is fresh: `timestamp < now + 1 s` and `now - timestamp <= window`.
    """
    if now_us - timestamp_us > window_us:
        return Stale(now_us - timestamp_us, window_us)
    if timestamp_us >= now_us + AHEAD_US_MAX:
        return Ahead(timestamp_us - now_us)
    return None


def still_fresh(deadline_us: int, now_us: int) -> bool:
    """The second check, just before the engine: the server's time has not passed timestamp + recvWindow."""
    return now_us <= deadline_us
