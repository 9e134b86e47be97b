"""The index's file: tables, identity, connections. Can be thrown away at any time: the trails are the record.

Layout: docs/formats/audit-index.md.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final, Literal

from watchword.kernel.errors import StorageError
from watchword.storage.sqlite_files import connect

FILE_NAME: Final = "audit_index.db"
FORMAT_VERSION: Final = 1
APPLICATION_ID: Final = 0x57574931  # "WWI1"
FILE_MODE: Final = 0o600
BUSY_MS_MAX: Final = 5_000
CACHE_KIB: Final = 32_768
#: Trails one index can hold: that many lanes each microsecond has.
TRAILS_MAX: Final = 4
#: Places a row's time leaves in its id for rows of the same microsecond: the lane, and which of them.
SAME_TIME_BITS: Final = 10
#: Far beyond any clock; a row that claims more is put here, and found by everything but its time.
TIME_US_MAX: Final = 1 << 52

TABLES: Final = f"""
CREATE TABLE source (lane INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, row INTEGER NOT NULL, last_id INTEGER NOT NULL,
  entries INTEGER NOT NULL, unreadable INTEGER NOT NULL, checked_row INTEGER NOT NULL, checked_digest BLOB NOT NULL,
  first_digest BLOB NOT NULL) STRICT;
CREATE TABLE entry (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, row INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE subject (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE mark (id INTEGER PRIMARY KEY) STRICT;
CREATE VIRTUAL TABLE term USING fts5(terms, content='', detail=none, columnsize=0, tokenize='ascii');
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
"""
NO_TABLES: Final = "".join(
    f"DROP TABLE IF EXISTS {name};" for name in ("source", "entry", "subject", "mark", "term")
)


def time_id(now_us: int) -> int:
    """Return the lowest id a row of this time can have."""
    return max(0, min(now_us, TIME_US_MAX)) << SAME_TIME_BITS


def next_id(now_us: int, last_id: int, lane: int) -> int:
    """Give a row its id: by time, unique over all trails, and in its trail above the row before.

    Args:
        now_us: Its time.
        last_id: Of the row before in the same trail; 0 before the first.
        lane: Of its trail.
    """
    return max(time_id(now_us) + lane, last_id + TRAILS_MAX if last_id else 0)


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open the index, made where it is new, and anew where it is none of this version.

    Raises:
        StorageError: It cannot be opened.
    """
    try:
        try:
            return _prepared(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            # Damaged. Nothing is lost: it is built again from the trails.
            remove(path)
            return _prepared(path)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"cannot open {path}: {error}") from error


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the index for finding, beside whoever builds it.

    Raises:
        StorageError: There is none of this version.
    """
    try:
        connection = _connect(path, "ro")
        if _identity(connection) != (APPLICATION_ID, FORMAT_VERSION):
            connection.close()
            raise StorageError(f"{path} is no audit index of version {FORMAT_VERSION}")
    except sqlite3.Error as error:
        raise StorageError(f"cannot open {path}: {error}") from error
    return connection


def remove(path: Path) -> None:
    """Throw the index away."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _prepared(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    connection = _connect(path, "rw")
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # A power cut may cost the last rows, which are then indexed again.
        connection.execute("PRAGMA synchronous = NORMAL")
        if _identity(connection) != (APPLICATION_ID, FORMAT_VERSION):
            connection.executescript(f"BEGIN IMMEDIATE; {NO_TABLES} {TABLES} COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    connection = connect(path, mode, BUSY_MS_MAX)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    return (
        connection.execute("PRAGMA application_id").fetchone()[0],
        connection.execute("PRAGMA user_version").fetchone()[0],
    )
