"""Secrets of people at rest: AES-256-GCM under a key file of the console's own, each bound to its cell.

Layout: docs/formats/accounts.md. The key is not the vault's, so a sealed vault locks nobody out. Never writes a secret
in the clear and never logs one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from watchword.kernel.secret import Secret
from watchword.storage.sealed_cells import CellSealer

_KEY_MAGIC: Final = b"WWA1"
_CONTEXT: Final = "watchword/console/accounts/1"


class ColumnSealer:
    """Seals and opens secret columns."""

    def __init__(self, cells: CellSealer) -> None:
        self._cells = cells

    @classmethod
    def open(cls, path: Path, *, may_create: bool) -> Self:
        """Read the key file, or make it, 0600 and durable, before anything is sealed under it.

        Args:
            path: `accounts.key`.
            may_create: False where sealed columns exist already: a new key could not open them.

        Raises:
            CorruptStoreError: The file is missing though sealed columns exist, or has another layout.
            StorageError: It cannot be read or written.
        """
        needed_by = None if may_create else "people's second factors are"
        return cls(CellSealer.open(path, _KEY_MAGIC, needed_by=needed_by))

    def seal(self, cell: Sequence[str], secret: Secret) -> bytes:
        """Encrypt one secret so that it opens in its own cell only.

        Args:
            cell: Table, row, whose row it is, column.
            secret: What to encrypt.
        """
        return self._cells.seal(_bound_to(cell), secret)

    def open_sealed(self, cell: Sequence[str], sealed: bytes) -> Secret:
        """Decrypt one secret.

        Raises:
            CorruptStoreError: Altered, moved to another row or column, or sealed under another key file.
        """
        return self._cells.open_sealed(_bound_to(cell), sealed, f"in {' '.join(cell)}")


def _bound_to(cell: Sequence[str]) -> bytes:
    """Name one cell. Lengths stand before the texts, so that no two cells share a name."""
    return "/".join([_CONTEXT, *(f"{len(text)}:{text}" for text in cell)]).encode()
