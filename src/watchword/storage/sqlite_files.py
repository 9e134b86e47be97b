"""What every SQLite file of ours has in common: how it is opened, how it says what it is, its faults as ours."""

import sqlite3
from pathlib import Path
from typing import Final, Literal

from watchword.kernel.errors import CorruptStoreError, StorageError

#: Faults of one call or of the moment; any other one says that the file is damaged.
_PASSING: Final = (sqlite3.OperationalError, sqlite3.IntegrityError, sqlite3.ProgrammingError)


def connect(path: Path, mode: Literal["ro", "rw"], busy_ms_max: int) -> sqlite3.Connection:
    """Open an existing file, every statement a transaction of its own.

    Args:
        path: The file.
        mode: For reading, or for both.
        busy_ms_max: How long to wait for another connection.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=busy_ms_max / 1000,
    )


def check_identity(
    connection: sqlite3.Connection, path: Path, what: str, application_id: int, version: int
) -> None:
    """Make sure that a file is what it is taken for.

    Args:
        connection: To the file.
        path: For the error.
        what: `"a journal"`.
        application_id: What it must say of itself.
        version: Likewise.

    Raises:
        CorruptStoreError: It says something else.
    """
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if identity != application_id or found != version:
        raise CorruptStoreError(
            f"{path} is not {what} of version {version} (id {identity:#x}, version {found})"
        )


def mapped(error: sqlite3.Error, path: Path, at: str = "") -> StorageError:
    """Turn SQLite's exception into ours, naming the file.

    Args:
        error: SQLite's.
        path: The file.
        at: Where in it, with a space before.
    """
    text = f"{path}{at}: {error}"
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _PASSING):
        return CorruptStoreError(text)
    return StorageError(text)
