"""The console's approval key as the gateway has pinned it: HOME/gateway/approver.pub. Written once, never replaced.

To pin another one the owner of the home stops the gateway, removes the file, and starts it again. Never checks a signature.
"""

import os
import stat
from pathlib import Path
from typing import Final

from watchword.kernel.errors import ConfigurationError, StorageError
from watchword.storage.private_files import create

KEY_BYTES_MAX: Final = 4_096
#: Nobody but its owner may write it.
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def read_approver_key(path: Path) -> bytes | None:
    """Read the pinned key; None where none is.

    Args:
        path: Of the file.

    Raises:
        ConfigurationError: It cannot be read, or others could have written it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & _WRITABLE_BY_OTHERS:
            raise ConfigurationError(f"{path} must be a file that only its owner can write (chmod 600)")
        if found.st_uid not in {os.geteuid(), 0}:
            raise ConfigurationError(f"{path} belongs to somebody else")
        return os.read(descriptor, KEY_BYTES_MAX)
    finally:
        os.close(descriptor)


def write_approver_key(path: Path, pem: bytes) -> None:
    """Pin a key for good.

    Args:
        path: Of the file, which must not exist.
        pem: Its content.

    Raises:
        StorageError: One is pinned already, or it cannot be written.
    """
    try:
        create(path, pem)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
