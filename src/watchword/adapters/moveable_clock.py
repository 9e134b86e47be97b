"""The exchange's clock: another clock and an offset that people may move forward. What it was moved by survives.

Layout of its file: docs/formats/clock.md. Never runs backwards, and never moves the clock beneath it: what measures
the patience of connections reads that one (`machine`).
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Self

from watchword.kernel.clock import Clock
from watchword.kernel.errors import CorruptStoreError, StorageError

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
#: Ten years, and their leap days.
OFFSET_US_MAX: Final = 3_653 * DAY_US
FILE_VERSION: Final = 1
#: Far more than the file has.
FILE_BYTES_MAX: Final = 1_024


class MoveableClock:
    """Time that is moved forward by hand.

    When unavailable: refuse to start; an exchange whose clock fell back would refuse every request for weeks.

    Attributes:
        machine: The clock beneath, which nobody moves.
        offset_us: By how much this one is ahead of it, microseconds.
    """

    __slots__ = ("_store", "machine", "offset_us")

    def __init__(
        self, machine: Clock, offset_us: int = 0, store: Callable[[bytes], None] | None = None
    ) -> None:
        """Begin.

        Args:
            machine: The clock beneath.
            offset_us: By how much this one is ahead.
            store: Replaces the file's content, durably; None keeps the offset in memory only.
        """
        self.machine = machine
        self.offset_us = offset_us
        self._store = store

    @classmethod
    def open(cls, machine: Clock, path: Path, write: Callable[[Path, bytes], None]) -> Self:
        """Go on as far ahead as it was.

        Args:
            machine: The clock beneath.
            path: `clock.json`; where it is missing the clock was never moved.
            write: Replaces a file, durably.

        Raises:
            CorruptStoreError: The file cannot be read as one of this version.
            StorageError: It cannot be opened.
        """
        try:
            with path.open("rb") as file:
                raw = file.read(FILE_BYTES_MAX)
        except FileNotFoundError:
            return cls(machine, 0, partial(write, path))
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        return cls(machine, _read_offset(raw, path), partial(write, path))

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, never less than the previous answer."""
        return self.machine.now_us() + self.offset_us

    def room_us(self) -> int:
        """Return by how much it can still be moved, microseconds."""
        return OFFSET_US_MAX - self.offset_us

    def move(self, by_us: int) -> None:
        """Move it forward; on return the move survives power loss.

        Args:
            by_us: Microseconds, above 0 and at most `room_us()`.

        Raises:
            ValueError: Backwards, not at all, or further than it goes.
            StorageError: It could not be stored; then it was not moved.
        """
        if not 0 < by_us <= self.room_us():
            raise ValueError("a clock moves forward only, and at most ten years in all")
        offset_us = self.offset_us + by_us
        if self._store is not None:
            content = {"version": FILE_VERSION, "offset_us": offset_us}
            self._store(json.dumps(content).encode() + b"\n")
        self.offset_us = offset_us


def _read_offset(raw: bytes, path: Path) -> int:
    try:
        content = json.loads(raw)
        version, offset_us = content["version"], content["offset_us"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptStoreError(f"{path} cannot be read: it is damaged") from error
    if version != FILE_VERSION or type(offset_us) is not int or not 0 <= offset_us <= OFFSET_US_MAX:
        raise CorruptStoreError(f"{path} is not a clock file of this version")
    return offset_us
