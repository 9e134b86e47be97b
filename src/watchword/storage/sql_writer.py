"""A small SQLite database written through SQLAlchemy Core: one connection, each change synced before it returns.

For databases with one writer and few changes, whose deleted bytes must not stay. Loads SQLAlchemy: import it late.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from watchword.kernel.errors import CorruptStoreError, StorageError

_PRAGMAS: Final = ("journal_mode = DELETE", "synchronous = EXTRA", "secure_delete = ON")


class SqlWriter:
    """See the module."""

    def __init__(self, path: Path, migrate: Callable[[Connection], None]) -> None:
        """Connect and bring the tables to their newest version.

        Args:
            path: The database.
            migrate: Does the latter.
        """
        self._path = path
        self._engine = _engine(path)
        self._one_at_a_time = threading.Lock()
        with self.transaction() as connection:
            migrate(connection)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, all or nothing; one of another thread is waited for, because there is one connection.

        Raises:
            CorruptStoreError: The database is damaged.
            StorageError: It cannot be written.
        """
        try:
            with self._one_at_a_time, self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
                raise CorruptStoreError(f"{self._path}: {reason}") from error
            raise StorageError(f"{self._path}: {reason}") from error

    def close(self) -> None:
        """Disconnect."""
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    # The driver's own transactions leave out changes of tables: a migration would not be all or nothing.
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
