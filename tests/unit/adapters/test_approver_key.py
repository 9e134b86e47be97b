"""The pinned approval key: written once, read only where nobody else could have written it."""

import errno
import os
from pathlib import Path

import pytest

from watchword.adapters.approver_key import KEY_BYTES_MAX, read_approver_key, write_approver_key
from watchword.kernel.errors import ConfigurationError, StorageError


def test_key_is_read_as_it_was_pinned_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "approver.pub"
    assert read_approver_key(path) is None
    write_approver_key(path, b"pem")
    assert read_approver_key(path) == b"pem"
    assert path.stat().st_mode & 0o777 == 0o600


def test_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "approver.pub"
    write_approver_key(path, b"first")
    with pytest.raises(StorageError):
        write_approver_key(path, b"second")
    assert read_approver_key(path) == b"first"


def test_key_that_could_not_be_written_leaves_nothing_and_can_be_pinned_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "approver.pub"

    def full_disk(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full_disk)
        with pytest.raises(StorageError, match="No space left"):
            write_approver_key(path, b"first")
    assert read_approver_key(path) is None
    write_approver_key(path, b"second")
    assert read_approver_key(path) == b"second"
    assert [one.name for one in tmp_path.iterdir()] == ["approver.pub"]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_key_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "approver.pub"
    write_approver_key(path, b"pem")
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="only its owner"):
        read_approver_key(path)


def test_link_or_folder_is_no_key(tmp_path: Path) -> None:
    write_approver_key(tmp_path / "real", b"pem")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder"):
        with pytest.raises(ConfigurationError):
            read_approver_key(tmp_path / name)
    with pytest.raises(StorageError):
        write_approver_key(tmp_path / "link", b"other")


def test_no_more_is_read_than_a_key_has(tmp_path: Path) -> None:
    path = tmp_path / "approver.pub"
    path.write_bytes(os.urandom(KEY_BYTES_MAX * 2))
    path.chmod(0o600)
    assert len(read_approver_key(path) or b"") == KEY_BYTES_MAX
