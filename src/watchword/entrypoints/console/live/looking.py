"""Looks at something again and again while somebody wants to know, and at nothing while nobody does. Knows no subject.

Why looking and not being told: the neighbours' admin sockets answer questions and begin none. One question a second and
neighbour, only while a page is open that shows something of it, costs about a millisecond each.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, final

from watchword.kernel.errors import WatchwordError

LOG: Final = logging.getLogger("watchword.console.live")

#: Between two looks.
LOOK_S: Final = 1.0
#: Between two looks where somebody just changed something here.
SOON_S: Final = 0.15


@final
class Looking:
    """Looks at one thing, for all viewers together.

    When unavailable: what cannot be looked at now is looked at a second later; viewers hear nothing meanwhile.
    """

    def __init__(self, name: str, look: Callable[[], Awaitable[None]]) -> None:
        """Prepare; the first viewer begins it and the last one ends it.

        Args:
            name: For the log.
            look: Looks once, and publishes what changed.
        """
        self._name, self._look = name, look
        self._viewers = 0
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()

    @property
    def runs(self) -> bool:
        """Whether it looks."""
        return self._task is not None

    def join(self) -> None:
        """Somebody wants to know."""
        self._viewers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._again_and_again(), name=f"looking at {self._name}")

    def leave(self) -> None:
        """Somebody does not want to know any more."""
        self._viewers -= 1
        if self._viewers <= 0:
            self.close()

    def soon(self) -> None:
        """Look soon: something was changed here."""
        self._soon.set()

    def close(self) -> None:
        """End it."""
        self._viewers = 0
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _again_and_again(self) -> None:
        said = ""
        while True:
            self._soon.clear()
            try:
                await self._look()
                said = ""
            except WatchwordError as error:
                if str(error) != said:
                    LOG.info("%s cannot be looked at: %s", self._name, error)
                said = str(error)
            except Exception:
                LOG.exception("looking at %s broke", self._name)
            await asyncio.sleep(SOON_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S - SOON_S):
                    await self._soon.wait()
