"""The home: private modes, one holder, who that is, and atomic files."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from watchword.adapters.home import Home
from watchword.kernel.errors import ConfigurationError, HomeBusyError, StorageError
from watchword.storage.private_files import write_atomically


def test_new_home_is_private(tmp_path: Path) -> None:
    os.umask(0o022)
    home = Home.acquire(tmp_path / "a" / "home", "test")
    home.write_run({"rest": "http://x"})
    for path in (home.path, *home.path.rglob("*")):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    assert json.loads((home.path / "run.json").read_text()) == {
        "testnet": {"rest": "http://x"},
        "pid": os.getpid(),
    }
    home.release()
    assert not (home.path / "run.json").exists()


def test_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    home = Home.acquire(tmp_path, "watchword testnet serve")
    with pytest.raises(HomeBusyError, match=rf"held by process {os.getpid()} \(watchword testnet serve\)"):
        Home.acquire(tmp_path, "another")
    home.release()
    Home.acquire(tmp_path, "another").release()


def test_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from watchword.adapters.home import Home\n"
    code += "Home.acquire(Path(sys.argv[1]), 'child'); print('held', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(HomeBusyError, match=f"process {child.pid}"):
        Home.acquire(tmp_path, "second")
    child.kill()
    child.communicate()
    Home.acquire(tmp_path, "second").release()


def test_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot use"):
        Home.acquire(tmp_path / "file", "test")


def test_atomic_write_replaces_or_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, b"one")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"


def test_home_open_to_everyone_is_refused_with_the_command_that_closes_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        Home.acquire(home, "test")
    assert list(home.iterdir()) == []


def test_lock_that_is_a_link_is_refused_and_its_target_untouched(tmp_path: Path) -> None:
    victim, home = tmp_path / "victim", tmp_path / "home"
    victim.write_text("precious")
    home.mkdir(0o700)
    (home / "lock").symlink_to(victim)
    with pytest.raises(ConfigurationError):
        Home.acquire(home, "test")
    assert victim.read_text() == "precious"
