"""accounts.db: private, migrated, and every damage to it named rather than believed."""

import os
import sqlite3
import stat
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.support.account_rows import SEED, one_of_each, person, session, totp

from watchword.accounts.model import ROW_KINDS, ApiToken, Person
from watchword.adapters.accounts.accounts_store import SqlAccounts
from watchword.adapters.accounts.database import Database
from watchword.adapters.accounts.schema import TABLES, metadata
from watchword.adapters.accounts.version import HEAD
from watchword.kernel.errors import ConfigurationError, CorruptStoreError, StorageError
from watchword.kernel.secret import Secret


def open_store(folder: Path) -> SqlAccounts:
    return SqlAccounts.open_file(folder / "accounts.db", folder / "accounts.key")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with one row of every kind."""
    os.umask(0o022)
    store = open_store(tmp_path)
    store.write(one_of_each())
    store.close()
    return tmp_path


def execute(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "accounts.db")) as connection, connection:
        return connection.execute(statement, values).fetchall()


def load(folder: Path) -> list[Any]:
    store = open_store(folder)
    try:
        return list(store.load())
    finally:
        store.close()


def test_files_are_private_and_hold_no_seed(filled: Path) -> None:
    assert {path.name for path in filled.iterdir()} == {"accounts.db", "accounts.key"}
    for path in filled.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert SEED not in path.read_bytes()


def test_removed_row_leaves_no_sealed_bytes(filled: Path) -> None:
    ((sealed,),) = execute(filled, "SELECT sealed_seed FROM totp_factor")
    store = open_store(filled)
    store.write([], [totp()])
    store.close()
    assert sealed not in (filled / "accounts.db").read_bytes()


def test_tables_are_what_the_migrations_make(filled: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{filled / 'accounts.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    versions = Path(__file__).parents[4] / "src/watchword/adapters/accounts/migrations/versions"
    assert max(path.name[:4] for path in versions.glob("0*.py")) == HEAD


def test_people_and_tokens_from_before_addresses_go_on_as_they_were(filled: Path) -> None:
    for statement in (
        "ALTER TABLE person DROP COLUMN mail_us",
        "ALTER TABLE person DROP COLUMN phone_us",
        "ALTER TABLE api_token DROP COLUMN ips",
        "UPDATE alembic_version SET version_num = '0002'",
    ):
        execute(filled, statement)
    changed = {"mail_us": 0, "phone_us": 0}, {"ips": ()}
    expected = [
        msgspec.structs.replace(row, **changed[isinstance(row, ApiToken)])
        if isinstance(row, Person | ApiToken)
        else row
        for row in one_of_each()
    ]
    assert sorted(map(repr, load(filled))) == sorted(map(repr, expected))
    assert execute(filled, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    found = {type(row): row for row in load(filled)}
    assert (found[Person].mail_us, found[ApiToken].ips) == (0, ())


@pytest.mark.parametrize("kind", ROW_KINDS, ids=lambda kind: kind.__name__)
def test_every_field_has_its_column(kind: Any) -> None:
    columns = [column.name for column in TABLES[kind].columns]
    assert columns == [{"seed": "sealed_seed"}.get(name, name) for name in kind.__struct_fields__]


def test_tables_of_a_newer_program_are_refused(filled: Path) -> None:
    execute(filled, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="of version 9999; this program knows 0003"):
        open_store(filled)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE person SET role = 'king'",
        "UPDATE person SET created_us = 'yesterday'",
        "UPDATE person SET name = x'ff'",
        "UPDATE totp_factor SET last_step = 1.5",
        "UPDATE webauthn_factor SET transports = 'usb'",
        "UPDATE webauthn_factor SET transports = '\"usb\"'",
        "UPDATE webauthn_factor SET backed_up = 2",
        "UPDATE message_factor SET channel = 'fax'",
        "UPDATE session SET stage = 'owner'",
        "UPDATE session SET factor = 'trust'",
        "UPDATE session SET digest = 'text'",
        "UPDATE api_token SET scopes = '[\"everything\"]'",
        "UPDATE api_token SET scopes = '[1'",
        "UPDATE api_token SET ips = '[1]'",
        "UPDATE api_token SET ips = ''",
        "UPDATE assignment SET kind = 'vault'",
        "UPDATE exchange_ownership SET account_id = account_id + 1",
        "UPDATE sign_in SET outcome = 'fine'",
        "UPDATE totp_factor SET sealed_seed = CAST(x'02' || substr(sealed_seed, 2) AS BLOB)",
        "UPDATE totp_factor SET sealed_seed = CAST(sealed_seed AS TEXT)",
        "UPDATE totp_factor SET label = CAST(x'ff' AS TEXT)",
        "UPDATE totp_factor SET sealed_seed = 'text'",
        "UPDATE totp_factor SET sealed_seed = substr(sealed_seed, 1, 40)",
        "UPDATE totp_factor SET person_id = 'p-somebody'",
        "UPDATE totp_factor SET id = 'f-other'",
    ],
)
def test_column_that_is_not_as_written_is_damage(filled: Path, damage: str) -> None:
    assert len(load(filled)) == len(ROW_KINDS)
    execute(filled, damage)
    with pytest.raises(CorruptStoreError):
        load(filled)


def test_seed_moved_to_another_factor_does_not_open(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.write([person(), totp(1), totp(2, seed=b"somebody else's seed")])
    store.close()
    execute(
        tmp_path,
        "UPDATE totp_factor SET sealed_seed = (SELECT sealed_seed FROM totp_factor WHERE id = 'f-totp2')"
        " WHERE id = 'f-totp1'",
    )
    with pytest.raises(CorruptStoreError, match="totp_factor f-totp1"):
        load(tmp_path)


def test_missing_key_file_is_named_and_not_made_anew(filled: Path) -> None:
    (filled / "accounts.key").unlink()
    with pytest.raises(CorruptStoreError, match=r"accounts\.key is missing"):
        open_store(filled)
    assert not (filled / "accounts.key").exists()


def test_lost_key_file_without_any_seed_is_made_anew(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    (tmp_path / "accounts.key").unlink()
    open_store(tmp_path).close()
    assert (tmp_path / "accounts.key").exists()


def test_other_key_file_is_refused(filled: Path) -> None:
    (filled / "accounts.key").write_bytes(b"WWA1" + b"x" * 32)
    with pytest.raises(CorruptStoreError, match=r"does not open under .*accounts\.key"):
        load(filled)


def test_file_that_is_no_database_is_named(filled: Path) -> None:
    content = (filled / "accounts.db").read_bytes()
    (filled / "accounts.db").write_bytes(b"not a database!!" + content[16:])
    with pytest.raises(CorruptStoreError, match=r"accounts\.db"):
        open_store(filled)


def test_file_behind_a_link_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / "accounts.db").symlink_to(tmp_path / "victim")
    with pytest.raises(StorageError, match="cannot open"):
        open_store(tmp_path)


def test_changes_from_several_threads_do_not_mistake_each_other_for_another_program(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.write([session(number)]), range(40)))
    assert len(list(store.load())) == 40
    store.close()


def test_full_disk_is_a_fault_and_stores_nothing(filled: Path) -> None:
    store = open_store(filled)
    before = len(list(store.load()))
    with store._database.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        store.write([session(number) for number in range(10, 200)])
    assert len(list(store.load())) == before
    store.write([person(1, "renamed")])
    store.close()


def test_fault_repeats_no_value(filled: Path) -> None:
    store = open_store(filled)
    canary = "canary-0123456789"
    twin = msgspec.structs.replace(person(2, "ann"), password=canary)
    with pytest.raises(StorageError) as caught:
        store.write([twin])
    shown = "".join(traceback.format_exception(caught.value))
    assert "UNIQUE constraint failed: person." in str(caught.value)
    assert canary not in shown
    with pytest.raises(StorageError, match="a value cannot be stored"):
        store.write([person(3, "surrogate", phone="\ud800")])
    with pytest.raises(StorageError, match="a value cannot be stored"):
        store.write([msgspec.structs.replace(session(9), seen_us=1 << 63)])
    assert len(list(store.load())) == len(ROW_KINDS)
    store.close()


def test_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchword.adapters.accounts import accounts_store

    def migrate_and_fail(connection: sa.Connection) -> None:
        real(connection)
        raise StorageError("power is gone")

    real = accounts_store.migrate
    monkeypatch.setattr(accounts_store, "migrate", migrate_and_fail)
    with pytest.raises(StorageError, match="power is gone"):
        open_store(tmp_path)
    assert execute(tmp_path, "SELECT count(*) FROM sqlite_schema") == [(0,)]
    monkeypatch.setattr(accounts_store, "migrate", real)
    assert load(tmp_path) == []


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ww:canary@db.example.org/accounts",
        "postgresql://ww:canary@db.example.org/accounts?sslmode=require",
        "postgresql://ww:canary@localhost/accounts?host=db.example.org",
        "postgresql://ww:canary@localhost/accounts?hostaddr=192.0.2.1",
        "postgresql://ww:canary@localhost",
        "mysql://ww:canary@localhost/accounts",
        "canary",
        "postgresql://ww:canary@localhost:port/accounts",
    ],
)
def test_address_that_cannot_be_used_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database.server(Secret(address.encode()))
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_address_with_a_verified_server_or_of_this_machine_is_taken() -> None:
    for address in (
        "postgresql://ww:canary@db.example.org/accounts?sslmode=verify-full",
        "postgresql://ww:canary@127.0.0.1:1/accounts",
        "postgresql:///accounts?host=/run/postgresql",
    ):
        Database.server(Secret(address.encode())).close()


def test_server_that_is_not_there_is_a_fault_without_the_password(tmp_path: Path) -> None:
    address = Secret(b"postgresql://ww:canary@127.0.0.1:1/accounts")
    with pytest.raises(StorageError, match=r"ww:\*\*\*@127\.0\.0\.1") as caught:
        SqlAccounts.open_server(address, tmp_path / "accounts.key")
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert not (tmp_path / "accounts.key").exists()
