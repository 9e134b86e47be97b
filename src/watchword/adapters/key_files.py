"""Key files on disk: written once, exclusively, mode 0600; read within a bound. Never interprets their bytes.

Nothing is written under a temporary name, so no copy of a key can be left behind.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from watchword.kernel.errors import ConfigurationError

KEY_FILE_MODE: Final = 0o600
#: One byte more than a key reader takes, so that an oversized file is seen as one.
READ_BYTES_MAX: Final = 65_537


def write_new(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write files that must not exist yet: all of them, or none.

    Args:
        files: Paths and their bytes.

    Raises:
        ConfigurationError: A path is taken (nothing is overwritten) or cannot be written; what this call had
            already made is gone again.
    """
    for path, _ in files:
        # lexists: a dangling link is taken too. The exclusive open below decides; this one spares making half a pair.
        if os.path.lexists(path):
            raise ConfigurationError(f"{path} exists and is not overwritten; choose another --out")
    made: list[Path] = []
    try:
        for path, content in files:
            descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, KEY_FILE_MODE
            )
            made.append(path)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, KEY_FILE_MODE)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
    except BaseException as error:
        for half in made:
            half.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise ConfigurationError(f"{path} exists and is not overwritten; choose another --out") from error
        if isinstance(error, OSError):
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        raise


def read_bounded(path: Path) -> bytes:
    """Read a file, at most READ_BYTES_MAX bytes of it.

    Raises:
        ConfigurationError: It cannot be read; the text says why.
    """
    try:
        with path.open("rb") as file:
            return file.read(READ_BYTES_MAX)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error


def readable_by_others(path: Path) -> bool:
    """Whether the group or everyone may read the file."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
