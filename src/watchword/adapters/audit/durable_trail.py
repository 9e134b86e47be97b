"""The trail that a process writes: one chain, one or two sinks, group commit. Never signs a request.

Rows of one loop turn are sealed together and handed to each sink's scribe; while they are being synced the next turn's
gather. A call that could not be recorded is refused within a bounded time, whatever the sink does.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import msgspec

from watchword.adapters.audit.lane import NOT_OPEN_YET, Beginning, Lane, read_beginning
from watchword.adapters.audit.scribe import Scribe, ScribeListener, SinkOpener
from watchword.adapters.audit.waiting import Waiter, WaitingRoom
from watchword.audit.chain import FORMAT_VERSION, Head, Row
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
    encode_event,
)
from watchword.audit.refusals import RefusalTally
from watchword.audit.sealer import Sealer
from watchword.audit.trail import AuditSink, AuditUnavailable, SinkStatus, TrailStatus
from watchword.credentials.signer import Signer
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import StorageError, invariant

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
        checkpoint_rows: A signed checkpoint follows after so many rows …
        checkpoint_ms: … or so long after a row.
        tally_ms: Refusals are counted over so long.
    """

    write_ms: int = 1_500
    open_ms: int = 10_000
    outcome_ms: int = 20
    retry_ms: int = 500
    checkpoint_rows: int = 1_000
    checkpoint_ms: int = 10_000
    tally_ms: int = 60_000


class DurableTrail(ScribeListener):
    """Implements `audit.trail.AuditTrail`.

    When unavailable: refuse.

    Attributes:
        unconcluded: After `start`: intents of earlier processes whose outcome is not recorded, or unknown, by row.
        doubtful: Those of the latter kind.
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
        self.doubtful: set[int] = set()
        self._pace = pace or Pace()
        self._silence_s = self._pace.write_ms / 1000
        self._signer, self._fingerprint, self._clock, self._entropy = signer, fingerprint, clock, entropy
        self._lanes = [
            Lane(name, opener, self, self._pace.retry_ms / 1000) for name, opener in openers.items()
        ]
        self._sealer = Sealer(signer, "")
        self._room = WaitingRoom()
        self._tally = RefusalTally(0)
        #: Events that have no row yet, and when they came.
        self._pending: list[tuple[bytes, int, Waiter | None]] = []
        #: Rows that no scribe has yet.
        self._sealed: list[Row] = []
        #: Somebody waits for one that is pending.
        self._wanted = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: str | None = "the trail is not open yet"
        self._changed = asyncio.Event()
        self._expire_later: asyncio.TimerHandle | None = None
        self._seal_turn: asyncio.Handle | None = None
        self._flush_turn: asyncio.Handle | None = None
        self._flush_later: asyncio.TimerHandle | None = None
        #: When what nobody waits for is written; 0 while there is nothing of it.
        self._flush_due_s = 0.0
        self._sign_later: asyncio.TimerHandle | None = None
        self._tally_later: asyncio.TimerHandle | None = None
        self._refused = self._refused_since = self._lost = 0

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
        await self._until(lambda: all(lane.fault != NOT_OPEN_YET for lane in self._lanes), self._pace.open_ms)
        try:
            await self._begin()
        except StorageError as error:
            self._end(str(error))
            raise AuditUnavailable(str(error)) from error
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
        last = self._sealer.head.row
        await self._until(
            lambda: all(lane.stored >= last for lane in self._lanes if lane.open), self._pace.write_ms
        )
        self._end("the trail is closed")

    async def record_intent(self, intent: Intent) -> int:
        """See `AuditTrail.record_intent`."""
        return await self._durable(intent, any_sink=intent.only_cancels)

    async def record_change(self, change: Change) -> int:
        """See `AuditTrail.record_change`."""
        return await self._durable(change, any_sink=False)

    def record_outcome(self, outcome: Outcome) -> None:
        """See `AuditTrail.record_outcome`."""
        if self._sealer.head.row - self._stored_somewhere() >= WAITING_OUTCOMES_MAX:
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
        if len(self._pending) + self._sealer.head.row - self._stored_somewhere() >= WAITING_ROWS_MAX:
            return f"{WAITING_ROWS_MAX} records wait already"
        now = self._now_s()
        first: str | None = None
        for lane in self._lanes:
            trouble = lane.trouble(now, self._silence_s)
            if trouble is None:
                if only_cancels:
                    return None
            elif first is None:
                first = f"{lane.name}: {trouble}"
        return first

    def status(self) -> TrailStatus:
        """See `AuditTrail.status`."""
        now = self._now_s()
        sinks = tuple(
            SinkStatus(lane.name, lane.trouble(now, self._silence_s), lane.stored) for lane in self._lanes
        )
        return TrailStatus(self._sealer.head.row, sinks, self._refused)

    # The start and the end.

    async def _begin(self) -> None:
        """Find out what is there, and make the first row of this process durable."""
        opened = [lane for lane in self._lanes if lane.open]
        if not opened:
            raise AuditUnavailable("; ".join(f"{lane.name}: {lane.fault}" for lane in self._lanes))
        longest = max(opened, key=lambda lane: lane.stored)
        found = await self._beginning_of(longest)
        for lane in opened:
            if lane.stored and (await self._beginning_of(lane)).first != found.first:
                raise AuditUnavailable(f"{lane.name} and {longest.name} hold different trails")
        trail = found.trail or self._entropy.token(TRAIL_ID_BYTES).hex()
        self._sealer = Sealer(self._signer, trail, found.head, found.first)
        self.unconcluded, self.doubtful = found.unconcluded, found.doubtful
        self._tally = RefusalTally(self._now_us())
        self._closed = None
        started = TrailOpened(
            trail=trail,
            format=FORMAT_VERSION,
            fingerprint=self._fingerprint,
            unconcluded=len(found.unconcluded) - len(found.doubtful),
        )
        self._pending.append((encode_event(started), self._now_us(), None))
        for lane in self._lanes:
            if not lane.open:
                lane.announced = False
                self._announce(lane, "does not open" if lane.fault == NOT_OPEN_YET else str(lane.fault))
        self._flush(sign=True)
        last = self._sealer.head.row
        await self._until(lambda: self._stored_somewhere() >= last, self._pace.write_ms)
        if self._stored_somewhere() < last:
            raise AuditUnavailable(
                self.unavailable(only_cancels=True) or f"{longest.name}: has not stored the first row"
            )

    async def _beginning_of(self, lane: Lane) -> Beginning:
        """Have a sink read on its own thread, within a bounded time."""
        answer: asyncio.Future[Beginning] = asyncio.get_running_loop().create_future()

        def read(sink: AuditSink) -> None:
            try:
                found = read_beginning(sink)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                self._tell(partial(_fault, answer, error))
            else:
                self._tell(partial(_answer, answer, found))

        lane.scribe.ask(read)
        try:
            return await asyncio.wait_for(answer, self._pace.open_ms / 1000)
        except TimeoutError:
            raise AuditUnavailable(f"{lane.name} has not answered for {self._pace.open_ms} ms") from None

    def _end(self, reason: str) -> None:
        self._closed = reason
        for timer in (
            self._expire_later,
            self._seal_turn,
            self._flush_turn,
            self._flush_later,
            self._sign_later,
            self._tally_later,
        ):
            if timer is not None:
                timer.cancel()
        for waiter in self._room.hopeless(one_sink_works=False):
            self._refuse(waiter, reason)
        for lane in self._lanes:
            at_rest = lane.open and lane.busy_since is None
            lane.scribe.end(self._silence_s if at_rest else HUNG_JOIN_S)

    # Making rows.

    async def _durable(self, event: AnyEvent, *, any_sink: bool) -> int:
        """Make an event a row and wait until it is stored."""
        reason = self.unavailable(only_cancels=any_sink)
        loop = self._loop
        if reason is not None or loop is None:
            self._refused += 1
            self._refused_since += 1
            raise AuditUnavailable(reason or "")
        waiter = Waiter(loop.create_future(), loop.time(), any_sink=any_sink)
        self._pending.append((encode_event(event), self._clock.now_us(), waiter))
        self._wanted = True
        self._room.enter(waiter)
        if self._expire_later is None:
            self._expire_later = loop.call_at(waiter.since + self._silence_s, self._expire)
        if self._flush_turn is None and not self._busy():
            self._flush_turn = loop.call_soon(self._flush)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            self._abandon(waiter, "its caller gave up before the record was durable")
            raise

    def _queue(self, event: AnyEvent) -> None:
        """Make an event a row soon; nobody waits for it."""
        if self._loop is None or self._closed is not None:
            return
        self._pending.append((encode_event(event), self._clock.now_us(), None))
        if self._seal_turn is None:
            # Not now: an outcome is queued before its reply, and becomes a row while the reply is on its way.
            self._seal_turn = self._loop.call_soon(self._seal_early)
        if not self._flush_due_s:
            self._flush_due_s = self._loop.time() + self._pace.outcome_ms / 1000
            if self._flush_later is None:
                self._flush_later = self._loop.call_at(self._flush_due_s, self._flush_by_time)

    def _flush_by_time(self) -> None:
        """Write what nobody waits for, unless company took it along.

        Why not cancelled by a flush: a timer for every signed request costs more than one that finds nothing to do.
        """
        self._flush_later = None
        if not self._flush_due_s or self._loop is None:
            return
        if self._loop.time() >= self._flush_due_s:
            self._flush()
        else:
            self._flush_later = self._loop.call_at(self._flush_due_s, self._flush_by_time)

    def _seal_early(self) -> None:
        """Make rows of what is pending where nobody waits for any of it: who waits may still give up, and leaves no row."""
        self._seal_turn = None
        if not self._wanted:
            self._seal()

    def _seal(self) -> None:
        """Make rows of what waits."""
        pending, self._pending = self._pending, []
        for body, now_us, waiter in pending:
            if waiter is not None and waiter.future.done():
                continue
            row = self._sealer.seal(body, now_us)
            self._sealed.append(row)
            if waiter is not None:
                self._room.sealed(waiter, row.number)

    def _flush(self, *, sign: bool = False) -> None:
        """Seal what waits and hand it to the scribes."""
        if self._flush_turn is not None:
            self._flush_turn.cancel()
            self._flush_turn = None
        self._flush_due_s = 0.0
        self._seal()
        rows, self._sealed = self._sealed, []
        self._wanted = False
        if sign or self._sealer.unsigned_rows >= self._pace.checkpoint_rows:
            rows += self._signed()
        elif rows and self._sign_later is None and self._loop is not None:
            self._sign_later = self._loop.call_later(
                self._pace.checkpoint_ms / 1000, partial(self._flush, sign=True)
            )
        if rows:
            now = self._now_s()
            for lane in self._lanes:
                lane.scribe.put(rows)
                lane.given = rows[-1].number
                if lane.busy_since is None:
                    lane.work_on(now)

    def _signed(self) -> list[Row]:
        """Vouch for the last row, unless that is done."""
        if self._sign_later is not None:
            self._sign_later.cancel()
            self._sign_later = None
        return [self._sealer.sign(self._clock.now_us())] if self._sealer.unsigned_rows else []

    def _write_tally(self) -> None:
        """Turn the counted refusals into one row, unless no sink works; then they go on being counted."""
        if self._works() and (counted := self._tally.take(self._now_us())) is not None:
            self._queue(counted)
        if self._loop is not None:
            self._tally_later = self._loop.call_later(self._pace.tally_ms / 1000, self._write_tally)

    # What the scribes tell, on their threads.

    def opened(self, scribe: Scribe, head: Head) -> None:
        """See `ScribeListener`."""
        self._tell(partial(self._on_opened, self._lane(scribe), head))

    def stored(self, scribe: Scribe, row: int, strained: str | None) -> None:
        """See `ScribeListener`."""
        self._tell(partial(self._on_stored, self._lane(scribe), row, strained))

    def failed(self, scribe: Scribe, reason: str) -> None:
        """See `ScribeListener`."""
        self._tell(partial(self._on_failed, self._lane(scribe), reason))

    def lines_elsewhere(self, scribe: Scribe, row: int) -> Iterator[bytes]:
        """See `ScribeListener`."""
        for lane in self._lanes:
            sink = lane.scribe.sink
            if lane.scribe is not scribe and sink is not None:
                return sink.lines_after(row)
        raise StorageError(f"rows after {row} are missing, and no other sink is open")

    def _lane(self, scribe: Scribe) -> Lane:
        return next(lane for lane in self._lanes if lane.scribe is scribe)

    def _tell(self, what: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(what)

    # The same, in the loop.

    def _on_opened(self, lane: Lane, head: Head) -> None:
        lane.open, lane.stored = True, head.row
        if self._closed is not None:
            lane.announced = False
        if not lane.announced:
            lane.fault = None
        lane.work_on(self._now_s())
        self._changed.set()

    def _on_stored(self, lane: Lane, row: int, strained: str | None) -> None:
        lane.stored = row
        lane.work_on(self._now_s())
        self._room.settle(min(other.stored for other in self._lanes), self._stored_somewhere())
        if strained is not None:
            self._announce(lane, strained)
            lane.fault = strained
        elif lane.announced:
            lane.fault, lane.announced = None, False
            self._queue(TrailResumed(sink=lane.name, refused=self._refused_since, outcomes_lost=self._lost))
            self._refused_since = self._lost = 0
        if self._wanted and not self._busy():
            self._flush()
        self._changed.set()

    def _on_failed(self, lane: Lane, reason: str) -> None:
        lane.open, lane.busy_since, lane.fault = False, None, reason
        self._announce(lane, reason)
        for waiter in self._room.hopeless(one_sink_works=any(other.open for other in self._lanes)):
            self._refuse(waiter, f"{lane.name}: {reason}")
        self._changed.set()

    def _announce(self, lane: Lane, reason: str) -> None:
        """Record once why a sink takes nothing new."""
        if not lane.announced:
            lane.announced = True
            self._queue(TrailStopped(sink=lane.name, reason=reason))

    def _expire(self) -> None:
        """Refuse the calls that waited too long, and see to the next."""
        self._expire_later = None
        now = self._now_s()
        for lane in self._lanes:
            trouble = lane.trouble(now, self._silence_s)
            if trouble is not None:
                self._announce(lane, trouble)
        for waiter in self._room.overdue(now - self._silence_s):
            reason = self.unavailable(only_cancels=waiter.any_sink)
            self._refuse(waiter, reason or f"no record within {self._pace.write_ms} ms")
        since = self._room.oldest_since()
        if since is not None and self._loop is not None:
            self._expire_later = self._loop.call_at(since + self._silence_s, self._expire)

    def _refuse(self, waiter: Waiter, reason: str) -> None:
        """Refuse one call, and record that nothing was signed for it."""
        waiter.future.set_exception(AuditUnavailable(reason))
        self._refused += 1
        self._refused_since += 1
        self._abandon(waiter, f"refused, no durable record: {reason}")

    def _abandon(self, waiter: Waiter, note: str) -> None:
        """Conclude an intent or a change whose row exists, or will, though it was given up."""
        if waiter.number:
            self._queue(Outcome(intent=waiter.number, result="not_sent", note=note))

    # Small questions.

    def _busy(self) -> bool:
        """Whether every open sink is at work, so that more rows had better gather."""
        at_work = [lane.busy_since is not None for lane in self._lanes if lane.open]
        return bool(at_work) and all(at_work)

    def _works(self) -> bool:
        now = self._now_s()
        return any(lane.trouble(now, self._silence_s) is None for lane in self._lanes)

    def _stored_somewhere(self) -> int:
        return max([lane.stored for lane in self._lanes])

    def _now_s(self) -> float:
        return self._loop.time() if self._loop is not None else 0.0

    def _now_us(self) -> int:
        return max(self._clock.now_us(), self._sealer.head.now_us)

    async def _until(self, done: Callable[[], bool], wait_ms: int) -> None:
        """Wait for a change that makes `done` true, or for the time to pass."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()


def _answer(future: "asyncio.Future[T]", found: T) -> None:
    if not future.done():
        future.set_result(found)


def _fault(future: "asyncio.Future[T]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error if isinstance(error, StorageError) else StorageError(str(error)))
