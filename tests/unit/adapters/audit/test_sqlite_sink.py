"""The SQLite sink under damage: whatever is done to its files, rows are whole, or named as not whole."""

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.support.trails import TRAIL_KEY, resealed, small_trail

from watchword.adapters.audit.reserve import SpaceReserve
from watchword.adapters.audit.sqlite_sink import STRAINED, SqliteReader, SqliteSink
from watchword.adapters.audit.trail_files import open_reader
from watchword.audit.chain import Head
from watchword.audit.verify import Report, verify
from watchword.kernel.errors import CorruptStoreError, HomeBusyError, StorageError

RESERVE = 64 * 1024


def filled(path: Path, *, batch: int = 3) -> SqliteSink:
    sink, rows = SqliteSink(path, RESERVE), small_trail()
    for at in range(0, len(rows), batch):
        sink.append(rows[at : at + batch])
    sink.note_stored()
    return sink


def proved(path: Path) -> Report | str:
    """What `watchword audit verify` finds, or why it cannot."""
    try:
        with contextlib.closing(SqliteReader(path)) as reader:
            mark = reader.acknowledged()
            return verify(reader.lines_after(0), TRAIL_KEY.public.verifier(), [mark] if mark else [])
    except StorageError as error:
        return str(error)


def killed_copy(path: Path, to: Path) -> Path:
    """The files as a killed process leaves them."""
    to.mkdir()
    for file in path.parent.glob("audit.*"):
        if not file.name.endswith(("-shm", ".lock", ".reserve")):
            shutil.copy(file, to / file.name)
    return to / path.name


def change(path: Path, statement: str, *arguments: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, arguments)
    connection.commit()
    connection.close()


def test_files_are_private_and_writes_are_synced(tmp_path: Path) -> None:
    sink = filled(tmp_path / "audit.db")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert sink._connection is not None
    assert sink._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert sink._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    sink.close()


def test_killed_process_leaves_everything_appended(tmp_path: Path) -> None:
    sink = filled(tmp_path / "audit.db")
    report = proved(killed_copy(sink.path, tmp_path / "copy"))
    assert isinstance(report, Report)
    assert report.good
    assert report.rows == 12
    sink.close()


def test_second_writer_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    sink = filled(tmp_path / "audit.db")
    with pytest.raises(HomeBusyError):
        SqliteSink(tmp_path / "audit.db", RESERVE)
    with contextlib.closing(open_reader(tmp_path / "audit.db")) as reader:
        assert list(reader.lines_back()) == [row.line for row in reversed(small_trail())]
        assert reader.acknowledged() == Head(12, small_trail()[-1].digest)
        assert reader.place_name() == str(sink.path) == sink.place_name()
    sink.close()


@pytest.mark.parametrize("folded", [True, False], ids=["in the file", "in the log"])
def test_flipped_bit_anywhere_is_named_or_harmless(tmp_path: Path, *, folded: bool) -> None:
    sink = filled(tmp_path / "audit.db")
    if folded:
        sink.close()
    whole = killed_copy(sink.path, tmp_path / "whole")
    target = whole if folded else whole.with_name("audit.db-wal")
    dice = random.Random(5)
    size, named = target.stat().st_size, 0
    for offset in sorted({*range(100), *(dice.randrange(size) for _ in range(250))}):
        shutil.rmtree(tmp_path / "damaged", ignore_errors=True)
        damaged = shutil.copytree(whole.parent, tmp_path / "damaged") / target.name
        content = bytearray(damaged.read_bytes())
        content[offset] ^= 1 << dice.randrange(8)
        damaged.write_bytes(content)
        report = proved(tmp_path / "damaged" / "audit.db")
        if isinstance(report, Report) and report.good:
            assert report.rows == 12
            assert report.head == small_trail()[-1].head
        else:
            named += 1
    assert named > 100, "the damage hit nothing; this test proves nothing"
    sink.close()


def test_cut_log_is_named_and_not_gone_on_with(tmp_path: Path) -> None:
    """SQLite alone would open it without a word, with the last rows gone."""
    sink = filled(tmp_path / "audit.db")
    copy = killed_copy(sink.path, tmp_path / "copy")
    log = copy.with_name("audit.db-wal")
    with log.open("r+b") as file:
        file.truncate(int(log.stat().st_size * 0.7))
    report = proved(copy)
    assert isinstance(report, Report)
    assert report.findings[0].kind == "cut"
    with (
        contextlib.closing(SqliteSink(copy, RESERVE)) as opened,
        pytest.raises(CorruptStoreError, match="row 12 was stored"),
    ):
        opened.head()
    sink.close()


def test_vanished_trail_is_not_begun_anew(tmp_path: Path) -> None:
    filled(tmp_path / "audit.db").close()
    (tmp_path / "audit.db").unlink()
    with pytest.raises(CorruptStoreError, match=r"was not there, but audit\.mark says rows were stored"):
        SqliteSink(tmp_path / "audit.db", RESERVE)
    (tmp_path / "audit.db").touch()
    with pytest.raises(CorruptStoreError, match=r"is empty, but audit\.mark says"):
        SqliteSink(tmp_path / "audit.db", RESERVE)


def test_damaged_mark_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "audit.db").close()
    mark = tmp_path / "audit.mark"
    mark.write_bytes(mark.read_bytes().replace(b"mark", b"mork"))
    assert "is damaged; which rows were stored is unknown" in str(proved(tmp_path / "audit.db"))


def test_mark_follows_what_was_stored_and_never_leads(tmp_path: Path) -> None:
    sink, rows = filled(tmp_path / "audit.db"), small_trail()
    more = resealed(rows[2:3], rows[-1].head)
    sink.append(more)
    report = proved(killed_copy(sink.path, tmp_path / "between"))
    assert isinstance(report, Report)
    assert report.good
    with contextlib.closing(open_reader(sink.path)) as reader:
        assert reader.acknowledged() == Head(12, rows[-1].digest)
        sink.close()
        assert reader.acknowledged() == Head(13, more[-1].digest)


def test_missing_mark_is_no_fault(tmp_path: Path) -> None:
    filled(tmp_path / "audit.db").close()
    (tmp_path / "audit.mark").unlink()
    report = proved(tmp_path / "audit.db")
    assert isinstance(report, Report)
    assert report.good


def test_deleted_record_and_swapped_records_are_named(tmp_path: Path) -> None:
    filled(tmp_path / "audit.db").close()
    change(tmp_path / "audit.db", "UPDATE record SET first = 40 WHERE first = 4")
    change(tmp_path / "audit.db", "UPDATE record SET first = 4 WHERE first = 7")
    change(tmp_path / "audit.db", "UPDATE record SET first = 7 WHERE first = 40")
    report = proved(tmp_path / "audit.db")
    assert isinstance(report, Report)
    assert [(one.row, one.kind) for one in report.findings] == [(4, "moved"), (5, "moved"), (6, "moved")]
    change(tmp_path / "audit.db", "DELETE FROM record WHERE first = 7")
    report = proved(tmp_path / "audit.db")
    assert isinstance(report, Report)
    assert [(one.row, one.kind) for one in report.findings] == [(4, "missing")]


def test_last_row_altered_is_not_gone_on_with(tmp_path: Path) -> None:
    filled(tmp_path / "audit.db").close()
    change(
        tmp_path / "audit.db",
        "UPDATE record SET bytes = substr(bytes, 1, length(bytes) - 9) WHERE first = 10",
    )
    with (
        contextlib.closing(SqliteSink(tmp_path / "audit.db", RESERVE)) as sink,
        pytest.raises(CorruptStoreError),
    ):
        sink.head()


def test_empty_record_is_named(tmp_path: Path) -> None:
    filled(tmp_path / "audit.db").close()
    change(tmp_path / "audit.db", "UPDATE record SET bytes = x'' WHERE first = 4")
    report = proved(tmp_path / "audit.db")
    assert isinstance(report, Report)
    assert [finding.text for finding in report.findings] == ["rows 4 to 6 are missing"]


def test_other_files_are_not_taken_for_a_trail(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    path.write_bytes(b"this is no database, but long enough to look at" * 50)
    with pytest.raises(CorruptStoreError, match=str(path)):
        SqliteSink(path, RESERVE)
    path.unlink()
    change(path, "CREATE TABLE something (x)")
    with pytest.raises(CorruptStoreError, match="not an audit trail of version 1"):
        SqliteSink(path, RESERVE)
    with pytest.raises(StorageError, match="cannot open"):
        SqliteSink(tmp_path / "nowhere" / "audit.db", RESERVE)
    with pytest.raises(StorageError, match="cannot read"):
        open_reader(tmp_path / "nothing.db")
    with pytest.raises(StorageError, match="unable to open"):
        SqliteReader(tmp_path / "nothing.db")


def limit_pages(sink: SqliteSink, more: int) -> None:
    """Let the database grow by so many pages and no further: SQLite says what it says on a full disk."""
    assert sink._connection is not None
    pages = sink._connection.execute("PRAGMA page_count").fetchone()[0]
    sink._connection.execute(f"PRAGMA max_page_count = {pages + more}")


class FreedByReserve(SpaceReserve):
    """A reserve whose release really makes room in the limited database."""

    def __init__(self, path: Path, sink: SqliteSink) -> None:
        super().__init__(path, RESERVE)
        self.sink = sink
        self.full = False

    def hold(self) -> bool:
        return not self.full

    def release(self) -> bool:
        if self.full:
            return False
        self.full = True
        limit_pages(self.sink, 100)
        return True


def test_full_disk_gives_up_the_reserve_for_the_last_rows(tmp_path: Path) -> None:
    sink, rows = SqliteSink(tmp_path / "audit.db", RESERVE), small_trail()
    reserve = FreedByReserve(tmp_path / "audit.reserve", sink)
    sink._reserve = reserve
    sink.append(rows[:2])
    limit_pages(sink, 0)
    assert sink.strained() is None
    for row in rows[2:]:
        sink.append([row])
    assert sink.strained() == STRAINED
    assert list(sink.lines_after(0)) == [row.line for row in rows]
    reserve.full = False
    assert sink.strained() is None, "space is back, and reserved again"
    sink.close()


def test_full_disk_without_reserve_fails_and_keeps_the_rest(tmp_path: Path) -> None:
    sink, rows = SqliteSink(tmp_path / "audit.db", RESERVE), small_trail()
    sink.append(rows[:2])
    limit_pages(sink, 0)
    (tmp_path / "audit.reserve").unlink()
    with pytest.raises(StorageError, match=r"audit\.db at row 3: database or disk is full"):
        sink.append(rows[2:])
    sink.close()
    with contextlib.closing(SqliteReader(tmp_path / "audit.db")) as reader:
        assert list(reader.lines_after(0)) == [row.line for row in rows[:2]]


def test_full_disk_that_stays_full_fails(tmp_path: Path) -> None:
    sink, rows = SqliteSink(tmp_path / "audit.db", RESERVE), small_trail()
    sink.append(rows[:2])
    limit_pages(sink, 0)
    with pytest.raises(StorageError, match="disk is full"):
        sink.append(rows[2:])
    assert not (tmp_path / "audit.reserve").exists(), "it was given up, and did not help"
    sink.close()


def test_closed_sink_takes_nothing(tmp_path: Path) -> None:
    sink = filled(tmp_path / "audit.db")
    sink.close()
    with pytest.raises(StorageError, match="closed"):
        sink.append(small_trail())


def test_reserve_takes_real_blocks_and_gives_them_back(tmp_path: Path) -> None:
    reserve = SpaceReserve(tmp_path / "reserve", 256 * 1024)
    assert not reserve.release()
    assert reserve.hold()
    assert reserve.hold()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 256 * 1024
    assert reserve.release()
    assert not (tmp_path / "reserve").exists()
    assert not SpaceReserve(tmp_path / "nowhere" / "reserve", 4096).hold()


def test_reserve_that_does_not_fit_is_not_held(tmp_path: Path) -> None:
    assert not SpaceReserve(tmp_path / "reserve", 1 << 55).hold()
    assert not (tmp_path / "reserve").exists()
