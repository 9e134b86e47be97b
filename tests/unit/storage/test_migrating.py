"""Migrations: run once, and a database from the future is refused rather than guessed at."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from watchword.adapters.sql.schema import migrate
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.sql_writer import SqlWriter


def version(path: Path) -> str:
    writer = SqlWriter(path, lambda _connection: None)
    with writer.transaction() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    writer.close()
    return str(found)


def change_halfway(writer: SqlWriter) -> None:
    with writer.transaction() as connection:
        connection.execute(text("CREATE TABLE mine (a)"))
        connection.execute(text("ALTER TABLE api_key ADD COLUMN mine TEXT"))
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))


def test_database_is_brought_up_once(tmp_path: Path) -> None:
    SqlWriter(tmp_path / "keys.db", migrate).close()
    first = version(tmp_path / "keys.db")
    SqlWriter(tmp_path / "keys.db", migrate).close()
    assert version(tmp_path / "keys.db") == first


def test_database_of_a_newer_program_is_refused_and_kept(tmp_path: Path) -> None:
    writer = SqlWriter(tmp_path / "keys.db", migrate)
    with writer.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    writer.close()
    with pytest.raises(StorageError, match="the API keys are of version 9999; this program knows"):
        SqlWriter(tmp_path / "keys.db", migrate)
    assert version(tmp_path / "keys.db") == "9999"


def test_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    writer = SqlWriter(tmp_path / "keys.db", migrate)
    with writer.transaction() as connection:
        before = connection.execute(text("SELECT sql FROM sqlite_schema")).all()
    with pytest.raises(StorageError, match=r"keys\.db"):
        change_halfway(writer)
    with writer.transaction() as connection:
        assert connection.execute(text("SELECT sql FROM sqlite_schema")).all() == before
    writer.close()


def test_changes_of_several_threads_wait_for_each_other(tmp_path: Path) -> None:
    writer = SqlWriter(tmp_path / "keys.db", migrate)
    with writer.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (number INTEGER)"))
        connection.execute(text("INSERT INTO counted VALUES (0)"))

    def count(_: int) -> None:
        with writer.transaction() as connection:
            number = connection.execute(text("SELECT number FROM counted")).scalar_one()
            connection.execute(text("UPDATE counted SET number = :number"), {"number": number + 1})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(40)))
    with writer.transaction() as connection:
        assert connection.execute(text("SELECT number FROM counted")).scalar_one() == 40
    writer.close()


def test_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"not a database!!" * 64)
    with pytest.raises(CorruptStoreError, match=r"keys\.db"):
        SqlWriter(tmp_path / "keys.db", migrate)
