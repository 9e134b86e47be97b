"""The console's folder: private, one holder, who that is."""

import json
import os
import stat
from pathlib import Path

import pytest

from watchword.adapters.console_home import ConsoleHome, console_folder, read_run, run_path
from watchword.kernel.errors import ConfigurationError, HomeBusyError, StorageError


def test_folder_is_private_and_run_file_comes_and_goes(tmp_path: Path) -> None:
    os.umask(0o022)
    home = ConsoleHome.acquire(tmp_path / "a" / "home", "test")
    assert read_run(home.path) == {}
    home.write_run({"console": {"manage": "http://x"}})
    for path in (console_folder(home.path), *console_folder(home.path).rglob("*")):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    assert read_run(home.path) == {"console": {"manage": "http://x"}, "pid": os.getpid()}
    home.release()
    home.release()
    assert not run_path(home.path).exists()


def test_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    first = ConsoleHome.acquire(tmp_path, "watchword console serve")
    with pytest.raises(HomeBusyError, match=rf"process {os.getpid()} \(watchword console serve\)"):
        ConsoleHome.acquire(tmp_path, "second")
    first.release()
    ConsoleHome.acquire(tmp_path, "second").release()


def test_holder_that_did_not_sign_yet_is_named_as_starting(tmp_path: Path) -> None:
    first = ConsoleHome.acquire(tmp_path, "first")
    (console_folder(tmp_path) / "lock").write_bytes(b"")
    with pytest.raises(HomeBusyError, match="just starting or stopping"):
        ConsoleHome.acquire(tmp_path, "second")
    first.release()


def test_lock_is_never_taken_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    console_folder(tmp_path).mkdir()
    (console_folder(tmp_path) / "lock").symlink_to(victim)
    with pytest.raises(ConfigurationError):
        ConsoleHome.acquire(tmp_path, "test")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_unreadable_run_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    console_folder(tmp_path).mkdir()
    run_path(tmp_path).write_bytes(content)
    assert read_run(tmp_path) == {}


def test_run_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ConsoleHome.acquire(tmp_path, "test")
    home.write_run({"console": 1})

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="No space"):
        home.write_run({"console": 2})
    assert json.loads(run_path(tmp_path).read_text())["console"] == 1
    assert [path.name for path in console_folder(tmp_path).iterdir() if path.name.startswith(".")] == []
    home.release()
