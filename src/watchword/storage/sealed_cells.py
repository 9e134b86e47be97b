"""Secrets in a database's cells: AES-256-GCM under a key file, each bound to its cell. Never logs or writes one in the clear.

Layout of a sealed cell: a version byte, the nonce, the ciphertext with its tag. What a cell is bound to is its table's matter.
"""

import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret
from watchword.storage.private_files import create

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SEALED_VERSION: Final = b"\x01"


class CellSealer:
    """Seals and opens cells under one key."""

    def __init__(self, key: bytes, place: str) -> None:
        self._cipher = AESGCM(key)
        self._place = place

    @classmethod
    def open(cls, path: Path, magic: bytes, *, needed_by: str | None) -> Self:
        """Read a key file, or make it, 0600 and durable, before anything is sealed under it.

        Args:
            path: The key file.
            magic: What it begins with; the key follows.
            needed_by: What is sealed under it already, in words; a new key could not open that. None where nothing is.

        Raises:
            CorruptStoreError: The file is missing though it is needed, or has another layout.
            StorageError: It cannot be read or written.
        """
        try:
            with path.open("rb") as file:
                content = file.read(len(magic) + KEY_BYTES + 1)
        except FileNotFoundError:
            if needed_by is not None:
                raise CorruptStoreError(f"{path} is missing, and {needed_by} encrypted under it") from None
            content = magic + AESGCM.generate_key(KEY_BYTES * 8)
            _create(path, content)
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        if len(content) != len(magic) + KEY_BYTES or not content.startswith(magic):
            raise CorruptStoreError(f"{path} is not a key file of this version")
        return cls(content[len(magic) :], str(path))

    def seal(self, bound_to: bytes, secret: Secret) -> bytes:
        """Encrypt one secret.

        Args:
            bound_to: Names its cell; it opens nowhere else.
            secret: What to encrypt.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        return SEALED_VERSION + nonce + self._cipher.encrypt(nonce, secret.reveal(), bound_to)

    def open_sealed(self, bound_to: bytes, sealed: bytes, named: str) -> Secret:
        """Decrypt one secret.

        Args:
            bound_to: As when it was sealed.
            sealed: The cell.
            named: The cell in words, for the error.

        Raises:
            CorruptStoreError: Altered, moved to another cell, or sealed under another key file.
        """
        if not sealed.startswith(SEALED_VERSION):
            raise CorruptStoreError(f"the secret {named} has an unknown layout")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return Secret(self._cipher.decrypt(nonce, body, bound_to))
        except (InvalidTag, ValueError) as error:
            raise CorruptStoreError(
                f"the secret {named} does not open under {self._place}: either was altered or replaced"
            ) from error


def _create(path: Path, content: bytes) -> None:
    try:
        create(path, content)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
