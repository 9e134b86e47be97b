"""Opening a home: first start, restart, refusals that name the reason, snapshots, archive, verification."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.order_flow import OrderFlow

from watchword.adapters.journal_archive import ArchiveFiles
from watchword.adapters.system import SystemClock
from watchword.bootstrap import snapshots as schedule_module
from watchword.bootstrap.snapshotter import make_snapshot
from watchword.bootstrap.testnet import Testnet, open_memory_testnet, open_testnet
from watchword.bootstrap.verification import replayed_hash
from watchword.config import Settings, read_settings
from watchword.exchange.commands import OpenAccount
from watchword.kernel.errors import ConfigurationError, CorruptStoreError, HomeBusyError, StorageError


def settings(home: Path, **given: Any) -> Settings:
    return read_settings(**{"home": home / "home", "liquidity": False, **given})


async def trade(testnet: Testnet, count: int, seed: int = 1) -> None:
    """Submit seeded commands in bursts."""
    import random

    flow = OrderFlow(random.Random(seed))
    for _ in range(0, count, 10):
        await asyncio.gather(*(testnet.sequencer.submit(flow.draw(), lambda _c, _a: None) for _ in range(10)))


async def live(chosen: Settings, count: int = 200, seed: int = 1) -> tuple[bytes, int]:
    """One life of a testnet, stopped cleanly; its hash and sequence."""
    testnet = open_testnet(chosen)
    await testnet.start()
    await trade(testnet, count, seed)
    answer = testnet.venue.state_hash(), testnet.sequencer.position.sequence
    await testnet.stop()
    return answer


async def test_restart_gives_the_same_state(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    state_hash, sequence = await live(chosen)
    again = open_testnet(chosen)
    assert (again.venue.state_hash(), again.sequencer.position.sequence) == (state_hash, sequence)
    again.close()


async def test_snapshot_and_replay_give_the_same_state(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    _, sequence = await live(chosen)
    head = make_snapshot(chosen.home / "testnet", sequence, None)
    state_hash, later = await live(chosen, seed=2)
    again = open_testnet(chosen)
    assert again.snapshots is not None
    assert again.snapshots.last_sequence == head.position.sequence == sequence < later
    assert again.venue.state_hash() == state_hash
    assert replayed_hash(chosen.home, later) == state_hash.hex()
    again.close()


async def test_live_testnet_makes_snapshots_when_due(tmp_path: Path) -> None:
    testnet = open_testnet(settings(tmp_path, snapshot_every_commands=50))
    await testnet.start()
    assert testnet.snapshots is not None
    await trade(testnet, 60)
    assert testnet.snapshots.due()
    made = await testnet.snapshots.make()
    assert made["sequence"] == testnet.sequencer.position.sequence == 61
    assert made["state_hash"] == testnet.venue.state_hash().hex()
    assert not testnet.snapshots.due()
    await testnet.stop()


async def test_journal_before_two_snapshots_is_archived_and_still_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_module, "ARCHIVE_ROWS_MAX", 7)
    chosen = settings(tmp_path)
    testnet = open_testnet(chosen)
    await testnet.start()
    assert testnet.snapshots is not None
    for seed in range(3):
        await trade(testnet, 150, seed)
        make_snapshot(chosen.home / "testnet", testnet.sequencer.position.sequence, None)
    before = replayed_hash(chosen.home, testnet.sequencer.position.sequence)
    await testnet.snapshots._archive_old()
    assert testnet.home is not None
    archived = list(ArchiveFiles(testnet.home.archive_path).records())
    assert len(archived) > 14
    assert replayed_hash(chosen.home, testnet.sequencer.position.sequence) == before
    assert before == testnet.venue.state_hash().hex()
    await testnet.stop()
    again = open_testnet(chosen)
    assert again.venue.state_hash().hex() == before
    again.close()
    # The older of the two snapshots still has everything it needs.
    newest = max((chosen.home / "testnet" / "snapshots").iterdir())
    newest.unlink()
    older = open_testnet(chosen)
    assert older.venue.state_hash().hex() == before
    older.close()


async def test_damaged_archive_is_named(tmp_path: Path) -> None:
    files = ArchiveFiles(tmp_path / "archive")
    path = files.write([(1, b"abc"), (2, b"def")])
    assert list(files.records()) == [(1, b"abc"), (2, b"def")]
    whole = path.read_bytes()
    for offset in range(len(whole)):
        damaged = bytearray(whole)
        damaged[offset] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CorruptStoreError, match=str(path)):
            list(files.records())


async def test_second_opening_of_a_home_names_the_holder(tmp_path: Path) -> None:
    testnet = open_testnet(settings(tmp_path))
    with pytest.raises(HomeBusyError, match=r"process \d+ \(watchword testnet serve\)"):
        open_testnet(settings(tmp_path))
    testnet.close()


@pytest.mark.parametrize(
    ("given", "text"),
    [({"seed": 9}, "opened with --seed 1"), ({"liquidity": True}, "opened without liquidity")],
)
async def test_settings_that_contradict_the_home_are_refused(
    tmp_path: Path, given: dict[str, Any], text: str
) -> None:
    open_testnet(settings(tmp_path)).close()
    with pytest.raises(ConfigurationError, match=text):
        open_testnet(settings(tmp_path, **given))
    open_testnet(settings(tmp_path)).close()  # nothing was left locked or changed


async def test_flipped_byte_in_the_snapshot_refuses_to_start(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    _, sequence = await live(chosen)
    make_snapshot(chosen.home / "testnet", sequence, None)
    path = next((chosen.home / "testnet" / "snapshots").iterdir())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError, match=rf"{path} of sequence {sequence} .*move the file away"):
        open_testnet(chosen)
    path.unlink()  # the way out it names
    open_testnet(chosen).close()


async def test_snapshot_of_another_home_is_refused(tmp_path: Path) -> None:
    one, two = settings(tmp_path / "one"), settings(tmp_path / "two", seed=2)
    _, sequence = await live(one)
    await live(two, count=400)
    make_snapshot(one.home / "testnet", sequence, None)
    path = next((one.home / "testnet" / "snapshots").iterdir())
    path.rename(two.home / "testnet" / "snapshots" / path.name)
    with pytest.raises(CorruptStoreError, match=f"does not hold sequence {sequence} as the snapshot"):
        open_testnet(two)


async def test_snapshot_is_refused_when_replay_goes_another_way(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    _, sequence = await live(chosen)
    with pytest.raises(CorruptStoreError, match="no snapshot was written"):
        make_snapshot(chosen.home / "testnet", sequence, 12345)
    assert list((chosen.home / "testnet" / "snapshots").iterdir()) == []


async def test_state_that_differs_from_the_last_stop_is_refused(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    await live(chosen)
    closed = chosen.home / "testnet" / "closed.json"
    content = json.loads(closed.read_text())
    content["state_hash"] = "00" * 32
    closed.write_text(json.dumps(content))
    with pytest.raises(CorruptStoreError, match="differs from the one at the last stop"):
        open_testnet(chosen)


async def test_full_disk_halts_without_an_answer(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    halts: list[BaseException] = []
    testnet = open_testnet(chosen, on_halt=halts.append)
    await testnet.start()
    await trade(testnet, 20)
    before = testnet.venue.state_hash()

    def full(*_: object) -> None:
        raise StorageError("journal.db at sequence 22: database or disk is full")

    testnet.sequencer._journal.append = full  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="disk is full"):
        await testnet.sequencer.submit(lambda s, n: OpenAccount(s, n, "late"), lambda _c, _a: None)
    assert len(halts) == 1
    assert testnet.venue.state_hash() == before
    await testnet.stop()
    again = open_testnet(chosen)
    assert again.venue.state_hash() == before
    again.close()


async def test_instruments_file_opens_a_home_with_its_symbols(tmp_path: Path) -> None:
    from watchword.exchange.exchange_info import symbol_json
    from watchword.exchange.listings import default_instruments

    saved = tmp_path / "exchangeInfo.json"
    saved.write_text(json.dumps({"symbols": [symbol_json(i) for i in default_instruments()[:2]]}))
    testnet = open_testnet(settings(tmp_path, instruments=saved))
    assert list(testnet.venue.engine.floors) == ["BTCUSDT", "ETHUSDT"]
    testnet.close()
    open_testnet(settings(tmp_path, instruments=saved)).close()
    saved.write_text(json.dumps({"symbols": [symbol_json(i) for i in default_instruments()[:3]]}))
    with pytest.raises(ConfigurationError, match="other instruments"):
        open_testnet(settings(tmp_path, instruments=saved))


async def test_two_runs_with_one_seed_and_the_same_commands_give_the_same_hash() -> None:
    class FixedClock(SystemClock):
        def now_us(self) -> int:
            return 1_795_000_000_000_000

    hashes = set()
    for _ in range(2):
        testnet = open_memory_testnet(read_settings(seed=5, liquidity=False), FixedClock())
        await testnet.start()
        await trade(testnet, 300)
        hashes.add(testnet.venue.state_hash())
        await testnet.stop()
    assert len(hashes) == 1
