"""Who waits goes on when called, or after the span; nobody else does."""

import asyncio

from watchword.adapters.waiting_room import WaitingRoom


async def test_called_one_goes_on_and_the_other_waits() -> None:
    room = WaitingRoom()
    first, second = (asyncio.create_task(room.wait(name, 10_000_000)) for name in ("a", "b"))
    await asyncio.sleep(0)
    room.call("a")
    await asyncio.wait_for(first, 1)
    assert not second.done()
    second.cancel()


async def test_nobody_waits_longer_than_the_span() -> None:
    room = WaitingRoom()
    await asyncio.wait_for(room.wait("a", 1_000), 1)
    await asyncio.wait_for(room.wait("a", -5), 1)
    await asyncio.wait_for(room.wait("a", 0), 1)


async def test_call_before_anybody_waits_is_nothing() -> None:
    room = WaitingRoom()
    room.call("a")
    waiting = asyncio.create_task(room.wait("a", 20_000))
    await asyncio.sleep(0)
    assert not waiting.done()
    await waiting
