"""Snapshots as files: one per sequence, written beside, synced, renamed; the newest two are kept.

Layout: docs/formats/snapshot.md. Never looks inside the venue's bytes.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Final

import msgspec

from watchword.exchange.journal import Position
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.private_files import sync_folder

MAGIC: Final = b"WWS1"
KEPT: Final = 2
CHECKSUM_BYTES: Final = 32
_FRAME: Final = struct.Struct("<4sIQ")  # magic, head length, body length


class SnapshotHead(msgspec.Struct, frozen=True):
    """What a snapshot says about itself.

    Attributes:
        position: The point between two commands it shows.
        seed, liquidity: What the venue was opened with.
        state_hash: `Venue.state_hash()` there.
    """

    position: Position
    seed: int
    liquidity: bool
    state_hash: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot read back: `body` is what `Venue.decode` takes."""

    head: SnapshotHead
    body: bytes


class SnapshotFiles:
    """The folder of snapshots.

    When unavailable: writing is retried at the next turn (the journal still has everything); reading refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sequences(self) -> list[int]:
        """Return the sequences there are snapshots of, rising."""
        try:
            return sorted(int(path.stem) for path in self.folder.glob("*.snapshot") if path.stem.isdigit())
        except OSError as error:
            raise StorageError(f"cannot list {self.folder}: {error.strerror}") from error

    def latest(self) -> Snapshot | None:
        """Read the newest snapshot, or None where there is none.

        Raises:
            CorruptStoreError: It is damaged. Deliberately no quiet fall-back: the person decides.
        """
        sequences = self.sequences()
        return self.read(sequences[-1]) if sequences else None

    def read(self, sequence: int) -> Snapshot:
        """Read one snapshot, checked.

        Raises:
            CorruptStoreError: It is damaged; the text names file, sequence and the way out.
        """
        path = self._path(sequence)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        if (
            len(content) < _FRAME.size + CHECKSUM_BYTES
            or _checksum(content[:-CHECKSUM_BYTES]) != content[-CHECKSUM_BYTES:]
        ):
            raise CorruptStoreError(
                f"snapshot {path} of sequence {sequence} does not match its checksum; move the file away to "
                "start from the snapshot before it and the journal"
            )
        magic, head_bytes, body_bytes = _FRAME.unpack_from(content)
        if magic != MAGIC or len(content) != _FRAME.size + head_bytes + body_bytes + CHECKSUM_BYTES:
            raise CorruptStoreError(f"snapshot {path} of sequence {sequence} has an unknown version")
        try:
            head = msgspec.msgpack.decode(content[_FRAME.size : _FRAME.size + head_bytes], type=SnapshotHead)
        except msgspec.MsgspecError as error:
            raise CorruptStoreError(f"snapshot {path} of sequence {sequence}: {error}") from error
        if head.position.sequence != sequence:
            raise CorruptStoreError(
                f"snapshot {path} is of sequence {head.position.sequence}, not {sequence}"
            )
        return Snapshot(head, content[_FRAME.size + head_bytes : -CHECKSUM_BYTES])

    def write(self, head: SnapshotHead, body: bytes) -> Path:
        """Store one snapshot durably, then drop all but the newest two.

        Raises:
            StorageError: It could not be written; the others stand.
        """
        path = self._path(head.position.sequence)
        # Two processes may be at it: one outlived a killed server. So every process has its own unfinished file.
        temporary = path.with_suffix(f".{os.getpid()}.partial")
        head_bytes = msgspec.msgpack.encode(head)
        content = _FRAME.pack(MAGIC, len(head_bytes), len(body)) + head_bytes + body
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.write(_checksum(content))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(self.folder)
            self._sweep()
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
        return path

    def _sweep(self) -> None:
        """Drop all but the newest two, and what killed processes left unfinished before them."""
        sequences = self.sequences()
        for sequence in sequences[:-KEPT]:
            self._path(sequence).unlink(missing_ok=True)
        for path in self.folder.glob("*.partial"):
            if int(path.name.partition(".")[0]) < sequences[-1]:
                path.unlink(missing_ok=True)

    def _path(self, sequence: int) -> Path:
        return self.folder / f"{sequence:020d}.snapshot"


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_BYTES).digest()
