"""Snapshot files: whole or refused, by name and sequence; two are kept; a full disk harms nothing."""

from pathlib import Path

import pytest

from watchword.adapters import snapshot_files
from watchword.adapters.snapshot_files import SnapshotFiles, SnapshotHead
from watchword.exchange.journal import Position
from watchword.kernel.errors import CorruptStoreError, StorageError


def head(sequence: int) -> SnapshotHead:
    return SnapshotHead(Position(sequence, 5, b"c" * 16, 9), 7, True, b"h" * 32)


def test_snapshot_reads_back_whole(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path)
    assert files.latest() is None
    path = files.write(head(12), b"body" * 1000)
    assert path.stat().st_mode & 0o777 == 0o600
    snapshot = files.latest()
    assert snapshot is not None
    assert (snapshot.head, snapshot.body) == (head(12), b"body" * 1000)


def test_newest_two_are_kept(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path)
    for sequence in (5, 900, 20, 10_000):
        files.write(head(sequence), b"x")
    assert files.sequences() == [900, 10_000]
    assert len(list(tmp_path.iterdir())) == 2


def test_every_flipped_byte_is_refused_naming_file_and_sequence(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path)
    path = files.write(head(12), b"body")
    whole = path.read_bytes()
    for offset in range(len(whole)):
        damaged = bytearray(whole)
        damaged[offset] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(CorruptStoreError, match=rf"{path} of sequence 12"):
            files.latest()


def test_every_torn_length_is_refused(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path)
    path = files.write(head(12), b"body")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptStoreError, match="sequence 12"):
            files.latest()


def test_snapshot_under_another_name_is_refused(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path)
    path = files.write(head(12), b"body")
    path.rename(tmp_path / f"{13:020d}.snapshot")
    with pytest.raises(CorruptStoreError, match="is of sequence 12, not 13"):
        files.latest()


def test_full_disk_leaves_the_snapshot_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = SnapshotFiles(tmp_path)
    files.write(head(12), b"body")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot_files.os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*0013\.snapshot: No space left"):
        files.write(head(13), b"body")
    assert [path.name for path in tmp_path.iterdir()] == [f"{12:020d}.snapshot"]
    latest = files.latest()
    assert latest is not None
    assert latest.head == head(12)


def test_half_written_snapshot_of_a_killed_process_is_ignored(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path)
    files.write(head(12), b"body")
    half = tmp_path / f"{13:020d}.4711.partial"
    half.write_bytes(b"WWS1 half")
    latest = files.latest()
    assert latest is not None
    assert latest.head.position.sequence == 12
    files.write(head(14), b"body")
    assert not half.exists()
