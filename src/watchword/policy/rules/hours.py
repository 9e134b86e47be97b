"""When a key may place orders and withdraw, by the minute of the week. Cancelling is always possible."""

from typing import ClassVar, Final

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.intent import Place, Withdraw

MINUTE_US: Final = 60_000_000
DAY_MINUTES: Final = 1_440
WEEK_MINUTES: Final = 7 * DAY_MINUTES
#: 1970-01-01 was a Thursday.
EPOCH_DAYS: Final = 3
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(msgspec.Struct, frozen=True):
    """Open times.

    Attributes:
        spans: Minutes of the week in UTC, Monday first: (first minute, minute after the last), sorted and disjoint.
    """

    name: ClassVar[str] = "hours"

    spans: tuple[tuple[int, int], ...]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        if not isinstance(case.intent, Place | Withdraw):
            return None
        minute = minute_of_week(case.now_us)
        for first, end in self.spans:
            if first <= minute < end:
                return None
        return Deny(
            self.name, f"{minute_text(minute)} UTC is not open", (("now", minute_text(minute)),), self.limit()
        )

    def limit(self) -> str:
        """See Rule."""
        return ", ".join(f"{minute_text(first)} to {minute_text(end)}" for first, end in self.spans) + " UTC"

    def widening(self, parent: "Hours") -> str:
        """See Rule."""
        for first, end in self.spans:
            if not any(start <= first and end <= stop for start, stop in parent.spans):
                return f"{minute_text(first)} to {minute_text(end)} UTC"
        return ""


def minute_of_week(now_us: int) -> int:
    """Return the minute of the week in UTC, counted from Monday 00:00."""
    return (now_us // MINUTE_US + EPOCH_DAYS * DAY_MINUTES) % WEEK_MINUTES


def minute_text(minute: int) -> str:
    """Write a minute of the week as `mon 08:00`; the end of the week is `sun 24:00`."""
    day, rest = divmod(minute, DAY_MINUTES)
    if minute == WEEK_MINUTES:
        day, rest = len(DAYS) - 1, DAY_MINUTES
    return f"{DAYS[day]} {rest // 60:02}:{rest % 60:02}"


def join_spans(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Make spans disjoint and sorted; minutes below 0 or beyond the week wrap around."""
    open_minutes = {minute % WEEK_MINUTES for first, end in spans for minute in range(first, end)}
    joined: list[tuple[int, int]] = []
    for minute in sorted(open_minutes):
        if joined and joined[-1][1] == minute:
            joined[-1] = (joined[-1][0], minute + 1)
        else:
            joined.append((minute, minute + 1))
    return tuple(joined)
