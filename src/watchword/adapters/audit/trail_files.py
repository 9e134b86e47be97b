"""Opens a trail for reading, whichever way it is kept, and keeps the trail's own key. Never writes a row."""

import os
import stat
from pathlib import Path
from typing import Final

from watchword.adapters.audit.file_sink import FileReader
from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.audit.trail import AuditReader
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import PrivateKey, PublicKey, generate
from watchword.credentials.pem import read_key
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError, StorageError

KEY_NAME: Final = "checkpoint.key"
PUBLIC_NAME: Final = "checkpoint.pub"
_SQLITE: Final = b"SQLite format 3\0"
_KEY_BYTES_MAX: Final = 16_384


def open_reader(path: Path) -> AuditReader:
    """Open a trail that lies in a database or in a plain file.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return SqliteReader(path) if start == _SQLITE else FileReader(path)


def trail_key(folder: Path, entropy: Entropy, *, may_make: bool) -> PrivateKey:
    """Read the key that signs checkpoints, or make it.

    Args:
        folder: Of the trail; the key is `checkpoint.key`, mode 0600, its public half `checkpoint.pub`.
        entropy: Makes it.
        may_make: False where a trail exists already, which another key must not go on signing.

    Raises:
        ConfigurationError: It is missing, readable by others, or no Ed25519 key.
    """
    path = folder / KEY_NAME
    if not path.exists():
        if not may_make:
            raise ConfigurationError(f"{path} is missing, though a trail is there that it signed; put it back")
        _write_key(path, generate("ed25519", entropy), entropy)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{path} can be read by others; chmod 600 {path}")
    found = read_key(_content(path))
    if isinstance(found, KeyProblem) or found.private is None or found.private.public.key_type != "ED25519":
        raise ConfigurationError(f"{path} holds no Ed25519 private key")
    return found.private


def public_trail_key(path: Path) -> PublicKey:
    """Read the public half, from the trail's folder or from wherever it was noted.

    Raises:
        ConfigurationError: There is none.
    """
    found = read_key(_content(path))
    if isinstance(found, KeyProblem) or found.public is None or found.public.key_type != "ED25519":
        raise ConfigurationError(f"{path} holds no Ed25519 public key")
    return found.public


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_BYTES_MAX)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error


def _write_key(path: Path, key: PrivateKey, entropy: Entropy) -> None:
    """Write both halves; the private one last and under its name at once, so that half a key is never found."""
    public = path.with_name(PUBLIC_NAME)
    for target, content in ((public, key.public.pem().encode()), (path, key.export(None, entropy))):
        temporary = target.with_name(f".{target.name}.new")
        try:
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ConfigurationError(f"cannot write {target}: {error.strerror}") from error
