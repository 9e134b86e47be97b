"""One sink's own thread: opens it, keeps it in step with the chain, retries when it fails. Never makes a row.

A sink that failed is closed and opened anew, because what it holds is unknown then; what it turns out to hold is not
written twice, and what it lacks comes from the rows that wait or from another sink.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Final

from watchword.audit.chain import Head, Row, checked_row, follows, same
from watchword.audit.trail import AuditSink
from watchword.kernel.errors import CorruptStoreError, StorageError

#: Rows of one append, at most.
APPEND_ROWS_MAX: Final = 4_096
#: Rows kept for a sink that does not take them; older ones come from another sink later.
BACKLOG_ROWS_MAX: Final = 65_536
#: Rows copied from another sink per append.
COPY_ROWS_MAX: Final = 1_024

SinkOpener = Callable[[], AuditSink]
Task = Callable[[AuditSink], None]


class ScribeListener:
    """What a scribe tells; every method is called on the scribe's thread."""

    def opened(self, scribe: "Scribe", head: Head) -> None:
        """Its sink is open and ends with `head`."""

    def stored(self, scribe: "Scribe", row: int, strained: str | None) -> None:
        """Everything up to `row` is durable; `strained` says why nothing new should begin."""

    def failed(self, scribe: "Scribe", reason: str) -> None:
        """Its sink failed; it will be tried again."""

    def lines_elsewhere(self, scribe: "Scribe", row: int) -> Iterator[bytes]:
        """Yield the lines after `row` from another sink."""
        raise NotImplementedError


class Scribe:
    """Feeds one sink.

    Attributes:
        name: The sink, for people.
        sink: While it is open; other threads may only call its `lines_after`.
    """

    def __init__(self, name: str, opener: SinkOpener, listener: ScribeListener, retry_s: float) -> None:
        """Prepare; `start` begins.

        Args:
            name: The sink, for people.
            opener: Opens the sink; raises StorageError where that fails. Called again after every failure.
            listener: Who is told.
            retry_s: Pause before the next attempt, seconds.
        """
        self.name = name
        self.sink: AuditSink | None = None
        self._opener = opener
        self._listener = listener
        self._retry_s = retry_s
        self._head = Head()
        self._strained: str | None = None
        self._rows: deque[Row] = deque()
        self._tasks: deque[Task] = deque()
        self._ending = False
        #: Held for what both threads touch: rows, tasks, the end, and whether the thread sleeps.
        self._turn = threading.Lock()
        self._asleep = False
        # Why not a condition: it costs whoever hands over three times as much, and the thread wakes later.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"audit {name}", daemon=True)

    def start(self) -> None:
        """Begin to open the sink."""
        self._thread.start()

    def put(self, rows: Sequence[Row]) -> None:
        """Hand over rows; they follow those handed over before."""
        with self._turn:
            self._rows.extend(rows)
            while len(self._rows) > BACKLOG_ROWS_MAX:
                self._rows.popleft()
        self._rouse()

    def ask(self, task: Task) -> None:
        """Have the scribe's thread do something with the open sink, between two appends."""
        with self._turn:
            self._tasks.append(task)
        self._rouse()

    def end(self, wait_s: float) -> None:
        """Store what waits, close the sink, end the thread; a hung one is left behind after `wait_s` seconds."""
        with self._turn:
            self._ending = True
        self._rouse()
        self._thread.join(wait_s)

    def _rouse(self) -> None:
        """Wake the thread if it sleeps; never more than one call is on its way to it."""
        with self._turn:
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._wake.put(None)

    def _work(self) -> None:
        while not self._finished():
            sink = self.sink
            if sink is None:
                self._open()
            elif self._tasks:
                self._tasks.popleft()(sink)
            elif self._rows:
                self._store(sink)
            else:
                self._idle(sink)
        if self.sink is not None:
            self.sink.close()
            self.sink = None

    def _finished(self) -> bool:
        return self._ending and (not self._rows or self.sink is None)

    def _open(self) -> None:
        try:
            sink = self._opener()
            try:
                self._head = sink.head()
            except BaseException:
                sink.close()
                raise
        except Exception as error:  # noqa: BLE001 - whatever it is, this sink cannot be used now
            self._fail(error)
            return
        self.sink = sink
        self._listener.opened(self, self._head)

    def _store(self, sink: AuditSink) -> None:
        """Append what waits, as one record."""
        with self._turn:
            rows = list(islice(self._rows, APPEND_ROWS_MAX))
        try:
            self._append(sink, rows)
            self._strained = sink.strained()
        except Exception as error:  # noqa: BLE001 - whatever it is, these rows are not known to be stored
            self.sink = None
            sink.close()
            self._fail(error)
            return
        with self._turn:
            while self._rows and self._rows[0].number <= self._head.row:
                self._rows.popleft()
        self._listener.stored(self, self._head.row, self._strained)
        # Whoever waits need not wait for this too.
        sink.note_stored()

    def _append(self, sink: AuditSink, rows: list[Row]) -> None:
        """Bring the sink up to the last of these rows."""
        rows = self._beyond(rows, sink)
        if not rows:
            return
        if rows[0].number > self._head.row + 1:
            self._copy_missing(sink, rows[0].number - 1)
        if not follows(rows[0], self._head):
            raise CorruptStoreError(f"{sink.place_name()} holds another row {self._head.row} than this trail")
        sink.append(rows)
        self._head = rows[-1].head

    def _beyond(self, rows: list[Row], sink: AuditSink) -> list[Row]:
        """Leave out rows the sink turned out to have, for example after an append that failed late."""
        had = [row for row in rows if row.number <= self._head.row]
        if had and not (had[-1].number == self._head.row and same(had[-1].digest, self._head.digest)):
            raise CorruptStoreError(f"{sink.place_name()} holds another row {had[-1].number} than this trail")
        return rows[len(had) :]

    def _copy_missing(self, sink: AuditSink, upto: int) -> None:
        """Fill a gap from another sink, believing nothing."""
        place, head = f"the copy for {self.name}", self._head
        chunk: list[Row] = []
        for line in self._listener.lines_elsewhere(self, head.row):
            row = checked_row(line, place, head)
            chunk.append(row)
            head = row.head
            if len(chunk) >= COPY_ROWS_MAX or row.number == upto:
                sink.append(chunk)
                self._head, chunk = head, []
            if row.number == upto:
                return
        raise StorageError(f"rows {head.row + 1} to {upto} are in no other sink")

    def _idle(self, sink: AuditSink) -> None:
        """Wait for rows; meanwhile see whether the strain is over."""
        self._sleep(self._retry_s if self._strained else None)
        if self._rows or self._tasks or not self._strained:
            return
        strained = sink.strained()
        if strained != self._strained:
            self._strained = strained
            self._listener.stored(self, self._head.row, strained)

    def _fail(self, error: Exception) -> None:
        self._listener.failed(self, str(error) or type(error).__name__)
        self._sleep(self._retry_s, whatever_waits=True)

    def _sleep(self, most_s: float | None, *, whatever_waits: bool = False) -> None:
        """Wait until something is handed over.

        Args:
            most_s: At most so many seconds; None for any time.
            whatever_waits: Wait although something was handed over before.
        """
        with self._turn:
            if self._ending or (not whatever_waits and (self._rows or self._tasks)):
                return
            self._asleep = True
        try:
            self._wake.get(timeout=most_s)
        except Empty:
            with self._turn:
                late, self._asleep = not self._asleep, False
            if late:
                # Roused at the same moment: that call must not wake the next sleep.
                self._wake.get()
