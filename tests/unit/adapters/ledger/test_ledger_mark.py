"""How far what a ledger has written reaches: never farther than what is in it, and it says when it cannot write."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.adapters.ledger.test_sqlite_ledger import (
    QUICK,
    BreakableFile,
    damage,
    filled,
    opened,
    order,
    recovered,
)

from watchword.adapters.ledger.ledger_file import LedgerFile
from watchword.adapters.ledger.sqlite_ledger import Pace, SqliteLedger
from watchword.gateway.ledger_records import Mark, decode_changes
from watchword.gateway.ledger_state import LedgerState
from watchword.kernel.errors import CorruptStoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def mark_on_disk(path: Path) -> Mark:
    file = LedgerFile(path)
    file.load(LedgerState())
    file.close()
    return file.mark


@pytest.mark.parametrize("orderly", [True, False])
async def test_every_write_says_how_far_it_reaches(path: Path, orderly: bool) -> None:
    ledger, row = SqliteLedger(path, QUICK), 7
    assert ledger.mark == Mark()
    await ledger.start("trail-1", lambda: row)
    assert mark_on_disk(path) == Mark("trail-1", 7, 0)
    assert ledger.next_reservation() == 1
    ledger.put_order(order(1))
    row = 9
    await ledger.durable()
    assert mark_on_disk(path) == Mark("trail-1", 9, 1)
    assert ledger.next_reservation() == 2
    ledger.put_order(order(2))
    if orderly:
        row = 10
        await ledger.stop()
        assert mark_on_disk(path) == Mark("trail-1", 10, 2)
    again = SqliteLedger(path, QUICK)
    assert again.next_reservation() == again.mark.number + 1
    again.number_after(40)
    assert again.next_reservation() == 41
    await again.stop()
    await ledger.stop()


async def test_mark_is_as_of_when_the_batch_was_taken_not_when_it_was_stored(path: Path) -> None:
    file, row = BreakableFile(path), 1
    file.hang = threading.Event()
    ledger = SqliteLedger(path, Pace(write_ms=5_000, idle_ms=5), open_file=lambda _path: file)
    await ledger.start("trail-1", lambda: row)
    file.hung = True
    ledger.next_reservation()
    ledger.put_order(order(1))
    waiting = ledger.durable()
    await asyncio.sleep(0.05)
    # While the batch is being written another order is reserved, and recorded.
    ledger.next_reservation()
    ledger.put_order(order(2))
    row = 2
    file.hung = False
    file.hang.set()
    await waiting
    await ledger.durable()
    with closing(sqlite3.connect(path)) as database:
        batches = [stored for (stored,) in database.execute("SELECT bytes FROM log ORDER BY number")]
    marks = [one for batch in batches for one in decode_changes(batch, "") if isinstance(one, Mark)]
    assert marks == [Mark("trail-1", 1, 1), Mark("trail-1", 2, 2)]
    await ledger.stop()


async def test_changes_nobody_waits_for_are_written_soon(path: Path) -> None:
    ledger = await opened(path)
    ledger.next_reservation()
    ledger.put_order(order(1))
    async with asyncio.timeout(5):
        while mark_on_disk(path).number < 1:  # noqa: ASYNC110 - it tells nobody when
            await asyncio.sleep(0.01)
    await ledger.stop()


async def test_rows_that_change_nothing_here_are_marked_too(path: Path) -> None:
    ledger, row = SqliteLedger(path, Pace(idle_ms=5, mark_ms=20)), 1
    await ledger.start("trail-1", lambda: row)
    row = 5_000
    async with asyncio.timeout(5):
        while mark_on_disk(path).row < 5_000:  # noqa: ASYNC110 - it tells nobody when
            await asyncio.sleep(0.01)
    with closing(sqlite3.connect(path)) as database:
        written = database.execute("SELECT count(*) FROM log").fetchone()[0]
    await asyncio.sleep(0.1)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM log").fetchone()[0] == written, (
            "nothing new, nothing written"
        )
    await ledger.stop()


async def test_nothing_is_reserved_before_the_first_write(path: Path) -> None:
    """A crash would leave a ledger that does not say where to go on reading."""
    file = BreakableFile(path)
    file.broken = "disk full"
    ledger = SqliteLedger(path, QUICK, open_file=lambda _path: file)
    assert ledger.trouble() is not None
    await ledger.start("trail-1", lambda: 1)
    assert ledger.trouble() == "disk full"
    file.broken = ""
    await recovered(ledger)
    assert mark_on_disk(path) == Mark("trail-1", 1, 0)
    await ledger.stop()


async def test_write_that_hangs_is_trouble_within_the_bound(path: Path) -> None:
    file = BreakableFile(path)
    file.hang = threading.Event()
    ledger = await opened(path, open_file=lambda _path: file)
    assert ledger.trouble() is None
    file.hung = True
    ledger.put_order(order(1))
    await asyncio.sleep(0.05)
    assert ledger.trouble() is None
    await asyncio.sleep(0.3)
    assert "150 ms" in (ledger.trouble() or "")
    file.hung = False
    file.hang.set()
    await recovered(ledger)
    await ledger.stop()


async def test_file_from_before_there_were_marks_is_read(path: Path) -> None:
    await filled(path)
    damage(path, "DROP TABLE mark")
    ledger = await opened(path)
    assert len(ledger.open_orders()) == 2
    await ledger.stop()


async def test_flipped_bit_in_the_mark_is_refused_by_name(path: Path) -> None:
    ledger = await opened(path)
    await ledger.stop()
    with closing(sqlite3.connect(path)) as database:
        stored = bytearray(database.execute("SELECT bytes FROM mark").fetchone()[0])
    stored[-3] ^= 1
    damage(path, "UPDATE mark SET bytes = ?", bytes(stored))
    with pytest.raises(CorruptStoreError, match="mark"):
        SqliteLedger(path)
