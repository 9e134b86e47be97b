"""The trail within its bounds: space, checkpoints, counted refusals, waiting records, clocks."""

import asyncio
import threading
import time

import pytest
from tests.support.trails import (
    QUICK,
    TRAIL_KEY,
    FaultySink,
    cancel,
    disk_full,
    intent,
    make_trail,
    of,
    running,
    until,
    whole,
)

from watchword.adapters.audit import durable_trail, scribe
from watchword.audit.chain import Head, seal
from watchword.audit.event import (
    Change,
    Checkpoint,
    Outcome,
    Refusal,
    RefusalsCounted,
    TrailResumed,
    TrailStopped,
)
from watchword.audit.trail import AuditUnavailable
from watchword.audit.verify import verify

VERIFIER = TRAIL_KEY.public.verifier()


async def test_strained_sink_stores_outcomes_and_refuses_what_is_new() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        row = await trail.record_intent(intent())
        sink.strain = "the disk is full; the reserved space is in use"
        assert await trail.record_intent(intent("the one that met it")) > 0
        trail.record_outcome(Outcome(intent=row, result="answered", status=200))
        for asked in (intent(), cancel()):
            with pytest.raises(AuditUnavailable, match="reserved space"):
                await trail.record_intent(asked)
        await until(lambda: bool(of(sink, Outcome)) and bool(of(sink, TrailStopped)))
        assert trail.unavailable(only_cancels=True) is not None
        sink.strain = None
        await until(lambda: trail.unavailable(only_cancels=False) is None)
    assert of(sink, TrailResumed) == [TrailResumed(sink="first", refused=2)]
    assert whole(sink)


async def test_checkpoint_follows_after_so_many_rows() -> None:
    sink = FaultySink()
    async with running(sink) as trail:
        for number in range(120):
            await trail.record_intent(intent(f"r-{number}"))
        assert len(of(sink, Checkpoint)) == 1 + 120 // QUICK.checkpoint_rows
    assert verify(sink.lines(), VERIFIER).checkpoints == 4


async def test_checkpoint_follows_after_so_long_and_not_again_without_rows() -> None:
    sink = FaultySink()
    async with running(sink, pace=durable_trail.Pace(checkpoint_ms=50)) as trail:
        await trail.record_intent(intent())
        await until(lambda: len(of(sink, Checkpoint)) == 2)
        await asyncio.sleep(0.15)
        assert len(of(sink, Checkpoint)) == 2
        await trail.record_intent(intent())
        await until(lambda: len(of(sink, Checkpoint)) == 3)
    assert whole(sink)


async def test_refusals_before_authentication_are_one_row_per_period() -> None:
    sink = FaultySink()
    async with running(sink, pace=durable_trail.Pace(tally_ms=80)) as trail:
        for number in range(5_000):
            trail.count_refusal("unknown key", f"10.0.{number % 256}.1")
        await until(lambda: bool(of(sink, RefusalsCounted)))
        await asyncio.sleep(0.1)
        trail.count_refusal("unknown key", "10.0.0.9")
    counted = of(sink, RefusalsCounted)
    assert [event.total for event in counted] == [5_000, 1]
    assert len(b"".join(sink.lines())) < 20_000


async def test_refusals_of_a_known_key_get_rows_up_to_its_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.audit.refusals.ROWS_PER_KEY_MAX", 3)
    sink = FaultySink()
    async with running(sink) as trail:
        for _ in range(10):
            trail.record_refusal(
                Refusal(key="WWk", endpoint="POST /api/v3/order", rule="symbols", reason="not allowed")
            )
    assert len(of(sink, Refusal)) == 3
    (counted,) = of(sink, RefusalsCounted)
    assert isinstance(counted, RefusalsCounted)
    assert counted.reasons == {"symbols": 7}


async def test_refusals_while_no_sink_works_are_only_counted() -> None:
    sink = FaultySink()
    async with running(sink, pace=durable_trail.Pace(tally_ms=40, retry_ms=20, write_ms=300)) as trail:
        sink.error = disk_full()
        with pytest.raises(AuditUnavailable):
            await trail.record_intent(intent())
        for _ in range(50):
            trail.record_refusal(Refusal(key="WWk", endpoint="x", rule="audit"))
        await asyncio.sleep(0.1)
        sink.error = None
        await until(lambda: bool(of(sink, RefusalsCounted)))
    assert of(sink, Refusal) == []
    assert whole(sink)


async def test_too_many_waiting_records_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable_trail, "WAITING_ROWS_MAX", 5)
    sink = FaultySink()
    async with running(sink) as trail:
        sink.gate.clear()
        calls = [asyncio.create_task(trail.record_intent(intent(f"r-{n}"))) for n in range(5)]
        await asyncio.sleep(0.05)
        with pytest.raises(AuditUnavailable, match="5 records wait already"):
            await trail.record_intent(intent())
        sink.gate.set()
        await asyncio.gather(*calls)


async def test_outcomes_that_find_no_room_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable_trail, "WAITING_OUTCOMES_MAX", 3)
    sink = FaultySink()
    async with running(sink) as trail:
        sink.error = disk_full()
        for batch in range(4):
            for _ in range(4):
                trail.record_outcome(Outcome(intent=batch, result="answered"))
            await asyncio.sleep(0.05)
        sink.error = None
        await until(lambda: bool(of(sink, TrailResumed)))
    (resumed,) = of(sink, TrailResumed)
    assert isinstance(resumed, TrailResumed)
    assert resumed.outcomes_lost == 12
    assert len(of(sink, Outcome)) == 4


async def test_clock_that_goes_back_does_not_take_the_rows_with_it() -> None:
    sink = FaultySink()
    trail = make_trail(sink)
    await trail.start()
    await trail.record_intent(intent())
    trail._clock.current_us -= 3_600_000_000
    await trail.record_intent(intent())
    await trail.stop()
    times = [int(line.split(b" ")[1]) for line in sink.lines()]
    assert times == sorted(times)


async def test_change_is_durable_like_an_intent() -> None:
    sink = FaultySink()
    change = Change(action="credential:virtual:revoked", actor="uid 1000", subject="WWk")
    async with running(sink) as trail:
        assert await trail.record_change(change) == 3
        assert of(sink, Change) == [change]


async def test_appends_run_on_a_thread_of_their_own() -> None:
    sink, seen = FaultySink(), set()
    sink.before = lambda rows: seen.add(threading.current_thread().name)
    async with running(sink) as trail:
        await trail.record_intent(intent())
    assert seen == {"audit first"}


class SlowNotes(FaultySink):
    def __init__(self, noting: threading.Event) -> None:
        super().__init__()
        self.noting = noting

    def note_stored(self) -> None:
        assert self.noting.wait(20)


async def test_rows_are_noted_after_who_waits_was_told() -> None:
    noting = threading.Event()
    async with running(SlowNotes(noting)) as trail:
        # Noting the row of the start still goes on, and nobody waits for it.
        assert trail.status().row == 2
        noting.set()
        assert await trail.record_intent(intent()) == 3


async def test_outcome_is_a_row_before_it_is_written() -> None:
    sink = FaultySink()
    async with running(sink, pace=durable_trail.Pace(outcome_ms=5_000)) as trail:
        row = await trail.record_intent(intent())
        trail.record_outcome(Outcome(intent=row, result="answered"))
        assert trail.status().row == row
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert trail.status().row == row + 1
        assert of(sink, Outcome) == []
        # The next request takes it along, in order.
        assert await trail.record_intent(intent("r-2")) == row + 2
        assert [one.intent for one in of(sink, Outcome)] == [row]


class Told(scribe.ScribeListener):
    def __init__(self) -> None:
        self.rows: list[int] = []

    def stored(self, scribe: scribe.Scribe, row: int, strained: str | None) -> None:
        self.rows.append(row)


def test_thread_that_is_roused_as_it_gives_up_sleeps_on() -> None:
    listener = Told()
    sink = FaultySink()
    sink.strain = "the disk is full"
    writer = scribe.Scribe("first", lambda: sink, listener, retry_s=0.0005)
    writer.start()
    head = Head()
    for number in range(1, 301):
        row = seal(b'{"type":"trail:closed"}', head, number)
        head = row.head
        writer.put([row])
        time.sleep(0.0003 + number % 5 * 0.0002)
    writer.end(5)
    assert listener.rows[-1] == 300
    assert len(sink.lines()) == 300
    assert writer._wake.empty()


async def test_listener_without_another_sink_says_so() -> None:
    lonely = scribe.ScribeListener()
    with pytest.raises(NotImplementedError):
        lonely.lines_elsewhere(None, 0)  # type: ignore[arg-type]
