"""Changes to keys.db through SQLAlchemy Core: each is one transaction, synced before it returns.

Loaded late (see `key_store`). Never reads keys back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, create_engine, delete, event, insert, update
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from watchword.adapters.sql.schema import api_keys, migrate
from watchword.kernel.errors import CorruptStoreError, StorageError

_PRAGMAS: Final = ("journal_mode = DELETE", "synchronous = EXTRA", "secure_delete = ON")


class KeyTable:
    """The table of API keys, for writing."""

    def __init__(self, path: Path) -> None:
        """Connect and bring the tables to their newest version."""
        self._path = path
        self._engine = _engine(path)
        with self._transaction() as connection:
            migrate(connection)

    def insert(self, values: Mapping[str, Any]) -> None:
        """Add a row."""
        with self._transaction() as connection:
            connection.execute(insert(api_keys).values(**values))

    def update(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, all or none; each says which by `changed_key`. All have the same columns."""
        columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "changed_key"}
        statement = update(api_keys).where(api_keys.c.api_key == bindparam("changed_key")).values(columns)
        with self._transaction() as connection:
            connection.execute(statement, list(rows))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove rows, all or none; their bytes are overwritten."""
        statement = delete(api_keys).where(api_keys.c.api_key == bindparam("gone_key"))
        with self._transaction() as connection:
            connection.execute(statement, [{"gone_key": key} for key in keys])

    def close(self) -> None:
        """Disconnect."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """One transaction; foreign exceptions become ours."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
                raise CorruptStoreError(f"{self._path}: {reason}") from error
            raise StorageError(f"{self._path}: {reason}") from error


def _engine(path: Path) -> Engine:
    """One connection for the process: this database has one writer and few changes."""
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine
