"""What goes on by itself in a running testnet: market makers acting, last uses being stored. Never answers anyone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

from watchword.exchange.commands import AnyCommand, LiquidityTick
from watchword.exchange.events import Applied

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

USES_FLUSH_INTERVAL_S: Final = 10.0


@contextlib.asynccontextmanager
async def market_makers(testnet: "Testnet") -> AsyncIterator[None]:
    """Journal one LiquidityTick per interval, if the venue was opened with liquidity."""
    if not testnet.liquidity:
        yield
        return

    async def tick() -> None:
        await testnet.sequencer.submit(LiquidityTick, _nothing)

    async with _every(testnet.settings.tick_interval_ms / 1000, tick):
        yield


@contextlib.asynccontextmanager
async def use_recorder(testnet: "Testnet") -> AsyncIterator[None]:
    """Store now and then when keys were last used."""

    async def flush() -> None:
        testnet.directory.flush_uses()

    async with _every(USES_FLUSH_INTERVAL_S, flush):
        yield


@contextlib.asynccontextmanager
async def _every(interval_s: float, action: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run an action at a steady pace; one that is late does not make the next ones hurry."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + interval_s
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due = max(due + interval_s, loop.time())
            try:
                await action()
            except Exception as error:  # noqa: BLE001 - reported; the next turn tries again
                loop.call_exception_handler({"message": "a background task failed", "exception": error})

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _nothing(_command: AnyCommand, _applied: Applied) -> None:
    """Nobody waits for the answer to a tick."""
