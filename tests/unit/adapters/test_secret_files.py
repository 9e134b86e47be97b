"""Blanking a secret in its file: the bytes are overwritten where they lay, then the file is replaced by a clean one."""

import os
from pathlib import Path

import pytest

from watchword.adapters import secret_files
from watchword.adapters.secret_files import blank, read_whole
from watchword.kernel.errors import ConfigurationError

BEFORE = b'{"key": "abc", "secret": "TOPSECRET"}\n'
AFTER = b'{"key": "abc", "secret": ""}\n'
AT = BEFORE.index(b"TOPSECRET")
PLACES = [(AT, AT + 9)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_bytes(BEFORE)
    path.chmod(0o640)
    return path


def test_blanked_file_keeps_the_rest_and_its_mode(file: Path) -> None:
    blank(file, BEFORE, PLACES, AFTER)
    assert file.read_bytes() == AFTER
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(file.parent.iterdir()) == [file]


def test_old_bytes_are_overwritten_in_place(file: Path, tmp_path: Path) -> None:
    """A hard link still sees the old inode: what lay there is gone from it too."""
    old = tmp_path / "old"
    os.link(file, old)
    blank(file, BEFORE, PLACES, AFTER)
    assert old.read_bytes() == BEFORE.replace(b"TOPSECRET", b"*********")


def test_link_is_followed_and_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    blank(link, BEFORE, PLACES, AFTER)
    assert link.is_symlink()
    assert file.read_bytes() == AFTER


def test_file_that_changed_meanwhile_is_left_alone(file: Path) -> None:
    file.write_bytes(BEFORE + b"x")
    with pytest.raises(ConfigurationError, match="changed"):
        blank(file, BEFORE, PLACES, AFTER)
    assert file.read_bytes() == BEFORE + b"x"


def test_failure_to_replace_leaves_asterisks_and_no_litter(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secret_files.os, "fchmod", fail)
    with pytest.raises(ConfigurationError, match="No space"):
        blank(file, BEFORE, PLACES, AFTER)
    assert file.read_bytes() == BEFORE.replace(b"TOPSECRET", b"*********")
    assert list(file.parent.iterdir()) == [file]


def test_reading_is_bounded(file: Path) -> None:
    assert read_whole(file, len(BEFORE)) == BEFORE
    with pytest.raises(ConfigurationError, match="larger"):
        read_whole(file, len(BEFORE) - 1)
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_whole(file.with_name("missing"), 10)
