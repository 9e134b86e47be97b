"""The SQLite journal under damage: whatever is done to its files, it refuses or gives back exactly what was stored."""

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.support.order_flow import OrderFlow, opening

from watchword.adapters.journal_sqlite import SqliteJournal, SyncMark
from watchword.bootstrap.recovery import check_complete
from watchword.exchange.commands import AnyCommand
from watchword.exchange.journal import Position, encode_record
from watchword.exchange.recovery import replay
from watchword.kernel.errors import CorruptStoreError, StorageError

BATCHES = 12


class Recorder:
    """A venue that only remembers what it was given."""

    def __init__(self) -> None:
        self.commands: list[AnyCommand] = []

    def apply(self, command: AnyCommand) -> list[object]:
        self.commands.append(command)
        return []


def fill(journal: SqliteJournal, batches: int = BATCHES) -> list[AnyCommand]:
    """Append batches of commands; every outcome is written as 0 events."""
    flow, checksum, sequence, everything = OrderFlow(random.Random(3)), Position().checksum, 0, []
    outcome = 0
    for batch in range(batches):
        commands: list[AnyCommand] = []
        for _ in range(1 + batch % 3):
            sequence += 1
            commands.append(
                opening() if sequence == 1 else flow.draw()(sequence, opening().now_us + sequence)
            )
        record, checksum = encode_record(commands, checksum, 0, outcome)
        journal.append(commands[0].sequence, len(commands), record)
        everything += commands
    return everything


def read_all(path: Path) -> list[AnyCommand]:
    """What a start reads, or a refusal."""
    journal = SqliteJournal(path)
    try:
        recorder = Recorder()
        position = replay(recorder, journal.records(0), journal.place_name(), Position())  # type: ignore[arg-type]
        check_complete(journal, position)
    finally:
        with contextlib.suppress(StorageError):
            journal.close()
    return recorder.commands


def read_or_refusal(path: Path) -> list[AnyCommand] | str:
    try:
        return read_all(path)
    except StorageError as error:
        return str(error)


def killed_copy(journal: SqliteJournal, to: Path) -> Path:
    """The files as a killed process leaves them: log not folded back."""
    to.mkdir()
    for file in journal.path.parent.glob("journal.*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, to / file.name)
    return to / "journal.db"


def test_files_are_private(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert set(modes) == {"journal.db", "journal.db-wal", "journal.db-shm", "journal.mark"}
    assert set(modes.values()) == {0o600}
    journal.close()


def test_killed_process_leaves_everything_appended(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    commands = fill(journal)
    assert read_all(killed_copy(journal, tmp_path / "copy")) == commands
    journal.close()


def test_synchronous_full_and_write_ahead_log(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    pragmas = {
        name: journal._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("synchronous", "journal_mode")
    }
    assert pragmas == {"synchronous": 2, "journal_mode": "wal"}
    journal.close()


@pytest.mark.parametrize("folded", [True, False], ids=["in the file", "in the log"])
def test_flipped_byte_anywhere_is_refused_or_harmless(tmp_path: Path, *, folded: bool) -> None:
    """Never silently fewer or other commands than were acknowledged."""
    journal = SqliteJournal(tmp_path / "journal.db")
    commands = fill(journal)
    if folded:
        journal.close()
    whole = killed_copy(journal, tmp_path / "whole")
    target = whole if folded else whole.with_name("journal.db-wal")
    size, dice = target.stat().st_size, random.Random(1)
    refused = 0
    for offset in {*range(64), *(dice.randrange(size) for _ in range(250))}:
        shutil.rmtree(tmp_path / "damaged", ignore_errors=True)
        damaged = shutil.copytree(whole.parent, tmp_path / "damaged") / target.name
        with damaged.open("r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ (1 << dice.randrange(8))]))
        found = read_or_refusal(tmp_path / "damaged" / "journal.db")
        assert found == commands or (isinstance(found, str) and "journal.db" in found)
        refused += isinstance(found, str)
    assert refused > 50, "the damage hit nothing; this test proves nothing"
    if not folded:
        journal.close()


def test_flipped_byte_in_a_record_names_file_and_sequence(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal)
    journal.close()
    connection = sqlite3.connect(journal.path)
    first, raw = connection.execute(
        "SELECT first, bytes FROM record ORDER BY first LIMIT 1 OFFSET 5"
    ).fetchone()
    connection.execute(
        "UPDATE record SET bytes = ? WHERE first = ?", (raw[:80] + bytes([raw[80] ^ 1]) + raw[81:], first)
    )
    connection.commit()
    connection.close()
    with pytest.raises(
        CorruptStoreError, match=rf"{journal.path}: record at sequence {first} does not match"
    ):
        read_all(journal.path)


def test_torn_record_is_refused_naming_its_sequence(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal)
    journal.close()
    connection = sqlite3.connect(journal.path)
    first = connection.execute("SELECT max(first) FROM record").fetchone()[0]
    connection.execute("UPDATE record SET bytes = substr(bytes, 1, 60) WHERE first = ?", (first,))
    connection.commit()
    connection.close()
    with pytest.raises(CorruptStoreError, match=f"record at sequence {first} is torn"):
        read_all(journal.path)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_cut_log_is_refused_naming_what_is_missing(tmp_path: Path, keep: float) -> None:
    """SQLite alone would open it without a word, with the acknowledged tail gone."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal)
    copy = killed_copy(journal, tmp_path / "copy")
    log = copy.with_name("journal.db-wal")
    with log.open("r+b") as file:
        file.truncate(int(log.stat().st_size * keep))
    with pytest.raises(CorruptStoreError, match=r"journal\.db"):
        read_all(copy)
    journal.close()


def test_torn_tail_of_an_unsynced_write_is_dropped(tmp_path: Path) -> None:
    """What was never acknowledged may vanish: the power failed in the middle of its write."""
    journal = SqliteJournal(tmp_path / "journal.db")
    commands = fill(journal)
    before = journal.path.with_name("journal.db-wal").stat().st_size
    mark = journal.path.with_suffix(".mark").read_bytes()
    record, _ = encode_record([opening(commands[-1].sequence + 1)], Position().checksum, 0, 0)
    journal.append(commands[-1].sequence + 1, 1, record)
    copy = killed_copy(journal, tmp_path / "copy")
    copy.with_suffix(".mark").write_bytes(mark)
    with copy.with_name("journal.db-wal").open("r+b") as file:
        file.truncate(before + 100)
    assert read_all(copy) == commands
    journal.close()


def test_full_disk_stops_the_append_and_keeps_the_rest(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    commands = fill(journal)
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    acknowledged = journal.acknowledged_sequence()
    with pytest.raises(StorageError, match=r"journal\.db at sequence 999: database or disk is full"):
        journal.append(999, 1, b"x" * 100_000)
    assert journal.acknowledged_sequence() == acknowledged
    journal.close()
    assert read_all(journal.path) == commands


def test_other_files_are_not_taken_for_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database, but long enough to look at" * 50)
    with pytest.raises(CorruptStoreError, match=str(path)):
        SqliteJournal(path)
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE something (x)")
    connection.close()
    with pytest.raises(CorruptStoreError, match="not a journal of version 1"):
        SqliteJournal(path)


def test_journal_that_vanished_is_not_begun_anew(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal)
    journal.close()
    journal.path.unlink()
    with pytest.raises(CorruptStoreError, match=r"sequences up to \d+ were acknowledged"):
        read_all(journal.path)


def test_second_process_can_read_along(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    commands = fill(journal)
    reader = SqliteJournal(journal.path, read_only=True)
    assert sum(1 for _ in reader.records(0)) == BATCHES
    fill_more, _ = encode_record([opening(commands[-1].sequence + 1)], Position().checksum, 0, 0)
    journal.append(commands[-1].sequence + 1, 1, fill_more)
    assert sum(1 for _ in reader.records(0)) == BATCHES + 1
    with pytest.raises(StorageError):
        reader.append(999, 1, b"x")
    reader.close()
    journal.close()


def test_mark_takes_the_higher_valid_slot_and_refuses_two_damaged_ones(tmp_path: Path) -> None:
    path = tmp_path / "journal.mark"
    mark = SyncMark(path)
    assert mark.get() == 0
    mark.set(41)
    mark.set(42)
    assert mark.get() == 42
    content = bytearray(path.read_bytes())
    for slot in (0, 64):
        torn = bytearray(content)
        torn[slot + 5] ^= 1
        path.write_bytes(torn)
        assert SyncMark(path).get() in {41, 42}
    content[5] ^= 1
    content[69] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError, match=r"journal\.mark is damaged"):
        SyncMark(path).get()
    mark.close()


def test_refused_journal_is_left_as_it_is(tmp_path: Path) -> None:
    """What was found damaged stays as evidence, and is refused again."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal)
    journal.close()
    connection = sqlite3.connect(journal.path)
    connection.execute(
        "DELETE FROM record WHERE first = (SELECT first FROM record ORDER BY first LIMIT 1 OFFSET 4)"
    )
    connection.commit()
    connection.close()
    before = journal.path.read_bytes()
    for _ in range(2):
        with pytest.raises(CorruptStoreError, match="are missing"):
            read_all(journal.path)
    assert journal.path.read_bytes() == before
