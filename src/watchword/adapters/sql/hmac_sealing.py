"""HMAC secrets at rest: AES-256-GCM under a key file of the testnet's own, each bound to its API key.

Layout: docs/formats/keys.md. Never writes a secret in the clear and never logs one.
"""

import os
import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SEALED_VERSION: Final = b"\x01"
_KEY_MAGIC: Final = b"WWK1"
_CONTEXT: Final = b"watchword/testnet/hmac-secret/1/"


class SecretSealer:
    """Seals and opens HMAC secrets."""

    def __init__(self, key: bytes, place: str) -> None:
        self._cipher = AESGCM(key)
        self._place = place

    @classmethod
    def open(cls, path: Path, *, may_create: bool) -> Self:
        """Read the key file, or make it, 0600 and durable, before anything is sealed under it.

        Args:
            path: `hmac.key`.
            may_create: False where sealed secrets exist already: a new key could not open them.

        Raises:
            CorruptStoreError: The file is missing though secrets exist, or has another layout.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            if not may_create:
                raise CorruptStoreError(
                    f"{path} is missing, and the HMAC secrets in keys.db are encrypted under it"
                ) from None
            content = _KEY_MAGIC + AESGCM.generate_key(KEY_BYTES * 8)
            _create(path, content)
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        if len(content) != len(_KEY_MAGIC) + KEY_BYTES or not content.startswith(_KEY_MAGIC):
            raise CorruptStoreError(f"{path} is not a key file of this version")
        return cls(content[len(_KEY_MAGIC) :], str(path))

    def seal(self, api_key: str, secret: Secret) -> bytes:
        """Encrypt one secret so that only a row of the same API key opens it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return SEALED_VERSION + nonce + self._cipher.encrypt(nonce, secret.reveal(), _bound_to(api_key))

    def open_sealed(self, api_key: str, sealed: bytes) -> Secret:
        """Decrypt one secret.

        Raises:
            CorruptStoreError: Altered, moved to another row, or sealed under another key file.
        """
        if not sealed.startswith(SEALED_VERSION):
            raise CorruptStoreError(f"the secret of key {api_key} has an unknown layout")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return Secret(self._cipher.decrypt(nonce, body, _bound_to(api_key)))
        except (InvalidTag, ValueError) as error:
            raise CorruptStoreError(
                f"the secret of key {api_key} does not open under {self._place}: either was altered or replaced"
            ) from error


def _bound_to(api_key: str) -> bytes:
    return _CONTEXT + api_key.encode()


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
