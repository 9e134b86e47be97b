"""The trail over two sinks: who waits for which, what goes on when one fails, and how it catches up."""

import asyncio

import pytest
from tests.support.trails import (
    TRAIL_KEY,
    FaultySink,
    cancel,
    disk_full,
    intent,
    running,
    until,
    whole,
)

from watchword.adapters.audit import scribe
from watchword.adapters.memory.audit import MemorySink
from watchword.audit.chain import Head
from watchword.audit.event import (
    Outcome,
)
from watchword.audit.trail import AuditUnavailable
from watchword.kernel.errors import StorageError

VERIFIER = TRAIL_KEY.public.verifier()


async def test_two_sinks_hold_the_same_rows() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first, second) as trail:
        await asyncio.gather(*(trail.record_intent(intent(f"r-{n}")) for n in range(30)))
    assert first.lines() == second.lines()
    assert whole(first)


async def test_order_waits_for_both_sinks_and_cancel_for_one() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first, second) as trail:
        second.gate.clear()
        order = asyncio.create_task(trail.record_intent(intent()))
        await asyncio.wait_for(trail.record_intent(cancel()), 5)
        assert not order.done()
        second.gate.set()
        await order


@pytest.mark.parametrize("broken", [0, 1], ids=["first", "second"])
async def test_cancels_go_on_while_one_of_two_sinks_works(broken: int) -> None:
    sinks = (FaultySink(), FaultySink())
    async with running(*sinks) as trail:
        sinks[broken].error = disk_full()
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(intent())
        for number in range(3):
            await trail.record_intent(cancel(f"c-{number}"))
            with pytest.raises(AuditUnavailable):
                await trail.record_intent(intent())
        assert trail.unavailable(only_cancels=True) is None
        assert [status.trouble is None for status in trail.status().sinks] == [broken == 1, broken == 0]
        sinks[broken].error = None
        await until(lambda: trail.unavailable(only_cancels=False) is None)
        await trail.record_intent(intent("afterwards"))
    assert sinks[0].lines() == sinks[1].lines(), "the broken one caught up"
    assert whole(sinks[0])


async def test_cancels_go_on_while_the_other_sink_hangs() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first, second) as trail:
        first.gate.clear()
        order = asyncio.create_task(trail.record_intent(intent()))
        for number in range(3):
            await asyncio.wait_for(trail.record_intent(cancel(f"c-{number}")), 5)
        with pytest.raises(AuditUnavailable, match="first: has not answered"):
            await order
        await asyncio.wait_for(trail.record_intent(cancel("after the bound")), 5)
        first.gate.set()
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert first.lines() == second.lines()


async def test_cancel_is_refused_when_both_sinks_fail() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first, second) as trail:
        first.error = second.error = disk_full()
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(cancel())
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(cancel())
        first.error = second.error = None
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert first.lines() == second.lines()
    assert whole(first)


async def test_cancel_in_flight_survives_the_failure_of_the_other_sink() -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first, second) as trail:
        first.gate.clear()
        second.error = disk_full()
        order = asyncio.create_task(trail.record_intent(intent()))
        waiting = asyncio.create_task(trail.record_intent(cancel()))
        with pytest.raises(AuditUnavailable, match="second"):
            await order
        first.gate.set()
        assert await waiting > 0


async def test_sink_that_missed_more_than_is_kept_catches_up_from_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scribe, "BACKLOG_ROWS_MAX", 10)
    monkeypatch.setattr(scribe, "COPY_ROWS_MAX", 7)
    first, second = FaultySink(), FaultySink()
    async with running(first, second) as trail:
        second.error = disk_full()
        for number in range(60):
            await trail.record_intent(cancel(f"c-{number}"))
        await until(lambda: "full" in str(trail.status().sinks[1].trouble))
        second.error = None
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert first.lines() == second.lines()


async def test_sink_whose_missing_rows_are_nowhere_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = FaultySink(), FaultySink(MemorySink())
    async with running(first):
        pass
    assert isinstance(first.inner, MemorySink)
    kept = first.inner.rows
    second.inner.append(kept[:3])
    lost = FaultySink()
    lost.inner = second.inner
    async with running(first, lost) as trail:
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert first.lines() == lost.lines()
    third = FaultySink()
    async with running(third) as trail:
        monkeypatch.setattr(scribe, "BACKLOG_ROWS_MAX", 2)
        third.error = disk_full()
        for number in range(6):
            trail.record_outcome(Outcome(intent=number, result="answered"))
        await until(lambda: "no other sink is open" in str(trail.status().sinks[0].trouble))


async def test_copy_that_ends_too_early_keeps_the_sink_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first):
        pass
    only_row = first.lines()[:1]
    monkeypatch.setattr(first, "lines_after", lambda row: iter(only_row))
    async with running(first, second) as trail:
        await until(lambda: "in no other sink" in str(trail.status().sinks[1].trouble))
        await trail.record_intent(cancel())


async def test_copy_that_was_altered_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = FaultySink(), FaultySink()
    async with running(first):
        pass
    altered = [first.lines()[0], first.lines()[1].replace(b"trail:checkpoint", b"trail:checkpoinT")]
    monkeypatch.setattr(first, "lines_after", lambda row: iter(altered))
    async with running(first, second) as trail:
        await until(lambda: "the copy for second: row 2 was altered" in str(trail.status().sinks[1].trouble))
    assert second.lines() == []


async def test_sink_whose_head_cannot_be_read_is_closed_and_tried_again() -> None:
    closed: list[int] = []

    class Headless(FaultySink):
        def head(self) -> Head:
            if len(closed) < 3:
                raise StorageError("its end is no row")
            return super().head()

        def close(self) -> None:
            closed.append(1)

    first, second = FaultySink(), Headless()
    async with running(first, second) as trail:
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert len(closed) >= 3
    assert first.lines() == second.lines()
