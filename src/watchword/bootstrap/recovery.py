"""From a home's files to a venue: newest snapshot, later records, and the checks that nothing acknowledged is gone.

Never repairs: what does not add up is refused with file and sequence, and the files stay as they are.
"""

import gc
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from watchword.adapters.journal_archive import ArchiveFiles
from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.adapters.snapshot_files import Snapshot, SnapshotFiles
from watchword.exchange.commands import OpenVenue
from watchword.exchange.journal import Journal, Position, decode_record
from watchword.exchange.recovery import replay
from watchword.exchange.venue import Venue
from watchword.kernel.errors import CorruptStoreError

UNOPENED: Final = Position()


class Recovered(msgspec.Struct):
    """A venue and where it stands.

    Attributes:
        seed, liquidity: What it was opened with; None while it is not open.
        snapshot_sequence: Of the snapshot it was built from; 0 without one.
    """

    venue: Venue
    position: Position
    seed: int | None = None
    liquidity: bool | None = None
    snapshot_sequence: int = 0


def recover(journal: SqliteJournal, snapshots: SnapshotFiles, until_sequence: int | None = None) -> Recovered:
    """Rebuild the venue of a home.

    Args:
        journal: Its journal.
        snapshots: Its snapshots.
        until_sequence: Stop there; None means everything there is.

    Raises:
        CorruptStoreError: Something is damaged or missing; the text names file and sequence.
    """
    with collector_paused():
        snapshot = snapshots.latest()
        recovered = _from_snapshot(snapshot, journal) if snapshot else _from_nothing(journal)
        recovered.position = replay(
            recovered.venue,
            journal.records(recovered.position.sequence),
            journal.place_name(),
            recovered.position,
            until_sequence,
        )
    if until_sequence is None:
        check_complete(journal, recovered.position)
    return recovered


def replay_everything(
    journal: SqliteJournal, archive: ArchiveFiles, until_sequence: int | None = None
) -> Recovered:
    """Rebuild the venue from the first command ever, archived records included, ignoring snapshots."""
    recovered = Recovered(Venue(), UNOPENED)
    archived = archive.records()
    with collector_paused():
        rows = itertools.chain(archived, journal.records(0))
        recovered.position = replay(
            recovered.venue, _each_once(rows), journal.place_name(), UNOPENED, until_sequence
        )
    return recovered


def check_complete(journal: Journal, position: Position) -> None:
    """Refuse a journal that ends before what was acknowledged.

    Raises:
        CorruptStoreError: Acknowledged commands are gone.
    """
    acknowledged = journal.acknowledged_sequence()
    if position.sequence < acknowledged:
        raise CorruptStoreError(
            f"{journal.place_name()} ends at sequence {position.sequence}, but sequences up to {acknowledged} were "
            "acknowledged: the file or its -wal was damaged, cut or exchanged"
        )


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let no garbage collection run while a venue is built: nearly everything made here stays."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _from_nothing(journal: SqliteJournal) -> Recovered:
    """An empty venue, with what its first command says it will be opened with."""
    recovered = Recovered(Venue(), UNOPENED)
    first = next(iter(journal.records(0)), None)
    if first is None:
        return recovered
    if first[0] != 1:
        raise CorruptStoreError(
            f"{journal.place_name()}: sequences 1 to {first[0] - 1} are missing, and no snapshot"
        )
    opening = decode_record(first[1], journal.place_name(), 1).commands[0]
    if not isinstance(opening, OpenVenue):
        raise CorruptStoreError(f"{journal.place_name()}: sequence 1 does not open a venue")
    recovered.seed, recovered.liquidity = opening.seed, opening.liquidity
    return recovered


def _from_snapshot(snapshot: Snapshot, journal: SqliteJournal) -> Recovered:
    head = snapshot.head
    _check_anchored(head.position, journal)
    try:
        venue = Venue.decode(snapshot.body)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, IndexError) as error:
        raise CorruptStoreError(
            f"snapshot of sequence {head.position.sequence} was written by another version: {error}"
        ) from error
    return Recovered(venue, head.position, head.seed, head.liquidity, head.position.sequence)


def _check_anchored(position: Position, journal: SqliteJournal) -> None:
    """Check that the journal holds the very record the snapshot ends with."""
    row = journal.record_containing(position.sequence)
    if row is not None:
        record = decode_record(row[1], journal.place_name(), row[0])
        if record.commands[-1].sequence == position.sequence and record.checksum == position.checksum:
            return
    raise CorruptStoreError(
        f"{journal.place_name()} does not hold sequence {position.sequence} as the snapshot of that sequence saw it: "
        "the journal was cut or belongs to another home"
    )


def _each_once(rows: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Drop rows that are both archived and, after a crash in between, still in the journal."""
    reached = 0
    for first, raw in rows:
        if first > reached:
            reached = first
            yield first, raw
