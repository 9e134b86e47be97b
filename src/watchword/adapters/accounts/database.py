"""The database behind the accounts: one connection, SQLite or PostgreSQL, and its errors as ours. Knows no table.

A PostgreSQL server elsewhere is reached over TLS with its certificate verified, or not at all; one program at a time
holds its database, as the folder's lock does for a file.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from watchword.kernel.errors import ConfigurationError, CorruptStoreError, HomeBusyError, StorageError
from watchword.kernel.secret import Secret

CONNECT_S_MAX: Final = 5
STATEMENT_MS_MAX: Final = 10_000
KEEPALIVE_S: Final = 30
#: Names the lock of this program in a PostgreSQL database. A constant of ours: the ASCII bytes of "Wwaccnt1".
LOCK_NUMBER: Final = int.from_bytes(b"Wwaccnt1", "big")
_DRIVER: Final = "postgresql+psycopg"
_PRAGMAS: Final = ("journal_mode = DELETE", "synchronous = EXTRA", "secure_delete = ON")
_SETTINGS: Final = ("synchronous_commit = on", f"statement_timeout = {STATEMENT_MS_MAX}")
_LOOPBACK: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


class Database:
    """One database, one connection, one transaction at a time."""

    def __init__(self, engine: Engine, place: str) -> None:
        """Take an engine; use `Database.file` or `Database.server`."""
        self._engine = engine
        self._place = place
        self._one_at_a_time = threading.Lock()
        self._held_once = False

    @classmethod
    def file(cls, path: Path) -> Self:
        """Open a SQLite file, made 0600 where missing.

        Raises:
            StorageError: It cannot be opened.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        engine = _engine(URL.create("sqlite", database=str(path)), {"check_same_thread": False})
        event.listen(engine, "connect", _configure_file)
        event.listen(engine, "begin", _begin_file)
        return cls(engine, str(path))

    @classmethod
    def server(cls, address: Secret) -> Self:
        """Name a PostgreSQL database; the first transaction connects.

        Args:
            address: `postgresql://user:password@host/database?sslmode=verify-full`; it holds a password.

        Raises:
            ConfigurationError: It is no such address, or would send the password or people in clear.
        """
        url = _checked_url(address)
        arguments = {
            "connect_timeout": CONNECT_S_MAX,
            # A server that is gone without a word: do not wait a quarter of an hour for it.
            "tcp_user_timeout": STATEMENT_MS_MAX,
            "keepalives_idle": KEEPALIVE_S,
            "application_name": "watchword console",
        }
        engine = _engine(url.set(drivername=_DRIVER), arguments)
        event.listen(engine, "connect", _configure_server)
        return cls(engine, url.render_as_string(hide_password=True))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, committed and synced at its end; foreign exceptions become ours.

        Raises:
            CorruptStoreError: The file is damaged.
            StorageError: Nothing of it was stored.
            HomeBusyError: Another program holds the database, and this one never did.
        """
        with self._one_at_a_time:
            try:
                with self._engine.begin() as connection:
                    self._held_once = True
                    yield connection
            except HomeBusyError as error:
                # Somebody took the database while our connection was broken: a fault of the store, not of the start.
                if self._held_once:
                    raise StorageError(f"{self._place}: {error}") from error
                raise
            except DatabaseError as error:
                # SQLite says so of a file it cannot make sense of; everything else has a class of its own.
                damaged = type(error) is DatabaseError
                raise (CorruptStoreError if damaged else StorageError)(self._said(error)) from error
            except UnicodeDecodeError as error:
                raise CorruptStoreError(f"{self._place}: a text is not as it was written") from error
            except (SQLAlchemyError, UnicodeError, OverflowError) as error:
                raise StorageError(self._said(error)) from error

    def close(self) -> None:
        """Disconnect."""
        with self._one_at_a_time:
            self._engine.dispose()

    def _said(self, error: Exception) -> str:
        """Name the place and the fault; only its first line, for the next ones may repeat what was to be stored."""
        if isinstance(error, UnicodeError | OverflowError):
            return f"{self._place}: a value cannot be stored ({type(error).__name__})"
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        return f"{self._place}: {lines[0] if lines else type(error).__name__}"


def _engine(url: URL, arguments: dict[str, Any]) -> Engine:
    """One connection for the process: these databases have one writer and few changes."""
    try:
        # Asked before each transaction: a connection that broke in the night fails nobody's sign-in in the morning.
        return create_engine(
            url, poolclass=StaticPool, pool_pre_ping=True, connect_args=arguments, hide_parameters=True
        )
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "PostgreSQL needs its driver: pip install 'watchword[postgresql]'"
        ) from error


def _configure_file(connection: Any, _record: Any) -> None:
    # The driver would commit before each change of a table: a transaction is begun by us, and whole.
    connection.isolation_level = None
    # The driver's own fault would repeat the bytes it cannot read.
    connection.text_factory = _utf8
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8")


def _begin_file(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _configure_server(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        for setting in _SETTINGS:
            cursor.execute(f"SET {setting}")
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_NUMBER,))
        (held,) = cursor.fetchone()
    connection.commit()
    if not held:
        connection.close()
        raise HomeBusyError("another console holds this PostgreSQL database")


def _checked_url(address: Secret) -> URL:
    try:
        url = make_url(address.reveal().decode("utf-8"))
    except (ArgumentError, ValueError):
        raise ConfigurationError("the address of the accounts' PostgreSQL database cannot be read") from None
    if url.get_backend_name() != "postgresql" or not url.database:
        raise ConfigurationError(
            "the accounts' database is not an address such as postgresql://user@host/name"
        )
    hosts = [url.host or "", *_texts(url.query.get("host")), *_texts(url.query.get("hostaddr"))]
    here = all(host in _LOOPBACK or host.startswith("/") for host in hosts)
    if not here and url.query.get("sslmode") != "verify-full":
        raise ConfigurationError(
            "a PostgreSQL server on another machine needs ?sslmode=verify-full in its address"
        )
    return url


def _texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else value
