"""What a search of the audit trails finds, as a CSV file or as JSON: streamed, bounded, newest first.

A file that is not all says so in its last row, so that nobody takes it for the whole trail.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec

from watchword.adapters.audit_index.finding import Found
from watchword.audit.search import subject_of, symbol_of
from watchword.bootstrap.audit_search import PAGE_ROWS_MAX, BadCursor, SearchPage
from watchword.entrypoints.console.csv_rows import csv_row, csv_time
from watchword.entrypoints.console.problem import REFUSED, TOO_MANY, Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.audit import TAG, AuditFilter, found_page, search_of, wanted_of
from watchword.entrypoints.console.streaming import CSV, Streamed

JSON: Final = "application/json"
EXPORT_ROWS_MAX: Final = 100_000
EXPORTS_AT_ONCE_MAX: Final = 2
AGAIN_S: Final = 5
HEADER: Final = (
    "time_utc", "trail", "row", "type", "actor", "key_or_subject", "action", "endpoint", "symbol", "rule", "reason",
    "result", "code", "request", "event", "digest",
)  # fmt: skip
#: In the column `type` of the last row of a file that is not all.
NOT_ALL: Final = "export:not-all"


class _Exports:
    """How many are on their way."""

    def __init__(self) -> None:
        self.count = 0


class _Shape(msgspec.Struct, frozen=True):
    """How a file is written: its head, each row, what is between two, its end, and the row that says it is not all."""

    head: str
    row: Callable[[Found], str]
    between: str
    end: str
    note: Callable[[str], str]


async def export_csv(ask: Ask[None, AuditFilter]) -> Streamed | Problem:
    """Write what is found as CSV; no cell is a formula to a spreadsheet."""
    pieces = await _begun(ask, _CSV_SHAPE)
    return pieces if isinstance(pieces, Problem) else Streamed(pieces, CSV, "audit.csv")


async def export_json(ask: Ask[None, AuditFilter]) -> Streamed | Problem:
    """Write what is found as one JSON list."""
    pieces = await _begun(ask, _JSON_SHAPE)
    return pieces if isinstance(pieces, Problem) else Streamed(pieces, JSON, "audit.json")


async def _begun(ask: Ask[None, AuditFilter], shape: _Shape) -> AsyncIterator[bytes] | Problem:
    """Find the first page, so that what is wrong is still said as a problem."""
    exports: _Exports = ask.console.at_hand.setdefault(_Exports, _Exports())
    if exports.count >= EXPORTS_AT_ONCE_MAX:
        return Problem(TOO_MANY, "other exports are on their way", retry_after_s=AGAIN_S)
    search, query = search_of(ask), ask.query
    wanted = wanted_of(query)

    def find(cursor: str) -> SearchPage | BadCursor:
        return search.find(wanted, PAGE_ROWS_MAX, cursor, query.trail)

    first = await asyncio.to_thread(found_page, search, wanted, PAGE_ROWS_MAX, "", query.trail)
    if isinstance(first, BadCursor):
        return Problem(REFUSED, str(first))
    return _pieces(exports, shape, first, find)


async def _pieces(
    exports: _Exports, shape: _Shape, page: SearchPage, find: Callable[[str], SearchPage | BadCursor]
) -> AsyncIterator[bytes]:
    """Write the file, a page at a time."""
    exports.count += 1
    try:
        yield shape.head.encode()
        written, mismatched, between = 0, 0, ""
        while True:
            texts = [shape.row(one) for one in page.rows[: EXPORT_ROWS_MAX - written]]
            written, mismatched = written + len(texts), mismatched + page.mismatched
            if texts:
                yield (between + shape.between.join(texts)).encode()
                between = shape.between
            is_cut = bool(page.cursor) or len(texts) < len(page.rows)
            if not page.cursor or written >= EXPORT_ROWS_MAX:
                break
            following = await asyncio.to_thread(find, page.cursor)
            if isinstance(following, BadCursor):
                break
            page = following
        for why in _shortcomings(is_cut=is_cut, mismatched=mismatched):
            yield (between + shape.note(why)).encode()
            between = shape.between
        yield shape.end.encode()
    finally:
        exports.count -= 1


def _shortcomings(*, is_cut: bool, mismatched: int) -> list[str]:
    """Say why a file is not all that was asked for."""
    found = []
    if is_cut:
        found.append(
            f"an export has at most {EXPORT_ROWS_MAX} rows; ask for a shorter time to get the others"
        )
    if mismatched:
        found.append(
            f"{mismatched} rows are not as they were written and left out; watchword audit verify names them"
        )
    return found


def _csv(one: Found) -> str:
    event, row = one.event, one.row
    said = [_text(event.get(name)) for name in ("rule", "reason", "result", "code", "request")]
    return csv_row(
        (
            csv_time(row.now_us), one.trail, str(row.number), _text(event.get("type")), _text(event.get("actor")),
            subject_of(event), _text(event.get("action")), _text(event.get("endpoint")), _text(symbol_of(event)), *said,
            msgspec.json.encode(event).decode(), row.digest.hex(),
        )
    )  # fmt: skip


def _csv_note(why: str) -> str:
    return csv_row(("", "", "", NOT_ALL, "", "", "", "", "", "", why, "", "", "", "", ""))


def _json(one: Found) -> str:
    row = one.row
    fields = {
        "trail": one.trail, "row": row.number, "time_us": row.now_us, "digest": row.digest.hex(),
        "previous": row.previous.hex(), "event": one.event,
    }  # fmt: skip
    return msgspec.json.encode(fields).decode()


def _json_note(why: str) -> str:
    return msgspec.json.encode({"type": NOT_ALL, "reason": why}).decode()


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


_CSV_SHAPE: Final = _Shape(csv_row(HEADER), _csv, "", "", _csv_note)
_JSON_SHAPE: Final = _Shape("[\n", _json, ",\n", "\n]\n", _json_note)

_READ: Final[dict[str, Any]] = {
    "method": "GET", "tag": TAG, "action": "audit.read", "limit": "heavy", "query": AuditFilter,
}  # fmt: skip

ROUTES: Final = (
    Route(
        path="/audit.csv", name="exportAuditCsv", summary="Export what a search of the audit trails finds as CSV.",
        handler=export_csv, media=CSV, **_READ,
    ),
    Route(
        path="/audit.json", name="exportAuditJson", summary="Export what a search of the audit trails finds as JSON.",
        handler=export_json, media=JSON, **_READ,
    ),
)  # fmt: skip
