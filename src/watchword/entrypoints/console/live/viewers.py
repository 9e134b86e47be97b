"""Who looks on: a bounded queue for each viewer, and how many viewers there may be. Knows no stream.

A viewer who does not take what comes is dropped, so that nobody's slow line fills this process's memory.
"""

import asyncio
from collections import deque
from typing import Final

EVENTS_WAITING_MAX: Final = 256
VIEWERS_MAX: Final = 96
#: Browsers open six connections to a host; one is left for everything else, and tabs are few.
VIEWERS_PER_PERSON_MAX: Final = 8


class Viewer:
    """One who looks on.

    Attributes:
        interval: Of the candles wanted; empty for none.
        dropped: Too slow, or what was looked at is gone: nothing more comes.
    """

    def __init__(self, interval: str = "", waiting_max: int = EVENTS_WAITING_MAX) -> None:
        """Begin with nothing.

        Args:
            interval: Of the candles wanted.
            waiting_max: Events that may wait.
        """
        self.interval, self.dropped = interval, False
        self._waiting: deque[bytes] = deque()
        self._waiting_max = waiting_max
        self._came = asyncio.Event()

    def give(self, event: bytes) -> None:
        """Hand an event over; one too many and the viewer is dropped."""
        if self.dropped:
            return
        if len(self._waiting) >= self._waiting_max:
            self.drop()
            return
        self._waiting.append(event)
        self._came.set()

    def drop(self) -> None:
        """End it; what still waits is let go."""
        self.dropped = True
        self._waiting.clear()
        self._came.set()

    async def take(self, wait_s: float) -> bytes:
        """Return everything that waits, as one piece.

        Args:
            wait_s: For how long; nothing came then.
        """
        if not self._waiting and not self.dropped:
            self._came.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._came.wait()
            except TimeoutError:
                return b""
        piece = b"".join(self._waiting)
        self._waiting.clear()
        return piece


class Seats:
    """How many look on, by person."""

    def __init__(self, all_max: int = VIEWERS_MAX, person_max: int = VIEWERS_PER_PERSON_MAX) -> None:
        """Begin with nobody.

        Args:
            all_max: Viewers at once.
            person_max: Of one person.
        """
        self._all_max, self._person_max = all_max, person_max
        self._taken: dict[str, int] = {}

    def take(self, person_id: str) -> bool:
        """Take a seat; False where there is none. One that was taken is left by `leave`."""
        held = self._taken.get(person_id, 0)
        if held >= self._person_max or sum(self._taken.values()) >= self._all_max:
            return False
        self._taken[person_id] = held + 1
        return True

    def leave(self, person_id: str) -> None:
        """Leave a seat."""
        held = self._taken.get(person_id, 0) - 1
        if held > 0:
            self._taken[person_id] = held
        else:
            self._taken.pop(person_id, None)
