"""KEK sources that are 32 bytes somebody keeps: a key file, the environment, the OS keyring. Never prints them."""

import base64
import binascii
import os
import stat
from pathlib import Path
from typing import Final

from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.storage.private_files import create
from watchword.vault.kek import KekDescription, KekRefused, KekUnavailableError
from watchword.vault.raw_wrap import RAW_KEY_BYTES, unwrap, wrap

FILE_BYTES_MAX: Final = 1_024
_FILE_MARK: Final = b"watchword-kek-1:"
_HEX_LENGTH: Final = RAW_KEY_BYTES * 2


class RawKeySource:
    """See `KekSource`."""

    def __init__(self, key: Secret, description: KekDescription, if_refused: str, entropy: Entropy) -> None:
        """Wrap a key.

        Args:
            key: 32 bytes.
            description: Where it is kept.
            if_refused: What to tell a person whose key does not fit.
            entropy: For nonces.
        """
        self._key = key
        self._description = description
        self._if_refused = if_refused
        self._entropy = entropy

    def wrap(self, key: Secret, aad: bytes) -> bytes:
        """See `KekSource.wrap`."""
        return wrap(self._key, key, aad, self._entropy)

    def unwrap(self, wrapped: bytes, aad: bytes) -> Secret | KekRefused:
        """See `KekSource.unwrap`."""
        return unwrap(self._key, wrapped, aad) or KekRefused(f"{self._if_refused}; nothing was changed")

    def describe(self) -> KekDescription:
        """See `KekSource.describe`."""
        return self._description


def new_key_file(path: Path, entropy: Entropy, *, demo: bool) -> RawKeySource:
    """Draw a key into a new file, 0600.

    Raises:
        ConfigurationError: The path is taken or cannot be written.
    """
    key = Secret(entropy.token(RAW_KEY_BYTES))
    try:
        create(path, _FILE_MARK + base64.b64encode(key.reveal()) + b"\n")
    except FileExistsError as error:
        raise ConfigurationError(
            f"{path} exists and is not overwritten; choose another --key-file"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    return _of_file(key, path, entropy, demo=demo)


def key_file(description: KekDescription, entropy: Entropy) -> RawKeySource:
    """Read the key file of an existing vault.

    Raises:
        KekUnavailableError: It is missing, open to others, or not a key file.
    """
    path = Path(description.settings.get("path", ""))
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise KekUnavailableError(f"cannot read the vault's key file {path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KekUnavailableError(
            f"others on this machine can use the key file {path}; close it: chmod 600 {path}"
        )
    key = read_key_text(raw.removeprefix(_FILE_MARK)) if raw.startswith(_FILE_MARK) else None
    if key is None:
        raise KekUnavailableError(f"{path} is not a whole key file of a vault")
    return _of_file(key, path, entropy, demo=description.demo)


def environment_key(key: Secret | None, variable: str, entropy: Entropy) -> RawKeySource:
    """Use the key that the environment gives.

    Args:
        key: The variable's value (or its `_FILE`'s content): 32 bytes in base64 or hex.
        variable: Its name.
        entropy: For nonces.

    Raises:
        KekUnavailableError: It is not set, or not 32 bytes.
    """
    if key is None:
        raise KekUnavailableError(
            f"set {variable}, or {variable}_FILE to a path, in the environment of this process"
        )
    read = read_key_text(key.reveal())
    if read is None:
        raise KekUnavailableError(
            f"{variable} is not 32 bytes in base64 or hex; make one: openssl rand -base64 32"
        )
    described = KekDescription("environment", {"variable": variable})
    return RawKeySource(read, described, f"the key in {variable} does not open this vault", entropy)


def read_key_text(text: bytes) -> Secret | None:
    """Read 32 bytes written in base64 (standard or URL-safe) or hex; None where the text is neither."""
    stripped = text.strip()
    try:
        if len(stripped) == _HEX_LENGTH:
            return Secret(binascii.unhexlify(stripped))
        raw = base64.b64decode(stripped.translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Secret(raw) if len(raw) == RAW_KEY_BYTES else None


def _of_file(key: Secret, path: Path, entropy: Entropy, *, demo: bool) -> RawKeySource:
    described = KekDescription("key-file", {"path": str(path)}, demo)
    return RawKeySource(key, described, f"the key file {path} does not open this vault", entropy)
