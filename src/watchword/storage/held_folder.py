"""A folder that one process at a time holds, by a lock file, and what its holder announces there.

The lock says who holds it, for whoever comes second; `run.json` says where a ready server listens. Never reads anything else.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from watchword.kernel.errors import ConfigurationError, HomeBusyError
from watchword.storage.private_files import FILE_MODE, write_atomically

RUN_BYTES_MAX: Final = 65_536
LOCK_BYTES_MAX: Final = 4_096


class HeldFolder:
    """A folder held by this process.

    When unavailable: refuse to start.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Wrap a folder whose lock is already held; use `HeldFolder.acquire`."""
        self._path = path
        self._lock = lock

    @classmethod
    def acquire(cls, path: Path, role: str, busy: str) -> Self:
        """Take a folder's lock.

        Args:
            path: The folder, which exists.
            role: What this process is, for whoever comes second (`"watchword testnet serve"`).
            busy: What to tell whoever comes second; `{holder}` stands for the process that holds it.

        Raises:
            HomeBusyError: Another process holds it.
            ConfigurationError: Its lock cannot be made or written.
        """
        try:
            # Not through a link: what is locked is also cut to nothing and written.
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock = os.open(path / "lock", flags, FILE_MODE)
        except OSError as error:
            raise ConfigurationError(f"cannot use {path}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(lock)
            os.close(lock)
            raise HomeBusyError(busy.replace("{holder}", holder)) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "role": role}).encode(), 0)
        return cls(path, lock)

    def announce(self, content: Mapping[str, object]) -> None:
        """Announce a ready server in `run.json`, at once or not at all.

        Args:
            content: Its addresses, `{"gateway": {"rest": …}, …}`; the pid is added.

        Raises:
            StorageError: It could not be written.
        """
        told = json.dumps({**content, "pid": os.getpid()}).encode() + b"\n"
        write_atomically(run_path(self._path), told)

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        if self._lock >= 0:
            run_path(self._path).unlink(missing_ok=True)
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1


def run_path(folder: Path) -> Path:
    """Say where the holder of a folder announces itself."""
    return folder / "run.json"


def read_run(folder: Path) -> dict[str, Any]:
    """Read what the holder of a folder announced; empty where none runs."""
    try:
        with run_path(folder).open("rb") as file:
            content = json.loads(file.read(RUN_BYTES_MAX))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _holder(lock: int) -> str:
    """Name the process in the lock file."""
    try:
        content = json.loads(os.pread(lock, LOCK_BYTES_MAX, 0))
        return f"process {int(content['pid'])} ({content['role']})"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process that is just starting or stopping"
