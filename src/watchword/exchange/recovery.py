"""Rebuilding the venue: a snapshot's state plus every later record. Pure: the records are handed in.

Never guesses: a gap, a swapped record, a damaged one, or a replay that goes another way than the first run is
refused with the place and the sequence. Nothing half-applied can result, because the venue is thrown away then.
"""

from collections.abc import Iterable
from typing import Protocol

from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied
from watchword.exchange.journal import Position, Record, decode_record, fold_outcome
from watchword.kernel.errors import CorruptStoreError


class Applies(Protocol):
    """The part of a venue that replay needs."""

    def apply(self, command: AnyCommand) -> Applied:
        """Apply one command, synchronously."""
        ...


def replay(
    venue: Applies,
    records: Iterable[tuple[int, bytes]],
    place: str,
    start: Position,
    until_sequence: int | None = None,
) -> Position:
    """Apply stored records to a venue.

    Args:
        venue: State at `start`; changed in place. On an error it must be thrown away.
        records: (first sequence, record), in order, as `Journal.records` yields them.
        place: Where they came from, for error texts.
        start: The venue's position.
        until_sequence: Stop after the record that reaches this sequence; None means all.

    Returns:
        The position after the last record applied.

    Raises:
        CorruptStoreError: The records are damaged, incomplete, or do not lead where they led the first time.
    """
    position = start
    #: Outcome after recent sequences: a record vouches for one that lies a little before its own first.
    outcomes = {start.sequence: start.outcome}
    for first, raw in records:
        if until_sequence is not None and position.sequence >= until_sequence:
            break
        record = decode_record(raw, place, first)
        _follows(record, position, place)
        _vouches(record, outcomes, place)
        outcomes = {at: value for at, value in outcomes.items() if at >= record.applied_sequence}
        position = _apply(venue, record, position)
        outcomes[position.sequence] = position.outcome
    return position


def _follows(record: Record, position: Position, place: str) -> None:
    """Check that a record is the very next one."""
    expected = position.sequence + 1
    if record.first_sequence != expected:
        raise CorruptStoreError(
            f"{place}: sequences {expected} to {record.first_sequence - 1} are missing"
            if record.first_sequence > expected
            else f"{place}: record at sequence {record.first_sequence} overlaps the one before"
        )
    if record.previous != position.checksum:
        raise CorruptStoreError(
            f"{place}: record at sequence {expected} does not follow the record before it"
        )


def _vouches(record: Record, outcomes: dict[int, int], place: str) -> None:
    """Check that this replay gave what the first run gave, as far as the record knows."""
    known = outcomes.get(record.applied_sequence)
    if known is not None and known != record.outcome:
        raise CorruptStoreError(
            f"{place}: replay up to sequence {record.applied_sequence} gave another outcome than the first run; "
            "the journal was written by another version of the exchange"
        )


def _apply(venue: Applies, record: Record, position: Position) -> Position:
    outcome = position.outcome
    for command in record.commands:
        outcome = fold_outcome(outcome, venue.apply(command))
    last = record.commands[-1]
    return Position(last.sequence, last.now_us, record.checksum, outcome)
