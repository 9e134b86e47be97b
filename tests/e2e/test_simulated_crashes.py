"""Power cuts at every step of a write, over and over, with the real sequencer, engine and recovery.

Each seed is one life after another on one disk: work, crash, recover, compare, go on. A cut drops what was not
synced. Asserted after every crash: what was answered is there, with the very same answer; the ledger adds up; the
state is the one that a replay from the first command gives; and a snapshot on the way makes no difference.
"""

import asyncio
import random

import pytest
from tests.support.order_flow import START_US, OrderFlow, opening
from tests.support.simulated_disk import STEPS, PowerCutError, SimulatedDisk

from watchword.adapters.group_commit import Sequencer, later_in_loop
from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied
from watchword.exchange.journal import Position, decode_record, encode_record, fold_outcome
from watchword.exchange.recovery import replay
from watchword.exchange.venue import Venue

LIVES = 3
QUICK_SEEDS = 30
LONG_SEEDS = 1_000
CHUNK_SEEDS = 50

#: What a client was told: sequence, and its command and events written out.
Answer = tuple[int, str]


class SteppingClock:
    """Time that moves a little at every look."""

    def __init__(self) -> None:
        self._now_us = START_US

    def now_us(self) -> int:
        self._now_us += 137
        return self._now_us


def describe(command: AnyCommand, applied: Applied) -> str:
    return f"{command!r} -> {applied!r}"


class World:
    """One disk, its venue of the moment, and everything that was ever answered."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.disk = SimulatedDisk()
        self.flow = OrderFlow(self.dice)
        self.clock = SteppingClock()
        self.answers: dict[int, str] = {}
        self.snapshot: tuple[Position, bytes] | None = None
        command = opening()
        record, checksum = encode_record([command], Position().checksum, 0, 0)
        self.disk.append(1, 1, record)
        self.venue = Venue()
        self.position = Position(1, command.now_us, checksum, fold_outcome(0, self.venue.apply(command)))

    async def live_and_crash(self, appends_max: int) -> None:
        """Submit bursts of commands until the power fails, at the latest in so many appends."""
        halted = asyncio.Event()
        sequencer = Sequencer(
            self.disk, self.venue, self.clock, self.position, lambda _: halted.set(), run_job=later_in_loop
        )
        sequencer.start()
        self.disk.cut_power_at(self.dice.randint(1, appends_max), self.dice.randrange(STEPS - 1))
        waiting: list[asyncio.Future[Answer]] = []
        while not halted.is_set():
            for _ in range(self.dice.randint(1, 6)):
                future = sequencer.submit(self.flow.draw(), self._answer)
                waiting.append(future)
                if self.dice.random() < 0.02:
                    future.cancel()  # a client that went away
            for _ in range(self.dice.randint(1, 4)):
                await asyncio.sleep(0)
            if self.dice.random() < 0.1:
                self.snapshot = (sequencer.position, self.venue.encode())
        await asyncio.sleep(0)
        for future in waiting:
            if not future.done() or future.cancelled():
                continue
            if future.exception() is None:
                sequence, text = future.result()
                self.answers[sequence] = text
            else:
                assert isinstance(future.exception(), PowerCutError)

    def _answer(self, command: AnyCommand, applied: Applied) -> Answer:
        assert command.sequence <= self.disk.synced_sequence, "answered before it was synced"
        return command.sequence, describe(command, applied)

    def recover(self) -> None:
        """Power on, rebuild, and compare with everything that was answered."""
        self.disk.restart(self.dice)
        said: dict[int, str] = {}
        whole = _Listening(Venue(), said)
        position = replay(whole, self.disk.records(0), "disk", Position())
        lost = self.answers.keys() - said.keys()
        assert not lost, f"answered and lost: {sorted(lost)}"
        for sequence, text in self.answers.items():
            assert said[sequence] == text
        assert whole.venue.engine.ledger.imbalance() == {}
        assert position.sequence == whole.venue.sequence == _last_stored(self.disk)
        if self.snapshot is not None and self.snapshot[0].sequence <= position.sequence:
            begin, body = self.snapshot
            shorter = Venue.decode(body)
            assert replay(shorter, self.disk.records(begin.sequence), "disk", begin) == position
            assert shorter.state_hash() == whole.venue.state_hash()
            self.venue = shorter
        else:
            self.venue = whole.venue
        self.position = position


class _Listening:
    """A venue that writes down what each command gave."""

    def __init__(self, venue: Venue, said: dict[int, str]) -> None:
        self.venue = venue
        self._said = said

    def apply(self, command: AnyCommand) -> Applied:
        applied = self.venue.apply(command)
        self._said[command.sequence] = describe(command, applied)
        return applied


def _last_stored(disk: SimulatedDisk) -> int:
    first, _, record = disk.durable[-1]
    return decode_record(record, "disk", first).commands[-1].sequence


def crash_repeatedly(seed: int, appends_max: int = 12) -> World:
    world = World(seed)
    for _ in range(LIVES):
        asyncio.run(world.live_and_crash(appends_max))
        world.recover()
    return world


@pytest.mark.parametrize("seed", range(QUICK_SEEDS))
def test_power_cut_at_any_step_loses_nothing_answered(seed: int) -> None:
    crash_repeatedly(seed)


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(LONG_SEEDS // CHUNK_SEEDS))
def test_a_thousand_seeded_power_cuts_lose_nothing_answered(chunk: int) -> None:
    worlds = [
        crash_repeatedly(seed, appends_max=60)
        for seed in range(1_000_000 + chunk * CHUNK_SEEDS, 1_000_000 + (chunk + 1) * CHUNK_SEEDS)
    ]
    answers = [text for world in worlds for text in world.answers.values()]
    assert len(answers) > CHUNK_SEEDS * LIVES * 20, "the crashes came before anything happened"
    for kind in (
        "OrderTraded",
        "OrderCanceled",
        "OrderTriggered",
        "VenueReset",
        "OrderListChanged",
        "WireError",
    ):
        assert any(kind in text for text in answers), f"no {kind} was ever answered"
    assert sum(world.snapshot is not None for world in worlds) > CHUNK_SEEDS // 2


def test_same_seed_gives_same_state_hash() -> None:
    assert crash_repeatedly(5).venue.state_hash() == crash_repeatedly(5).venue.state_hash()


def test_disk_that_forgets_synced_records_is_noticed() -> None:
    """The twin that must fail: without it, the assertions above could be blind."""
    world = World(3)
    asyncio.run(world.live_and_crash(12))
    answered = max(world.answers)
    while (
        world.disk.durable[-1][0] > answered
        or world.disk.durable[-1][0] + world.disk.durable[-1][1] > answered + 1
    ):
        world.disk.durable.pop()
    world.disk.durable.pop()
    with pytest.raises(AssertionError, match="answered and lost"):
        world.recover()
