"""Journal records that no restart needs any more, in plain files of up to some thousand records each.

Layout: docs/formats/journal.md, "Archive files". Never deletes anything and never looks inside a record.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.private_files import sync_folder

MAGIC: Final = b"WWA1"
CHECKSUM_BYTES: Final = 32
_HEAD: Final = struct.Struct("<4sI")  # magic, number of records
_ROW: Final = struct.Struct("<QI")  # first sequence, record length in bytes


class ArchiveFiles:
    """A folder of archived records.

    When unavailable: the records stay in the journal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, rows: list[tuple[int, bytes]]) -> Path:
        """Store rows durably in one new file.

        Args:
            rows: (first sequence, record), at least one, in order.

        Raises:
            StorageError: They could not be stored; they must stay where they are.
        """
        path = self.folder / f"{rows[0][0]:020d}.archive"
        content = b"".join(
            [_HEAD.pack(MAGIC, len(rows)), *(_ROW.pack(first, len(raw)) + raw for first, raw in rows)]
        )
        temporary = path.with_suffix(".partial")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.write(_checksum(content))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(self.folder)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
        return path

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield all archived rows in order, each once.

        Raises:
            CorruptStoreError: A file is damaged; the text names it.
        """
        reached = 0
        for path in sorted(self.folder.glob("*.archive")):
            for first, raw in _read(path):
                if first > reached:
                    reached = first
                    yield first, raw


def _read(path: Path) -> list[tuple[int, bytes]]:
    content = path.read_bytes()
    body, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    if len(body) < _HEAD.size or _checksum(body) != checksum:
        raise CorruptStoreError(f"archive {path} from sequence {int(path.stem)} does not match its checksum")
    magic, count = _HEAD.unpack_from(body)
    if magic != MAGIC:
        raise CorruptStoreError(f"archive {path} has an unknown version")
    rows: list[tuple[int, bytes]] = []
    offset = _HEAD.size
    for _ in range(count):
        first, length = _ROW.unpack_from(body, offset)
        offset += _ROW.size
        rows.append((first, body[offset : offset + length]))
        offset += length
    return rows


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_BYTES).digest()
