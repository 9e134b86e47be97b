"""The home folder: who may hold it, what lies where, and with which file modes.

Folders it makes are 0700, files 0600. Never reads what the files mean.
"""

import shlex
import stat
from pathlib import Path
from typing import Self

from watchword.kernel.errors import ConfigurationError
from watchword.storage.held_folder import HeldFolder
from watchword.storage.private_files import FOLDER_MODE


class Home:
    """A home folder held by this process.

    When unavailable: refuse to start.

    Attributes:
        path: The folder, absolute.
    """

    def __init__(self, path: Path, held: HeldFolder) -> None:
        """Wrap a folder whose lock is already held; use `Home.acquire`."""
        self.path = path
        self._held = held

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
        except OSError as error:
            raise ConfigurationError(f"cannot use {path} as home: {error.strerror}") from error
        busy = f"home {path} is held by {{holder}}; stop it or use another --home"
        return cls(path, HeldFolder.acquire(path, role, busy))

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        self._held.release()

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
        self._held.announce({"testnet": addresses})


def admin_socket_path(home: Path) -> Path:
    """Say where a home's admin socket is, held or not."""
    return home / "testnet" / "admin.sock"


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
