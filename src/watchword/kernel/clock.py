"""The port through which time enters. Never reads a clock itself."""

from typing import Protocol


class Clock(Protocol):
    """Wall time in integer microseconds since the Unix epoch.

    When unavailable: cannot be; an implementation that loses its source must stop the process.
    """

    def now_us(self) -> int:
        """Return the current time, microseconds since 1970-01-01T00:00:00Z."""
        ...
