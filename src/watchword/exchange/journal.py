"""The journal: its port, and the bytes of one record. Pure: never opens a file and never syncs.

A record holds one batch of commands. It names its first sequence, repeats the checksum of the record before it
(so a lost, swapped or foreign record is found) and carries what had been computed when it was written (so a
replay that goes another way is found). Layout: docs/formats/journal.md.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied
from watchword.kernel.errors import CorruptStoreError

MAGIC: Final = b"WWJ1"
CHECKSUM_BYTES: Final = 16
NO_CHECKSUM: Final = bytes(CHECKSUM_BYTES)
#: Commands of one record, at most.
BATCH_COMMANDS_MAX: Final = 4096
RECORD_BYTES_MAX: Final = 64 * 1024 * 1024

# magic, first sequence, count, applied sequence, outcome, checksum of the record before, body length in bytes
_HEAD: Final = struct.Struct("<4sQIQQ16sI")
_OUTCOME_MASK: Final = (1 << 64) - 1
_OUTCOME_FACTOR: Final = 1_000_003

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[AnyCommand])


class Journal(Protocol):
    """Ordered records, appended by one process.

    When unavailable: halt. A record that could not be stored must never be answered for.
    """

    def append(self, first_sequence: int, count: int, record: bytes) -> None:
        """Store one record; on return it survives power loss.

        Raises:
            StorageError: It could not be stored. Nothing is known about its bytes then; the process must stop.
        """
        ...

    def records(self, after_sequence: int) -> Iterator[tuple[int, bytes]]:
        """Yield (first sequence, record) of every record that ends after `after_sequence`, in order.

        Raises:
            CorruptStoreError: The store itself is damaged; the text names the file.
        """
        ...

    def acknowledged_sequence(self) -> int:
        """Return a sequence that is certainly stored (a lower bound; 0 where nothing is known)."""
        ...

    def place_name(self) -> str:
        """Name the store for people, for example the path of its file."""
        ...


class Position(msgspec.Struct, frozen=True):
    """A point between two commands.

    Attributes:
        sequence: The last command before this point; 0 at the beginning.
        now_us: Its time, epoch microseconds.
        checksum: Of the record that ends here (16 bytes); the next record repeats it.
        outcome: What all commands so far gave, folded (`fold_outcome`).
    """

    sequence: int = 0
    now_us: int = 0
    checksum: bytes = NO_CHECKSUM
    outcome: int = 0


class Record(msgspec.Struct, frozen=True):
    """One decoded record.

    Attributes:
        applied_sequence: Everything up to here had been applied when the record was written …
        outcome: … and had given this.
        previous: Checksum of the record before.
        checksum: Its own.
    """

    first_sequence: int
    applied_sequence: int
    outcome: int
    previous: bytes
    checksum: bytes
    commands: list[AnyCommand]


def encode_record(
    commands: Sequence[AnyCommand], previous: bytes, applied_sequence: int, outcome: int
) -> tuple[bytes, bytes]:
    """Write one batch as bytes.

    Args:
        commands: At least one, with consecutive sequences.
        previous: Checksum of the record before, 16 bytes.
        applied_sequence: Last command applied so far.
        outcome: `fold_outcome` over all commands up to there.

    Returns:
        The record and its checksum.
    """
    body = _encoder.encode(commands)
    head = _HEAD.pack(
        MAGIC, commands[0].sequence, len(commands), applied_sequence, outcome, previous, len(body)
    )
    checksum = _checksum(head + body)
    return head + body + checksum, checksum


def decode_record(record: bytes, place: str, expected_first: int) -> Record:
    """Read one record back, believing nothing.

    Args:
        record: Bytes as stored.
        place: Where they came from, for the error text.
        expected_first: Sequence under which they were filed.

    Raises:
        CorruptStoreError: Torn, altered, misfiled or in an unknown version; the text names place and sequence.
    """
    at = f"{place}: record at sequence {expected_first}"
    if len(record) < _HEAD.size + CHECKSUM_BYTES:
        raise CorruptStoreError(f"{at} is torn: {len(record)} bytes are fewer than its frame")
    magic, first, count, applied, outcome, previous, body_bytes = _HEAD.unpack_from(record)
    if magic != MAGIC:
        raise CorruptStoreError(f"{at} has an unknown version or a damaged head")
    if len(record) != _HEAD.size + body_bytes + CHECKSUM_BYTES:
        raise CorruptStoreError(f"{at} is torn: its length is not the one it names")
    checksum = record[-CHECKSUM_BYTES:]
    if _checksum(record[:-CHECKSUM_BYTES]) != checksum:
        raise CorruptStoreError(f"{at} does not match its checksum")
    if first != expected_first:
        raise CorruptStoreError(f"{at} says it begins at sequence {first}")
    try:
        commands = _decoder.decode(memoryview(record)[_HEAD.size : -CHECKSUM_BYTES])
    except msgspec.MsgspecError as error:
        raise CorruptStoreError(f"{at} cannot be read: {error}") from error
    if len(commands) != count or any(c.sequence != first + i for i, c in enumerate(commands)):
        raise CorruptStoreError(f"{at} does not hold the sequences it names")
    return Record(first, applied, outcome, previous, checksum, commands)


def fold_outcome(outcome: int, applied: Applied) -> int:
    """Fold what one command gave into a running number.

    Args:
        outcome: The number so far, 64 bits.
        applied: The command's events, or its refusal.

    Why: it is cheap enough for every order, and a replay that accepts, refuses or matches anything differently
    gives another number. The full comparison is the state hash.
    """
    code = len(applied) if type(applied) is list else applied.code  # type: ignore[union-attr]
    return (outcome * _OUTCOME_FACTOR + code) & _OUTCOME_MASK


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_BYTES).digest()
