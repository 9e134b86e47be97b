"""Reads values of a policy file out of its tree: names, amounts, per cents, durations, times. Knows no rule.

Every reader takes a node and the path it stands at, and either returns the value or raises `BadYamlError`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, TypeVar

from watchword.kernel.units import SCALE, TooPrecise, parse_scaled
from watchword.policy.nodes import BadYamlError, Node, Problem

T = TypeVar("T")

AMOUNT_MAX: Final = 2**63 - 1
PERCENT_MAX: Final = 100 * SCALE
COUNT_MAX: Final = 1_000_000_000
DURATION_US_MAX: Final = 86_400_000_000
NAMES_COUNT_MAX: Final = 2_000
TEXT_CHARS_MAX: Final = 2_000

_UNITS_US: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
_DURATION: Final = re.compile(r"([0-9]{1,12})\s*(us|ms|s|m|h)", re.ASCII)
_TIME: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])([01][0-9]):([0-5][0-9])", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_ASSET: Final = re.compile(r"[^\W_]{1,20}")
_SYMBOL: Final = re.compile(r"(?:(?![a-z])[\w\-.]){1,50}")


def fault(node: Node, where: str, text: str) -> BadYamlError:
    """Make the error that names a part of the file."""
    return BadYamlError(Problem(node.line, node.column, where, text))


def read_map(
    node: Node, where: str, known: Iterable[str] | None, needed: Iterable[str] = ()
) -> dict[str, Node]:
    """Read a mapping.

    Args:
        node: The node.
        where: Its path.
        known: Keys it may have; None for any.
        needed: Keys it must have.
    """
    if node.kind != "map":
        raise fault(node, where, "write `key: value` pairs here")
    allowed = None if known is None else tuple(known)
    for name, (key, _) in node.pairs.items():
        if allowed is not None and name not in allowed:
            raise fault(key, _join(where, name), f"there is no such key; known are {', '.join(allowed)}")
    for name in needed:
        if name not in node.pairs:
            raise fault(node, where, f"{name!r} is missing")
    return {name: value for name, (_, value) in node.pairs.items()}


def read_each(
    node: Node, where: str, read: Callable[[Node, str], T], *, most: int = NAMES_COUNT_MAX
) -> list[T]:
    """Read a list."""
    if node.kind != "list":
        raise fault(node, where, "write a list here: [a, b] or one item a line behind a dash")
    if len(node.items) > most:
        raise fault(node, where, f"a list here has at most {most} items")
    return [read(item, f"{where}[{number}]") for number, item in enumerate(node.items)]


def read_text(node: Node, where: str) -> str:
    """A text that is not empty."""
    if node.kind != "text" or not node.text.strip():
        raise fault(node, where, "write a text here")
    if len(node.text) > TEXT_CHARS_MAX:
        raise fault(node, where, f"a text has at most {TEXT_CHARS_MAX} characters")
    return node.text


def read_choice(choices: Iterable[str]) -> Callable[[Node, str], str]:
    """A reader for one of a few words."""
    known = tuple(choices)

    def read(node: Node, where: str) -> str:
        text = read_text(node, where)
        if text not in known:
            raise fault(node, where, f"{text!r} is none of {', '.join(known)}")
        return text

    return read


def read_amount(node: Node, where: str) -> int:
    """A decimal as a scaled integer."""
    text = read_text(node, where)
    try:
        value = parse_scaled(text)
    except TooPrecise:
        raise fault(node, where, f"{text} has more than eight decimals") from None
    if value is None:
        raise fault(node, where, f"{text!r} is no amount; write digits like 1500 or 0.05")
    if value > AMOUNT_MAX:
        raise fault(node, where, f"{text} is larger than any amount")
    return value


def read_caps(node: Node, where: str) -> dict[str, int]:
    """Amounts by asset."""
    caps = {}
    for asset, value in read_map(node, where, None).items():
        if not _ASSET.fullmatch(asset):
            raise fault(node.pairs[asset][0], _join(where, asset), "write an asset like USDT here")
        caps[asset] = read_amount(value, _join(where, asset))
    if not caps:
        raise fault(node, where, "name at least one asset, like {USDT: 500}")
    return caps


def read_percent(node: Node, where: str) -> int:
    """A share like `2%`, `2 %` or `0.5`, in per cent times 10^8; at most 100."""
    text = read_text(node, where)
    try:
        value = parse_scaled(text.removesuffix("%").rstrip())
    except TooPrecise:
        value = None
    if value is None or value > PERCENT_MAX:
        raise fault(node, where, f"{text!r} is no share; write per cent from 0% to 100%")
    return value


def read_count(node: Node, where: str) -> int:
    """A whole number."""
    text = read_text(node, where)
    if not _COUNT.fullmatch(text) or int(text) > COUNT_MAX:
        raise fault(node, where, f"{text!r} is no whole number up to {COUNT_MAX}")
    return int(text)


def read_duration(node: Node, where: str) -> int:
    """A time span like `30s`, in microseconds; at most a day."""
    match = _DURATION.fullmatch(read_text(node, where))
    span_us = int(match[1]) * _UNITS_US[match[2]] if match else 0
    if not 0 < span_us <= DURATION_US_MAX:
        raise fault(node, where, f"{node.text!r} is no time span; write 500ms, 30s, 5m or up to 24h")
    return span_us


def read_time(node: Node, where: str) -> int:
    """A time of day like `08:30`, in minutes; `24:00` is the end of the day."""
    match = _TIME.fullmatch(read_text(node, where))
    minutes = int(match[1]) * 60 + int(match[2]) if match else -1
    if not 0 <= minutes <= 1_440:
        raise fault(node, where, f"{node.text!r} is no time of day; write 08:30 or 24:00")
    return minutes


def read_offset(node: Node, where: str) -> int:
    """A fixed distance from UTC like `+02:00`, in minutes."""
    match = _OFFSET.fullmatch(read_text(node, where))
    minutes = int(match[2]) * 60 + int(match[3]) if match else -1
    if match is None or minutes > 14 * 60:
        raise fault(node, where, f"{node.text!r} is no distance from UTC; write +02:00 or -05:00")
    return minutes if match[1] == "+" else -minutes


def read_moment(node: Node, where: str) -> int:
    """A moment like `2026-03-02T12:00:00Z`, in epoch microseconds."""
    text = read_text(node, where)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - has no zone, so it is refused below
    if moment.tzinfo is None:
        raise fault(node, where, f"{text!r} is no moment with a zone; write 2026-03-02T12:00:00Z")
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def read_symbol(node: Node, where: str) -> str:
    """A symbol like BTCUSDT."""
    text = read_text(node, where)
    if not _SYMBOL.fullmatch(text):
        raise fault(node, where, f"{text!r} is no symbol; write it in capitals, like BTCUSDT")
    return text


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
