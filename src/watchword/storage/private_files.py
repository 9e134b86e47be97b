"""Files and folders for this user alone: made with their mode from the first moment, durable when the call returns.

Never interprets what it writes.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from watchword.kernel.errors import StorageError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


def make_folder(path: Path) -> None:
    """Make a folder 0700 if needed, and close one that was open to others; the folders above it are made if needed.

    Raises:
        OSError: It cannot be made or closed.
    """
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path.chmod(FOLDER_MODE)


def sync_folder(path: Path) -> None:
    """Make names in a folder durable.

    Raises:
        OSError: As the system says.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def touch(path: Path) -> bool:
    """Create a file if needed, 0600 and its name durable, for a library that opens it by name.

    Returns:
        Whether it was new or empty.

    Raises:
        OSError: It cannot be made.
    """
    try:
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE
        )
    except FileExistsError:
        return path.stat().st_size == 0
    os.close(descriptor)
    sync_folder(path.parent)
    return True


def create(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, 0600 and durable: the whole of it, or none.

    Raises:
        FileExistsError: The name is taken; nothing is overwritten.
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except BaseException:
        # Half a file would be read as a damaged one, and keep every other one out.
        path.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a crash leaves the old one or the new one, durably, mode 0600.

    Raises:
        StorageError: It could not be written; the old file stands.
    """
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
