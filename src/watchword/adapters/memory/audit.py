"""The trail in memory, for tests. Survives nothing."""

from collections.abc import Iterator, Sequence

from watchword.audit.chain import Head, Row


class MemorySink:
    """Implements `audit.trail.AuditSink` with a list."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def append(self, rows: Sequence[Row]) -> None:
        """See `AuditSink.append`."""
        self.rows.extend(rows)

    def note_stored(self) -> None:
        """See `AuditSink.note_stored`: nothing."""

    def head(self) -> Head:
        """See `AuditSink.head`."""
        return self.rows[-1].head if self.rows else Head()

    def lines_after(self, row: int) -> Iterator[bytes]:
        """See `AuditSink.lines_after`."""
        return iter([kept.line for kept in self.rows if kept.number > row])

    def strained(self) -> str | None:
        """See `AuditSink.strained`: never."""
        return None

    def place_name(self) -> str:
        """Name the sink."""
        return "memory"

    def close(self) -> None:
        """Keep everything: the sink may be opened again."""
