"""The gateway's folder in a home: who may hold it, what lies where. Never reads what the files mean.

`HOME/gateway/` is 0700. One process at a time holds `HOME/gateway/lock`: the gateway, or a command that changes keys
while no gateway runs. Whoever holds it is also the only writer of the audit trail.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from watchword.kernel.errors import ConfigurationError
from watchword.storage import held_folder
from watchword.storage.held_folder import HeldFolder
from watchword.storage.private_files import FOLDER_MODE, make_folder


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
    return held_folder.run_path(gateway_folder(home))


def read_run(home: Path) -> dict[str, Any]:
    """Read what a running gateway announced; empty where none runs."""
    return held_folder.read_run(gateway_folder(home))


class GatewayHome:
    """A gateway's folder held by this process.

    When unavailable: refuse to start.

    Attributes:
        path: The home (not the gateway's folder), absolute.
    """

    def __init__(self, path: Path, held: HeldFolder) -> None:
        """Wrap a home whose gateway lock is already held; use `GatewayHome.acquire`."""
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
        folder = gateway_folder(path)
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            make_folder(folder)
        except OSError as error:
            raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
        return cls(
            path, HeldFolder.acquire(folder, role, f"the gateway's folder {folder} is held by {{holder}}")
        )

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        self._held.release()

    def write_run(self, content: Mapping[str, object]) -> None:
        """Announce a ready gateway in `run.json`, at once or not at all.

        Args:
            content: `{"gateway": {"rest": …, "ws_api": …, "streams": …}, …}`; the pid is added.

        Raises:
            StorageError: It could not be written.
        """
        self._held.announce(content)
