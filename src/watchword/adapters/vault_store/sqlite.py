"""The vault's rows in one SQLite file: a checksum per row, one transaction per change. Never sees anything in clear.

Layout: docs/formats/vault.md. Plain `sqlite3` with a rollback journal and no ORM, because everything here is about one
file's bytes: `secure_delete` overwrites what is removed, a copy of the file is a backup, and damage must show before
anything is decrypted. The command line opens it too, to list and to post; only the holder of the vault's lock changes
secrets.
"""

import contextlib
import hashlib
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.private_files import FILE_MODE, sync_folder
from watchword.vault.intake import INBOX_COUNT_MAX
from watchword.vault.record import InboxItem, StoredSecret
from watchword.vault.store import Change, MetaName

APPLICATION_ID: Final = 0x57575631  # "WWV1"
USER_VERSION: Final = 1
BUSY_WAIT_S: Final = 10.0
CHECKSUM_BYTES: Final = 16

_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE secrets (id TEXT PRIMARY KEY, kind TEXT NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
  wrapped_dek BLOB NOT NULL, ciphertext BLOB NOT NULL, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE inbox (id TEXT PRIMARY KEY, created_us INTEGER NOT NULL, record BLOB NOT NULL, sealed BLOB NOT NULL,
  checksum BLOB NOT NULL, refused TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_NEEDED: Final = {"header", "source", "kek", "intake", "manifest"}
_RESTORE: Final = "; nothing was changed; restore a backup with: watchword vault restore FILE"


class SqliteVaultStore:
    """See `VaultStore`. Every call opens the file anew, so nothing is held between calls."""

    def __init__(self, path: Path) -> None:
        """Name the file; it need not exist."""
        self._path = path

    def exists(self) -> bool:
        """See `VaultStore.exists`."""
        return self._path.exists()

    def create(self, meta: Mapping[MetaName, bytes]) -> None:
        """See `VaultStore.create`."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            os.close(descriptor)
        except FileExistsError as error:
            raise StorageError(f"there is a vault in {self._path.parent} already") from error
        except OSError as error:
            raise StorageError(f"cannot make {self._path}: {error.strerror}") from error
        try:
            with self._connection() as db:
                db.executescript(
                    f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {USER_VERSION};"
                    f"{_SCHEMA} COMMIT;"
                )
                with db:
                    _write_meta(db, meta)
            sync_folder(self._path.parent)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise

    def meta(self) -> dict[MetaName, bytes]:
        """See `VaultStore.meta`."""
        with self._reading() as db:
            return read_meta(db, self._path.name)

    def secrets(self) -> list[StoredSecret]:
        """See `VaultStore.secrets`."""
        with self._reading() as db:
            return read_secrets(db)

    def inbox(self) -> list[InboxItem]:
        """See `VaultStore.inbox`."""
        with self._reading() as db:
            return read_inbox(db)

    def post(self, item: InboxItem) -> None:
        """See `VaultStore.post`."""
        with self._reading() as db, db:
            if db.execute("SELECT count(*) FROM inbox").fetchone()[0] >= INBOX_COUNT_MAX:
                raise StorageError(
                    f"{INBOX_COUNT_MAX} secrets wait in the inbox already; unseal the vault first"
                )
            row = (item.id, item.created_us, item.record, item.sealed)
            db.execute("INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?)", (*row, _checksum(*row), item.refused))

    def apply(self, change: Change) -> None:
        """See `VaultStore.apply`."""
        with self._reading() as db, db:
            _write_meta(db, change.meta)
            for secret in change.put:
                row = (
                    secret.id,
                    secret.kind,
                    secret.version,
                    secret.record,
                    secret.wrapped_dek,
                    secret.ciphertext,
                )
                db.execute(
                    "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, _checksum(*row))
                )
            db.executemany("DELETE FROM secrets WHERE id = ?", [(one,) for one in change.remove])
            db.executemany("DELETE FROM inbox WHERE id = ?", [(one,) for one in change.taken])
            db.executemany(
                "UPDATE inbox SET refused = ? WHERE id = ?", [(reason, one) for one, reason in change.refused]
            )

    def content(self) -> bytes:
        """Return the whole database as one consistent piece, checked; for backups.

        Raises:
            CorruptStoreError: It is damaged, so it is no backup.
        """
        with self._reading() as db:
            check_rows(db, self._path.name)
            return db.serialize()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file after looking that it is a whole vault."""
        if not self._path.exists():
            raise StorageError(
                f"there is no vault in {self._path.parent}; make one with: watchword vault init"
            )
        with self._connection() as db:
            check_file(db, self._path.name)
            self._check_size(db)
            yield db

    def _check_size(self, db: sqlite3.Connection) -> None:
        """Compare the file's size with the database's own count: SQLite takes what is missing of a last page for zeros."""
        # Within a transaction, so that nobody writes in between.
        db.execute("BEGIN")
        expected = (
            db.execute("PRAGMA page_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0]
        )
        size = self._path.stat().st_size
        db.execute("ROLLBACK")
        if size != expected:
            raise CorruptStoreError(f"{self._path.name} is cut off: {size} of {expected} bytes{_RESTORE}")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with mapped_faults(self._path.name):
            db = sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True, timeout=BUSY_WAIT_S)
            try:
                db.execute("PRAGMA journal_mode = DELETE")
                db.execute("PRAGMA synchronous = EXTRA")
                db.execute("PRAGMA secure_delete = ON")
                yield db
            finally:
                db.close()


@contextlib.contextmanager
def mapped_faults(name: str) -> Iterator[None]:
    """Turn SQLite's exceptions into the house's."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StorageError(f"{name} refused a row: {error}") from error
    except sqlite3.OperationalError as error:
        # Busy, read-only, full: nothing of the change happened.
        raise StorageError(f"cannot use {name}: {error}") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise CorruptStoreError(f"{name} is damaged or cut off: {error}{_RESTORE}") from error


def check_file(db: sqlite3.Connection, name: str) -> None:
    """Look whether this is a whole vault of this version.

    Raises:
        CorruptStoreError: It is not.
    """
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise CorruptStoreError(f"{name} is not a vault, or its beginning is damaged{_RESTORE}")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != USER_VERSION:
        raise CorruptStoreError(f"{name} has layout {version}; this program reads {USER_VERSION}")
    found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise CorruptStoreError(f"{name} is damaged or cut off: {found}{_RESTORE}")


def check_rows(db: sqlite3.Connection, name: str) -> None:
    """Read every row and compare its checksum.

    Raises:
        CorruptStoreError: One differs; the text names it.
    """
    read_meta(db, name)
    read_secrets(db)
    read_inbox(db)


def read_meta(db: sqlite3.Connection, name: str) -> dict[MetaName, bytes]:
    """Read all meta values, checked."""
    found: dict[str, bytes] = {}
    for key, value, checksum in db.execute("SELECT name, value, checksum FROM meta"):
        _compare(f"the vault's {key}", checksum, key, value)
        found[key] = value
    if not found.keys() >= _NEEDED:
        missing = ", ".join(sorted(_NEEDED - found.keys()))
        raise CorruptStoreError(f"{name} lacks: {missing}{_RESTORE}")
    return cast("dict[MetaName, bytes]", found)


def read_secrets(db: sqlite3.Connection) -> list[StoredSecret]:
    """Read all secrets, checked."""
    rows = []
    for *row, checksum in db.execute("SELECT * FROM secrets ORDER BY id"):
        _compare(f"the row of {row[0]}", checksum, *row)
        rows.append(StoredSecret(*row))
    return rows


def read_inbox(db: sqlite3.Connection) -> list[InboxItem]:
    """Read the inbox, checked, oldest first."""
    items = []
    for *row, checksum, refused in db.execute("SELECT * FROM inbox ORDER BY created_us, id"):
        _compare(f"the inbox item {row[0]}", checksum, *row)
        items.append(InboxItem(row[0], row[1], row[2], row[3], refused))
    return items


def _write_meta(db: sqlite3.Connection, meta: Mapping[MetaName, bytes]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)",
        [(name, value, _checksum(name, value)) for name, value in meta.items()],
    )


def _compare(what: str, checksum: object, *parts: Any) -> None:
    if checksum != _checksum(*parts):
        raise CorruptStoreError(f"{what} is damaged: its checksum does not fit{_RESTORE}")


def _checksum(*parts: str | bytes | int) -> bytes:
    """Sixteen bytes over the parts and their lengths: finds accidents before a key is tried. No protection by itself."""
    total = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape")
        total.update(struct.pack(">I", len(raw)) + raw)
    return total.digest()[:CHECKSUM_BYTES]
