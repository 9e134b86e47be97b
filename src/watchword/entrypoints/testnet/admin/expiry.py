"""Moments as people write them: `2027-01-31`, `2027-01-31T12:00:00Z`, `30d`. Never reads a clock."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

SECOND_US: Final = 1_000_000
_SPAN: Final = re.compile(r"([0-9]{1,6})(s|m|h|d|w)")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The last second that can be written back in every time zone.
LATEST_US: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def read_expiry(text: str, now_us: int) -> int | str:
    """Read a moment.

    Args:
        text: A span from now (`90s`, `12h`, `30d`, `4w`), an ISO 8601 date or time (UTC unless it says otherwise),
            or nothing.
        now_us: Epoch microseconds, for spans.

    Returns:
        Epoch microseconds, 0 for "never"; or a text that says what is wrong. A written moment is never 0 or below:
        those mean "never" further in.
    """
    text = text.strip()
    if text in {"", "never"}:
        return 0
    span = _SPAN.fullmatch(text)
    if span is not None:
        return _within(text, now_us + int(span[1]) * _UNIT_S[span[2]] * SECOND_US)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return (
            f"cannot read {text!r}: write a date (2027-01-31), a time (2027-01-31T12:00:00Z) or a span (30d)"
        )
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return _within(text, (at - _EPOCH) // timedelta(microseconds=1))


def read_span(text: str) -> int | str:
    """Read a span forwards in time (`90s`, `12h`, `30d`, `4w`, with or without a `+`).

    Returns:
        Microseconds, above 0; or a text that says what is wrong.
    """
    span = _SPAN.fullmatch(text.strip().removeprefix("+"))
    if span is None or int(span[1]) == 0:
        return f"cannot read {text!r}: write a span forwards in time, such as +30d, +12h or +90s"
    return int(span[1]) * _UNIT_S[span[2]] * SECOND_US


def write_span(span_us: int) -> str:
    """Write a span as its days, hours, minutes and seconds, for example `30d 2h`; `0s` for nothing."""
    seconds, parts = span_us // SECOND_US, []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNIT_S[unit])
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def write_expiry(at_us: int) -> str | None:
    """Write a moment as ISO 8601 in UTC, whole seconds; None for 0."""
    if at_us == 0:
        return None
    return (_EPOCH + timedelta(seconds=at_us // SECOND_US)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _within(text: str, at_us: int) -> int | str:
    """Refuse moments that would be taken for "never", or could not be written back."""
    if 0 < at_us <= LATEST_US:
        return at_us
    return f"{text!r} is no expiry: write one between 1970-01-02 and 9999-12-31, or leave it out for none"
