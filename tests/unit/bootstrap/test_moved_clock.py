"""A moved clock is still moved after a restart, and the journal, the keys and a closed home agree with it."""

import asyncio
from pathlib import Path

import pytest

from watchword.bootstrap import background
from watchword.bootstrap.testnet import Testnet, open_testnet
from watchword.config import read_settings
from watchword.credentials.key_directory import IssuedKey, KeyTerms
from watchword.exchange.commands import OpenAccount
from watchword.kernel.errors import CorruptStoreError

DAY_US = 86_400_000_000


async def opened(home: Path) -> Testnet:
    testnet = open_testnet(read_settings(home=home, liquidity=False))
    testnet.services.clear()
    await testnet.start()
    return testnet


async def open_account(testnet: Testnet, name: str) -> None:
    await testnet.sequencer.submit(lambda seq, now_us: OpenAccount(seq, now_us, name, ()), lambda *_: None)


async def test_clock_stays_moved_over_a_restart_and_commands_carry_its_time(tmp_path: Path) -> None:
    testnet = await opened(tmp_path)
    machine_us = testnet.clock.machine.now_us()
    await open_account(testnet, "before")
    await testnet.move_clock(40 * DAY_US)
    await open_account(testnet, "after")
    state = testnet.venue.state_hash()
    await testnet.stop()
    again = await opened(tmp_path)
    assert again.venue.state_hash() == state
    assert again.clock.now_us() >= machine_us + 40 * DAY_US
    first, second = (a.created_us for a in again.venue.engine.accounts.values() if not a.house)
    assert second - first >= 40 * DAY_US
    await again.stop()


async def test_key_deleted_by_the_move_stays_deleted_and_a_flushed_use_saves_another(tmp_path: Path) -> None:
    testnet = await opened(tmp_path)
    now_us = testnet.clock.now_us()
    made = [testnet.directory.issue(1, "HMAC", b"", KeyTerms(), now_us) for _ in range(2)]
    idle, used = (one.record.api_key for one in made if isinstance(one, IssuedKey))
    await testnet.move_clock(29 * DAY_US)
    testnet.directory.touch(used, testnet.clock.now_us(), "192.0.2.7", "order.place")
    await testnet.stop()
    again = await opened(tmp_path)
    await again.move_clock(DAY_US)
    assert again.directory.find(idle) is None
    assert again.directory.find(used) is not None
    await again.stop()
    last = await opened(tmp_path)
    assert [record.api_key for record in last.directory.records()] == [used]
    await last.stop()


async def test_damaged_clock_file_refuses_the_start_and_leaves_the_home_free(tmp_path: Path) -> None:
    testnet = await opened(tmp_path)
    await testnet.move_clock(DAY_US)
    await testnet.stop()
    path = tmp_path / "testnet" / "clock.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(CorruptStoreError, match=r"clock\.json"):
        open_testnet(read_settings(home=tmp_path))
    path.write_bytes(whole)
    open_testnet(read_settings(home=tmp_path)).close()


@pytest.mark.parametrize(("day", "gone"), [("2022-12-21", False), ("2022-12-22", True)])
async def test_keys_live_by_the_rules_of_a_chosen_day(tmp_path: Path, day: str, gone: bool) -> None:
    testnet = open_testnet(read_settings(home=tmp_path, liquidity=False, key_rules_as_of=day))
    testnet.services.clear()
    await testnet.start()
    made = testnet.directory.issue(1, "HMAC", b"", KeyTerms(), testnet.clock.now_us())
    assert isinstance(made, IssuedKey)
    await testnet.move_clock(30 * DAY_US)
    assert (testnet.directory.find(made.record.api_key) is None) is gone
    await testnet.stop()


async def test_running_testnet_looks_through_its_keys_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "KEYS_SWEEP_DELAY_S", 0.01)
    testnet = open_testnet(read_settings(home=tmp_path, liquidity=False))
    await testnet.start()
    made = testnet.directory.issue(1, "HMAC", b"", KeyTerms(), testnet.clock.now_us() - 30 * DAY_US)
    assert isinstance(made, IssuedKey)
    async with asyncio.timeout(10):
        while testnet.directory.find(made.record.api_key) is not None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    assert [event.kind for event in testnet.sweep.events] == ["deleted"]
    await testnet.stop()
