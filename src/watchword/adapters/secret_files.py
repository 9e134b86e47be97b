"""Takes a secret out of a file that held it: overwrites its bytes where they lie, then replaces the file by a clean one.

What it cannot reach: earlier versions of the file, copies, and what a copying file system keeps. Never reads a secret.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from watchword.kernel.errors import ConfigurationError

_FILLER: Final = b"*"


def read_whole(path: Path, bytes_max: int) -> bytes:
    """Read a file that is not larger than it may be.

    Raises:
        ConfigurationError: It cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(bytes_max + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > bytes_max:
        raise ConfigurationError(f"{path} is larger than {bytes_max} bytes, which no such file is")
    return raw


def blank(path: Path, before: bytes, places: Sequence[tuple[int, int]], after: bytes) -> None:
    """Blank a file.

    Args:
        path: The file; a link is followed.
        before: What it must still hold.
        places: Where the secret stands: start, and end (exclusive).
        after: What it shall hold.

    Raises:
        ConfigurationError: It changed meanwhile or cannot be written. If only the second step failed, asterisks
            stand where the secret stood.
    """
    real = path.resolve()
    try:
        _overwrite(real, before, places)
        _replace(real, after)
    except OSError as error:
        raise ConfigurationError(f"cannot blank the secret in {path}: {error.strerror}") from error


def _overwrite(path: Path, before: bytes, places: Sequence[tuple[int, int]]) -> None:
    """Same length, same place: the blocks that held the secret are written over where the file system allows."""
    with path.open("r+b") as file:
        if file.read(len(before) + 1) != before:
            raise ConfigurationError(f"{path} changed since it was read; its secret was not blanked")
        for start, end in places:
            file.seek(start)
            file.write(_FILLER * (end - start))
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, after: bytes) -> None:
    """Write the clean file beside and rename it, with the old one's mode and owner."""
    old = path.stat()
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
