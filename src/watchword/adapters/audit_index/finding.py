"""Finds rows by the index and shows them from the trails. The index is believed in nothing but where to look.

A row is shown when the trail has it where the index says, with the digest that was indexed, whole, and when the filter
takes it. The time one call takes is bounded: a page may come back short, with a cursor that goes on.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from watchword.adapters.audit_index.building import DIGEST_BYTES
from watchword.adapters.audit_index.index_file import connect_to_read, time_id
from watchword.adapters.audit_index.terms import beginning_term, subject_term, terms_wanted, trail_term
from watchword.audit.chain import Row, holds, read_line
from watchword.audit.search import Filter, event_fields
from watchword.audit.trail import AuditReader
from watchword.kernel.errors import StorageError

#: Marks of one part of a search; with them a part is some 50,000 rows, looked through in some milliseconds.
PART_MARKS: Final = 3
#: A call that has looked for so long answers with what it has. Looking through a part is not interrupted.
FIND_NS_MAX: Final = 25_000_000
#: Keys with a common beginning that are looked for one by one.
SUBJECTS_MAX: Final = 64
#: Rows of one microsecond may have got ids of a later one; the row's own time decides.
SAME_TIME_SLACK_US: Final = 1_000
#: Rows read before one that is shown.
NEAR_ROWS: Final = 16
_TOP: Final = (1 << 63) - 1
#: The store orders texts by their bytes; nothing sorts behind this.
_AFTER_ALL: Final = chr(0x10FFFF)

_MATCHING: Final = """
SELECT entry.id, lane, row, digest FROM entry JOIN
  (SELECT rowid AS id FROM term WHERE term MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT ?)
USING (id) ORDER BY entry.id DESC
"""
_ALL: Final = "SELECT id, lane, row, digest FROM entry WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?"

_Entry = tuple[int, int, int, bytes]


class Found(msgspec.Struct, frozen=True):
    """One row, read from its trail and whole.

    Attributes:
        trail: Which.
        row: The row.
        event: Its body, as `event_fields` reads it.
    """

    trail: str
    row: Row
    event: dict[str, Any]


class FoundPage(msgspec.Struct, frozen=True):
    """Some rows, newest first.

    Attributes:
        rows: At most as many as were asked for.
        cursor: Where the next page begins; None where nothing more can be there. A page may be short and go on.
        mismatched: Places where the trail has not what was indexed: see `watchword audit verify`.
    """

    rows: list[Found]
    cursor: int | None
    mismatched: int = 0


class IndexFinder:
    """Looks things up in an index somebody else may be building. For one thread at a time."""

    def __init__(self, path: Path, work_ns: Callable[[], int]) -> None:
        """Open the index.

        Args:
            path: Of the index.
            work_ns: What the calling thread has worked; it bounds how long a call looks.

        Raises:
            StorageError: There is none.
        """
        self.path = path
        self._work_ns = work_ns
        self._connection = connect_to_read(path)

    def find(
        self,
        trails: Mapping[str, AuditReader],
        wanted: Filter,
        limit: int,
        cursor: int | None = None,
        trail: str | None = None,
    ) -> FoundPage:
        """Find the newest rows that are asked for.

        Args:
            trails: By name, as they were indexed.
            wanted: What the rows are like.
            limit: Rows of the page, at least 1.
            cursor: Of the page before.
            trail: Only rows of this one.

        Raises:
            StorageError: The index cannot be read.
        """
        try:
            return self._find(trails, wanted, limit, _TOP if cursor is None else cursor, trail)
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}") from error

    def rows(self) -> dict[str, int]:
        """Say how far each trail is indexed, by its last row.

        Raises:
            StorageError: The index cannot be read.
        """
        try:
            return dict(self._connection.execute("SELECT name, row FROM source").fetchall())
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Let it go."""
        self._connection.close()

    def _find(
        self, trails: Mapping[str, AuditReader], wanted: Filter, limit: int, cursor: int, trail: str | None
    ) -> FoundPage:
        lanes: dict[int, str] = dict(self._connection.execute("SELECT lane, name FROM source"))
        match = self._match(wanted, {name: lane for lane, name in lanes.items()}, trail)
        rows = _TrailRows({lane: trails[name] for lane, name in lanes.items() if name in trails})
        found: list[Found] = []
        mismatched, last, until_ns = 0, cursor, self._work_ns() + FIND_NS_MAX
        for at, entry in self._places(match, wanted, cursor, limit + 1):
            row = rows.row(entry) if entry is not None else None
            mismatched += entry is not None and row is None
            event = event_fields(row) if row is not None else {}
            if entry is not None and row is not None and wanted.takes(row, event):
                if len(found) == limit:
                    return FoundPage(found, last, mismatched)
                found.append(Found(lanes[entry[1]], row, event))
                last = at
            if at > _lowest(wanted) and self._work_ns() > until_ns:
                return FoundPage(found, at, mismatched)
        return FoundPage(found, None, mismatched)

    def _places(
        self, match: str | None, wanted: Filter, cursor: int, count: int
    ) -> Iterator[tuple[int, _Entry | None]]:
        """Yield where to look, newest first, each with the id a later call would go on below; None ends a part."""
        for low, high in self._parts(wanted, cursor) if match is not None else ():
            below = high
            while True:
                entries = self._entries(match or "", low, below, count)
                for entry in entries:
                    below = entry[0]
                    yield below, entry
                if len(entries) < count:
                    break
            yield low, None

    def _entries(self, match: str, low: int, below: int, count: int) -> list[_Entry]:
        if not match:
            return self._connection.execute(_ALL, (low, below, count)).fetchall()
        return self._connection.execute(_MATCHING, (match, low, below, count)).fetchall()

    def _match(self, wanted: Filter, lanes: dict[str, int], trail: str | None) -> str | None:
        """Write what the term table is asked; empty asks for everything, None says that nothing can be found."""
        terms = terms_wanted(wanted)
        if trail is not None:
            if trail not in lanes:
                return None
            if len(lanes) > 1:
                terms.append(trail_term(lanes[trail]))
        groups = [f'"{term}"' for term in dict.fromkeys(terms)]
        if wanted.key:
            subjects = self._subjects(wanted.key)
            if not subjects:
                return None
            beginning = beginning_term(wanted.key)
            if len(subjects) <= SUBJECTS_MAX:
                groups.append("(" + " OR ".join(f'"{subject_term(name)}"' for name in subjects) + ")")
            elif beginning is not None:
                groups.append(f'"{beginning}"')
        return " AND ".join(groups)

    def _subjects(self, beginning: str) -> list[str]:
        """Return keys that begin so, one more than would be looked for one by one."""
        beginning = beginning.encode("utf-8", "replace").decode()
        found = self._connection.execute(
            "SELECT name FROM subject WHERE name >= ? AND name < ? ORDER BY name LIMIT ?",
            (beginning, beginning + _AFTER_ALL, SUBJECTS_MAX + 1),
        )
        return [name for (name,) in found]

    def _parts(self, wanted: Filter, cursor: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of ids from the newest back: from, below."""
        low, high = _lowest(wanted), min(cursor, _highest(wanted))
        marks = self._connection.execute(
            "SELECT id FROM mark WHERE id > ? AND id < ? ORDER BY id DESC", (low, high)
        ).fetchall()
        for (mark,) in marks[PART_MARKS - 1 :: PART_MARKS]:
            yield mark, high
            high = mark
        if high > low:
            yield low, high


def _lowest(wanted: Filter) -> int:
    return 0 if wanted.since_us is None else time_id(wanted.since_us)


def _highest(wanted: Filter) -> int:
    return _TOP if wanted.until_us is None else time_id(wanted.until_us + 1 + SAME_TIME_SLACK_US)


class _TrailRows:
    """Rows of trails for one call. Some before each are kept too: neighbours lie in one record."""

    def __init__(self, readers: Mapping[int, AuditReader]) -> None:
        self._readers = readers
        self._near: dict[int, dict[int, Row]] = {}

    def row(self, entry: _Entry) -> Row | None:
        """Read a row; None where the trail has not what was indexed."""
        _, lane, number, digest = entry
        row = self._near.get(lane, {}).get(number)
        reader = self._readers.get(lane)
        if row is None and reader is not None:
            before = max(0, number - NEAR_ROWS)
            lines = map(read_line, islice(reader.lines_after(before), number - before))
            self._near[lane] = {one.number: one for one in lines if one is not None}
            row = self._near[lane].get(number)
        if row is None or row.digest[:DIGEST_BYTES] != digest or not holds(row):
            return None
        return row
