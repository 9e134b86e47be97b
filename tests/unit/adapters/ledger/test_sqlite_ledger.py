"""What the ledger keeps over restarts, kills, full disks and hung ones; and what it refuses to read."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from watchword.adapters.ledger.ledger_file import LedgerFile
from watchword.adapters.ledger.sqlite_ledger import CHECKPOINT_CHANGES_MIN, Pace, SqliteLedger
from watchword.gateway.ledger_state import LedgerState
from watchword.gateway.ports import OrderRecord
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.policy.decision import Charge
from watchword.policy.usage import Closed, Filled, Placed

NOW_US = 1_767_614_400_000_000
QUICK = Pace(write_ms=150, idle_ms=5, retry_ms=20)


def order(number: int, **more: Any) -> OrderRecord:
    name = f"o{number}"
    return msgspec.structs.replace(
        OrderRecord("cred", "BTCUSDT", name, "vk-1", f"BTCUSDT {name}", group=(name,)), **more
    )


def placed(number: int) -> Placed:
    return Placed(
        NOW_US, (Charge(f"BTCUSDT o{number}", "BTCUSDT", "BTC", "USDT", "BUY", 100, 1000, 1000, 0),)
    )


def fill(number: int) -> Filled:
    return Filled(NOW_US, f"BTCUSDT o{number}", "BTCUSDT", "BTC", "USDT", "BUY", 100, 900)


async def placed_one_by_one(ledger: SqliteLedger, count: int) -> None:
    for number in range(count):
        ledger.put_order(order(number))
        await ledger.durable()


async def recovered(ledger: SqliteLedger) -> None:
    async with asyncio.timeout(5):
        while ledger.trouble() is not None:  # noqa: ASYNC110 - it tells nobody when
            await asyncio.sleep(0.01)


class BreakableFile(LedgerFile):
    """Fails or hangs on demand."""

    broken = ""
    torn = False
    hang = threading.Event()
    hung = False

    def append(self, number: int, batch: bytes) -> None:
        self._act(lambda: super(BreakableFile, self).append(number, batch))

    def checkpoint(self, *arguments: Any) -> None:
        self._act(lambda: super(BreakableFile, self).checkpoint(*arguments))

    def _act(self, act: Callable[[], None]) -> None:
        if self.hung:
            self.hang.wait(10)
        if self.broken and self.torn:
            act()
        if self.broken:
            raise StorageError(self.broken)
        act()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


async def opened(path: Path, **more: Any) -> SqliteLedger:
    ledger = SqliteLedger(path, QUICK, **more)
    await ledger.start()
    return ledger


def test_file_is_private(path: Path) -> None:
    LedgerFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("orderly", [True, False])
async def test_everything_durable_is_there_after_a_restart(path: Path, orderly: bool) -> None:
    ledger = await opened(path)
    for number in range(50):
        ledger.put_order(order(number))
        ledger.fold("vk-1", placed(number))
        if number % 3 == 0:
            ledger.put_order(order(number, order_id=number + 1, list_id=5 * (number < 9), closed=True))
            ledger.fold("vk-1", fill(number))
        await ledger.durable()
    usage, still_open = ledger.usage("vk-1"), {one.client_order_id for one in ledger.open_orders()}
    if orderly:
        await ledger.stop()
    again = await opened(path)
    assert again.usage("vk-1") == usage
    assert {one.client_order_id for one in again.open_orders()} == still_open
    assert again.order("cred", "BTCUSDT", "o3") == order(3, order_id=4, list_id=5, closed=True)
    assert again.order_by_id("cred", "BTCUSDT", 4) == order(3, order_id=4, list_id=5, closed=True)
    assert len(again.orders_of_list("cred", "BTCUSDT", 5)) == 3
    await again.stop()
    if not orderly:
        await ledger.stop()


async def test_checkpoints_empty_the_log_and_lose_nothing(path: Path) -> None:
    ledger = await opened(path)
    for number in range(CHECKPOINT_CHANGES_MIN):
        ledger.put_order(order(number, order_id=number + 1))
        ledger.put_order(order(number, order_id=number + 1, closed=True))
        ledger.fold("vk-1", placed(number))
        ledger.fold("vk-1", Closed(NOW_US, f"BTCUSDT o{number}"))
        if number % 100 == 0:
            await ledger.durable()
    await ledger.durable()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT upto FROM checkpoint").fetchone()[0] > 1
        assert database.execute("SELECT count(*) FROM log").fetchone()[0] < 40
    usage = ledger.usage("vk-1")
    await ledger.stop()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM log").fetchone()[0] == 0
        assert database.execute("SELECT count(*) FROM placed").fetchone()[0] == CHECKPOINT_CHANGES_MIN
    again = await opened(path)
    assert again.usage("vk-1") == usage
    await again.stop()


async def test_memory_is_bounded_and_older_orders_are_found_on_disk(path: Path) -> None:
    state = LedgerState(closed_count_max=10)
    ledger = await opened(path, state=state)
    for number in range(2_000):
        ledger.put_order(order(number, order_id=number + 1, list_id=number + 1, closed=True))
        if number % 50 == 0:
            await ledger.durable()
    await ledger.stop()
    assert sum(state.holds(row) for row in range(1, 2_001)) <= 10
    again = await opened(path, state=LedgerState(closed_count_max=10))
    for number in (0, 777, 1_999):
        expected = order(number, order_id=number + 1, list_id=number + 1, closed=True)
        assert again.order("cred", "BTCUSDT", f"o{number}") == expected
        assert again.order_by_id("cred", "BTCUSDT", number + 1) == expected
        assert list(again.orders_of_list("cred", "BTCUSDT", number + 1)) == [expected]
    await again.stop()


async def test_old_order_read_from_disk_can_be_changed(path: Path) -> None:
    ledger = await opened(path, state=LedgerState(closed_count_max=1))
    for number in range(5):
        ledger.put_order(order(number, order_id=number + 1, closed=True))
    await ledger.stop()
    ledger = await opened(path, state=LedgerState(closed_count_max=1))
    found = ledger.order_by_id("cred", "BTCUSDT", 1)
    assert found is not None
    ledger.put_order(msgspec.structs.replace(found, commission=9))
    await ledger.stop()
    ledger = await opened(path)
    changed = ledger.order("cred", "BTCUSDT", "o0")
    assert changed is not None
    assert changed.commission == 9
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM placed").fetchone()[0] == 5
    await ledger.stop()


async def test_renamed_order_is_not_found_on_disk_under_its_old_name(path: Path) -> None:
    ledger = await opened(path)
    ledger.put_order(order(1, order_id=1))
    await ledger.stop()
    ledger = await opened(path)
    ledger.put_order(order(2, order_id=1))
    assert ledger.order("cred", "BTCUSDT", "o1") is None
    await ledger.stop()


@pytest.mark.parametrize("torn", [False, True], ids=["nothing written", "written and not known"])
async def test_failed_write_refuses_then_recovers_with_everything(path: Path, torn: bool) -> None:
    file = BreakableFile(path)
    file.torn = torn
    ledger = await opened(path, open_file=lambda _path: file)
    ledger.put_order(order(1))
    await ledger.durable()
    file.broken = "disk full"
    ledger.put_order(order(2))
    with pytest.raises(StorageError, match="disk full"):
        await ledger.durable()
    ledger.put_order(order(3, order_id=3, closed=True))
    ledger.fold("vk-1", placed(3))
    assert ledger.trouble() is not None
    with pytest.raises(StorageError):
        await ledger.durable()
    file.broken = ""
    await recovered(ledger)
    ledger.put_order(order(4))
    await ledger.durable()
    usage = ledger.usage("vk-1")
    again = await opened(path)
    assert [again.order("cred", "BTCUSDT", f"o{number}") is not None for number in (1, 2, 3, 4)] == [True] * 4
    assert again.usage("vk-1") == usage
    await again.stop()
    await ledger.stop()


async def test_hung_disk_refuses_within_the_bound_and_goes_on_afterwards(path: Path) -> None:
    file = BreakableFile(path)
    file.hang = threading.Event()
    ledger = await opened(path, open_file=lambda _path: file)
    await asyncio.sleep(0.05)
    file.hung = True
    ledger.put_order(order(1))
    began = asyncio.get_running_loop().time()
    with pytest.raises(StorageError, match="150 ms"):
        await ledger.durable()
    assert asyncio.get_running_loop().time() - began < 1
    ledger.put_order(order(2))
    with pytest.raises(StorageError):
        await ledger.durable()
    file.hung = False
    file.hang.set()
    await recovered(ledger)
    await ledger.durable()
    await ledger.stop()
    again = await opened(path)
    assert len(again.open_orders()) == 2
    await again.stop()


async def test_unawaited_failure_is_no_complaint(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = BreakableFile(path)
    ledger = await opened(path, open_file=lambda _path: file)
    await asyncio.sleep(0.05)
    file.broken = "disk full"
    ledger.put_order(order(1))
    ledger.durable()
    await asyncio.sleep(0.1)
    await ledger.stop()
    assert "never retrieved" not in caplog.text


async def test_closed_ledger_refuses(path: Path) -> None:
    ledger = await opened(path)
    await ledger.stop()
    ledger.put_order(order(1))
    with pytest.raises(StorageError, match="closed"):
        await ledger.durable()


def damage(path: Path, statement: str, *arguments: Any) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement, arguments)
        database.commit()


async def filled(path: Path) -> None:
    """A ledger with something in each table."""
    ledger = await opened(path)
    ledger.put_order(order(1))
    ledger.fold("vk-1", placed(1))
    await ledger.stop()
    file = LedgerFile(path)
    number = file.load(LedgerState())
    second = SqliteLedger(path, QUICK)
    second.put_order(order(2))
    file.close()
    ledger = await opened(path)
    await asyncio.sleep(0.05)
    ledger.put_order(order(3))
    await ledger.durable()
    assert number >= 0
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT number, bytes FROM log").fetchall()
    assert rows
    await ledger.stop()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE checkpoint SET upto = ?", (rows[0][0] - 1,))
        database.executemany("INSERT INTO log VALUES (?, ?)", rows)
        database.commit()


@pytest.mark.parametrize("table", ["log", "usage", "placed"])
async def test_flipped_bit_is_refused_by_name(path: Path, table: str) -> None:
    await filled(path)
    SqliteLedger(path).usage("vk-1")
    with closing(sqlite3.connect(path)) as database:
        stored = bytearray(database.execute(f"SELECT bytes FROM {table}").fetchone()[0])
    stored[len(stored) // 2] ^= 1
    damage(path, f"UPDATE {table} SET bytes = ?", bytes(stored))
    with pytest.raises(CorruptStoreError, match=r"ledger\.db"):
        SqliteLedger(path)


async def test_missing_batch_is_refused(path: Path) -> None:
    await filled(path)
    damage(path, "UPDATE log SET number = number + 1")
    with pytest.raises(CorruptStoreError, match="missing"):
        SqliteLedger(path)


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 99"])
async def test_foreign_file_is_refused(path: Path, pragma: str) -> None:
    await filled(path)
    damage(path, f"PRAGMA {pragma}")
    with pytest.raises(CorruptStoreError, match="not a ledger of version 1"):
        SqliteLedger(path)


def test_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(CorruptStoreError):
        SqliteLedger(path)


def test_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot open"):
        SqliteLedger(tmp_path / "nowhere" / "ledger.db")


_WRITER = """
import asyncio, sys
from pathlib import Path
from tests.unit.adapters.ledger.test_sqlite_ledger import order, placed
from watchword.adapters.ledger.sqlite_ledger import SqliteLedger

async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.start()
    number = 0
    while True:
        number += 1
        ledger.put_order(order(number))
        ledger.fold("vk-1", placed(number))
        await ledger.durable()
        print(number, flush=True)

asyncio.run(main())
"""


def killed_writer(path: Path) -> int:
    """Let a process write, kill it, and return the last order it called durable."""
    root = str(Path(__file__).parents[4])
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert child.stdout is not None
    said = 0
    try:
        while said < 1_200:
            said = int(child.stdout.readline())
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    rest = child.stdout.read().split()
    return int(rest[-1]) if rest else said


async def test_killed_process_loses_nothing_it_called_durable(path: Path) -> None:
    said = await asyncio.to_thread(killed_writer, path)
    ledger = await opened(path)
    assert len(ledger.open_orders()) >= said
    assert len(ledger.usage("vk-1").open) >= said
    await ledger.stop()


async def test_amounts_beyond_64_bits_are_kept(path: Path) -> None:
    ledger = await opened(path)
    for _ in range(3):
        ledger.fold("vk-1", Filled(NOW_US, "x", "PEPEUSDT", "PEPE", "USDT", "BUY", 2**63 - 1, 2**63 - 1))
    await ledger.durable()
    usage = ledger.usage("vk-1")
    await ledger.stop()
    again = await opened(path)
    assert again.usage("vk-1") == usage
    assert usage.bought["PEPE"] == 3 * (2**63 - 1)
    await again.stop()


async def test_full_disk_refuses_and_recovers(path: Path) -> None:
    file = LedgerFile(path)
    ledger = await opened(path, open_file=lambda _path: file)
    await asyncio.sleep(0.05)
    assert file._writer is not None
    pages = file._writer.execute("PRAGMA page_count").fetchone()[0]
    file._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StorageError, match="full"):
        await placed_one_by_one(ledger, 2_000)
    stood = len(ledger.open_orders())
    await recovered(ledger)  # a new connection knows no such bound
    await ledger.stop()
    again = await opened(path)
    assert len(again.open_orders()) == stood
    await again.stop()


async def test_file_that_cannot_be_read_any_more_hides_older_orders(path: Path) -> None:
    ledger = await opened(path)
    ledger.put_order(order(1, order_id=1, list_id=1, closed=True))
    await ledger.stop()
    file = LedgerFile(path)
    ledger = await opened(path, open_file=lambda _path: file)
    await asyncio.sleep(0.05)
    file.close()
    assert ledger.order("cred", "BTCUSDT", "o1") is None
    assert ledger.order_by_id("cred", "BTCUSDT", 1) is None
    assert not ledger.orders_of_list("cred", "BTCUSDT", 1)
    await ledger.stop()
