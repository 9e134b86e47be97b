"""A journal in memory, for tests and throw-away testnets. Survives nothing."""

from collections.abc import Iterator


class MemoryJournal:
    """Implements `exchange.journal.Journal` with a list."""

    def __init__(self) -> None:
        self._records: list[tuple[int, int, bytes]] = []

    def append(self, first_sequence: int, count: int, record: bytes) -> None:
        """Keep one record."""
        self._records.append((first_sequence, count, record))

    def records(self, after_sequence: int) -> Iterator[tuple[int, bytes]]:
        """Yield every record that ends after `after_sequence`."""
        for first, count, record in self._records:
            if first + count - 1 > after_sequence:
                yield first, record

    def acknowledged_sequence(self) -> int:
        """Return the last sequence kept."""
        return self._records[-1][0] + self._records[-1][1] - 1 if self._records else 0

    def place_name(self) -> str:
        """Name the store."""
        return "memory"
