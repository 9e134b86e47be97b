"""Rows of the trail on a terminal: filters from options, one line or one JSON object per row. Decides nothing."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from watchword.adapters.system import SystemClock
from watchword.audit.chain import Row
from watchword.audit.search import Filter
from watchword.audit.trail import AuditReader
from watchword.kernel.errors import ConfigurationError

_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNIT_US: Final = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
#: Left out of a checkpoint's line; `watchword audit show` has them.
_LONG: Final = ("digest", "first", "signature", "trail")
#: Told first, in this order; the others follow as they stand.
_FIRST: Final = ("intent", "result", "action", "endpoint", "key", "rule", "reason", "status", "code")
_QUIET: Final[tuple[object, ...]] = (None, "", 0, False, {}, [])


def read_filter(
    kind: str | None,
    key: str | None,
    endpoint: str | None,
    symbol: str | None,
    request: str | None,
    since: str | None,
    until: str | None,
) -> Filter:
    """Build a filter from the texts of the options.

    Raises:
        ConfigurationError: A time cannot be read.
    """
    return Filter(
        kind=kind,
        key=key,
        endpoint=endpoint,
        symbol=symbol,
        request=request,
        since_us=_moment_us(since),
        until_us=_moment_us(until),
    )


def find_reader(home: Path, file: Path | None) -> AuditReader:
    """Open the trail of a home, or the file that was named.

    Raises:
        ConfigurationError: There is no trail.
        StorageError: It cannot be read.
    """
    from watchword.adapters.audit.trail_files import open_reader
    from watchword.bootstrap.audit_trail import audit_path

    path = file or audit_path(home)
    if not path.exists():
        raise ConfigurationError(f"there is no audit trail at {path}; name one with --file or --home")
    return open_reader(path)


def row_fields(row: Row, event: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON shows it."""
    return {
        "row": row.number,
        "time": moment(row.now_us),
        "time_us": row.now_us,
        "digest": row.digest.hex(),
        "previous": row.previous.hex(),
        "event": event,
    }


def row_line(row: Row, event: dict[str, Any]) -> str:
    """Return a row as one line for people, without anything that a terminal would obey."""
    rest = dict(event)
    kind = rest.pop("type", "?")
    if kind == "trail:checkpoint":
        rest = {name: value for name, value in rest.items() if name not in _LONG}
    ordered = {name: rest.pop(name) for name in _FIRST if name in rest} | rest
    shown = [f"{name}={_value(value)}" for name, value in ordered.items() if value not in _QUIET]
    return harmless(f"{row.number:>8}  {moment(row.now_us)}  {kind:<20}  {' '.join(shown)}")


def row_json(row: Row, event: dict[str, Any]) -> str:
    """Return a row as one line of JSON, with escapes for what does not print."""
    fields = row_fields(row, event)
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else json.dumps(fields, separators=(",", ":"))


def moment(now_us: int) -> str:
    """Write a time in UTC."""
    seconds, micros = divmod(now_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


def harmless(text: str) -> str:
    """Write out what does not print: a trail may have been tampered with."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(text, ensure_ascii=False) if " " in text and isinstance(value, str) else text


def _moment_us(text: str | None) -> int | None:
    """Read `2026-11-21T10:00:00Z`, or a span back from now such as `10m`, `2h`, `1d`."""
    if text is None:
        return None
    span = _SPAN.fullmatch(text)
    if span is not None:
        return SystemClock().now_us() - int(span[1]) * _UNIT_US[span[2]]
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no time; write 2026-11-21T10:00:00Z, or 10m, 2h, 1d") from None
    given = given if given.tzinfo is not None else given.replace(tzinfo=UTC)
    return int(given.timestamp() * 1_000_000)
