"""One sink as the loop sees it, and what a start must know about it. Never waits and never records."""

import msgspec

from watchword.adapters.audit.scribe import Scribe, ScribeListener, SinkOpener
from watchword.audit.chain import Head, checked_row
from watchword.audit.event import Intent, TrailOpened, decode_event
from watchword.audit.search import UNCONCLUDED_ROWS_MAX, open_intents
from watchword.audit.trail import AuditSink
from watchword.kernel.errors import CorruptStoreError

NOT_OPEN_YET = "not open yet"


class Lane:
    """One sink.

    Attributes:
        scribe: Its thread.
        open: Its sink is open.
        fault: Why it takes nothing new, or None. Silence is judged by `trouble`.
        announced: The trail has a row that says it stopped, or will have.
        stored: The last row it has.
        given: The last row handed to it.
        busy_since: When it began the work it is at, seconds of the loop's clock; None at rest.
    """

    def __init__(self, name: str, opener: SinkOpener, listener: ScribeListener, retry_s: float) -> None:
        self.scribe = Scribe(name, opener, listener, retry_s)
        self.name = name
        self.open = False
        self.fault: str | None = NOT_OPEN_YET
        self.announced = False
        self.stored = 0
        self.given = 0
        self.busy_since: float | None = None

    def trouble(self, now: float, silence_s: float) -> str | None:
        """Say why nothing new should go here, or None."""
        if self.fault is None and self.busy_since is not None and now - self.busy_since > silence_s:
            return f"has not answered for {silence_s * 1000:.0f} ms"
        return self.fault

    def work_on(self, now: float) -> None:
        """Note whether it is at work after something changed."""
        self.busy_since = now if self.open and self.given > self.stored else None


class Beginning(msgspec.Struct, frozen=True):
    """What a start must know of the trail it goes on with.

    Attributes:
        head: Its last row.
        trail: Its id; empty for a new one.
        first: Digest of row 1.
        unconcluded: Intents without an outcome, or with one that says unknown, by row.
        doubtful: Those of the latter kind.
    """

    head: Head
    trail: str
    first: bytes
    unconcluded: dict[int, Intent]
    doubtful: set[int]


def read_beginning(sink: AuditSink) -> Beginning:
    """Read both ends of a trail.

    Raises:
        StorageError: It cannot be read, or is not whole there.
    """
    head = sink.head()
    line = next(sink.lines_after(0), None)
    if line is None:
        return Beginning(head, "", b"", {}, set())
    first = checked_row(line, sink.place_name(), Head())
    event = decode_event(first.body)
    if not isinstance(event, TrailOpened):
        raise CorruptStoreError(f"{sink.place_name()}: row 1 is not the beginning of a trail")
    lines = sink.lines_after(max(head.row - UNCONCLUDED_ROWS_MAX, 0))
    return Beginning(head, event.trail, first.digest, *open_intents(lines))
