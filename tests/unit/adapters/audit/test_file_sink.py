"""The file sink: torn ends, full disks, other people's files, and finding a row by halving."""

import contextlib
import errno
import os
from pathlib import Path

import pytest
from tests.support.trails import TRAIL_KEY, small_trail

from watchword.adapters.audit.file_sink import STRAINED, FileReader, FileSink
from watchword.adapters.audit.trail_files import open_reader
from watchword.audit.chain import Head, seal
from watchword.audit.verify import verify
from watchword.kernel.errors import CorruptStoreError, HomeBusyError, StorageError

LINES = [row.line for row in small_trail()]


def filled(path: Path, rows: int = 12) -> FileSink:
    sink = FileSink(path, 0)
    sink.append(small_trail()[:rows])
    return sink


def test_file_is_private_and_one_process_writes_it(tmp_path: Path) -> None:
    sink = filled(tmp_path / "t.log")
    assert (tmp_path / "t.log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(HomeBusyError):
        FileSink(tmp_path / "t.log", 0)
    sink.close()
    FileSink(tmp_path / "t.log", 0).close()


def test_every_cut_of_the_last_line_is_mended_and_the_rest_kept(tmp_path: Path) -> None:
    whole = b"".join(LINES[:3])
    for cut in range(len(LINES[2])):
        path = tmp_path / "t.log"
        path.write_bytes(whole[: len(whole) - len(LINES[2]) + cut])
        with contextlib.closing(FileSink(path, 0)) as sink:
            assert sink.head() == small_trail()[1].head
            sink.append(small_trail()[2:])
        assert path.read_bytes() == b"".join(LINES)


def test_torn_first_line_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "t.log"
    path.write_bytes(LINES[0][:50])
    with contextlib.closing(FileSink(path, 0)) as sink:
        assert sink.head() == Head()
    path.write_bytes(b"1")
    with contextlib.closing(FileSink(path, 0)) as sink:
        assert sink.head() == Head()


@pytest.mark.parametrize("content", [b"my notes", b"my notes\nmore", b"\n", b"12 eggs", b"2"])
def test_other_peoples_file_is_refused_and_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError, match=r"cannot use .*it is another file"):
        FileSink(path, 0)
    assert path.read_bytes() == content


def test_altered_end_is_not_gone_on_with_and_stays_as_evidence(tmp_path: Path) -> None:
    path = tmp_path / "t.log"
    path.write_bytes(b"".join(LINES).replace(b"trail:closed", b"trail:closet"))
    path.write_bytes(path.read_bytes()[: -len(LINES[-1])])
    before = path.read_bytes()
    with contextlib.closing(FileSink(path, 0)) as sink, pytest.raises(CorruptStoreError, match="altered"):
        sink.head()
    assert path.read_bytes() == before


def test_reader_finds_every_row_and_reads_backwards(tmp_path: Path) -> None:
    head, rows = Head(), []
    for number in range(700):
        rows.append(seal(b'{"n":"%s"}' % (b"x" * (number * 7 % 400)), head, number))
        head = rows[-1].head
    path = tmp_path / "t.log"
    path.write_bytes(b"".join(row.line for row in rows))
    with contextlib.closing(open_reader(path)) as reader:
        assert isinstance(reader, FileReader)
        for after in [*range(20), 333, 698, 699, 700, 5_000]:
            assert list(reader.lines_after(after)) == [row.line for row in rows[after:]]
        assert list(reader.lines_back()) == [row.line for row in reversed(rows)]
        assert reader.acknowledged() is None
        assert reader.head() == head
        assert reader.place_name() == str(path)


def test_reader_gives_a_damaged_file_whole_for_verify_to_judge(tmp_path: Path) -> None:
    path = tmp_path / "t.log"
    path.write_bytes(b"".join([*LINES[:4], b"garbage\n", *LINES[5:], b"torn"]))
    with contextlib.closing(FileReader(path)) as reader:
        report = verify(reader.lines_after(0), TRAIL_KEY.public.verifier())
        assert [finding.row for finding in report.findings] == [5, 13]
        assert next(reader.lines_after(6)) in LINES
        assert next(reader.lines_back()) == b"torn\n"


def test_empty_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "t.log").touch()
    with contextlib.closing(FileReader(tmp_path / "t.log")) as reader:
        assert list(reader.lines_back()) == []
        assert list(reader.lines_after(0)) == []
        assert list(reader.lines_after(7)) == []
    with pytest.raises(StorageError, match="cannot read"):
        FileReader(tmp_path / "nothing")
    with pytest.raises(StorageError, match="cannot open"):
        FileSink(tmp_path / "nowhere" / "t.log")
    with pytest.raises(StorageError, match="cannot open"):
        FileSink(tmp_path)


def test_folder_cannot_be_read_as_a_trail(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        open_reader(tmp_path)


class Disk:
    """Stands in for `os.pwrite`: full after so many bytes, and half a write comes first."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.real = os.pwrite

    def pwrite(self, descriptor: int, content: bytes, offset: int) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.real(descriptor, content[: min(self.room, 100)], offset)
        self.room -= written
        return written


def test_full_disk_gives_up_the_reserve_for_the_last_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = FileSink(tmp_path / "t.log", 64 * 1024)
    disk = Disk(700)
    monkeypatch.setattr("watchword.adapters.audit.file_sink.os.pwrite", disk.pwrite)
    release = sink._reserve.release

    def freed() -> bool:
        disk.room = 10_000_000
        return release()

    monkeypatch.setattr(sink._reserve, "release", freed)
    monkeypatch.setattr(sink._reserve, "hold", lambda: False)
    sink.append(small_trail()[:4])
    assert sink.strained() == STRAINED
    assert (tmp_path / "t.log").read_bytes() == b"".join(LINES[:4])
    monkeypatch.setattr(sink._reserve, "hold", lambda: True)
    assert sink.strained() is None
    sink.close()


def test_full_disk_leaves_no_half_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = filled(tmp_path / "t.log", 3)
    with monkeypatch.context() as patched:
        patched.setattr("watchword.adapters.audit.file_sink.os.pwrite", Disk(250).pwrite)
        with pytest.raises(StorageError, match=r"t\.log at row 4: No space left"):
            sink.append(small_trail()[3:])
    assert (tmp_path / "t.log").read_bytes() == b"".join(LINES[:3])
    sink.append(small_trail()[3:])
    assert list(sink.lines_after(0)) == LINES
    sink.close()
