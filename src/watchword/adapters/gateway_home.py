"""The gateway's folder in a home: who may hold it, what lies where. Never reads what the files mean.

`HOME/gateway/` is 0700. One process at a time holds `HOME/gateway/lock`: the gateway, or a command that changes keys
while no gateway runs. Whoever holds it is also the only writer of the audit trail.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from watchword.kernel.errors import ConfigurationError, HomeBusyError, StorageError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
RUN_BYTES_MAX: Final = 65_536


def gateway_folder(home: Path) -> Path:
    """Say where a home's gateway keeps its files."""
    return home / "gateway"


def virtual_keys_path(home: Path) -> Path:
    """Say where a home's virtual keys are."""
    return gateway_folder(home) / "keys.db"


def ledger_path(home: Path) -> Path:
    """Say where usage and orders of a home's keys are."""
    return gateway_folder(home) / "ledger.db"


def approver_key_path(home: Path) -> Path:
    """Say where a home's gateway has pinned the console's approval key."""
    return gateway_folder(home) / "approver.pub"


def gateway_socket_path(home: Path) -> Path:
    """Say where a home's gateway listens for administration."""
    return gateway_folder(home) / "admin.sock"


def run_path(home: Path) -> Path:
    """Say where a running gateway announces its addresses."""
    return gateway_folder(home) / "run.json"


def read_run(home: Path) -> dict[str, Any]:
    """Read what a running gateway announced; empty where none runs."""
    try:
        with run_path(home).open("rb") as file:
            content = json.loads(file.read(RUN_BYTES_MAX))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class GatewayHome:
    """A gateway's folder held by this process.

    When unavailable: refuse to start.

    Attributes:
        path: The home (not the gateway's folder), absolute.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Wrap a home whose gateway lock is already held; use `GatewayHome.acquire`."""
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
        folder = gateway_folder(path)
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
            raise HomeBusyError(f"the gateway's folder {folder} is held by {holder}") from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "role": role}).encode(), 0)
        return cls(path, lock)

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        if self._lock >= 0:
            run_path(self.path).unlink(missing_ok=True)
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def write_run(self, content: Mapping[str, object]) -> None:
        """Announce a ready gateway in `run.json`, at once or not at all.

        Args:
            content: `{"gateway": {"rest": …, "ws_api": …, "streams": …}, …}`; the pid is added.

        Raises:
            StorageError: It could not be written.
        """
        path, temporary = run_path(self.path), ""
        try:
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps({**content, "pid": os.getpid()}).encode() + b"\n")
            Path(temporary).replace(path)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _holder(lock: int) -> str:
    try:
        content = json.loads(os.pread(lock, 4096, 0))
        return f"process {int(content['pid'])} ({content['role']})"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process that is just starting or stopping"
