"""The ledger a process keeps: memory first, disk soon, on a thread of its own. Decides nothing.

Nobody waits for its writes. Each says how far it reaches: which reservation is the last one in it, and what the trail's last
row was when it was made up. Both are read and the batch is taken without an await in between, so what the batch lacks is in
later rows. After a failed write nothing is written until a checkpoint from memory is; memory is never wrong, so no batch
is written twice in another order.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from watchword.adapters.ledger.ledger_file import LedgerFile
from watchword.gateway.ledger_records import Change, Folded, Mark, Put, encode_changes
from watchword.gateway.ledger_state import Entry, LedgerState
from watchword.gateway.ports import OrderRecord
from watchword.kernel.errors import StorageError, invariant
from watchword.policy.usage import Event, Usage

FILE_NAME: Final = "ledger.db"
#: A checkpoint follows after so many changes, and one more for each open order.
CHECKPOINT_CHANGES_MIN: Final = 1_024
#: Changes that wait to be written; above it they are dropped, and a checkpoint from memory takes their place.
PENDING_CHANGES_MAX: Final = 65_536

#: What a checkpoint took: orders as they stood, and keys whose usage it holds.
_Taken = tuple[list[tuple[Entry, OrderRecord]], set[str]]


class Pace(msgspec.Struct, frozen=True):
    """How long things take, at most.

    Attributes:
        write_ms: A write that takes longer is trouble.
        idle_ms: Changes are written after so long.
        retry_ms: Pause between attempts after a failed write.
        mark_ms: While nothing changes, how far all is written is noted so often.
    """

    write_ms: int = 1_500
    idle_ms: int = 50
    retry_ms: int = 500
    mark_ms: int = 30_000


class _Waiting(msgspec.Struct, frozen=True):
    """Somebody waits until so many changes are stored."""

    target: int
    since: float
    done: "asyncio.Future[None]"


class _Failed:
    """Raises when awaited, not before."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __await__(self) -> Generator[None, None, None]:
        raise StorageError(self._reason)
        yield  # what makes it a generator


class _Done:
    """Returns at once when awaited."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield  # what makes it a generator


_DONE: Final = _Done()


class SqliteLedger:
    """Implements `gateway.ports.Ledger`.

    When unavailable: refuse what places orders; cancels go on.

    Attributes:
        mark: How far reaches what was stored when it was opened. Reservations after it are to be put in before `start`.
    """

    def __init__(
        self,
        path: Path,
        pace: Pace | None = None,
        state: LedgerState | None = None,
        open_file: Callable[[Path], LedgerFile] = LedgerFile,
    ) -> None:
        """Open the file and read what it holds; `start` begins to write.

        Args:
            path: `ledger.db`; the folder exists and is private.
            pace: Bounds in time.
            state: Empty; with bounds of one's own.
            open_file: Makes the file; tests give one that fails.

        Raises:
            CorruptStoreError: What is stored is damaged.
            StorageError: It cannot be opened.
        """
        self._pace = pace or Pace()
        self._state = state or LedgerState()
        self._file = open_file(path)
        try:
            self._number = self._file.load(self._state)
        except BaseException:
            self._file.close()
            raise
        self.mark = self._file.mark
        self._trail, self._last_row = "", _no_row
        self._marked = Mark()
        self._begun = False
        self._pending: list[Change] = []
        self._usages: set[str] = set(self._state.usages)
        self._since_checkpoint = 0
        self._rewrite = False
        self._made = self._stored = 0
        self._waiting: deque[_Waiting] = deque()
        self._expire_later: asyncio.TimerHandle | None = None
        self._busy_since: float | None = None
        self._fault: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flush_later: asyncio.TimerHandle | None = None
        self._flush_turn: asyncio.Handle | None = None
        self._mark_later: asyncio.TimerHandle | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    async def start(self, trail: str = "", last_row: Callable[[], int] | None = None) -> None:
        """Begin, inside a running loop, with a checkpoint of all there is; wait for it within a bounded time.

        Args:
            trail: Id of the trail that has an intent for each reservation.
            last_row: Says the trail's last row.
        """
        invariant(self._loop is None, "the ledger was started twice")
        self._loop = asyncio.get_running_loop()
        self._trail, self._last_row = trail, last_row or _no_row
        self._thread.start()
        self._made += 1
        self._write_checkpoint()
        self._mark_later = self._loop.call_later(self._pace.mark_ms / 1000, self._mark_idle)
        with suppress(StorageError):  # `trouble` says so
            await self.durable()

    async def stop(self) -> None:
        """Write what is pending, within a bounded time, and close the file."""
        if self._loop is None:
            self._file.close()
            return
        try:
            await self.durable()
            self._made += 1
            self._write_checkpoint()
            await self.durable()
        except StorageError:
            pass
        self._fault, self._loop = "the ledger is closed", None
        for timer in (self._flush_later, self._flush_turn, self._expire_later, self._mark_later):
            if timer is not None:
                timer.cancel()
        self._jobs.put(None)
        self._thread.join(self._pace.write_ms / 1000)
        if not self._thread.is_alive():
            self._file.close()

    def usage(self, key_id: str) -> Usage:
        """See `Ledger.usage`."""
        return self._state.usage(key_id)

    def next_reservation(self) -> int:
        """See `Ledger.next_reservation`."""
        self._state.reservations += 1
        return self._state.reservations

    def number_after(self, number: int) -> None:
        """Give later reservations numbers after this one."""
        self._state.reservations = max(self._state.reservations, number)

    def fold(self, key_id: str, event: Event) -> None:
        """See `Ledger.fold`."""
        self._state.fold(key_id, event)
        self._usages.add(key_id)
        self._changed(Folded(key_id, event))

    def put_order(self, record: OrderRecord) -> None:
        """See `Ledger.put_order`."""
        entry = self._state.put(record)
        self._changed(Put(entry.row, record))

    def order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """See `Ledger.order`."""
        record = self._state.order(credential_id, symbol, client_order_id)
        if record is not None:
            return record
        return self._taken_up(lambda: self._file.find_by_name(credential_id, symbol, client_order_id))

    def open_order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """See `Ledger.open_order`."""
        return self._state.open_order(credential_id, symbol, client_order_id)

    def order_by_id(
        self, credential_id: str, symbol: str, order_id: int, *, on_disk: bool = True
    ) -> OrderRecord | None:
        """See `Ledger.order_by_id`."""
        record = self._state.order_by_id(credential_id, symbol, order_id)
        if record is not None or not on_disk:
            return record
        return self._taken_up(lambda: self._file.find_by_id(credential_id, symbol, order_id))

    def orders_of_list(self, credential_id: str, symbol: str, list_id: int) -> Sequence[OrderRecord]:
        """See `Ledger.orders_of_list`."""
        rows = self._state.list_rows(credential_id, symbol, list_id)
        with suppress(StorageError):
            for row, record in self._file.find_by_list(credential_id, symbol, list_id):
                if not self._state.holds(row):
                    rows[row] = record
        return [rows[row] for row in sorted(rows)]

    def open_orders(self, credential_id: str | None = None) -> Sequence[OrderRecord]:
        """See `Ledger.open_orders`."""
        return self._state.open_orders(credential_id)

    def full(self) -> bool:
        """See `Ledger.full`."""
        return self._state.full()

    def trouble(self) -> str | None:
        """See `Ledger.trouble`."""
        reason = self._stuck()
        if reason is None and not self._begun:
            return "it has not been written yet"
        return reason

    def _stuck(self) -> str | None:
        loop = self._loop
        if self._fault is not None or loop is None:
            return self._fault or "the ledger is not open"
        if self._busy_since is not None and loop.time() - self._busy_since > self._pace.write_ms / 1000:
            return f"a write has taken more than {self._pace.write_ms} ms"
        return None

    def durable(self) -> Awaitable[None]:
        """Begin to write, and return what is done, within a bounded time, once all changes so far are on disk.

        Raises:
            StorageError: They are not; raised when awaited.
        """
        if self._stored >= self._made and self._fault is None:
            return _DONE
        reason, loop = self._stuck(), self._loop
        if reason is not None or loop is None:
            return _Failed(f"{self._file.path}: {reason}")
        waiter: asyncio.Future[None] = loop.create_future()
        # Whoever asked may have given up for another reason; then nobody looks at the exception, and need not.
        waiter.add_done_callback(_looked_at)
        self._waiting.append(_Waiting(self._made, loop.time(), waiter))
        if self._expire_later is None:
            self._expire_later = loop.call_later(self._pace.write_ms / 1000, self._expire)
        if self._busy_since is None and self._flush_turn is None:
            self._flush_turn = loop.call_soon(self._flush)
        return waiter

    def _expire(self) -> None:
        """Refuse those who have waited too long, whatever the disk does."""
        self._expire_later = None
        if self._loop is None:
            return
        bound_s, now = self._pace.write_ms / 1000, self._loop.time()
        while self._waiting and now - self._waiting[0].since >= bound_s:
            self._refuse(self._waiting.popleft(), f"not stored after {self._pace.write_ms} ms")
        if self._waiting:
            self._expire_later = self._loop.call_at(self._waiting[0].since + bound_s, self._expire)

    def _refuse(self, waiting: "_Waiting", reason: str) -> None:
        if not waiting.done.done():
            waiting.done.set_exception(StorageError(f"{self._file.path}: {reason}"))

    def _taken_up(self, find: Callable[[], tuple[int, OrderRecord] | None]) -> OrderRecord | None:
        """Bring an order from disk into memory, unless memory knows it better (under another name by now).

        Where the disk cannot be read the order is nobody's: hidden, and not to be cancelled.
        """
        try:
            found = find()
        except StorageError:
            return None
        if found is None or self._state.holds(found[0]):
            return None
        self._state.load(*found, saved=True)
        self._state.let_go()
        return found[1]

    def _changed(self, change: Change) -> None:
        self._made += 1
        if len(self._pending) >= PENDING_CHANGES_MAX:
            self._pending, self._rewrite = [], True
        self._pending.append(change)
        if self._flush_later is None and self._loop is not None:
            self._flush_later = self._loop.call_later(self._pace.idle_ms / 1000, self._flush)

    def _flush(self) -> None:
        """Hand what is pending to the thread, unless that is still at work; then it is handed over afterwards."""
        for timer in (self._flush_later, self._flush_turn):
            if timer is not None:
                timer.cancel()
        self._flush_later = self._flush_turn = None
        if self._busy_since is not None or self._fault is not None or not self._pending:
            return
        if self._rewrite or self._since_checkpoint >= CHECKPOINT_CHANGES_MIN + self._state.open_count:
            self._write_checkpoint()
            return
        self._write_batch()

    def _write_batch(self) -> None:
        """Store what is pending, and how far it reaches."""
        batch, self._pending = self._pending, []
        batch.append(self._reached())
        self._number += 1
        self._since_checkpoint += len(batch)
        number = self._number
        self._hand_over(self._made, lambda: self._file.append(number, encode_changes(batch)))

    def _reached(self) -> Mark:
        """Say how far memory reaches right now."""
        self._marked = Mark(self._trail, self._last_row(), self._state.reservations)
        return self._marked

    def _mark_idle(self) -> None:
        """Note that rows of reads, which change nothing here, need not be read at a start."""
        if self._loop is None:
            return
        self._mark_later = self._loop.call_later(self._pace.mark_ms / 1000, self._mark_idle)
        idle = self._busy_since is None and self._fault is None and not self._pending
        if idle and self._last_row() > self._marked.row:
            self._made += 1
            self._write_batch()

    def _write_checkpoint(self) -> None:
        """Store everything that is not stored as it stands in memory now, pending changes included."""
        entries = [(entry, entry.record) for entry in self._state.unsaved()]
        orders = [(entry.row, record) for entry, record in entries]
        usages = {key: self._state.usage(key) for key in self._usages}
        self._usages, self._pending = set(), []
        self._since_checkpoint, self._rewrite = 0, False
        number, reopen, mark = self._number, self._fault is not None, self._reached()

        def job() -> None:
            if reopen:
                self._file.reopen()
            self._file.checkpoint(number, orders, usages, mark)

        self._hand_over(self._made, job, (entries, set(usages)))

    def _hand_over(self, made: int, job: Callable[[], None], taken: _Taken | None = None) -> None:
        if self._loop is not None:
            self._busy_since = self._loop.time()
            self._jobs.put(partial(self._run, self._loop, made, job, taken))

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        made: int,
        job: Callable[[], None],
        taken: _Taken | None,
    ) -> None:
        """On the thread: do it, and tell the loop."""
        outcome: Callable[[], None] = partial(self._on_stored, made, taken)
        try:
            job()
        except Exception as error:  # noqa: BLE001 - whatever it is, these changes are not known to be stored
            outcome = partial(self._on_failed, str(error) or type(error).__name__, taken)
        with suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(outcome)

    def _on_stored(self, made: int, taken: _Taken | None) -> None:
        self._busy_since, self._fault, self._stored = None, None, made
        self._begun = True
        if taken is not None:
            for entry, record in taken[0]:
                self._state.note_saved(entry, record)
            self._state.let_go()
        while self._waiting and self._waiting[0].target <= made:
            waiting = self._waiting.popleft()
            if not waiting.done.done():
                waiting.done.set_result(None)
        if self._waiting:
            self._flush()
        elif self._pending and self._flush_later is None and self._loop is not None:
            self._flush_later = self._loop.call_later(self._pace.idle_ms / 1000, self._flush)

    def _on_failed(self, reason: str, taken: _Taken | None) -> None:
        """Nothing is durable from here on, until a checkpoint from memory is."""
        self._busy_since, self._fault = None, reason
        if taken is not None:
            self._usages |= taken[1]
        while self._waiting:
            self._refuse(self._waiting.popleft(), reason)
        if self._loop is not None:
            self._loop.call_later(self._pace.retry_ms / 1000, self._retry)

    def _retry(self) -> None:
        if self._fault is not None and self._busy_since is None:
            self._write_checkpoint()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _no_row() -> int:
    return 0


def _looked_at(done: "asyncio.Future[None]") -> None:
    if not done.cancelled():
        done.exception()
