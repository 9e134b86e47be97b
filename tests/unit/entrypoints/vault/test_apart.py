"""Work beside the loop: its result and its faults come back; whoever leaves or ends does not stop it or wait for ever."""

import asyncio
import threading

import pytest

from watchword.entrypoints.vault import apart
from watchword.entrypoints.vault.apart import Apart
from watchword.kernel.errors import StorageError


def fail() -> None:
    raise StorageError("full")


async def test_result_and_fault_come_back() -> None:
    work = Apart()
    assert await work.run(lambda: threading.current_thread().name) == "vault"
    assert await work.run(lambda: None) is None
    with pytest.raises(StorageError, match="full"):
        await work.run(fail)
    await work.end()


async def test_work_goes_on_when_its_asker_leaves_and_the_end_waits_for_it() -> None:
    work, let, done = Apart(), threading.Event(), threading.Event()

    def long() -> None:
        let.wait(10)
        done.set()

    asker = asyncio.create_task(work.run(long))
    await asyncio.sleep(0)
    asker.cancel()
    await asyncio.gather(asker, return_exceptions=True)
    assert asker.cancelled()
    asyncio.get_running_loop().call_later(0.02, let.set)
    await work.end()
    assert done.is_set()


async def test_end_does_not_wait_for_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "ENDING_S_MAX", 0.02)
    work, let = Apart(), threading.Event()
    asker = asyncio.create_task(work.run(lambda: let.wait(10)))
    await asyncio.sleep(0)
    await work.end()
    assert not asker.done()
    asker.cancel()
    let.set()


def test_work_that_outlives_its_loop_harms_nothing() -> None:
    work, let = Apart(), threading.Event()

    async def leave() -> None:
        asker = asyncio.create_task(work.run(lambda: let.wait(10)))
        await asyncio.sleep(0)
        asker.cancel()

    asyncio.run(leave())
    thread = next(one for one in threading.enumerate() if one.name == "vault" and one.daemon)
    let.set()
    thread.join(10)
    assert not thread.is_alive()
