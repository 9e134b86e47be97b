"""A held folder: one holder, who it is, what it announces, and that both end with it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from watchword.kernel.errors import ConfigurationError, HomeBusyError
from watchword.storage.held_folder import HeldFolder, read_run, run_path

BUSY = "taken by {holder}"


def test_second_holder_is_told_who_is_first(tmp_path: Path) -> None:
    held = HeldFolder.acquire(tmp_path, "the first", BUSY)
    with pytest.raises(HomeBusyError, match=rf"taken by process {os.getpid()} \(the first\)"):
        HeldFolder.acquire(tmp_path, "the second", BUSY)
    held.release()
    HeldFolder.acquire(tmp_path, "the second", BUSY).release()


def test_dead_holder_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from watchword.storage.held_folder import HeldFolder\n"
        "HeldFolder.acquire(Path(sys.argv[1]), 'it', 'busy').announce({'it': 1}); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 9
    assert read_run(tmp_path)["it"] == 1
    HeldFolder.acquire(tmp_path, "heir", BUSY).release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x", "role": 1}', b"\xff" * 9000])
def test_lock_nobody_can_read_still_holds(tmp_path: Path, content: bytes) -> None:
    held = HeldFolder.acquire(tmp_path, "it", BUSY)
    (tmp_path / "lock").write_bytes(content)
    with pytest.raises(HomeBusyError, match="another process that is just starting or stopping"):
        HeldFolder.acquire(tmp_path, "other", BUSY)
    held.release()


def test_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"kept")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(ConfigurationError, match="cannot use"):
        HeldFolder.acquire(tmp_path, "it", BUSY)
    assert (tmp_path / "precious").read_bytes() == b"kept"


def test_announcement_is_private_and_ends_with_the_holder(tmp_path: Path) -> None:
    held = HeldFolder.acquire(tmp_path, "it", BUSY)
    assert read_run(tmp_path) == {}
    held.announce({"gateway": {"rest": "http://127.0.0.1:1"}})
    assert stat.S_IMODE(run_path(tmp_path).stat().st_mode) == 0o600
    assert read_run(tmp_path) == {"gateway": {"rest": "http://127.0.0.1:1"}, "pid": os.getpid()}
    held.release()
    held.release()
    assert read_run(tmp_path) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", json.dumps({"a": "x" * 70_000}).encode()])
def test_announcement_that_is_none_is_empty(tmp_path: Path, content: bytes) -> None:
    run_path(tmp_path).write_bytes(content)
    assert read_run(tmp_path) == {}
