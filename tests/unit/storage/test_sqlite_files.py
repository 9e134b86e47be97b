"""SQLite files: opened only where they are, known by what they say of themselves, their faults named as ours."""

import sqlite3
from pathlib import Path

import pytest

from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.sqlite_files import check_identity, connect, mapped


def file(folder: Path, application_id: int = 7, version: int = 2) -> Path:
    path = folder / "a.db"
    made = sqlite3.connect(path)
    made.executescript(f"PRAGMA application_id = {application_id}; PRAGMA user_version = {version};")
    made.close()
    return path


def test_nothing_is_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "none.db", "rw", 10)
    assert list(tmp_path.iterdir()) == []


def test_reader_cannot_write(tmp_path: Path) -> None:
    connection = connect(file(tmp_path), "ro", 10)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("CREATE TABLE t (a)")
    connection.close()


@pytest.mark.parametrize(("application_id", "version"), [(6, 2), (7, 3), (7, 1), (0, 0)])
def test_file_of_another_kind_is_refused(tmp_path: Path, application_id: int, version: int) -> None:
    path = file(tmp_path, application_id, version)
    connection = connect(path, "ro", 10)
    with pytest.raises(CorruptStoreError, match=r"a\.db is not a journal of version 2"):
        check_identity(connection, path, "a journal", 7, 2)
    connection.close()


def test_file_of_this_kind_is_taken(tmp_path: Path) -> None:
    connection = connect(file(tmp_path), "ro", 10)
    check_identity(connection, tmp_path / "a.db", "a journal", 7, 2)
    connection.close()


def test_only_damage_is_called_damage() -> None:
    path = Path("a.db")
    for passing in (sqlite3.OperationalError, sqlite3.IntegrityError, sqlite3.ProgrammingError):
        found = mapped(passing("busy"), path, " at row 3")
        assert type(found) is StorageError
        assert str(found) == "a.db at row 3: busy"
    assert type(mapped(sqlite3.DatabaseError("file is not a database"), path)) is CorruptStoreError
