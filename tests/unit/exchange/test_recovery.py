"""Replay refuses gaps, strangers and other outcomes, and says where."""

import random

import pytest
from tests.support.order_flow import OrderFlow, opening

from watchword.binance.errors import BAD_SYMBOL
from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied
from watchword.exchange.journal import Position, encode_record, fold_outcome
from watchword.exchange.recovery import replay
from watchword.exchange.venue import Venue
from watchword.kernel.errors import CorruptStoreError

Rows = list[tuple[int, bytes]]


def written(batches: int, seed: int = 1) -> tuple[Rows, Venue, Position]:
    """Records of a run, its venue and its position."""
    flow, venue, position, rows = OrderFlow(random.Random(seed)), Venue(), Position(), Rows()
    sequence = 0
    for batch in range(batches):
        commands: list[AnyCommand] = []
        for _ in range(1 + batch % 4):
            sequence += 1
            commands.append(
                opening() if sequence == 1 else flow.draw()(sequence, opening().now_us + sequence)
            )
        raw, checksum = encode_record(commands, position.checksum, position.sequence, position.outcome)
        rows.append((commands[0].sequence, raw))
        outcome = position.outcome
        for command in commands:
            outcome = fold_outcome(outcome, venue.apply(command))
        position = Position(sequence, commands[-1].now_us, checksum, outcome)
    return rows, venue, position


def test_replay_gives_position_and_state_of_the_first_run() -> None:
    rows, venue, position = written(60)
    again = Venue()
    assert replay(again, rows, "here", Position()) == position
    assert again.state_hash() == venue.state_hash()


def test_replay_from_the_middle_gives_the_same() -> None:
    rows, venue, position = written(60)
    half = Venue()
    middle = replay(half, rows[:30], "here", Position())
    decoded = Venue.decode(half.encode())
    assert replay(decoded, rows[30:], "here", middle) == position
    assert decoded.state_hash() == venue.state_hash()


def test_replay_stops_where_it_is_told() -> None:
    rows, _, _ = written(20)
    middle = replay(Venue(), rows[:9], "here", Position())
    assert replay(Venue(), rows, "here", Position(), middle.sequence) == middle


def test_missing_record_is_named() -> None:
    rows, _, _ = written(20)
    first, after = rows[7][0], rows[8][0]
    with pytest.raises(CorruptStoreError, match=f"here: sequences {first} to {after - 1} are missing"):
        replay(Venue(), rows[:7] + rows[8:], "here", Position())


def test_record_twice_is_named() -> None:
    rows, _, _ = written(20)
    with pytest.raises(CorruptStoreError, match=f"sequence {rows[7][0]} overlaps"):
        replay(Venue(), rows[:8] + rows[7:], "here", Position())


def test_record_of_another_journal_is_named() -> None:
    rows, _, _ = written(20)
    strangers, _, _ = written(20, seed=2)
    with pytest.raises(CorruptStoreError, match=f"record at sequence {rows[8][0]} does not follow"):
        replay(Venue(), [*rows[:8], strangers[8], *rows[9:]], "here", Position())


def test_replay_that_goes_another_way_is_noticed() -> None:
    class Changed:
        """An exchange of another version: it refuses what the first accepted."""

        def __init__(self) -> None:
            self._venue = Venue()

        def apply(self, command: AnyCommand) -> Applied:
            applied = self._venue.apply(command)
            return BAD_SYMBOL if command.sequence == 12 else applied

    rows, _, _ = written(20)
    with pytest.raises(CorruptStoreError, match="gave another outcome"):
        replay(Changed(), rows, "here", Position())
