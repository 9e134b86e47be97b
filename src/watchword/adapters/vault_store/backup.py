"""Backups of a vault: its database as it is, all ciphertext, inside a frame that shows cutting and altering.

Layout: docs/formats/vault.md. Needs no key and holds none: a backup opens with what opened the vault when it was made.
Never overwrites anything.
"""

import contextlib
import hashlib
import os
import sqlite3
import struct
from pathlib import Path
from typing import Final

from watchword.adapters.vault_store.sqlite import check_file, check_rows, mapped_faults
from watchword.kernel.errors import ConfigurationError, CorruptStoreError, StorageError
from watchword.storage.private_files import FILE_MODE, sync_folder

MAGIC: Final = b"watchword-vault-backup-1\n"
BACKUP_BYTES_MAX: Final = 1 << 30
_SQLITE_MAGIC: Final = b"SQLite format 3\0"
_FRAME: Final = struct.Struct(">Q32s")


def frame(database: bytes) -> bytes:
    """Put a database into a backup's frame."""
    return MAGIC + _FRAME.pack(len(database), hashlib.sha256(database).digest()) + database


def unframe(raw: bytes, name: str) -> bytes:
    """Take a database out of a backup and check every row.

    Args:
        raw: The file.
        name: What to call it in a refusal.

    Raises:
        CorruptStoreError: Not a backup, cut off, or altered.
    """
    if not raw.startswith(MAGIC) or len(raw) < len(MAGIC) + _FRAME.size:
        raise CorruptStoreError(f"{name} is not a backup of a vault")
    length, digest = _FRAME.unpack_from(raw, len(MAGIC))
    database = raw[len(MAGIC) + _FRAME.size :]
    if len(database) != length:
        raise CorruptStoreError(f"{name} is cut off: it has {len(database)} of {length} bytes")
    if hashlib.sha256(database).digest() != digest:
        raise CorruptStoreError(f"{name} is damaged: its bytes changed since it was made")
    if not database.startswith(_SQLITE_MAGIC):
        raise CorruptStoreError(f"{name} is damaged: what is in it is no database")
    with mapped_faults(name), contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(database)
        check_file(db, name)
        check_rows(db, name)
    return database


def read_backup(path: Path) -> bytes:
    """Read and check a backup file.

    Raises:
        ConfigurationError: It cannot be read.
        CorruptStoreError: See `unframe`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(BACKUP_BYTES_MAX)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    return unframe(raw, str(path))


def install(database: bytes, path: Path, *, aside: Path | None) -> None:
    """Make a checked database the vault, durably. The caller holds the vault's lock.

    Args:
        database: From `read_backup`.
        path: The vault's file.
        aside: Where a vault that is there already goes; None refuses to replace one.

    Raises:
        StorageError: There is one, or it cannot be written; what was there stands.
    """
    if path.exists() and aside is None:
        raise StorageError(f"there is a vault at {path}; --replace moves it aside and keeps it")
    fresh = path.with_name(path.name + ".restoring")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(database)
            file.flush()
            os.fsync(file.fileno())
        if aside is not None and path.exists():
            # A link first: at no moment is there no vault.
            os.link(path, aside)
        # A hot journal belongs to the database that goes, and would be rolled into the one that comes.
        path.with_name(path.name + "-journal").unlink(missing_ok=True)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise StorageError(f"cannot restore to {path}: {error.strerror}") from error
