"""One suite for every store of people: memory, SQLite, and PostgreSQL where this machine has one."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine
from tests.support.account_rows import ANN, NOW_US, SEED, digest, one_of_each, person, session, token, totp
from tests.support.postgres_server import PostgresServer, find_programs

from watchword.accounts.model import (
    ROW_KINDS,
    Assignment,
    Invitation,
    RecoveryCode,
    Row,
    Session,
    SignIn,
    TotpFactor,
    WebauthnFactor,
)
from watchword.accounts.ports import AccountsStore
from watchword.adapters.accounts.accounts_store import SqlAccounts
from watchword.adapters.accounts.schema import metadata
from watchword.adapters.memory.accounts import MemoryAccounts
from watchword.kernel.errors import HomeBusyError, StorageError
from watchword.kernel.secret import Secret

#: Ends every connection to a database.
CUT = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{}'"

Reopen = Callable[[], AccountsStore]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    programs = find_programs()
    if programs is None:
        pytest.xfail("this machine has no PostgreSQL server (Debian's package: postgresql)")
    server = PostgresServer.start(programs)
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Opens the store again, as the next process would."""
    opened: list[AccountsStore] = []
    open_one = _opener(request, tmp_path)

    def again() -> AccountsStore:
        # One process at a time: who was there before has let go.
        for store in opened:
            store.close()
        opened.append(open_one())
        return opened[-1]

    yield again
    for store in opened:
        store.close()


def _opener(request: pytest.FixtureRequest, folder: Path) -> Callable[[], AccountsStore]:
    if request.param == "memory":
        memory = MemoryAccounts()
        return lambda: memory
    key_path = folder / "accounts.key"
    if request.param == "sqlite":
        return lambda: SqlAccounts.open_file(folder / "accounts.db", key_path)
    address = Secret(request.getfixturevalue("postgres").new_database().encode())
    return lambda: SqlAccounts.open_server(address, key_path)


def comparable(rows: Any) -> list[Any]:
    """Rows as values that can be compared: a secret refuses to be."""
    return sorted(
        (
            [type(row).__name__, *(_plain(value) for value in msgspec.structs.asdict(row).values())]
            for row in rows
        ),
        key=repr,
    )


def _plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def held(store: AccountsStore) -> list[Any]:
    return comparable(store.load())


def test_new_store_is_empty(reopen: Reopen) -> None:
    assert list(reopen().load()) == []


def test_every_kind_comes_back_as_it_was_written_people_first(reopen: Reopen) -> None:
    rows = one_of_each()
    assert {type(row) for row in rows} == set(ROW_KINDS)
    reopen().write([*rows[1:], rows[0]])
    found = list(reopen().load())
    assert comparable(found) == comparable(rows)
    assert found[0] == rows[0]
    (factor,) = [row for row in found if isinstance(row, TotpFactor)]
    assert factor.seed.reveal() == SEED


def test_bare_rows_come_back_too(reopen: Reopen) -> None:
    rows: list[Row] = [
        person(phone="", password="", created_us=0, password_us=0, enrolled_us=0, disabled_us=0),
        WebauthnFactor(id="f-1", person_id=ANN, label="", credential_id=b"\0", public_key=b""),
        Session(id="s-1", person_id=ANN, digest=digest(1), stage="factor"),
        msgspec.structs.replace(token(), scopes=frozenset()),
        SignIn(id="h-1", person_id=ANN, at_us=-1, outcome="locked"),
    ]
    reopen().write(rows)
    assert held(reopen()) == comparable(rows)


def test_put_replaces_a_known_row_and_leaves_others(reopen: Reopen) -> None:
    store = reopen()
    store.write([person(1, "ann"), person(2, "bob"), totp(), session()])
    changed, advanced = person(1, "ann", role="auditor", disabled_us=0), totp(seed=b"another seed of mine")
    store.write([changed, advanced])
    assert held(reopen()) == comparable([changed, person(2, "bob"), advanced, session()])


def test_remove_takes_rows_by_kind_and_id_only(reopen: Reopen) -> None:
    store = reopen()
    twin = RecoveryCode(id="s-1", person_id=ANN, digest=digest(3))
    store.write([person(), session(1), session(2), twin])
    # What else the row says does not matter, nor that one is not there.
    store.write([], [Session(id="s-1", person_id="", digest=b"", stage="enrol"), session(7)])
    assert held(reopen()) == comparable([person(), session(2), twin])


def test_nothing_cascades(reopen: Reopen) -> None:
    store = reopen()
    store.write([person(), session()])
    store.write([], [person()])
    assert held(reopen()) == comparable([session()])


def test_unique_value_moves_from_a_removed_row_to_a_new_one(reopen: Reopen) -> None:
    store = reopen()
    store.write([person(), session(1)])
    heir = msgspec.structs.replace(session(2), digest=digest(1))
    store.write([heir], [session(1)])
    assert held(reopen()) == comparable([person(), heir])


def test_two_rows_exchange_unique_values(reopen: Reopen) -> None:
    store = reopen()
    store.write([person(1, "ann"), person(2, "bob")])
    store.write([person(1, "bob"), person(2, "ann")])
    assert held(reopen()) == comparable([person(1, "bob"), person(2, "ann")])


def test_same_row_twice_is_the_later_one(reopen: Reopen) -> None:
    store = reopen()
    store.write([person(1, "ann"), person(1, "later")])
    assert held(reopen()) == comparable([person(1, "later")])


@pytest.mark.parametrize(
    ("known", "second", "allowed"),
    [
        (person(1, "ann"), person(2, "ann", mail="other@example.org"), person(2, "anna")),
        (person(1, "ann"), person(2, "bob", mail="ann@example.org"), person(2, "bob")),
        (session(1), msgspec.structs.replace(session(2), digest=digest(1)), session(2)),
        (token(1), token(2, label="ci"), token(2, label="cj")),
        (token(1), msgspec.structs.replace(token(2, label="x"), digest=digest(1)), token(2, "p-2")),
        (
            RecoveryCode(id="r-1", person_id=ANN, digest=digest(1)),
            RecoveryCode(id="r-2", person_id=ANN, digest=digest(1)),
            RecoveryCode(id="r-2", person_id=ANN, digest=digest(2)),
        ),
        (
            WebauthnFactor(id="f-1", person_id=ANN, label="", credential_id=b"a", public_key=b"k"),
            WebauthnFactor(id="f-2", person_id="p-2", label="", credential_id=b"a", public_key=b"k"),
            WebauthnFactor(id="f-2", person_id="p-2", label="", credential_id=b"b", public_key=b"k"),
        ),
        (
            Assignment(id="a-1", person_id=ANN, kind="virtual", subject="vk-1"),
            Assignment(id="a-2", person_id=ANN, kind="virtual", subject="vk-1"),
            Assignment(id="a-2", person_id=ANN, kind="credential", subject="vk-1"),
        ),
        (
            Invitation(id="i-1", person_id=ANN, digest=digest(1)),
            Invitation(id="i-2", person_id=ANN, digest=digest(2)),
            Invitation(id="i-2", person_id="p-2", digest=digest(2)),
        ),
    ],
    ids=["name", "mail", "session", "label", "token", "recovery", "webauthn", "assignment", "invitation"],
)
def test_second_holder_of_a_unique_value_is_refused_and_nothing_else_stored(
    reopen: Reopen, known: Row, second: Row, allowed: Row
) -> None:
    store = reopen()
    store.write([known])
    before = held(store)
    with pytest.raises(StorageError):
        store.write([SignIn(id="h-9", person_id=ANN, at_us=NOW_US, outcome="locked"), second], [totp()])
    assert held(store) == before
    store.write([allowed])
    assert held(reopen()) == comparable([known, allowed])


def test_uses_are_stored_and_touch_nothing_else(reopen: Reopen) -> None:
    store = reopen()
    store.write([person(), session(1), session(2), token(1)])
    used = msgspec.structs.replace(
        session(1), seen_us=NOW_US + 99, seen_ip="::1", stage="enrol", digest=digest(50), person_id="p-x"
    )
    token_used = msgspec.structs.replace(
        token(1), used_us=NOW_US + 98, used_ip="::2", label="x", scopes=frozenset()
    )
    store.record_uses([used, token_used, session(7), token(8)])
    store.record_uses([])
    expected = [
        person(),
        msgspec.structs.replace(session(1), seen_us=NOW_US + 99, seen_ip="::1"),
        session(2),
        msgspec.structs.replace(token(1), used_us=NOW_US + 98, used_ip="::2"),
    ]
    assert held(store) == comparable(expected)
    assert held(reopen()) == comparable(expected)


def test_empty_change_changes_nothing(reopen: Reopen) -> None:
    store = reopen()
    store.write([person()])
    store.write([], [])
    assert held(reopen()) == comparable([person()])


def test_texts_are_kept_to_the_letter(reopen: Reopen) -> None:
    odd = person(1, "ann", mail="o'\";--%s:x@example.org", phone="\\ \t\u6d4b\U0001f511")
    reopen().write([odd])
    assert list(reopen().load()) == [odd]


def test_postgres_server_lets_one_program_in_at_a_time(postgres: PostgresServer, tmp_path: Path) -> None:
    address = Secret(postgres.new_database().encode())
    first = SqlAccounts.open_server(address, tmp_path / "accounts.key")
    with pytest.raises(HomeBusyError, match="another console"):
        SqlAccounts.open_server(address, tmp_path / "accounts.key")
    first.close()
    SqlAccounts.open_server(address, tmp_path / "accounts.key").close()


def test_broken_connection_is_made_anew_unless_somebody_else_wrote(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    address = postgres.new_database()
    name = name_of(address)
    store = SqlAccounts.open_server(Secret(address.encode()), tmp_path / "accounts.key")
    store.write([person()])
    postgres.run("postgres", CUT.format(name))
    store.write([session(2)])
    assert held(store) == comparable([person(), session(2)])
    postgres.run("postgres", CUT.format(name))
    postgres.run(name, "UPDATE change_count SET changes = changes + 1")
    for _ in range(2):
        with pytest.raises(StorageError, match="another program changed the accounts"):
            store.write([session(3)])
    store.close()


def test_broken_connection_is_not_made_anew_while_another_console_holds_the_database(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    address = Secret((text := postgres.new_database()).encode())
    first = SqlAccounts.open_server(address, tmp_path / "accounts.key")
    postgres.run("postgres", CUT.format(name_of(text)))
    second = SqlAccounts.open_server(address, tmp_path / "accounts.key")
    with pytest.raises(StorageError, match="another console holds"):
        first.write([person()])
    second.write([session()])
    assert held(second) == comparable([session()])
    second.close()
    with pytest.raises(StorageError, match="another program changed the accounts"):
        first.write([person()])
    first.close()


def test_commit_nobody_heard_of_stops_further_changes(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqlAccounts.open_server(Secret(postgres.new_database().encode()), tmp_path / "accounts.key")
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "begin", _commit_and_lose_the_answer)
        with pytest.raises(StorageError, match="gone"):
            store.write([person()])
    with pytest.raises(StorageError, match="another program changed the accounts"):
        store.write([session()])
    assert held(store) == comparable([person()])
    store.close()


@contextmanager
def _commit_and_lose_the_answer(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin():
        yield connection
    raise StorageError("the connection is gone")


def name_of(address: str) -> str:
    return address.partition("@/")[2].partition("?")[0]


def test_server_has_the_tables_the_program_knows(postgres: PostgresServer, tmp_path: Path) -> None:
    address = postgres.new_database()
    SqlAccounts.open_server(Secret(address.encode()), tmp_path / "accounts.key").close()
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_second_writer_of_a_file_is_noticed(tmp_path: Path) -> None:
    paths = tmp_path / "accounts.db", tmp_path / "accounts.key"
    first, second = SqlAccounts.open_file(*paths), SqlAccounts.open_file(*paths)
    first.write([person()])
    with pytest.raises(StorageError, match="another program changed the accounts"):
        second.write([session()])
    with closing(sqlite3.connect(paths[0])) as connection:
        assert connection.execute("SELECT count(*) FROM session").fetchone() == (0,)
    assert held(second) == comparable([person()])
    second.write([session()])
    first.close()
    second.close()
