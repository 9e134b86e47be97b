"""The vault's folder in a home: who may hold it, what lies where. Never reads what the files mean.

`HOME/vault/` is 0700. One process at a time holds `HOME/vault/lock`; the testnet's lock is another one, so both may
share a home.
"""

from pathlib import Path
from typing import Self

from watchword.kernel.errors import ConfigurationError
from watchword.storage.held_folder import HeldFolder
from watchword.storage.private_files import FOLDER_MODE, make_folder


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

    def __init__(self, path: Path, held: HeldFolder) -> None:
        """Wrap a home whose vault lock is already held; use `VaultHome.acquire`."""
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
        folder = vault_folder(path)
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            make_folder(folder)
        except OSError as error:
            raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
        return cls(path, HeldFolder.acquire(folder, role, f"the vault in {folder} is held by {{holder}}"))

    def release(self) -> None:
        """Give the lock back. The kernel also does it when the process dies, however it dies."""
        self._held.release()
