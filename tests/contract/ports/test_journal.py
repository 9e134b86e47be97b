"""One suite for everything that calls itself a journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.simulated_disk import SimulatedDisk

from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.adapters.memory.journal import MemoryJournal
from watchword.exchange.journal import Journal


@pytest.fixture(params=["memory", "sqlite", "simulated"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "sqlite":
        store = SqliteJournal(tmp_path / "journal.db")
        yield store
        store.close()
    else:
        yield MemoryJournal() if request.param == "memory" else SimulatedDisk()


def test_new_journal_is_empty(journal: Journal) -> None:
    assert list(journal.records(0)) == []
    assert journal.acknowledged_sequence() == 0
    assert journal.place_name()


def test_records_come_back_in_order_and_whole(journal: Journal) -> None:
    rows = [(1, 1, b"a"), (2, 3, bytes(range(256)) * 100), (5, 2, b"\x00"), (7, 1, b"z" * 70_000)]
    for row in rows:
        journal.append(*row)
    assert list(journal.records(0)) == [(first, record) for first, _, record in rows]


def test_records_after_a_sequence_begin_with_the_next(journal: Journal) -> None:
    for first in range(1, 1001, 2):
        journal.append(first, 2, b"%d" % first)
    assert [first for first, _ in journal.records(100)] == list(range(101, 1001, 2))
    assert list(journal.records(1000)) == []


def test_acknowledged_sequence_is_the_last_one_appended(journal: Journal) -> None:
    journal.append(1, 5, b"a")
    assert journal.acknowledged_sequence() == 5
    journal.append(6, 1, b"b")
    assert journal.acknowledged_sequence() == 6
