"""Policy files and the tests beside them, on disk. Reads within a bound; never interprets, never writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from watchword.kernel.errors import ConfigurationError

FILE_BYTES_MAX: Final = 262_144
FILES_COUNT_MAX: Final = 1_000
SUFFIXES: Final = (".yaml", ".yml")
TESTS_MARK: Final = ".tests"


def read_file(path: Path) -> str:
    """Read a policy file or a file of tests.

    Raises:
        ConfigurationError: It cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ConfigurationError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error


def suite_beside(policy: Path) -> Path:
    """Return where the tests of a policy are: `NAME.tests.yaml` beside `NAME.yaml`."""
    return policy.with_name(f"{policy.stem}{TESTS_MARK}{policy.suffix}")


def find_policies(paths: Sequence[Path]) -> list[Path]:
    """List policy files.

    Args:
        paths: Files, taken as they are; folders, searched for policy files, not deeper.

    Raises:
        ConfigurationError: There are more than FILES_COUNT_MAX, or none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                entry
                for entry in path.iterdir()
                if entry.suffix in SUFFIXES and not entry.stem.endswith(TESTS_MARK)
            )
        else:
            found.append(path)
    if not 0 < len(found) <= FILES_COUNT_MAX:
        raise ConfigurationError(
            f"{len(found)} policy files found; between 1 and {FILES_COUNT_MAX} are expected"
        )
    return found
