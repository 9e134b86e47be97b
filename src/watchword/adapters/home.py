"""The home folder: who may hold it, what lies where, and with which file modes.

Folders it makes are 0700, files 0600. Never reads what the files mean.
"""

import fcntl
import json
import os
import shlex
import stat
import tempfile
from pathlib import Path
from typing import Final, Self

from watchword.kernel.errors import ConfigurationError, HomeBusyError, StorageError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class Home:
    """A home folder held by this process.

    When unavailable: refuse to start.

    Attributes:
        path: The folder, absolute.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Wrap a folder whose lock is already held; use `Home.acquire`."""
        self.path = path
        self._lock = lock

    @classmethod
    def acquire(cls, path: Path, role: str) -> Self:
        """Make the folder if needed and take its lock.

        Args:
            path: The home.
            role: What this process is, for whoever comes second (`"watchword testnet serve"`).

        Raises:
            HomeBusyError: Another process holds it; the text names its pid and role.
            ConfigurationError: The folder cannot be made or written, or everyone may write in it.
        """
        try:
            _folder(path)
            _not_everyones(path)
            _folder(path / "testnet")
            _folder(path / "testnet" / "snapshots")
            # Not through a link: what is locked is also cut to nothing and written.
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            raise ConfigurationError(f"cannot use {path} as home: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(lock)
            os.close(lock)
            raise HomeBusyError(f"home {path} is held by {holder}; stop it or use another --home") from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "role": role}).encode(), 0)
        return cls(path, lock)

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        if self._lock >= 0:
            (self.path / "run.json").unlink(missing_ok=True)
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    @property
    def journal_path(self) -> Path:
        """The journal's database."""
        return self.path / "testnet" / "journal.db"

    @property
    def keys_path(self) -> Path:
        """The key directory's database."""
        return self.path / "testnet" / "keys.db"

    @property
    def wrapping_key_path(self) -> Path:
        """The key file under which HMAC secrets are encrypted."""
        return self.path / "testnet" / "hmac.key"

    @property
    def clock_path(self) -> Path:
        """By how much the exchange's clock was moved."""
        return self.path / "testnet" / "clock.json"

    @property
    def snapshots_path(self) -> Path:
        """The folder of snapshots."""
        return self.path / "testnet" / "snapshots"

    @property
    def archive_path(self) -> Path:
        """The folder of archived journal records."""
        return self.path / "testnet" / "archive"

    @property
    def closing_path(self) -> Path:
        """What a clean stop left: sequence and state hash, compared by the next start."""
        return self.path / "testnet" / "closed.json"

    @property
    def admin_path(self) -> Path:
        """The admin socket."""
        return admin_socket_path(self.path)

    def write_run(self, addresses: dict[str, str]) -> None:
        """Announce a ready testnet in `run.json`.

        Args:
            addresses: `{"rest": ..., "streams": ..., "ws_api": ...}`.
        """
        content = {"testnet": addresses, "pid": os.getpid()}
        write_atomically(self.path / "run.json", json.dumps(content).encode() + b"\n")


def admin_socket_path(home: Path) -> Path:
    """Say where a home's admin socket is, held or not."""
    return home / "testnet" / "admin.sock"


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


def sync_folder(path: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folder(path: Path) -> None:
    """Make one folder 0700; one that exists keeps its mode, unless it is ours inside the home."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if path.name in {"testnet", "snapshots"}:
        path.chmod(FOLDER_MODE)


def _not_everyones(path: Path) -> None:
    """Refuse a home in which any user of the machine could swap our files for others."""
    if path.stat().st_mode & stat.S_IWOTH:
        raise ConfigurationError(
            f"everyone on this machine may write in {path}; close it: chmod 700 {shlex.quote(str(path))}"
        )


def _holder(lock: int) -> str:
    """Name the process in the lock file."""
    try:
        content = json.loads(os.pread(lock, 4096, 0))
        return f"process {int(content['pid'])} ({content['role']})"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process that is just starting or stopping"
