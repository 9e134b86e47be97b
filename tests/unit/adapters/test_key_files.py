import os
import stat
from pathlib import Path

import pytest

from watchword.adapters import key_files
from watchword.adapters.key_files import READ_BYTES_MAX, read_bounded, readable_by_others, write_new
from watchword.kernel.errors import ConfigurationError


def test_written_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        write_new([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o600, 0o600]
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"1", b"2"]


@pytest.mark.parametrize("taken", ["a", "b"])
def test_existing_file_is_not_overwritten_and_the_other_not_made(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match="exists and is not overwritten"):
        write_new([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_bytes() == b"mine"


def test_link_is_not_followed_even_where_it_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="exists"):
        write_new([(tmp_path / "a", b"1")])
    assert not (tmp_path / "elsewhere").exists()


def test_file_that_appears_in_between_wins_and_half_a_pair_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").write_bytes(b"mine")
    monkeypatch.setattr(key_files.os.path, "lexists", lambda _path: False)
    with pytest.raises(ConfigurationError, match="b exists"):
        write_new([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_bytes() == b"mine"


def test_failed_or_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for fault, raised in (
        (OSError(28, "No space left on device"), ConfigurationError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ):

        def fail(_descriptor: int, fault: BaseException = fault) -> None:
            raise fault

        monkeypatch.setattr(key_files.os, "fsync", fail)
        with pytest.raises(raised):
            write_new([(tmp_path / "a", b"1")])
        assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot write .*No such file"):
        write_new([(tmp_path / "none" / "a", b"1")])


def test_reading_is_bounded_and_a_missing_file_named(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (READ_BYTES_MAX + 5))
    assert len(read_bounded(tmp_path / "big")) == READ_BYTES_MAX
    with pytest.raises(ConfigurationError, match=r"cannot read .*none: No such file"):
        read_bounded(tmp_path / "none")


@pytest.mark.parametrize(
    ("mode", "open_to_others"), [(0o600, False), (0o640, True), (0o604, True), (0o700, False)]
)
def test_mode_tells_whether_others_may_read(tmp_path: Path, mode: int, open_to_others: bool) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(mode)
    assert readable_by_others(path) is open_to_others
    assert not readable_by_others(tmp_path / "none")
