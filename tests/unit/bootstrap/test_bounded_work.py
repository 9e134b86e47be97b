"""Slow work in threads: bounded, counted until it really ends."""

import asyncio
import threading

import pytest

from watchword.bootstrap.bounded_work import BoundedWork, TooBusyError


async def test_result_and_fault_come_back() -> None:
    work = BoundedWork("adding", 1)
    assert await work.run(sum, [1, 2]) == 3
    with pytest.raises(ValueError, match="x"):
        await work.run(int, "x")
    work.close()


async def test_one_more_than_may_wait_is_refused_and_not_begun() -> None:
    work, go, begun = BoundedWork("waiting", 1, waiting_max=2), threading.Event(), []

    def wait(number: int) -> int:
        begun.append(number)
        go.wait(5)
        return number

    running = [asyncio.create_task(work.run(wait, number)) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooBusyError, match="waiting"):
        await work.run(wait, 9)
    go.set()
    assert await asyncio.gather(*running) == [0, 1]
    await asyncio.sleep(0)
    assert await work.run(wait, 3) == 3
    assert 9 not in begun
    work.close()


async def test_caller_who_goes_away_makes_no_room() -> None:
    work, go = BoundedWork("waiting", 1, waiting_max=1), threading.Event()
    gone = asyncio.create_task(work.run(go.wait, 5))
    await asyncio.sleep(0.01)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    with pytest.raises(TooBusyError):
        await work.run(go.wait, 5)
    go.set()
    work.close()
