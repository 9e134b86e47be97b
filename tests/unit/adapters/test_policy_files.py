"""Policy files on disk: found, read within a bound, refused with a reason."""

from pathlib import Path

import pytest

from watchword.adapters.policy_files import FILE_BYTES_MAX, find_policies, read_file, suite_beside
from watchword.kernel.errors import ConfigurationError


def test_folder_gives_its_policies_without_their_tests(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "a.tests.yml", "notes.md"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert [path.name for path in find_policies([tmp_path])] == ["a.yml", "b.yaml"]
    assert find_policies([Path("given.txt")]) == [Path("given.txt")]


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="0 policy files"):
        find_policies([tmp_path])


def test_tests_stand_beside_the_policy() -> None:
    assert suite_beside(Path("p/grid.yaml")) == Path("p/grid.tests.yaml")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff", "not UTF-8"), (b"x" * (FILE_BYTES_MAX + 1), "larger than"), (None, "No such")],
)
def test_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "p.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        read_file(path)
