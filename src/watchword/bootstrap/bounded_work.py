"""A few threads for slow work, and a bounded queue before them. Never runs anything in the loop and never waits in it.

Why bounded: each password takes a tenth of a second and 64 MiB to hash, so whoever sends many at once must be told to
wait instead of taking all memory.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from watchword.kernel.errors import WatchwordError

T = TypeVar("T")
P = ParamSpec("P")

WAITING_MAX: Final = 32


class TooBusyError(WatchwordError):
    """More waits already than may; try again soon."""


class BoundedWork:
    """Threads of one kind of work."""

    def __init__(self, name: str, at_once: int, waiting_max: int = WAITING_MAX) -> None:
        """Prepare; a thread starts when there is something to do.

        Args:
            name: Of the threads.
            at_once: Threads.
            waiting_max: Calls running or waiting; one more is refused.
        """
        self._threads = ThreadPoolExecutor(at_once, name)
        self._name, self._waiting, self._waiting_max = name, 0, waiting_max

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread.

        Raises:
            TooBusyError: Too many wait; it was not begun.
        """
        if self._waiting >= self._waiting_max:
            raise TooBusyError(f"too much {self._name} at once; try again in a few seconds")
        self._waiting += 1
        future = self._threads.submit(function, *args, **kwargs)
        # Counted until it really ends: a caller who goes away must not make room for another.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _tell(loop, self._ended))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Begin nothing more; what runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self) -> None:
        self._waiting -= 1


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(what)
