"""Runs the vault's blocking work beside the event loop, in threads that cannot hold up the end of the process.

Why not the loop's own pool: the end of a program waits for it, and a keyring that asks a person or a key service that hangs would
then keep a process alive that was told to go. Work cut off is like a kill -9, which every change of a vault survives.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Final, TypeVar, final

#: How long the end waits for work under way, so that a change usually finishes.
ENDING_S_MAX: Final = 5.0

T = TypeVar("T")


@final
class Apart:
    """Threads of one loop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[object]] = set()

    async def run(self, work: Callable[[], T]) -> T:
        """Do one piece of work; waiting for it can be cancelled, the work itself cannot.

        Args:
            work: Blocks.

        Raises:
            Exception: Whatever `work` raises.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[object] = loop.create_future()
        self._running.add(done)
        done.add_done_callback(self._running.discard)
        result: list[T] = []

        def settle(error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def thread() -> None:
            error = None
            try:
                result.append(work())
            except BaseException as raised:  # noqa: BLE001 - carried to whoever waits
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is gone, and nobody waits
                loop.call_soon_threadsafe(settle, error)

        threading.Thread(target=thread, name="vault", daemon=True).start()
        # Shielded: the work goes on when its asker leaves, and `end` still waits for it.
        await asyncio.shield(done)
        return result[0]

    async def end(self) -> None:
        """Wait for what is under way, but not for long."""
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=ENDING_S_MAX)
