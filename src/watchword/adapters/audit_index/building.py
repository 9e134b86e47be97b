"""Builds the index from trails, a batch a transaction: stopped anywhere, it goes on there. Never writes a trail.

A trail whose row 1, or whose last indexed row, is not the one that was indexed has been replaced: then all begins anew.
"""

import sqlite3
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from watchword.adapters.audit_index.index_file import (
    NO_TABLES,
    TABLES,
    TRAILS_MAX,
    connect_to_write,
    next_id,
)
from watchword.adapters.audit_index.terms import terms_of
from watchword.audit.chain import Row, holds, read_line
from watchword.audit.search import event_fields, subject_of
from watchword.audit.trail import AuditReader
from watchword.kernel.errors import ConfigurationError, StorageError

#: Rows of one transaction: what is in memory at a time, and what a crash costs.
BATCH_ROWS: Final = 2_000
#: After so many of a trail's rows the index notes an id, by which a search looks at a part at a time.
MARK_ROWS: Final = 16_384
#: After so many new rows the index is put together into one piece, which finds two to three times as fast.
TIDY_ROWS: Final = 50_000
DIGEST_BYTES: Final = 16


class Progress(msgspec.Struct, frozen=True):
    """How far the index is.

    Attributes:
        trail: Which trail is being read.
        row: Its last row in the index.
        added: Rows added in this run, over all trails.
        unreadable: Lines of this trail that are no rows, or not in their place.
    """

    trail: str
    row: int
    added: int
    unreadable: int


class _Source(msgspec.Struct):
    """How far one trail is indexed; one row of the table `source`."""

    lane: int
    name: str
    row: int = 0
    last_id: int = 0
    entries: int = 0
    unreadable: int = 0
    checked_row: int = 0
    checked_digest: bytes = b""
    first_digest: bytes = b""


class IndexBuilder:
    """Keeps an index up with its trails. For one thread at a time; several processes may do it, one after the other.

    When unavailable: searches go on without it, slower.
    """

    def __init__(self, path: Path) -> None:
        """Open the index, or make it.

        Raises:
            StorageError: It cannot be opened.
        """
        self.path = path
        self._connection = connect_to_write(path)

    def update(
        self,
        trails: Mapping[str, AuditReader],
        progress: Callable[[Progress], None] | None = None,
        *,
        rows_max: int | None = None,
    ) -> int:
        """Index what the trails have and the index has not.

        Args:
            trails: By name; at most TRAILS_MAX.
            progress: Called after each batch.
            rows_max: Stop after about so many rows; None for all there are.

        Returns:
            How many rows were added.

        Raises:
            StorageError: The index cannot be written, or a trail not be read.
        """
        if len(trails) > TRAILS_MAX:
            raise ConfigurationError(f"an index holds at most {TRAILS_MAX} trails")
        added = 0
        try:
            self._forget_if_replaced(trails)
            for name, reader in trails.items():
                while rows_max is None or added < rows_max:
                    source, rows = self._batch(name, reader)
                    added += rows
                    if progress is not None and rows:
                        progress(Progress(name, source.row, added, source.unreadable))
                    # A short batch was the trail's end; what is written meanwhile is the next call's.
                    if rows < BATCH_ROWS:
                        break
            if added >= TIDY_ROWS:
                self._connection.execute("INSERT INTO term (term) VALUES ('optimize')")
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}") from error
        return added

    def close(self) -> None:
        """Let it go."""
        self._connection.close()

    def _forget_if_replaced(self, trails: Mapping[str, AuditReader]) -> None:
        for name in trails:
            source = self._source(name)
            if source is not None and source.checked_row and not _same_trail(source, trails[name]):
                self._connection.executescript(f"BEGIN IMMEDIATE; {NO_TABLES} {TABLES} COMMIT;")
                return

    def _batch(self, name: str, reader: AuditReader) -> tuple[_Source, int]:
        """Index some rows of a trail, all of them or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            source = self._source(name) or self._new_source(name)
            lines = list(islice(reader.lines_after(source.row), BATCH_ROWS))
            self._insert(source, lines)
            self._connection.execute(
                "INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(source),
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return source, len(lines)

    def _insert(self, source: _Source, lines: list[bytes]) -> None:
        entries: list[tuple[int, int, int, bytes]] = []
        terms: list[tuple[int, str]] = []
        subjects: set[str] = set()
        marks: list[tuple[int]] = []
        for line in lines:
            source.row += 1
            row = read_line(line)
            if row is None or not _in_place(row, source):
                source.unreadable += 1
                continue
            source.row = row.number
            event = event_fields(row)
            source.last_id = next_id(row.now_us, source.last_id, source.lane)
            source.entries += 1
            entries.append((source.last_id, source.lane, row.number, row.digest[:DIGEST_BYTES]))
            terms.append((source.last_id, terms_of(source.lane, event)))
            subjects.add(subject_of(event))
            if source.entries % MARK_ROWS == 0:
                marks.append((source.last_id,))
            _note(source, row)
        self._connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", entries)
        self._connection.executemany("INSERT INTO term (rowid, terms) VALUES (?, ?)", terms)
        self._connection.executemany(
            "INSERT OR IGNORE INTO subject VALUES (?)", [(name,) for name in subjects if name]
        )
        self._connection.executemany("INSERT OR IGNORE INTO mark VALUES (?)", marks)

    def _source(self, name: str) -> _Source | None:
        found = self._connection.execute("SELECT * FROM source WHERE name = ?", (name,)).fetchone()
        return _Source(*found) if found is not None else None

    def _new_source(self, name: str) -> _Source:
        taken = {lane for (lane,) in self._connection.execute("SELECT lane FROM source")}
        free = [lane for lane in range(TRAILS_MAX) if lane not in taken]
        if not free:
            raise ConfigurationError(f"an index holds at most {TRAILS_MAX} trails")
        return _Source(free[0], name)


def _in_place(row: Row, source: _Source) -> bool:
    """Whether a row may stand here: the next one, or a whole one after rows that are missing."""
    return row.number > source.checked_row and (row.number == source.row or holds(row))


def _note(source: _Source, row: Row) -> None:
    """Remember by which rows a replaced trail shows."""
    source.checked_row, source.checked_digest = row.number, row.digest
    if row.number == 1:
        source.first_digest = row.digest


def _same_trail(source: _Source, reader: AuditReader) -> bool:
    checks = [(source.checked_row, source.checked_digest)]
    if source.first_digest:
        checks.append((1, source.first_digest))
    return all(_digest_at(reader, row) == digest for row, digest in checks)


def _digest_at(reader: AuditReader, number: int) -> bytes:
    row = read_line(next(reader.lines_after(number - 1), b""))
    return row.digest if row is not None and row.number == number else b""
