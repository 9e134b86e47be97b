"""A journal on a simulated disk: writes are volatile until synced, and the power can fail at any step.

Implements `exchange.journal.Journal`. A power cut drops what was not synced, or keeps it whole (the disk had written
it on its own), or leaves a torn tail, which a store with per-transaction checksums hides again.
"""

import random
from collections.abc import Iterator
from typing import Final

from watchword.kernel.errors import StorageError

#: Steps of one append at which the power can fail.
BEFORE_WRITE, UNSYNCED, SYNCED, RETURNED = range(4)
STEPS: Final = 4


class PowerCutError(StorageError):
    """The power failed."""


class SimulatedDisk:
    """Survives in `durable`; everything else is gone after a cut."""

    def __init__(self) -> None:
        self.durable: list[tuple[int, int, bytes]] = []
        self.unsynced: tuple[int, int, bytes] | None = None
        self.appends = 0
        self.synced_sequence = 0
        self._cut_at: tuple[int, int] | None = None
        self._dead = False

    def cut_power_at(self, append_number: int, step: int) -> None:
        """Fail during the n-th append from now on (0 is the next), at one of its STEPS."""
        self._cut_at = (self.appends + append_number, step)

    def append(self, first_sequence: int, count: int, record: bytes) -> None:
        number, self.appends = self.appends, self.appends + 1
        row = (first_sequence, count, record)
        self._step(number, BEFORE_WRITE)
        self.unsynced = row
        self._step(number, UNSYNCED)
        self.durable.append(row)
        self.unsynced = None
        self.synced_sequence = first_sequence + count - 1
        self._step(number, SYNCED)

    def restart(self, dice: random.Random) -> None:
        """Power on again: an unsynced write is kept or lost, as chance has it; torn ones are hidden."""
        if self.unsynced is not None and dice.random() < 0.3:
            self.durable.append(self.unsynced)
        self.unsynced = None
        self._cut_at, self._dead = None, False

    def records(self, after_sequence: int) -> Iterator[tuple[int, bytes]]:
        for first, count, record in list(self.durable):
            if first + count - 1 > after_sequence:
                yield first, record

    def acknowledged_sequence(self) -> int:
        return self.synced_sequence

    def place_name(self) -> str:
        return "simulated disk"

    def _step(self, number: int, step: int) -> None:
        if self._dead:
            raise PowerCutError("no power")
        if self._cut_at == (number, step):
            self._dead = True
            raise PowerCutError(f"power cut at append {number}, step {step}")
