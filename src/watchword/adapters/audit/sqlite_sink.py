"""The trail in one SQLite file: write-ahead log, every append one synced record of some rows. Never looks into a body.

Beside it `audit.mark` notes the last row that was synced: SQLite treats a damaged tail of its log as never written.
Layout: docs/formats/audit.md.
"""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from watchword.adapters.audit.reserve import RESERVE_BYTES, SpaceReserve
from watchword.audit.chain import Head, Row, checked_row
from watchword.kernel.errors import CorruptStoreError, HomeBusyError, StorageError
from watchword.storage.private_files import touch
from watchword.storage.sqlite_files import check_identity, connect, mapped

FORMAT_VERSION: Final = 1
APPLICATION_ID: Final = 0x57574131  # "WWA1"
BUSY_MS_MAX: Final = 1_000
#: A mark read while it is being written may be torn; more often than this it is damaged.
MARK_READS_MAX: Final = 3
STRAINED: Final = "the disk is full; the reserved space is in use"

_SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
CREATE TABLE record (first INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
"""
#: Some records per query, so that a long read never holds up the log's checkpoints.
_CONTAINING: Final = "SELECT first, bytes FROM record WHERE first <= ? ORDER BY first DESC LIMIT 1"
_FORWARD: Final = "SELECT first, bytes FROM record WHERE first > ? ORDER BY first LIMIT 64"
_BACKWARD: Final = "SELECT first, bytes FROM record WHERE first < ? ORDER BY first DESC LIMIT 64"
_MARK: Final = re.compile(rb"watchword-audit-mark-1 ([0-9]{20}) ([0-9a-f]{64})\n")


class SqliteSink:
    """Implements `audit.trail.AuditSink`.

    When unavailable: refuse.
    """

    def __init__(self, path: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Open, or make, the trail.

        Args:
            path: `audit.db`; its log, mark, lock and reserve lie beside it.
            reserve_bytes: Space set aside for the last rows.

        Raises:
            CorruptStoreError: The file is not a trail of this version, or rows that were stored are gone.
            StorageError: It cannot be opened.
            HomeBusyError: Another process writes it.
        """
        self.path = path
        self._reserve = SpaceReserve(path.with_suffix(".reserve"), reserve_bytes)
        self._strained = False
        self._unnoted: Row | None = None
        self._lock = self._mark = -1
        self._connection: sqlite3.Connection | None = None
        try:
            self._lock = _locked(path.with_suffix(".lock"))
            fresh = touch(path)
            self._connection = connect(path, "rw", BUSY_MS_MAX)
            _prepare(self._connection, path, fresh=fresh)
            self._mark = os.open(path.with_suffix(".mark"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._strained = not self._reserve.hold()
        except sqlite3.Error as error:
            self.close()
            raise mapped(error, path) from error
        except OSError as error:
            self.close()
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    def append(self, rows: Sequence[Row]) -> None:
        """See `AuditSink.append`. On a full disk the reserved space is given up for these rows."""
        record = (rows[0].number, b"".join([row.line for row in rows]))
        try:
            self._insert(record)
        except sqlite3.Error as error:
            if not self._may_use_reserve(error):
                raise mapped(error, self.path, f" at row {rows[0].number}") from error
            try:
                self._insert(record)
            except sqlite3.Error as second:
                raise mapped(second, self.path, f" at row {rows[0].number}") from second
        self._unnoted = rows[-1]

    def note_stored(self) -> None:
        """See `AuditSink.note_stored`: the mark, without a sync of its own.

        It never says too much; after a power cut, or an end between a sync and this, it says a little too little.
        """
        row, self._unnoted = self._unnoted, None
        if row is not None:
            with suppress(OSError):
                os.pwrite(
                    self._mark,
                    b"watchword-audit-mark-1 %020d %s\n" % (row.number, row.digest.hex().encode()),
                    0,
                )

    def head(self) -> Head:
        """See `AuditSink.head`."""
        with closing(SqliteReader(self.path)) as reader:
            head, mark = reader.head(), reader.acknowledged()
        if mark is not None and mark.row > head.row:
            raise CorruptStoreError(
                f"{self.path} ends at row {head.row}, but row {mark.row} was stored; see watchword audit verify"
            )
        return head

    def lines_after(self, row: int) -> Iterator[bytes]:
        """See `AuditSink.lines_after`."""
        with closing(SqliteReader(self.path)) as reader:
            yield from reader.lines_after(row)

    def strained(self) -> str | None:
        """See `AuditSink.strained`."""
        if self._strained and self._reserve.hold():
            self._strained = False
        return STRAINED if self._strained else None

    def place_name(self) -> str:
        """Return the path."""
        return str(self.path)

    def close(self) -> None:
        """Fold the log back into the file and close."""
        self.note_stored()
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        for descriptor in (self._mark, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._connection, self._mark, self._lock = None, -1, -1

    def _insert(self, record: tuple[int, bytes]) -> None:
        if self._connection is None:
            raise sqlite3.ProgrammingError("closed")
        self._connection.execute("INSERT INTO record VALUES (?, ?)", record)

    def _may_use_reserve(self, error: sqlite3.Error) -> bool:
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        if not full or not self._reserve.release():
            return False
        self._strained = True
        return True


class SqliteReader:
    """Implements `audit.trail.AuditReader` over the same file, while another process may write it."""

    def __init__(self, path: Path) -> None:
        """Open for reading.

        Raises:
            StorageError: There is no such trail, or it is no trail.
        """
        self.path = path
        try:
            self._connection = connect(path, "ro", BUSY_MS_MAX)
            check_identity(self._connection, path, "an audit trail", APPLICATION_ID, FORMAT_VERSION)
        except sqlite3.Error as error:
            raise mapped(error, path) from error

    def head(self) -> Head:
        """Return the last row; it must be whole."""
        line = next(self.lines_back(), None)
        return checked_row(line, str(self.path)).head if line is not None else Head()

    def lines_after(self, row: int) -> Iterator[bytes]:
        """See `AuditReader.lines_after`."""
        found = self._records(_CONTAINING, row + 1)
        for first, record in found:
            yield from _lines(record)[max(row + 1 - first, 0) :]
            row = first
        while records := self._records(_FORWARD, row):
            for _, record in records:
                yield from _lines(record)
            row = records[-1][0]

    def lines_back(self) -> Iterator[bytes]:
        """See `AuditReader.lines_back`."""
        before = (1 << 63) - 1
        while records := self._records(_BACKWARD, before):
            for _, record in records:
                yield from reversed(_lines(record))
            before = records[-1][0]

    def acknowledged(self) -> Head | None:
        """See `AuditReader.acknowledged`."""
        path = self.path.with_suffix(".mark")
        for _ in range(MARK_READS_MAX):
            try:
                content = path.read_bytes()
            except OSError:
                return None
            match = _MARK.fullmatch(content)
            if match is not None:
                return Head(int(match[1]), bytes.fromhex(match[2].decode()))
            if not content:
                return None
        raise CorruptStoreError(f"{path} is damaged; which rows were stored is unknown")

    def place_name(self) -> str:
        """Return the path."""
        return str(self.path)

    def close(self) -> None:
        """Close."""
        self._connection.close()

    def _records(self, query: str, argument: int) -> list[tuple[int, bytes]]:
        try:
            return self._connection.execute(query, (argument,)).fetchall()
        except sqlite3.Error as error:
            raise mapped(error, self.path, f" near row {argument}") from error


def _lines(record: bytes) -> list[bytes]:
    """Take a record's lines apart; `splitlines` would also split at bytes that are no line ends here."""
    lines = [line + b"\n" for line in record.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise HomeBusyError(f"another process writes the trail beside {path}") from error
    return descriptor


def _prepare(connection: sqlite3.Connection, path: Path, *, fresh: bool) -> None:
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
        mark = path.with_suffix(".mark")
        if mark.exists() and mark.stat().st_size:
            what = "was not there" if fresh else "is empty"
            raise CorruptStoreError(
                f"{path} {what}, but {mark.name} says rows were stored; see watchword audit verify"
            )
        connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
    check_identity(connection, path, "an audit trail", APPLICATION_ID, FORMAT_VERSION)
