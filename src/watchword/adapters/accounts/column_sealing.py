"""Secrets of people at rest: AES-256-GCM under a key file of the console's own, each bound to its cell.

Layout: docs/formats/accounts.md. The key is not the vault's, so a sealed vault locks nobody out. Never writes a secret
in the clear and never logs one.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SEALED_VERSION: Final = b"\x01"
_KEY_MAGIC: Final = b"WWA1"
_CONTEXT: Final = "watchword/console/accounts/1"


class ColumnSealer:
    """Seals and opens secret columns."""

    def __init__(self, key: bytes, place: str) -> None:
        self._cipher = AESGCM(key)
        self._place = place

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
        try:
            with path.open("rb") as file:
                content = file.read(len(_KEY_MAGIC) + KEY_BYTES + 1)
        except FileNotFoundError:
            if not may_create:
                raise CorruptStoreError(
                    f"{path} is missing, and people's second factors are encrypted under it"
                ) from None
            content = _KEY_MAGIC + AESGCM.generate_key(KEY_BYTES * 8)
            _create(path, content)
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        if len(content) != len(_KEY_MAGIC) + KEY_BYTES or not content.startswith(_KEY_MAGIC):
            raise CorruptStoreError(f"{path} is not a key file of this version")
        return cls(content[len(_KEY_MAGIC) :], str(path))

    def seal(self, cell: Sequence[str], secret: Secret) -> bytes:
        """Encrypt one secret so that it opens in its own cell only.

        Args:
            cell: Table, row, whose row it is, column.
            secret: What to encrypt.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        return SEALED_VERSION + nonce + self._cipher.encrypt(nonce, secret.reveal(), _bound_to(cell))

    def open_sealed(self, cell: Sequence[str], sealed: bytes) -> Secret:
        """Decrypt one secret.

        Raises:
            CorruptStoreError: Altered, moved to another row or column, or sealed under another key file.
        """
        if not sealed.startswith(SEALED_VERSION):
            raise CorruptStoreError(f"the secret in {' '.join(cell)} has an unknown layout")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return Secret(self._cipher.decrypt(nonce, body, _bound_to(cell)))
        except (InvalidTag, ValueError) as error:
            raise CorruptStoreError(
                f"the secret in {' '.join(cell)} does not open under {self._place}: either was altered or replaced"
            ) from error


def _bound_to(cell: Sequence[str]) -> bytes:
    """Name one cell. Lengths stand before the texts, so that no two cells share a name."""
    return "/".join([_CONTEXT, *(f"{len(text)}:{text}" for text in cell)]).encode()


def _create(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
