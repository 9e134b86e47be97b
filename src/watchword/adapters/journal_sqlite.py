"""The journal in one SQLite file: write-ahead log, every record synced before `append` returns.

Beside it `journal.mark` remembers, without a sync of its own, the last sequence that was synced: SQLite treats a
damaged tail of its log as "never written", and the mark is what tells that apart from acknowledged records lost.
Layout: docs/formats/journal.md. Never looks inside a record.
"""

import mmap
import os
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.private_files import touch
from watchword.storage.sqlite_files import check_identity, connect, mapped

FORMAT_VERSION: Final = 1
APPLICATION_ID: Final = 0x57574A31  # "WWJ1"
#: Rows read per query, so that a long replay never holds up the log's checkpoints.
READ_ROWS_MAX: Final = 256
BUSY_MS_MAX: Final = 5000

_SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
CREATE TABLE record (first INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
"""
_MARK: Final = struct.Struct("<4sQI")
_MARK_MAGIC: Final = b"WWM1"
_MARK_SLOT_BYTES: Final = 64
_MARK_BYTES: Final = 2 * _MARK_SLOT_BYTES


class SqliteJournal:
    """Implements `exchange.journal.Journal`.

    When unavailable: halt.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, or make, the journal.

        Args:
            path: `journal.db`; its log and its mark lie beside it.
            read_only: For a second process that only replays.

        Raises:
            CorruptStoreError: The file is not a journal of this version.
            StorageError: It cannot be opened.
        """
        self.path = path
        self._mark: SyncMark | None = None
        try:
            fresh = not read_only and touch(path)
            self._connection = connect(path, "ro" if read_only else "rw", BUSY_MS_MAX)
            self._prepare(fresh, read_only)
        except sqlite3.Error as error:
            raise mapped(error, path) from error
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        self._mark = SyncMark(path.with_suffix(".mark"), read_only=read_only)

    def append(self, first_sequence: int, count: int, record: bytes) -> None:
        """Store one record; on return it survives power loss."""
        try:
            self._connection.execute("INSERT INTO record VALUES (?, ?)", (first_sequence, record))
        except sqlite3.Error as error:
            raise mapped(error, self.path, f" at sequence {first_sequence}") from error
        if self._mark is not None:
            self._mark.set(first_sequence + count - 1)

    def records(self, after_sequence: int) -> Iterator[tuple[int, bytes]]:
        """Yield (first sequence, record) of every record that begins after `after_sequence`, in order."""
        reached = after_sequence
        while True:
            rows = self._rows(
                "SELECT first, bytes FROM record WHERE first > ? ORDER BY first LIMIT ?",
                (reached, READ_ROWS_MAX),
                reached,
            )
            yield from rows
            if len(rows) < READ_ROWS_MAX:
                return
            reached = rows[-1][0]

    def record_containing(self, sequence: int) -> tuple[int, bytes] | None:
        """Return the last record that begins at or before `sequence`, or None."""
        rows = self._rows(
            "SELECT first, bytes FROM record WHERE first <= ? ORDER BY first DESC LIMIT 1",
            (sequence,),
            sequence,
        )
        return rows[0] if rows else None

    def first_records(self, count: int, before_first: int) -> list[tuple[int, bytes]]:
        """Return the oldest records that begin before a sequence, at most `count`."""
        return self._rows(
            "SELECT first, bytes FROM record WHERE first < ? ORDER BY first LIMIT ?", (before_first, count), 0
        )

    def delete(self, first_sequences: list[int]) -> None:
        """Remove records that are archived."""
        try:
            self._connection.execute(
                "DELETE FROM record WHERE first BETWEEN ? AND ?", (first_sequences[0], first_sequences[-1])
            )
        except sqlite3.Error as error:
            raise mapped(error, self.path) from error

    def acknowledged_sequence(self) -> int:
        """Return a sequence that is certainly stored."""
        return self._mark.get() if self._mark is not None else 0

    def place_name(self) -> str:
        """Return the path."""
        return str(self.path)

    def close(self) -> None:
        """Fold the log back into the file and close."""
        try:
            self._connection.close()
        except sqlite3.Error as error:
            raise mapped(error, self.path) from error
        finally:
            if self._mark is not None:
                self._mark.close()

    def _prepare(self, fresh: bool, read_only: bool) -> None:
        connection = self._connection
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables == 0 and not read_only:
            if not fresh and self.path.with_suffix(".mark").exists():
                raise CorruptStoreError(
                    f"{self.path} is empty, but {self.path.with_suffix('.mark').name} says it was not"
                )
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        check_identity(connection, self.path, "a journal", APPLICATION_ID, FORMAT_VERSION)

    def _rows(self, query: str, arguments: tuple[int, ...], near: int) -> list[tuple[int, bytes]]:
        try:
            return self._connection.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise mapped(error, self.path, f" after sequence {near}") from error


class SyncMark:
    """The last sequence known to be synced, kept in a mapped file.

    It is written after the journal's sync, so it never says too much; a killed process leaves it current (the
    kernel holds the page), a power cut may leave it old. Two slots, written in turn, each with its checksum.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._turn = 0
        descriptor = -1
        try:
            if read_only:
                descriptor = os.open(path, os.O_RDONLY)
                self._map = mmap.mmap(descriptor, _MARK_BYTES, access=mmap.ACCESS_READ)
            else:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                if os.fstat(descriptor).st_size < _MARK_BYTES:
                    os.ftruncate(descriptor, _MARK_BYTES)
                self._map = mmap.mmap(descriptor, _MARK_BYTES)
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def set(self, sequence: int) -> None:
        """Remember a synced sequence."""
        self._turn ^= _MARK_SLOT_BYTES
        head = _MARK.pack(_MARK_MAGIC, sequence, 0)[:-4]
        slot = head + zlib.crc32(head).to_bytes(4, "little")
        self._map[self._turn : self._turn + len(slot)] = slot

    def get(self) -> int:
        """Return the highest valid slot.

        Raises:
            CorruptStoreError: The file was written before, and neither slot is readable.
        """
        content = bytes(self._map)
        best = -1
        for offset in (0, _MARK_SLOT_BYTES):
            magic, sequence, checksum = _MARK.unpack_from(content, offset)
            head = content[offset : offset + _MARK.size - 4]
            if magic == _MARK_MAGIC and zlib.crc32(head) == checksum:
                best = max(best, sequence)
        if best < 0 and any(content):
            raise CorruptStoreError(f"{self._path} is damaged; which sequences were acknowledged is unknown")
        return max(best, 0)

    def close(self) -> None:
        """Let the file go."""
        self._map.close()
