"""HMAC secrets at rest: AES-256-GCM under a key file of the testnet's own, each bound to its API key.

Layout: docs/formats/keys.md. Never writes a secret in the clear and never logs one.
"""

from pathlib import Path
from typing import Final, Self

from watchword.kernel.secret import Secret
from watchword.storage.sealed_cells import CellSealer

_KEY_MAGIC: Final = b"WWK1"
_CONTEXT: Final = b"watchword/testnet/hmac-secret/1/"


class SecretSealer:
    """Seals and opens HMAC secrets."""

    def __init__(self, cells: CellSealer) -> None:
        self._cells = cells

    @classmethod
    def open(cls, path: Path, *, may_create: bool) -> Self:
        """Read the key file, or make it, 0600 and durable, before anything is sealed under it.

        Args:
            path: `hmac.key`.
            may_create: False where sealed secrets exist already: a new key could not open them.

        Raises:
            CorruptStoreError: The file is missing though secrets exist, or has another layout.
            StorageError: It cannot be read or written.
        """
        needed_by = None if may_create else "the HMAC secrets in keys.db are"
        return cls(CellSealer.open(path, _KEY_MAGIC, needed_by=needed_by))

    def seal(self, api_key: str, secret: Secret) -> bytes:
        """Encrypt one secret so that only a row of the same API key opens it."""
        return self._cells.seal(_bound_to(api_key), secret)

    def open_sealed(self, api_key: str, sealed: bytes) -> Secret:
        """Decrypt one secret.

        Raises:
            CorruptStoreError: Altered, moved to another row, or sealed under another key file.
        """
        return self._cells.open_sealed(_bound_to(api_key), sealed, f"of key {api_key}")


def _bound_to(api_key: str) -> bytes:
    return _CONTEXT + api_key.encode()
