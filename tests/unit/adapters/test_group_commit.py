"""The sequencer against an instrumented store: order, batching, and above all that no reply precedes its sync."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from watchword.adapters import group_commit
from watchword.adapters.group_commit import Sequencer, later_in_loop
from watchword.binance.errors import BAD_SYMBOL, OVERLOADED, TIMESTAMP_STALE, WireError
from watchword.exchange.commands import AnyCommand, ImportTrade, LiquidityTick, SetLiquidity
from watchword.exchange.events import AnyEvent, Applied
from watchword.exchange.journal import Position, decode_record
from watchword.kernel.errors import InvariantError, StorageError


class InstrumentedStore:
    """Notes what was synced when, and can be held up or made to fail."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, bytes]] = []
        self.synced_sequence = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.threads: set[int] = set()

    def append(self, first_sequence: int, count: int, record: bytes) -> None:
        self.threads.add(threading.get_ident())
        assert self.gate.wait(5)
        if self.error is not None:
            raise self.error
        self.rows.append((first_sequence, count, record))
        self.synced_sequence = first_sequence + count - 1

    def records(self, after_sequence: int) -> Iterator[tuple[int, bytes]]:
        yield from (
            (first, record) for first, count, record in self.rows if first + count > after_sequence + 1
        )

    def acknowledged_sequence(self) -> int:
        return self.synced_sequence

    def place_name(self) -> str:
        return "store"


class ToyVenue:
    """Refuses every third command, breaks on demand."""

    def __init__(self, store: InstrumentedStore) -> None:
        self.applied: list[int] = []
        self.breaks_at = 0
        self._store = store

    def apply(self, command: AnyCommand) -> Applied:
        assert command.sequence <= self._store.synced_sequence, "applied before it was synced"
        if command.sequence == self.breaks_at:
            raise InvariantError("broken")
        self.applied.append(command.sequence)
        events: list[AnyEvent] = []
        return BAD_SYMBOL if command.sequence % 3 == 0 else events


class HandClock:
    def __init__(self) -> None:
        self.us = 1_000

    def now_us(self) -> int:
        return self.us


class Rig:
    def __init__(self, position: Position | None = None, run_job: Callable[..., None] | None = None) -> None:
        self.store = InstrumentedStore()
        self.venue = ToyVenue(self.store)
        self.clock = HandClock()
        self.halts: list[BaseException] = []
        self.sequencer = Sequencer(
            self.store, self.venue, self.clock, position or Position(), self.halts.append, run_job=run_job
        )
        self.sequencer.start()

    def tick(self) -> "asyncio.Future[int | WireError]":
        return self.sequencer.submit(LiquidityTick, self.render)

    def render(self, command: AnyCommand, applied: Applied) -> int | WireError:
        assert command.sequence <= self.store.synced_sequence, "rendered before it was synced"
        return applied if isinstance(applied, WireError) else command.sequence


async def test_reply_never_precedes_its_sync_under_load() -> None:
    rig = Rig()
    replied: list[int] = []

    def reply(future: "asyncio.Future[int | WireError]") -> None:
        # Runs as soon as the future resolves: the earliest moment a reply could leave.
        result = future.result()
        if isinstance(result, int):
            assert result <= rig.store.synced_sequence, "replied before the sync"
            replied.append(result)

    async def client(pauses: int) -> None:
        for number in range(60):
            future = rig.tick()
            future.add_done_callback(reply)
            await future
            for _ in range((number + pauses) % 3):
                await asyncio.sleep(0)

    rig.sequencer.listeners.append(lambda command, _: _assert_synced(rig, command))
    await asyncio.gather(*(client(n) for n in range(20)))
    await rig.sequencer.stop()
    assert len(replied) == 800
    assert rig.venue.applied == list(range(1, 1201))
    assert len(rig.store.rows) < 1200, "commands of one turn share a sync"
    assert rig.store.threads.isdisjoint({threading.get_ident()}), "the loop's thread never syncs"


def _assert_synced(rig: Rig, command: AnyCommand) -> None:
    assert command.sequence <= rig.store.synced_sequence, "published before it was synced"


async def test_nothing_is_visible_while_the_sync_is_held_up() -> None:
    rig = Rig()
    heard: list[int] = []
    rig.sequencer.listeners.append(lambda command, _: heard.append(command.sequence))
    rig.store.gate.clear()
    future = rig.tick()
    await asyncio.sleep(0.05)
    assert not future.done()
    assert rig.venue.applied == []
    assert heard == []
    rig.store.gate.set()
    assert await future == 1
    assert heard == [1]
    await rig.sequencer.stop()


async def test_loop_goes_on_and_next_batch_gathers_while_a_sync_runs() -> None:
    rig = Rig()
    rig.store.gate.clear()
    first = rig.tick()
    await asyncio.sleep(0.01)
    later = [rig.tick() for _ in range(50)]
    await asyncio.sleep(0.01)
    rig.store.gate.set()
    await first
    await asyncio.gather(*later)
    assert [(row[0], row[1]) for row in rig.store.rows] == [(1, 1), (2, 50)]
    await rig.sequencer.stop()


async def test_render_sees_its_own_moment_before_later_commands_apply() -> None:
    rig = Rig()
    seen = await asyncio.gather(
        *(
            rig.sequencer.submit(LiquidityTick, lambda c, _: (c.sequence, list(rig.venue.applied)))
            for _ in range(5)
        )
    )
    assert seen == [(n, list(range(1, n + 1))) for n in range(1, 6)]
    await rig.sequencer.stop()


async def test_records_chain_and_hold_every_command() -> None:
    rig = Rig(run_job=later_in_loop)
    for _ in range(3):
        await asyncio.gather(*(rig.tick() for _ in range(4)))
    records = [decode_record(raw, "store", first) for first, raw in rig.store.records(0)]
    assert [len(r.commands) for r in records] == [4, 4, 4]
    assert [r.previous for r in records] == [Position().checksum, *(r.checksum for r in records[:-1])]
    assert [r.applied_sequence for r in records] == [0, 4, 8]
    assert rig.sequencer.position.sequence == 12
    assert rig.sequencer.position.checksum == records[-1].checksum


async def test_time_never_runs_backwards_even_across_a_restart() -> None:
    rig = Rig(Position(7, 5_000))
    times = await asyncio.gather(
        *(rig.sequencer.submit(LiquidityTick, lambda c, _: (c.sequence, c.now_us)) for _ in range(2))
    )
    rig.clock.us = 9_000
    times.append(await rig.sequencer.submit(LiquidityTick, lambda c, _: (c.sequence, c.now_us)))
    assert times == [(8, 5_000), (9, 5_000), (10, 9_000)]
    await rig.sequencer.stop()


async def test_refusal_from_make_uses_up_nothing() -> None:
    rig = Rig()
    refused = await rig.sequencer.submit(lambda _seq, _now: TIMESTAMP_STALE, rig.render)
    assert refused is TIMESTAMP_STALE
    assert await rig.tick() == 1
    await rig.sequencer.stop()


async def test_make_that_raises_leaves_no_gap() -> None:
    rig = Rig()
    with pytest.raises(ZeroDivisionError):
        rig.sequencer.submit(lambda _seq, _now: 1 // 0, rig.render)  # type: ignore[arg-type, return-value]
    assert await rig.tick() == 1
    await rig.sequencer.stop()


async def test_queue_over_its_bound_refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WAITING_COMMANDS_MAX", 10)
    rig = Rig()
    rig.store.gate.clear()
    accepted = [rig.tick() for _ in range(10)]
    over = rig.tick()
    assert over.done()
    assert over.result() is OVERLOADED
    rig.store.gate.set()
    await asyncio.gather(*accepted)
    assert await rig.tick() == 11, "the refused one used up no sequence"
    await rig.sequencer.stop()


async def test_failed_write_halts_and_answers_nobody_with_success() -> None:
    rig = Rig()
    rig.store.gate.clear()
    rig.store.error = StorageError("disk full")
    first = rig.tick()
    await asyncio.sleep(0.01)
    second = rig.tick()
    rig.store.gate.set()
    for future in (first, second):
        with pytest.raises(StorageError, match="disk full"):
            await future
    assert [str(error) for error in rig.halts] == ["disk full"]
    assert rig.venue.applied == []
    with pytest.raises(StorageError):
        await rig.tick()
    assert rig.store.rows == []
    await rig.sequencer.stop()


async def test_command_that_cannot_be_written_halts_instead_of_hanging_the_rest() -> None:
    rig = Rig()
    with pytest.raises(StorageError):
        await asyncio.wait_for(
            rig.sequencer.submit(
                lambda sequence, now_us: ImportTrade(
                    sequence, now_us, "BTCUSDT", 10**30, 1, buyer_is_maker=True
                ),
                lambda _command, applied: applied,
            ),
            5,
        )
    assert len(rig.halts) == 1
    with pytest.raises(StorageError):
        await rig.tick()


async def test_broken_invariant_halts() -> None:
    rig = Rig()
    rig.venue.breaks_at = 2
    results = await asyncio.gather(*(rig.tick() for _ in range(4)), return_exceptions=True)
    assert results[0] == 1
    assert all(isinstance(r, InvariantError) for r in results[1:])
    assert len(rig.halts) == 1
    await rig.sequencer.stop()


async def test_caller_that_went_away_does_not_undo_its_command() -> None:
    rig = Rig()
    gone = rig.tick()
    gone.cancel()
    assert await rig.tick() == 2
    assert rig.venue.applied == [1, 2]
    await rig.sequencer.stop()


async def test_failing_render_is_its_callers_alone() -> None:
    rig = Rig()
    bad = rig.sequencer.submit(LiquidityTick, lambda _c, _a: 1 // 0)
    good = rig.tick()
    with pytest.raises(ZeroDivisionError):
        await bad
    assert await good == 2
    assert rig.halts == []
    await rig.sequencer.stop()


async def test_failing_listener_is_reported_and_others_still_hear() -> None:
    rig = Rig()
    heard: list[int] = []
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    rig.sequencer.listeners += [lambda _c, _a: 1 // 0, lambda c, _: heard.append(c.sequence)]
    assert await rig.tick() == 1
    assert heard == [1]
    assert isinstance(reported[0]["exception"], ZeroDivisionError)
    await rig.sequencer.stop()


async def test_stop_applies_what_was_accepted_and_refuses_the_rest() -> None:
    rig = Rig()
    accepted = [rig.tick() for _ in range(10)]
    await rig.sequencer.stop()
    assert rig.venue.applied == list(range(1, 11))
    assert all(future.done() for future in accepted)
    with pytest.raises(StorageError, match="stopping"):
        await rig.tick()


async def test_job_between_writes_runs_on_the_writing_thread() -> None:
    rig = Rig()
    await rig.tick()
    assert await rig.sequencer.run_between_writes(threading.get_ident) in rig.store.threads
    with pytest.raises(ZeroDivisionError):
        await rig.sequencer.run_between_writes(lambda: 1 // 0)
    assert await rig.sequencer.submit(lambda s, n: SetLiquidity(s, n, "BTCUSDT", True), rig.render) == 2
    await rig.sequencer.stop()
