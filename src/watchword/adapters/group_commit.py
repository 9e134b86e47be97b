"""The sequencer: gives commands their place, stores them in batches, applies them, answers.

One loop turn's commands become one record; a worker thread writes and syncs it while the loop goes on; then each
command is applied in order, rendered at once (later commands must not show in its answer), told to the listeners,
and its caller is woken. So nothing is answered or published before it survives power loss.
Never retries a failed write: what the disk holds is unknown then, and the process must stop.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from watchword.binance.errors import OVERLOADED, WireError
from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied
from watchword.exchange.journal import BATCH_COMMANDS_MAX, Journal, Position, encode_record, fold_outcome
from watchword.kernel.clock import Clock
from watchword.kernel.errors import StorageError, WatchwordError, invariant

T = TypeVar("T")
Listener = Callable[[AnyCommand, Applied], None]

#: Commands accepted and not yet answered, at most. Above it new ones are refused with -1008.
WAITING_COMMANDS_MAX: Final = 16_384
#: A batch of this size is written without waiting for more.
GATHER_COMMANDS: Final = 16
#: Turns of the loop that a batch may grow, one command a turn at least; a lonely command waits for one.
GATHER_TURNS_MAX: Final = 50


class Applies(Protocol):
    """The part of a venue the sequencer needs."""

    def apply(self, command: AnyCommand) -> Applied:
        """Apply one command, synchronously."""
        ...


_Waiting = tuple[AnyCommand, Callable[[AnyCommand, Applied], Any], "asyncio.Future[Any]"]


class Sequencer:
    """The one way to change a venue.

    Attributes:
        listeners: Called after each apply, in order, with the command and what it gave. A listener that raises
            is reported to the loop's exception handler and does not stop the others.
        position: After the last applied command.
    """

    def __init__(
        self,
        journal: Journal,
        venue: Applies,
        clock: Clock,
        position: Position,
        on_halt: Callable[[BaseException], None],
        *,
        run_job: Callable[[Callable[[], None]], None] | None = None,
        apply_clock: Callable[[], int] | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            journal: Where records go.
            venue: What commands change; its state is the one at `position`.
            clock: Source of the commands' time.
            position: After the last stored command.
            on_halt: Called once, first of all, when a write or an apply failed. The server's ends the process.
            run_job: Where writes run; it must not run them at once but later, in order. None means a thread of
                the sequencer's own; `later_in_loop` serves tests.
            apply_clock: Monotonic nanoseconds, to measure `applied_ns`; None measures nothing.
        """
        self.listeners: list[Listener] = []
        self.position = position
        self.applied_ns = 0
        self._journal = journal
        self._venue = venue
        self._clock = clock
        self._on_halt = on_halt
        self._run_job = run_job or self._put_job
        self._own_thread = run_job is None
        self._apply_clock = apply_clock
        self._next_sequence = position.sequence + 1
        self._last_us = position.now_us
        self._checksum = position.checksum
        self._queue: deque[_Waiting] = deque()
        self._writing: list[_Waiting] = []
        self._scheduled = False
        self._fault: BaseException | None = None
        self._halted = False
        self._drained: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, inside a running loop."""
        invariant(self._loop is None, "the sequencer was started twice")
        self._loop = asyncio.get_running_loop()
        if self._own_thread:
            self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
            self._thread.start()

    async def stop(self) -> None:
        """Write and apply everything accepted so far, then end the worker thread. Later submits are refused."""
        if self._loop is None:
            return
        await self.drain()
        self._fault = self._fault or StorageError("the testnet is stopping")
        self._loop = None
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()

    @property
    def halted(self) -> bool:
        """Whether a write or an apply failed; then state and journal may have parted."""
        return self._halted

    async def drain(self) -> None:
        """Wait until everything accepted so far is applied."""
        while (self._queue or self._writing) and self._fault is None:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def submit(
        self,
        make: Callable[[int, int], AnyCommand | WireError],
        render: Callable[[AnyCommand, Applied], T],
    ) -> "asyncio.Future[T | WireError]":
        """Store, apply and answer one command.

        Args:
            make: Called at once with (sequence, now_us); gives the command, or a refusal, which then uses up
                nothing and is the answer (the last look at the request's timing belongs here).
            render: Called right after the command was applied and before any later one is.

        Returns:
            A future of what `render` gives. Also a WireError: from `make`, or OVERLOADED.

        Raises:
            StorageError: Through the future: the store failed, or the testnet is stopping. Whether the command
                was stored is unknown then.
        """
        loop = self._loop or asyncio.get_running_loop()
        future: asyncio.Future[T | WireError] = loop.create_future()
        if self._fault is not None:
            future.set_exception(StorageError(str(self._fault)))
            return future
        if len(self._queue) + len(self._writing) >= WAITING_COMMANDS_MAX:
            future.set_result(OVERLOADED)
            return future
        now_us = max(self._clock.now_us(), self._last_us)
        command = make(self._next_sequence, now_us)
        if type(command) is WireError:
            future.set_result(command)
            return future
        self._next_sequence += 1
        self._last_us = now_us
        self._queue.append((command, render, future))
        if not self._scheduled and not self._writing:
            self._scheduled = True
            loop.call_soon(self._gather, len(self._queue), GATHER_TURNS_MAX)
        return future

    def run_between_writes(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Run a job on the writing thread, between two records.

        Returns:
            A future of what it gives or raises.
        """
        loop = self._loop or asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            outcome: Callable[[], None]
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                outcome = partial(_fail_once, future, error)
            else:
                outcome = partial(_answer_once, future, result)
            loop.call_soon_threadsafe(outcome)

        self._run_job(run)
        return future

    def _gather(self, seen: int, turns: int) -> None:
        """Write what waits, unless the turn just over brought more: then the next one may, too.

        Why: a batch costs a sync and four hand-overs of the interpreter, whatever its size; with 32 connections
        waiting one turn more for their neighbours made a quarter more throughput at half the tail.
        """
        waiting = len(self._queue)
        if turns and seen < waiting < GATHER_COMMANDS and self._loop is not None:
            self._loop.call_soon(self._gather, waiting, turns - 1)
        else:
            self._write_next()

    def _write_next(self) -> None:
        """Hand the waiting commands to the writer, as one record."""
        self._scheduled = False
        if self._fault is not None or self._writing or not self._queue:
            return
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_COMMANDS_MAX))]
        self._writing = batch
        commands = [waiting[0] for waiting in batch]
        try:
            record, self._checksum = encode_record(
                commands, self._checksum, self.position.sequence, self.position.outcome
            )
        except Exception as error:  # noqa: BLE001 - a command that cannot be written must not hang the rest
            self._halt(error)
            return
        checksum, first = self._checksum, commands[0].sequence
        self._run_job(lambda: self._append(first, batch, record, checksum))

    def _append(self, first: int, batch: list[_Waiting], record: bytes, checksum: bytes) -> None:
        """On the writing thread: store one record, then hand back to the loop."""
        loop = self._loop
        if loop is None or self._fault is not None:
            return
        try:
            self._journal.append(first, len(batch), record)
        except Exception as error:  # noqa: BLE001 - whatever failed, the answer is to stop
            loop.call_soon_threadsafe(self._halt, error)
            return
        loop.call_soon_threadsafe(self._written, batch, checksum)

    def _written(self, batch: list[_Waiting], checksum: bytes) -> None:
        """The batch is durable: start the next write, then apply this one."""
        self._writing = []
        if len(self._queue) >= GATHER_COMMANDS or self._loop is None:
            self._write_next()
        elif self._queue:
            self._scheduled = True
            self._loop.call_soon(self._gather, len(self._queue), GATHER_TURNS_MAX)
        began_ns = self._apply_clock() if self._apply_clock is not None else 0
        try:
            self._apply(batch, checksum)
        except Exception as error:  # noqa: BLE001 - a broken invariant: state and journal part ways
            self._fail(batch, error)
            self._halt(error)
        if self._apply_clock is not None:
            self.applied_ns += self._apply_clock() - began_ns
        if self._drained is not None and not self._queue and not self._writing:
            self._drained.set_result(None)
            self._drained = None

    def _apply(self, batch: list[_Waiting], checksum: bytes) -> None:
        venue, listeners = self._venue, self.listeners
        outcome = self.position.outcome
        for command, render, future in batch:
            applied = venue.apply(command)
            outcome = fold_outcome(outcome, applied)
            answer: Any = None
            fault: Exception | None = None
            try:
                answer = render(command, applied)
            except Exception as error:  # noqa: BLE001 - one caller's bug is that caller's
                fault = error
            for listener in listeners:
                try:
                    listener(command, applied)
                except Exception as error:  # noqa: BLE001 - loud, but the exchange goes on
                    self._report(error)
            if future.done():
                continue
            if fault is None:
                future.set_result(answer)
            else:
                future.set_exception(fault)
        last = batch[-1][0]
        self.position = Position(last.sequence, last.now_us, checksum, outcome)

    def _halt(self, error: BaseException) -> None:
        """Stop for good: tell the owner first, then fail everyone who waits."""
        if self._fault is None:
            self._fault = error
            self._halted = True
            self._on_halt(error)
        self._fail([*self._writing, *self._queue], error)
        self._writing = []
        self._queue.clear()
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    @staticmethod
    def _fail(batch: list[_Waiting], error: BaseException) -> None:
        for _, _, future in batch:
            if not future.done():
                future.set_exception(error if isinstance(error, WatchwordError) else StorageError(str(error)))

    def _report(self, error: Exception) -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a listener of the sequencer failed", "exception": error}
        )

    def _put_job(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def _work(self) -> None:
        """The worker thread: one job after the other until None."""
        while (job := self._jobs.get()) is not None:
            job()


def _answer_once(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail_once(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def later_in_loop(job: Callable[[], None]) -> None:
    """Run a write in the next turn of the loop itself: no thread, the same order every time."""
    asyncio.get_running_loop().call_soon(job)
