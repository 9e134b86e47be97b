"""Private files: their mode from the first moment, whole or not there, never over another."""

import os
import stat
from pathlib import Path

import pytest

from watchword.kernel.errors import StorageError
from watchword.storage import private_files
from watchword.storage.private_files import create, make_folder, touch, write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def generous_umask() -> None:
    os.umask(0o000)


def test_folder_is_made_private_and_an_open_one_is_closed(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
    (tmp_path / "open").mkdir(mode=0o777)
    make_folder(tmp_path / "open")
    assert mode(tmp_path / "open") == 0o700


def test_touch_says_whether_there_was_anything(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    assert touch(path)
    assert mode(path) == 0o600
    assert touch(path)
    path.write_bytes(b"something")
    assert not touch(path)
    assert path.read_bytes() == b"something"


def test_create_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create(path, b"first")
    assert mode(path) == 0o600
    with pytest.raises(FileExistsError):
        create(path, b"second")
    assert path.read_bytes() == b"first"


def test_create_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create(tmp_path / "link", b"content")
    assert not (tmp_path / "elsewhere").exists()


def test_half_a_file_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files, "sync_folder", broken)
    with pytest.raises(OSError, match="No space"):
        create(tmp_path / "key", b"content")
    assert list(tmp_path.iterdir()) == []


def test_failed_replacement_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    assert mode(path) == 0o600

    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError, match=r"cannot write .*file: Input/output error"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
