"""The ports of the trail: where rows go, and what the rest of the house may record. No I/O here; see `adapters.audit`."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from watchword.audit.chain import Head, Row
from watchword.audit.event import Change, Intent, Outcome, Refusal
from watchword.kernel.errors import StorageError


class AuditUnavailable(StorageError):  # noqa: N818 - the house says so of ports: unavailable
    """No record, no signature: the row could not be made durable in time. The text says which sink, and why."""


class AuditSink(Protocol):
    """Keeps rows for good. Used by one thread, except `lines_after`, which any thread may call.

    When unavailable: refuse. Only cancels go on, while the other of two sinks works.
    """

    def append(self, rows: Sequence[Row]) -> None:
        """Store rows that follow the last one; on return they survive power loss.

        Raises:
            StorageError: They could not be stored. Nothing is known about them then: close, open anew, ask `head`.
        """
        ...

    def note_stored(self) -> None:
        """Note beside the rows how far they reach, where that is done. After `append`, once others know. Never raises."""
        ...

    def head(self) -> Head:
        """Return the last row stored; row 0 where there is none.

        Raises:
            StorageError: It cannot be read.
        """
        ...

    def lines_after(self, row: int) -> Iterator[bytes]:
        """Yield the stored lines after a row, in order, each with its line end.

        Raises:
            StorageError: They cannot be read, or this sink cannot be read back.
        """
        ...

    def strained(self) -> str | None:
        """Say why nothing new should be begun (the reserved space is in use), or None. Tries to mend it."""
        ...

    def place_name(self) -> str:
        """Name the sink for people."""
        ...

    def close(self) -> None:
        """Let it go. Never raises."""
        ...


class AuditReader(Protocol):
    """Reads a trail that somebody else may be writing.

    When unavailable: say so.
    """

    def lines_after(self, row: int) -> Iterator[bytes]:
        """Yield the stored lines after a row, in order."""
        ...

    def lines_back(self) -> Iterator[bytes]:
        """Yield the stored lines from the last one backwards."""
        ...

    def acknowledged(self) -> Head | None:
        """Return a row that is certainly stored, as noted beside the trail; None where nothing is noted."""
        ...

    def place_name(self) -> str:
        """Name the place."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...


class SinkStatus(msgspec.Struct, frozen=True):
    """How one sink is.

    Attributes:
        name: Which.
        trouble: Why it takes nothing new, or None.
        stored: Last row it has.
    """

    name: str
    trouble: str | None
    stored: int


class TrailStatus(msgspec.Struct, frozen=True):
    """How the trail is.

    Attributes:
        row: Last row made.
        sinks: One each.
        refused: Requests refused because no record could be made, since the start.
    """

    row: int
    sinks: tuple[SinkStatus, ...]
    refused: int


class AuditTrail(Protocol):
    """What the gateway and the vault's processes record through.

    When unavailable: refuse.
    """

    async def record_intent(self, intent: Intent) -> int:
        """Return once the intent is durable: in every sink, or, if it only cancels, in one.

        Returns:
            Its row, for `Outcome.intent`.

        Raises:
            AuditUnavailable: Within a bounded time. Nothing may be signed; the trail itself records that nothing was.
        """
        ...

    async def record_change(self, change: Change) -> int:
        """Return once an administrative change is durable in every sink.

        Raises:
            AuditUnavailable: It is not; the change must not take effect.
        """
        ...

    def record_outcome(self, outcome: Outcome) -> None:
        """Queue how an intent ended; durable within 100 ms while a sink works. Call it before replying."""
        ...

    def record_refusal(self, refusal: Refusal) -> None:
        """Queue a refusal of a known key, or count it where that key had many."""
        ...

    def count_refusal(self, reason: str, origin: str) -> None:
        """Count a refusal before authentication."""
        ...

    def unavailable(self, *, only_cancels: bool) -> str | None:
        """Say why `record_intent` would refuse right now, or None."""
        ...

    def status(self) -> TrailStatus:
        """Say how the sinks are."""
        ...
