"""Implements `gateway.ports.WaitingRoom` with the event loop: one future for each who waits. Never keeps a name longer."""

import asyncio
from contextlib import suppress
from typing import final


@final
class WaitingRoom:
    """One per process.

    When unavailable: cannot be; nobody waits longer than the span.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: dict[str, asyncio.Event] = {}

    async def wait(self, name: str, span_us: int) -> None:
        """See `gateway.ports.WaitingRoom.wait`."""
        called = self._waiting[name] = asyncio.Event()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(called.wait(), max(0, span_us) / 1_000_000)
        finally:
            self._waiting.pop(name, None)

    def call(self, name: str) -> None:
        """See `gateway.ports.WaitingRoom.call`."""
        called = self._waiting.get(name)
        if called is not None:
            called.set()
