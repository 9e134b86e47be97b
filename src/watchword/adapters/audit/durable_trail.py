"""The trail that a process writes: one chain, one or two sinks, group commit. Never signs a request and never reads rows.

Rows of one loop turn are sealed together and handed to each sink's scribe; while they are being synced the next turn's
gather. A call that could not be recorded is refused within a bounded time, whatever the sink does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import msgspec

from watchword.adapters.audit.scribe import Scribe, ScribeListener, SinkOpener
from watchword.audit.chain import FORMAT_VERSION, Head, Row, checked_row, seal
from watchword.audit.checkpoint import make_checkpoint
from watchword.audit.event import (
    AnyEvent,
    Change,
    Intent,
    Outcome,
    Refusal,
    TrailClosed,
    TrailOpened,
    TrailResumed,
    TrailStopped,
    decode_event,
    encode_event,
)
from watchword.audit.refusals import RefusalTally
from watchword.audit.search import UNCONCLUDED_ROWS_MAX, unconcluded
from watchword.audit.trail import AuditSink, AuditUnavailable, SinkStatus, TrailStatus
from watchword.credentials.signer import Signer
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError, StorageError, invariant

T = TypeVar("T")

#: Rows made and in no sink yet, at most. Above it new requests are refused.
WAITING_ROWS_MAX: Final = 16_384
#: The same for outcomes of requests that are signed already; above it they are only counted.
WAITING_OUTCOMES_MAX: Final = 49_152
SINKS_MAX: Final = 2
#: How long an end waits for a thread that is at work, and may hang.
HUNG_JOIN_S: Final = 0.05
TRAIL_ID_BYTES: Final = 16


class Pace(msgspec.Struct, frozen=True):
    """How long things take, at most.

    Attributes:
        write_ms: A record must be durable after so long, or its request is refused.
        open_ms: The sinks must be open after so long.
        outcome_ms: An outcome waits so long for company before it is written.
        retry_ms: Pause between attempts to use a failed sink.
        checkpoint_rows, checkpoint_ms: A signed checkpoint follows after so many rows, or so long after a row.
        tally_ms: Refusals are counted over so long.
    """

    write_ms: int = 1_500
    open_ms: int = 10_000
    outcome_ms: int = 20
    retry_ms: int = 500
    checkpoint_rows: int = 1_000
    checkpoint_ms: int = 10_000
    tally_ms: int = 60_000


class _Waiter:
    """One call that waits for its row."""

    __slots__ = ("any_sink", "future", "intent", "number", "since")

    def __init__(self, future: "asyncio.Future[int]", since: float, *, any_sink: bool, intent: bool) -> None:
        self.future = future
        self.since = since
        self.any_sink = any_sink
        self.intent = intent
        self.number = 0


class _Lane:
    """One sink, as the loop sees it."""

    __slots__ = ("busy_since", "given", "name", "open", "scribe", "stopped", "stored", "trouble")

    def __init__(self, name: str) -> None:
        self.name = name
        self.scribe: Scribe
        self.open = False
        self.trouble: str | None = "not open yet"
        self.stopped: str | None = None
        self.stored = 0
        self.given = 0
        self.busy_since: float | None = None


class DurableTrail(ScribeListener):
    """Implements `audit.trail.AuditTrail`.

    When unavailable: refuse.

    Attributes:
        unconcluded: After `start`: intents of earlier processes whose outcome is not recorded, by row.
    """

    def __init__(
        self,
        openers: Mapping[str, SinkOpener],
        signer: Signer,
        fingerprint: str,
        clock: Clock,
        entropy: Entropy,
        pace: Pace | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            openers: One or two sinks by name.
            signer: Of the trail's key.
            fingerprint: Of its public half.
            clock: Source of the rows' time.
            entropy: Gives a new trail its id.
            pace: Bounds in time.
        """
        invariant(1 <= len(openers) <= SINKS_MAX, "a trail has one sink or two")
        self.unconcluded: dict[int, Intent] = {}
        self._pace = pace or Pace()
        self._signer, self._fingerprint, self._clock, self._entropy = signer, fingerprint, clock, entropy
        self._lanes: list[_Lane] = []
        for name, opener in openers.items():
            lane = _Lane(name)
            lane.scribe = Scribe(name, opener, self, self._pace.retry_ms / 1000)
            self._lanes.append(lane)
        self._lane_of = {id(lane.scribe): lane for lane in self._lanes}
        self._head = Head()
        self._trail = ""
        self._first = b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: str | None = "the trail is not open yet"
        self._pending: list[tuple[bytes, int, _Waiter | None]] = []
        self._waiting: tuple[deque[_Waiter], deque[_Waiter]] = (deque(), deque())
        self._watched: deque[_Waiter] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._flush_turn: asyncio.Handle | None = None
        self._flush_later: asyncio.TimerHandle | None = None
        self._sign_later: asyncio.TimerHandle | None = None
        self._tally_later: asyncio.TimerHandle | None = None
        self._unsigned_rows = 0
        self._refused = self._refused_since = self._lost = 0
        self._tally = RefusalTally(0)
        self._changed = asyncio.Event()

    # ---- opening and closing

    async def start(self) -> None:
        """Open the sinks, go on from the longest, record the start.

        A sink that cannot be opened is tried again later; meanwhile only cancels are recorded.

        Raises:
            AuditUnavailable: No sink can be used, or the rows that are there are not whole.
        """
        invariant(self._loop is None, "the trail was started twice")
        self._loop = asyncio.get_running_loop()
        for lane in self._lanes:
            lane.scribe.start()
        await self._until(lambda: all(lane.trouble != "not open yet" for lane in self._lanes), self._pace.open_ms)
        opened = [lane for lane in self._lanes if lane.open]
        try:
            if not opened:
                raise AuditUnavailable("; ".join(f"{lane.name}: {lane.trouble}" for lane in self._lanes))
            await self._continue_from(max(opened, key=lambda lane: lane.stored))
            self._tally = RefusalTally(self._now_us())
            self._closed = None
            started = TrailOpened(
                trail=self._trail, format=FORMAT_VERSION, fingerprint=self._fingerprint, unconcluded=len(self.unconcluded)
            )
            for lane in self._lanes:
                if not lane.open:
                    lane.trouble = lane.trouble if lane.trouble != "not open yet" else "does not open"
                    lane.stopped = lane.trouble
                    self._queue(TrailStopped(sink=lane.name, reason=lane.trouble or ""))
            await self._durable(started, any_sink=True)
        except StorageError as error:
            self._end(str(error))
            raise error if isinstance(error, AuditUnavailable) else AuditUnavailable(str(error)) from error
        self._tally_later = self._loop.call_later(self._pace.tally_ms / 1000, self._write_tally)

    async def stop(self, reason: str = "") -> None:
        """Record the end, wait a bounded time until it is durable, close the sinks. Later calls are refused."""
        if self._loop is None or self._closed is not None:
            return
        if (counted := self._tally.take(self._now_us())) is not None:
            self._queue(counted)
        self._queue(TrailClosed(reason=reason))
        self._closed = "the trail is closed"
        self._flush(sign=True)
        await self._until(
            lambda: all(lane.stored >= self._head.row for lane in self._lanes if lane.open), self._pace.write_ms
        )
        self._end("the trail is closed")

    async def _continue_from(self, lane: _Lane) -> None:
        """Read what a start must know: the first row, the last, and the intents nobody concluded."""
        loop, pace = asyncio.get_running_loop(), self._pace
        answer: asyncio.Future[tuple[Head, Row | None, dict[int, Intent]]] = loop.create_future()

        def read(sink: AuditSink) -> None:
            try:
                found = _beginning(sink)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                self._tell(partial(_fault, answer, error))
            else:
                self._tell(partial(_answer, answer, found))

        lane.scribe.ask(read)
        try:
            self._head, first, self.unconcluded = await asyncio.wait_for(answer, pace.open_ms / 1000)
        except TimeoutError:
            raise AuditUnavailable(f"{lane.name} has not answered for {pace.open_ms} ms") from None
        if first is None:
            self._trail = self._entropy.token(TRAIL_ID_BYTES).hex()
            return
        event = decode_event(first.body)
        if not isinstance(event, TrailOpened) or first.number != 1:
            raise CorruptStoreError(f"{lane.name}: row 1 is not the beginning of a trail; see watchword audit verify")
        self._trail, self._first = event.trail, first.digest

    def _end(self, reason: str) -> None:
        self._closed = reason
        for timer in (self._watch, self._flush_turn, self._flush_later, self._sign_later, self._tally_later):
            if timer is not None:
                timer.cancel()
        for waiter in self._watched:
            self._fail(waiter, reason)
        for lane in self._lanes:
            at_rest = lane.open and lane.busy_since is None
            lane.scribe.end(self._pace.write_ms / 1000 if at_rest else HUNG_JOIN_S)

    # ---- recording

    async def record_intent(self, intent: Intent) -> int:
        """See `AuditTrail.record_intent`."""
        return await self._durable(intent, any_sink=intent.only_cancels)

    async def record_change(self, change: Change) -> int:
        """See `AuditTrail.record_change`."""
        return await self._durable(change, any_sink=False)

    def record_outcome(self, outcome: Outcome) -> None:
        """See `AuditTrail.record_outcome`."""
        if self._head.row - max(lane.stored for lane in self._lanes) >= WAITING_OUTCOMES_MAX:
            self._lost += 1
            return
        self._queue(outcome)

    def record_refusal(self, refusal: Refusal) -> None:
        """See `AuditTrail.record_refusal`."""
        if self._works() and self._tally.deserves_row(refusal.key):
            self._queue(refusal)
        else:
            self._tally.count(refusal.rule, refusal.key)

    def count_refusal(self, reason: str, origin: str) -> None:
        """See `AuditTrail.count_refusal`."""
        self._tally.count(reason, origin)

    def unavailable(self, *, only_cancels: bool) -> str | None:
        """See `AuditTrail.unavailable`."""
        if self._closed is not None:
            return self._closed
        if len(self._pending) + self._head.row - max(lane.stored for lane in self._lanes) >= WAITING_ROWS_MAX:
            return f"{WAITING_ROWS_MAX} records wait already"
        now = self._loop.time() if self._loop is not None else 0.0
        first: str | None = None
        for lane in self._lanes:
            trouble = self._trouble(lane, now)
            if trouble is None:
                if only_cancels:
                    return None
            elif first is None:
                first = f"{lane.name}: {trouble}"
        return first

    def status(self) -> TrailStatus:
        """See `AuditTrail.status`."""
        now = self._loop.time() if self._loop is not None else 0.0
        sinks = tuple(SinkStatus(lane.name, self._trouble(lane, now), lane.stored) for lane in self._lanes)
        return TrailStatus(self._head.row, sinks, self._refused)

    async def _durable(self, event: AnyEvent, *, any_sink: bool) -> int:
        """Make an event a row and wait until it is stored."""
        reason = self.unavailable(only_cancels=any_sink)
        loop = self._loop
        if reason is not None or loop is None:
            self._refused += 1
            self._refused_since += 1
            raise AuditUnavailable(reason or "")
        waiter = _Waiter(loop.create_future(), loop.time(), any_sink=any_sink, intent=isinstance(event, Intent))
        self._pending.append((encode_event(event), self._clock.now_us(), waiter))
        self._watched.append(waiter)
        if self._watch is None:
            self._watch = loop.call_at(waiter.since + self._pace.write_ms / 1000, self._expire)
        if self._flush_turn is None and not self._busy():
            self._flush_turn = loop.call_soon(self._flush)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            self._abandon(waiter, "the request ended before it was signed")
            raise

    def _queue(self, event: AnyEvent) -> None:
        """Make an event a row soon; nobody waits for it."""
        if self._loop is None or self._closed is not None:
            return
        self._pending.append((encode_event(event), self._clock.now_us(), None))
        if self._flush_later is None:
            self._flush_later = self._loop.call_later(self._pace.outcome_ms / 1000, self._flush)

    # ---- sealing and handing over

    def _flush(self, *, sign: bool = False) -> None:
        """Seal what waits and hand it to the scribes."""
        for timer in (self._flush_turn, self._flush_later):
            if timer is not None:
                timer.cancel()
        self._flush_turn = self._flush_later = None
        pending, self._pending = self._pending, []
        rows: list[Row] = []
        for body, now_us, waiter in pending:
            if waiter is not None and waiter.future.done():
                continue
            rows.append(self._sealed(body, now_us))
            if waiter is not None:
                waiter.number = self._head.row
                self._waiting[waiter.any_sink].append(waiter)
        self._unsigned_rows += len(rows)
        if self._unsigned_rows and (sign or self._unsigned_rows >= self._pace.checkpoint_rows):
            rows.append(self._signed())
        elif rows and self._sign_later is None and self._loop is not None:
            self._sign_later = self._loop.call_later(self._pace.checkpoint_ms / 1000, partial(self._flush, sign=True))
        if rows:
            self._hand_over(rows)

    def _sealed(self, body: bytes, now_us: int) -> Row:
        row = seal(body, self._head, max(now_us, self._head.now_us))
        self._head = row.head
        if row.number == 1:
            self._first = row.digest
        return row

    def _signed(self) -> Row:
        """Vouch for the last row."""
        self._unsigned_rows = 0
        if self._sign_later is not None:
            self._sign_later.cancel()
            self._sign_later = None
        checkpoint = make_checkpoint(self._signer, self._trail, self._head, self._first)
        return self._sealed(encode_event(checkpoint), self._clock.now_us())

    def _hand_over(self, rows: list[Row]) -> None:
        now = self._loop.time() if self._loop is not None else 0.0
        for lane in self._lanes:
            lane.scribe.put(rows)
            lane.given = rows[-1].number
            if lane.open and lane.busy_since is None:
                lane.busy_since = now

    def _busy(self) -> bool:
        """Whether every open sink is at work, so that more rows had better gather."""
        at_work = [lane.busy_since is not None for lane in self._lanes if lane.open]
        return bool(at_work) and all(at_work)

    def _works(self) -> bool:
        now = self._loop.time() if self._loop is not None else 0.0
        return any(self._trouble(lane, now) is None for lane in self._lanes)

    def _trouble(self, lane: _Lane, now: float) -> str | None:
        if lane.trouble is not None:
            return lane.trouble
        if lane.busy_since is not None and now - lane.busy_since > self._pace.write_ms / 1000:
            return f"has not answered for {self._pace.write_ms} ms"
        return None

    # ---- what the scribes tell, on their threads

    def opened(self, scribe: Scribe, head: Head) -> None:
        """See `ScribeListener`."""
        self._tell(partial(self._on_opened, self._lane_of[id(scribe)], head))

    def stored(self, scribe: Scribe, row: int, strained: str | None) -> None:
        """See `ScribeListener`."""
        self._tell(partial(self._on_stored, self._lane_of[id(scribe)], row, strained))

    def failed(self, scribe: Scribe, reason: str) -> None:
        """See `ScribeListener`."""
        self._tell(partial(self._on_failed, self._lane_of[id(scribe)], reason))

    def lines_elsewhere(self, scribe: Scribe, row: int) -> Iterator[bytes]:
        """See `ScribeListener`."""
        for lane in self._lanes:
            sink = lane.scribe.sink
            if lane.scribe is not scribe and sink is not None:
                return sink.lines_after(row)
        raise StorageError(f"rows after {row} are missing, and no other sink is open")

    def _tell(self, what: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(what)

    # ---- the same, in the loop

    def _on_opened(self, lane: _Lane, head: Head) -> None:
        lane.open, lane.stored = True, head.row
        if self._closed is not None:
            lane.stopped = None
        if lane.stopped is None:
            lane.trouble = None
        if lane.given > lane.stored and self._loop is not None:
            lane.busy_since = self._loop.time()
        self._changed.set()

    def _on_stored(self, lane: _Lane, row: int, strained: str | None) -> None:
        lane.stored = row
        lane.busy_since = None
        if lane.given > row and self._loop is not None:
            lane.busy_since = self._loop.time()
        self._settle_waiters()
        if strained is not None:
            self._stopped(lane, strained)
            lane.trouble = strained
        elif lane.stopped is not None:
            lane.trouble = lane.stopped = None
            self._queue(TrailResumed(sink=lane.name, refused=self._refused_since, outcomes_lost=self._lost))
            self._refused_since = self._lost = 0
        if any(waiter is not None for _, _, waiter in self._pending) and not self._busy():
            self._flush()
        self._changed.set()

    def _on_failed(self, lane: _Lane, reason: str) -> None:
        lane.open, lane.busy_since, lane.trouble = False, None, reason
        self._stopped(lane, reason)
        working = any(other.open for other in self._lanes)
        for waiter in [*self._watched]:
            if not (waiter.any_sink and working):
                self._fail(waiter, f"{lane.name}: {reason}")
        self._changed.set()

    def _stopped(self, lane: _Lane, reason: str) -> None:
        """Record once why a sink takes nothing new."""
        if lane.stopped is None and self._closed is None:
            self._queue(TrailStopped(sink=lane.name, reason=reason))
        lane.stopped = reason

    def _settle_waiters(self) -> None:
        """Wake the calls whose rows are durable."""
        everywhere = min(lane.stored for lane in self._lanes)
        somewhere = max(lane.stored for lane in self._lanes)
        for waiting, reached in zip(self._waiting, (everywhere, somewhere), strict=True):
            while waiting and (waiting[0].number <= reached or waiting[0].future.done()):
                waiter = waiting.popleft()
                if not waiter.future.done():
                    waiter.future.set_result(waiter.number)
        while self._watched and self._watched[0].future.done():
            self._watched.popleft()

    def _expire(self) -> None:
        """Refuse the calls that waited too long, and see to the next."""
        self._watch = None
        if self._loop is None:
            return
        now, wait_s = self._loop.time(), self._pace.write_ms / 1000
        for lane in self._lanes:
            trouble = self._trouble(lane, now)
            if trouble is not None:
                self._stopped(lane, trouble)
        while self._watched and (self._watched[0].future.done() or now - self._watched[0].since >= wait_s):
            waiter = self._watched.popleft()
            self._fail(waiter, self.unavailable(only_cancels=waiter.any_sink) or f"no record within {wait_s * 1000:.0f} ms")
        if self._watched:
            self._watch = self._loop.call_at(self._watched[0].since + wait_s, self._expire)

    def _fail(self, waiter: _Waiter, reason: str) -> None:
        """Refuse one call, and record that nothing was signed for it."""
        if waiter.future.done():
            return
        waiter.future.set_exception(AuditUnavailable(reason))
        self._refused += 1
        self._refused_since += 1
        self._abandon(waiter, f"refused: no durable record in time ({reason})")

    def _abandon(self, waiter: _Waiter, note: str) -> None:
        """Conclude an intent whose row exists, or will, though its request was given up."""
        if waiter.intent and waiter.number:
            self._queue(Outcome(intent=waiter.number, result="not_sent", note=note))

    def _write_tally(self) -> None:
        """Turn the counted refusals into one row, unless no sink works; then they go on being counted."""
        if self._loop is None:
            return
        if self._works() and (counted := self._tally.take(self._now_us())) is not None:
            self._queue(counted)
        self._tally_later = self._loop.call_later(self._pace.tally_ms / 1000, self._write_tally)

    def _now_us(self) -> int:
        return max(self._clock.now_us(), self._head.now_us)

    async def _until(self, done: Callable[[], bool], wait_ms: int) -> None:
        """Wait for a change that makes `done` true, or for the time to pass."""
        try:
            async with asyncio.timeout(wait_ms / 1000):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return


def _beginning(sink: AuditSink) -> tuple[Head, Row | None, dict[int, Intent]]:
    """Read the ends of a trail."""
    place, head = sink.place_name(), sink.head()
    line = next(sink.lines_after(0), None) if head.row else None
    first = checked_row(line, place) if line is not None else None
    return head, first, unconcluded(sink.lines_after(max(head.row - UNCONCLUDED_ROWS_MAX, 0)) if head.row else ())


def _answer(future: "asyncio.Future[T]", found: T) -> None:
    if not future.done():
        future.set_result(found)


def _fault(future: "asyncio.Future[T]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error if isinstance(error, StorageError) else StorageError(str(error)))
