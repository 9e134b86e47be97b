"""Starting a trail, starting it again, and ending it: what is gone on with, and what is refused."""

import asyncio
import time

import pytest
from tests.support.trails import (
    TRAIL_KEY,
    FaultySink,
    cancel,
    disk_full,
    intent,
    make_trail,
    of,
    running,
    small_trail,
    until,
    whole,
)

from watchword.adapters.audit import durable_trail
from watchword.adapters.memory.audit import MemorySink
from watchword.audit.chain import Head, seal
from watchword.audit.event import (
    Outcome,
    TrailClosed,
    TrailOpened,
    TrailStopped,
    encode_event,
)
from watchword.audit.trail import AuditUnavailable
from watchword.kernel.errors import CorruptStoreError, InvariantError, StorageError

VERIFIER = TRAIL_KEY.public.verifier()


async def test_restart_goes_on_with_the_same_chain() -> None:
    sink = FaultySink()
    for _ in range(3):
        async with running(sink) as trail:
            await trail.record_intent(intent())
    assert whole(sink)
    opened = of(sink, TrailOpened)
    assert len({event.trail for event in opened}) == 1
    assert len(opened) == 3


async def test_abrupt_end_leaves_intents_that_the_next_start_finds() -> None:
    sink = FaultySink()
    trail = make_trail(sink)
    await trail.start()
    rows = [await trail.record_intent(intent(f"r-{n}")) for n in range(3)]
    trail.record_outcome(Outcome(intent=rows[0], result="answered", status=200))
    await until(lambda: bool(of(sink, Outcome)))
    survivor = FaultySink()
    survivor.inner.append(list(sink.inner.rows))
    async with running(survivor) as again:
        assert again.unconcluded == {rows[1]: intent("r-1"), rows[2]: intent("r-2")}
    opened = of(survivor, TrailOpened)[-1]
    assert isinstance(opened, TrailOpened)
    assert opened.unconcluded == 2
    await trail.stop()


async def test_start_goes_on_from_the_longer_sink_and_fills_the_shorter() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(second) as trail:
        for number in range(20):
            await trail.record_intent(intent(f"r-{number}"))
    assert isinstance(second.inner, MemorySink)
    first.inner.append(second.inner.rows[:9])
    async with running(first, second) as trail:
        await trail.record_intent(intent("on both"))
    assert first.lines() == second.lines()
    assert whole(first)


async def test_start_with_one_sink_gone_lets_only_cancels_through_until_it_is_back() -> None:
    first, second = FaultySink(), FaultySink()
    second.open_error = StorageError("host is down")
    async with running(first, second) as trail:
        await trail.record_intent(cancel())
        with pytest.raises(AuditUnavailable, match="second: host is down"):
            await trail.record_intent(intent())
        second.open_error = None
        await until(lambda: trail.unavailable(only_cancels=False) is None)
        await trail.record_intent(intent())
    assert first.lines() == second.lines()
    assert of(first, TrailStopped) == [TrailStopped(sink="second", reason="host is down")]


async def test_start_without_any_sink_is_refused() -> None:
    sink = FaultySink()
    sink.open_error = StorageError("read-only file system")
    trail = make_trail(sink)
    with pytest.raises(AuditUnavailable, match="first: read-only file system"):
        await trail.start()
    with pytest.raises(AuditUnavailable, match="read-only"):
        await trail.record_intent(intent())


async def test_start_with_a_sink_that_hangs_is_bounded() -> None:
    class HangingHead(FaultySink):
        def head(self) -> Head:
            assert self.gate.wait(20)
            return super().head()

    sink, other = HangingHead(), FaultySink()
    sink.gate.clear()
    pace = durable_trail.Pace(write_ms=200, open_ms=100, retry_ms=10)
    trail = make_trail(sink, pace=pace)
    with pytest.raises(AuditUnavailable, match="first: not open yet"):
        await trail.start()
    degraded = make_trail(other, sink, pace=pace)
    await degraded.start()
    await degraded.record_intent(cancel())
    with pytest.raises(AuditUnavailable, match="second: not open yet"):
        await degraded.record_intent(intent())
    sink.gate.set()
    await until(lambda: degraded.unavailable(only_cancels=False) is None)
    await degraded.stop()
    assert whole(other)


async def test_start_whose_first_row_is_not_stored_is_refused() -> None:
    sink = FaultySink()
    sink.error = disk_full()
    trail = make_trail(sink)
    with pytest.raises(AuditUnavailable, match="first: database or disk is full"):
        await trail.start()


async def test_start_on_a_trail_that_cannot_be_read_in_time_is_refused() -> None:
    sink = FaultySink()
    async with running(sink):
        pass

    def hang(row: int) -> object:
        assert sink.gate.wait(20)
        return sink.inner.lines_after(row)

    sink.lines_after = hang  # type: ignore[method-assign,assignment]
    sink.gate.clear()
    trail = make_trail(sink, pace=durable_trail.Pace(open_ms=100, write_ms=100))
    with pytest.raises(AuditUnavailable, match="first has not answered for 100 ms"):
        await trail.start()
    sink.gate.set()


@pytest.mark.parametrize("error", [CorruptStoreError("row 1 was altered"), OSError("I/O error")])
async def test_start_on_a_trail_that_is_not_whole_is_refused(error: Exception) -> None:
    sink = FaultySink()
    async with running(sink):
        pass

    def broken(row: int) -> object:
        raise error

    sink.lines_after = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(AuditUnavailable, match=str(error)):
        await make_trail(sink).start()


async def test_start_on_rows_that_are_no_trail_is_refused() -> None:
    sink = FaultySink()
    sink.inner.append([seal(encode_event(TrailClosed()), Head(), 1)])
    with pytest.raises(AuditUnavailable, match="row 1 is not the beginning of a trail"):
        await make_trail(sink).start()


async def test_start_on_two_different_trails_is_refused() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first):
        pass
    second.inner.append(small_trail())
    with pytest.raises(AuditUnavailable, match="first and second hold different trails"):
        await make_trail(first, second).start()


async def test_sink_that_holds_another_chain_stays_out() -> None:
    """The same beginning, another continuation: a fork is never written on."""
    first, second = FaultySink(), FaultySink()
    async with running(first, second):
        pass
    async with running(first):
        pass
    async with running(second) as trail:
        await trail.record_intent(intent("only in the second"))
    async with running(first, second) as trail:
        await until(lambda: "than this trail" in str(trail.status().sinks[0].trouble) + str(trail.status().sinks[1].trouble)
                    or "does not follow" in str(trail.status()))  # fmt: skip
        await trail.record_intent(cancel())
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(intent())


async def test_sink_that_turns_out_to_be_ahead_stays_out() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first, second):
        pass
    async with running(second) as trail:
        for number in range(30):
            await trail.record_intent(intent(f"r-{number}"))
    second.open_error = StorageError("not yet")
    async with running(first, second) as trail:
        second.open_error = None
        await until(lambda: "than this trail" in str(trail.status().sinks[1].trouble))
        await trail.record_intent(cancel())


async def test_trail_takes_one_sink_or_two() -> None:
    with pytest.raises(InvariantError):
        make_trail()
    trail = make_trail(FaultySink())
    await trail.start()
    with pytest.raises(InvariantError, match="started twice"):
        await trail.start()
    await trail.stop()
    await trail.stop()
    trail.record_outcome(Outcome(intent=1, result="answered"))
    with pytest.raises(AuditUnavailable, match="closed"):
        await trail.record_intent(intent())


async def test_stop_is_bounded_when_the_sink_hangs() -> None:
    sink = FaultySink()
    trail = make_trail(sink)
    await trail.start()
    sink.gate.clear()
    waiting = asyncio.create_task(trail.record_intent(intent()))
    await asyncio.sleep(0.02)
    began = time.monotonic()
    await trail.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(AuditUnavailable):
        await waiting
    sink.gate.set()


async def test_stop_that_never_started_does_nothing() -> None:
    trail = make_trail(FaultySink())
    await trail.stop()
    trail.record_outcome(Outcome(intent=1, result="answered"))
    with pytest.raises(AuditUnavailable, match="not open yet"):
        await trail.record_intent(intent())
    assert trail.status().sinks[0].trouble == "not open yet"
