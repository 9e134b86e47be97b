"""The time ranges and pages of /sapi histories: defaults, bounds, refusals. Reads no history itself.

Source: the official wallet SDK's notes on deposit, withdrawal and transfer history; -4047 as live answers show it.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from watchword.binance.errors import WireError
from watchword.binance.params import invalid

T = TypeVar("T")

DAY_US: Final = 86_400_000_000
MONEY_SPAN_DAYS_MAX: Final = 90
TOO_LONG: Final = WireError(-4047, "Time interval must be within 0-90 days")


def money_window(
    start_us: int, end_us: int, now_us: int, span_days: int = MONEY_SPAN_DAYS_MAX
) -> tuple[int, int] | WireError:
    """Return the range a deposit or withdrawal history is asked for.

    Args:
        start_us: As sent, included; 0: not sent.
        end_us: As sent, included; 0: not sent.
        now_us: Epoch microseconds.
        span_days: Longest range, and the one that is meant where an end is missing.

    Returns:
        (first, last) moment, or -4047 for a range that is too long or runs backwards.
    """
    last = end_us or (start_us + span_days * DAY_US if start_us else now_us)
    first = start_us or last - span_days * DAY_US
    if not 0 <= last - first <= span_days * DAY_US:
        return TOO_LONG
    return first, last


def page(rows: Sequence[T], number: int, size: int, size_max: int) -> Sequence[T] | WireError:
    """Cut one page out of a history, counted from 1; -1130 where a page may not have that many rows."""
    if size > size_max:
        return invalid("size")
    return rows[(number - 1) * size : number * size]
