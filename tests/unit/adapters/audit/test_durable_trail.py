"""The trail against one instrumented sink: what is durable when, what is refused how fast, what the rows say after."""

import asyncio
import statistics
import time

import pytest
from tests.support.trails import (
    TRAIL_KEY,
    FaultySink,
    cancel,
    disk_full,
    intent,
    of,
    running,
    until,
    whole,
)

from watchword.adapters.audit import durable_trail
from watchword.audit.event import (
    Change,
    Checkpoint,
    Intent,
    Outcome,
    TrailClosed,
    TrailOpened,
    TrailResumed,
    TrailStopped,
)
from watchword.audit.trail import AuditUnavailable
from watchword.audit.verify import verify
from watchword.kernel.errors import StorageError

VERIFIER = TRAIL_KEY.public.verifier()


async def test_first_rows_open_the_trail_and_last_ones_close_it() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        assert await trail.record_intent(intent()) == 3
        assert trail.unavailable(only_cancels=False) is None
        assert trail.status().sinks[0].trouble is None
    kinds = [type(event) for event in sink.events()]
    assert kinds == [TrailOpened, Checkpoint, Intent, TrailClosed, Checkpoint]
    assert whole(sink)
    assert verify(sink.lines(), VERIFIER).checkpoints == 2


async def test_intent_returns_only_when_stored() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        sink.gate.clear()
        call = asyncio.create_task(trail.record_intent(intent()))
        await asyncio.sleep(0.05)
        assert not call.done()
        sink.gate.set()
        row = await call
        assert of(sink, Intent) == [intent()]
        assert row == len(sink.events())


async def test_intents_of_one_turn_share_one_append_and_keep_their_order() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        sink.appends.clear()
        rows = await asyncio.gather(*(trail.record_intent(intent(f"r-{n}")) for n in range(20)))
        assert rows == list(range(3, 23))
        assert sink.appends == [20]
        assert [event.request for event in of(sink, Intent)] == [f"r-{n}" for n in range(20)]


async def test_intents_that_come_during_a_write_share_the_next() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        sink.appends.clear()
        sink.gate.clear()
        calls = [asyncio.create_task(trail.record_intent(intent("first")))]
        await asyncio.sleep(0.02)
        calls += [asyncio.create_task(trail.record_intent(intent(f"r-{n}"))) for n in range(9)]
        await asyncio.sleep(0.02)
        sink.gate.set()
        await asyncio.gather(*calls)
        assert sink.appends == [1, 9]


async def test_outcome_is_durable_within_a_tenth_of_a_second() -> None:
    sink, waits = FaultySink(), []
    async with running(sink, pace=durable_trail.Pace()) as trail:
        row = await trail.record_intent(intent())
        for number in range(1, 8):
            began = time.monotonic()
            trail.record_outcome(Outcome(intent=row, result="answered", status=200))
            assert len(of(sink, Outcome)) == number - 1, "it is queued, not waited for"
            await until(lambda number=number: len(of(sink, Outcome)) == number)
            waits.append(time.monotonic() - began)
    assert statistics.median(waits) < 0.1


async def test_outcome_travels_with_the_next_intent() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        row = await trail.record_intent(intent())
        sink.appends.clear()
        trail.record_outcome(Outcome(intent=row, result="answered"))
        await trail.record_intent(intent("r-2"))
        assert sink.appends == [2]


async def test_outcome_before_the_stop_is_stored_by_it() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        trail.record_outcome(Outcome(intent=9, result="unknown"))
    assert of(sink, Outcome) == [Outcome(intent=9, result="unknown")]


@pytest.mark.parametrize(
    "error", [disk_full(), StorageError("attempt to write a readonly database"), OSError(5, "I/O error")]
)
async def test_sink_that_cannot_write_refuses_at_once_and_tells_the_truth_later(error: Exception) -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        sink.error = error
        with pytest.raises(AuditUnavailable, match="first: "):
            await trail.record_intent(intent("in the batch that failed"))
        for asked in (intent("refused at once"), cancel("cancel refused at once")):
            began = time.monotonic()
            with pytest.raises(AuditUnavailable, match=str(error)[-9:]):
                await trail.record_intent(asked)
            assert time.monotonic() - began < 0.35
        with pytest.raises(AuditUnavailable):
            await trail.record_change(Change(action="a", actor="b", subject="c"))
        assert trail.status().refused == 4
        trail.record_outcome(Outcome(intent=1, result="answered", note="of a request signed before"))
        sink.error = None
        await until(lambda: trail.unavailable(only_cancels=False) is None)
        assert await trail.record_intent(intent("afterwards")) > 3
    assert whole(sink)
    assert [event.request for event in of(sink, Intent)] == ["in the batch that failed", "afterwards"]
    concluded = [event for event in of(sink, Outcome) if isinstance(event, Outcome)]
    assert [(one.intent, one.result) for one in concluded] == [(3, "not_sent"), (1, "answered")]
    (stopped,) = of(sink, TrailStopped)
    assert isinstance(stopped, TrailStopped)
    assert stopped.sink == "first"
    assert of(sink, TrailResumed) == [TrailResumed(sink="first", refused=4)]


@pytest.mark.parametrize("note_ms", [1, 150], ids=["with the next rows", "alone"])
async def test_append_that_got_through_although_it_failed_is_not_written_twice(note_ms: int) -> None:
    sink = FaultySink()
    async with running(sink, pace=durable_trail.Pace(retry_ms=20, outcome_ms=note_ms)) as trail:

        def late_failure(rows: object) -> None:
            sink.before = lambda rows: None
            sink.inner.append(rows)  # type: ignore[arg-type]
            raise StorageError("the sync failed, or only its answer did")

        sink.before = late_failure
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(intent())
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert whole(sink)
    assert of(sink, Outcome)[0].result == "not_sent"


async def test_hung_sink_refuses_within_the_bound_and_then_at_once() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        sink.gate.clear()
        began = time.monotonic()
        calls = [trail.record_intent(intent(f"r-{n}")) for n in range(5)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        waited = time.monotonic() - began
        assert all(isinstance(answer, AuditUnavailable) for answer in answers)
        assert "has not answered for 400 ms" in str(answers[0])
        assert 0.35 < waited < 3
        began = time.monotonic()
        with pytest.raises(AuditUnavailable, match="has not answered"):
            await trail.record_intent(intent("at once"))
        assert time.monotonic() - began < 0.35
        sink.gate.set()
        await until(lambda: trail.unavailable(only_cancels=False) is None)
        await trail.record_intent(intent("afterwards"))
    assert whole(sink)
    concluded = {event.intent for event in of(sink, Outcome) if isinstance(event, Outcome)}
    assert concluded == {3, 4, 5, 6, 7}
    assert len(of(sink, TrailStopped)) == len(of(sink, TrailResumed)) == 1


async def test_intents_that_wait_behind_a_hung_write_leave_no_row() -> None:
    sink = FaultySink()
    async with running(sink, pace=durable_trail.Pace(write_ms=300, outcome_ms=250)) as trail:
        sink.gate.clear()
        first = asyncio.create_task(trail.record_intent(intent("handed over")))
        await asyncio.sleep(0.05)
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(intent("never sealed"))
        with pytest.raises(AuditUnavailable):
            await first
        sink.gate.set()
    assert [event.request for event in of(sink, Intent)] == ["handed over"]


async def test_slow_sink_is_no_fault_while_it_keeps_within_the_bound() -> None:
    sink = FaultySink()
    sink.before = lambda rows: time.sleep(0.05)
    async with running(sink) as trail:
        for number in range(12):
            await trail.record_intent(intent(f"r-{number}"))
        assert trail.status().refused == 0


async def test_caller_who_gives_up_leaves_an_intent_that_says_so() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        sink.gate.clear()
        sealed = asyncio.create_task(trail.record_intent(intent("sealed")))
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(trail.record_intent(intent("waiting")))
        await asyncio.sleep(0.02)
        sealed.cancel()
        waiting.cancel()
        await asyncio.gather(sealed, waiting, return_exceptions=True)
        sink.gate.set()
        await trail.record_intent(intent("next"))
    assert [event.request for event in of(sink, Intent)] == ["sealed", "next"]
    (given_up,) = of(sink, Outcome)
    assert isinstance(given_up, Outcome)
    assert (given_up.intent, given_up.result) == (3, "not_sent")
