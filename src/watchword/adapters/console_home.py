"""The console's folder in a home: who may hold it, what lies where. Never reads what the files mean.

`HOME/console/` is 0700. One process at a time holds `HOME/console/lock`: the console, or a command that sets people up
while no console runs. Whoever holds it is also the only writer of the console's audit trail.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from watchword.kernel.errors import ConfigurationError
from watchword.storage import held_folder
from watchword.storage.held_folder import HeldFolder
from watchword.storage.private_files import FOLDER_MODE, make_folder


def console_folder(home: Path) -> Path:
    """Say where a home's console keeps its files; its own audit trail lies there as the gateway's does in the home."""
    return home / "console"


def accounts_path(home: Path) -> Path:
    """Say where a home's people are."""
    return console_folder(home) / "accounts.db"


def accounts_key_path(home: Path) -> Path:
    """Say where the key file is under which people's second factors are encrypted."""
    return console_folder(home) / "accounts.key"


def run_path(home: Path) -> Path:
    """Say where a running console announces its address."""
    return held_folder.run_path(console_folder(home))


def read_run(home: Path) -> dict[str, Any]:
    """Read what a running console announced; empty where none runs."""
    return held_folder.read_run(console_folder(home))


class ConsoleHome:
    """A console's folder held by this process.

    When unavailable: refuse to start.

    Attributes:
        path: The home (not the console's folder), absolute.
    """

    def __init__(self, path: Path, held: HeldFolder) -> None:
        """Wrap a home whose console lock is already held; use `ConsoleHome.acquire`."""
        self.path = path
        self._held = held

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
        folder = console_folder(path)
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            make_folder(folder)
        except OSError as error:
            raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
        return cls(
            path, HeldFolder.acquire(folder, role, f"the console's folder {folder} is held by {{holder}}")
        )

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        self._held.release()

    def write_run(self, content: Mapping[str, object]) -> None:
        """Announce a ready console in `run.json`, at once or not at all.

        Args:
            content: `{"console": {"manage": …}, …}`; the pid is added.

        Raises:
            StorageError: It could not be written.
        """
        self._held.announce(content)
