"""The trail in one plain file, one row per line, synced after every append. For a second sink on another disk.

A line that a crash left unfinished was never acknowledged and is cut off; anything else that is wrong is left as it is.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from watchword.adapters.audit.reserve import RESERVE_BYTES, SpaceReserve
from watchword.audit.chain import LINE_BYTES_MAX, Head, Row, checked_row, read_line
from watchword.kernel.errors import CorruptStoreError, HomeBusyError, StorageError

STRAINED: Final = "the disk is full; the reserved space is in use"
BLOCK_BYTES: Final = 64 * 1024
_BEGINNING: Final = b"1 "
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class FileSink:
    """Implements `audit.trail.AuditSink`.

    When unavailable: refuse.
    """

    def __init__(self, path: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Open, or make, the file.

        Args:
            path: The file; its reserve lies beside it.
            reserve_bytes: Space set aside for the last rows; 0 sets none aside.

        Raises:
            StorageError: It cannot be opened, or its end is no row.
            HomeBusyError: Another process writes it.
        """
        self.path = path
        self._reserve = SpaceReserve(path.with_name(path.name + ".reserve"), reserve_bytes)
        self._wants_reserve = reserve_bytes > 0
        self._descriptor = -1
        try:
            self._descriptor = _opened(path)
            self._size = _without_torn_line(self._descriptor)
            self._strained = self._wants_reserve and not self._reserve.hold()
        except OSError as error:
            self.close()
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        except CorruptStoreError as error:
            self.close()
            raise CorruptStoreError(f"cannot use {path}: {error}") from error

    def append(self, rows: Sequence[Row]) -> None:
        """See `AuditSink.append`. On a full disk the reserved space is given up for these rows."""
        content = b"".join([row.line for row in rows])
        try:
            try:
                self._write(content)
            except OSError as error:
                if error.errno not in _FULL or not self._reserve.release():
                    raise
                self._strained = True
                self._write(content)
        except OSError as error:
            raise StorageError(f"{self.path} at row {rows[0].number}: {error.strerror}") from error

    def note_stored(self) -> None:
        """See `AuditSink.note_stored`: nothing."""

    def head(self) -> Head:
        """See `AuditSink.head`."""
        with closing(FileReader(self.path)) as reader:
            return reader.head()

    def lines_after(self, row: int) -> Iterator[bytes]:
        """See `AuditSink.lines_after`."""
        with closing(FileReader(self.path)) as reader:
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
        """Close the file, and with it give up its lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, content: bytes) -> None:
        """Write at the end and sync; what was written of a failed attempt is taken back."""
        try:
            done = 0
            while done < len(content):
                done += os.pwrite(self._descriptor, content[done:], self._size + done)
            os.fdatasync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(content)


class FileReader:
    """Implements `audit.trail.AuditReader` over such a file."""

    def __init__(self, path: Path) -> None:
        """Open for reading.

        Raises:
            StorageError: It cannot be read.
        """
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error

    def head(self) -> Head:
        """Return the last row; it must be whole."""
        line = next(self.lines_back(), None)
        return checked_row(line, str(self.path)).head if line is not None else Head()

    def lines_after(self, row: int) -> Iterator[bytes]:
        """See `AuditReader.lines_after`."""
        try:
            self._file.seek(self._offset_after(row))
            while line := self._file.readline(LINE_BYTES_MAX + 1):
                yield line
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from error

    def lines_back(self) -> Iterator[bytes]:
        """See `AuditReader.lines_back`."""
        try:
            at = self._file.seek(0, os.SEEK_END)
            rest = b""
            while at > 0:
                size = min(BLOCK_BYTES, at)
                at -= size
                self._file.seek(at)
                lines = (self._file.read(size) + rest).split(b"\n")
                rest = lines[0]
                yield from (line + b"\n" for line in reversed(lines[1:]) if line)
            if rest:
                yield rest + b"\n"
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from error

    def acknowledged(self) -> Head | None:
        """See `AuditReader.acknowledged`: a plain file has no mark."""
        return None

    def place_name(self) -> str:
        """Return the path."""
        return str(self.path)

    def close(self) -> None:
        """Close."""
        self._file.close()

    def _offset_after(self, row: int) -> int:
        """Find where the line after a row begins, by halving; a damaged file is read from its start instead."""
        low, high = 0, self._file.seek(0, os.SEEK_END)
        if row <= 0:
            return 0
        while low < high:
            middle = (low + high) // 2
            start = self._line_start(middle)
            self._file.seek(start)
            line = self._file.readline(LINE_BYTES_MAX + 1)
            found = read_line(line) if line else None
            if line and found is None:
                return 0
            if found is None or found.number > row:
                high = middle
            else:
                low = start + len(line)
        return low

    def _line_start(self, offset: int) -> int:
        """Return where the first line that begins at or after an offset begins."""
        if offset == 0:
            return 0
        self._file.seek(offset - 1)
        return offset - 1 + len(self._file.readline(LINE_BYTES_MAX + 1))


def _opened(path: Path) -> int:
    """Open for this process alone, and make a new file's name durable."""
    fresh = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if fresh:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except BlockingIOError as error:
        os.close(descriptor)
        raise HomeBusyError(f"another process writes {path}") from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _without_torn_line(descriptor: int) -> int:
    """Cut off an unfinished last line; return the size then.

    Raises:
        CorruptStoreError: This file is something else, and is not touched.
    """
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, len(_BEGINNING), 0) != _BEGINNING[:size]:
        raise CorruptStoreError("it is another file: its first line is not row 1 of a trail")
    start = max(size - LINE_BYTES_MAX - 1, 0)
    tail = os.pread(descriptor, size - start, start)
    whole = start + tail.rfind(b"\n") + 1
    if whole < size and (start == 0 or whole > start):
        os.ftruncate(descriptor, whole)
        os.fdatasync(descriptor)
        return whole
    return size
