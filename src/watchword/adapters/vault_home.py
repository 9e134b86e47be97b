"""The vault's folder in a home: who may hold it, what lies where. Never reads what the files mean.

`HOME/vault/` is 0700. One process at a time holds `HOME/vault/lock`; the testnet's lock is another one, so both may
share a home.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Final, Self

from watchword.kernel.errors import ConfigurationError, HomeBusyError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


def vault_folder(home: Path) -> Path:
    """Say where a home's vault is."""
    return home / "vault"


def vault_path(home: Path) -> Path:
    """Say where a home's vault database is."""
    return vault_folder(home) / "vault.db"


def vault_socket_path(home: Path) -> Path:
    """Say where the holder of a home's vault listens."""
    return vault_folder(home) / "admin.sock"


class VaultHome:
    """A vault's folder held by this process.

    When unavailable: refuse to start.

    Attributes:
        path: The home (not the vault's folder), absolute.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Wrap a home whose vault lock is already held; use `VaultHome.acquire`."""
        self.path = path
        self._lock = lock

    @classmethod
    def acquire(cls, path: Path, role: str) -> Self:
        """Make the folder if needed and take its lock.

        Args:
            path: The home.
            role: What this process is, for whoever comes second.

        Raises:
            HomeBusyError: Another process holds it; the text names its pid and role.
            ConfigurationError: The folder cannot be made or written.
        """
        folder = vault_folder(path)
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            folder.chmod(FOLDER_MODE)
            # Not through a link: what is locked is also cut to nothing and written.
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock = os.open(folder / "lock", flags, FILE_MODE)
        except OSError as error:
            raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(lock)
            os.close(lock)
            raise HomeBusyError(f"the vault in {folder} is held by {holder}") from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "role": role}).encode(), 0)
        return cls(path, lock)

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        if self._lock >= 0:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1


def _holder(lock: int) -> str:
    try:
        content = json.loads(os.pread(lock, 4096, 0))
        return f"process {int(content['pid'])} ({content['role']})"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process that is just starting or stopping"
