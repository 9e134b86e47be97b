"""What goes on by itself in a running testnet: market makers acting, last uses being stored. Never answers anyone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final

from watchword.adapters.group_commit import Sequencer
from watchword.exchange.commands import AnyCommand, LiquidityTick
from watchword.exchange.events import Applied

Service = Callable[[Any], contextlib.AbstractAsyncContextManager[None]]

USES_FLUSH_INTERVAL_S: Final = 10.0
#: When what key changes need is loaded: after the first clients were served, long before the first flush.
PREPARE_DELAY_S: Final = 2.0
#: How often the keys are looked through for what time brought; the first time after what changes need is loaded.
KEYS_SWEEP_INTERVAL_S: Final = 60.0
KEYS_SWEEP_DELAY_S: Final = 5.0


def market_makers(sequencer: Sequencer, interval_ms: int) -> Service:
    """Make a service that journals one LiquidityTick per interval."""

    async def tick() -> None:
        await sequencer.submit(LiquidityTick, _nothing)

    return _every(interval_ms / 1000, tick)


def use_recorder(flush: Callable[[], None]) -> Service:
    """Make a service that stores now and then when keys were last used."""

    async def run() -> None:
        flush()

    return _every(USES_FLUSH_INTERVAL_S, run)


def change_preparer(prepare: Callable[[], object]) -> Service:
    """Make a service that loads what key changes need, aside and a little after the start."""

    async def run() -> None:
        await asyncio.sleep(PREPARE_DELAY_S)
        await asyncio.to_thread(prepare)

    return lambda _testnet: _alive(run())


def key_sweeper(sweep: Callable[[], Awaitable[None]]) -> Service:
    """Make a service that does to the keys what time brings."""
    return _every(KEYS_SWEEP_INTERVAL_S, sweep, KEYS_SWEEP_DELAY_S)


def _every(interval_s: float, action: Callable[[], Awaitable[None]], first_s: float | None = None) -> Service:
    """Run an action at a steady pace; one that is late does not make the next ones hurry."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + (interval_s if first_s is None else first_s)
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due = max(due + interval_s, loop.time())
            try:
                await action()
            except Exception as error:  # noqa: BLE001 - reported; the next turn tries again
                loop.call_exception_handler({"message": "a background task failed", "exception": error})

    return lambda _testnet: _alive(run())


@contextlib.asynccontextmanager
async def _alive(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let a task live as long as the context."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _nothing(_command: AnyCommand, _applied: Applied) -> None:
    """Nobody waits for the answer to a tick."""
