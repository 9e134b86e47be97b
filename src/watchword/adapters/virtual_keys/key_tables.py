"""Changes to HOME/gateway/keys.db through SQLAlchemy Core: each is one transaction, synced before it returns.

Loaded late (see `key_store`). Never reads keys back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, delete, event, insert
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from watchword.adapters.virtual_keys.schema import key_uses, key_versions, migrate, virtual_keys
from watchword.kernel.errors import CorruptStoreError, StorageError

_PRAGMAS: Final = ("journal_mode = DELETE", "synchronous = EXTRA", "secure_delete = ON")


class KeyTables:
    """The tables of virtual keys, for writing."""

    def __init__(self, path: Path) -> None:
        """Connect and bring the tables to their newest version."""
        self._path = path
        self._engine = _engine(path)
        with self._transaction() as connection:
            migrate(connection)

    def put(
        self,
        keys: Sequence[Mapping[str, Any]],
        versions: Sequence[Mapping[str, Any]],
        remove: Sequence[str],
    ) -> None:
        """Replace keys with all their versions, and remove others, in one transaction."""
        ids = [key["id"] for key in keys]
        with self._transaction() as connection:
            connection.execute(delete(virtual_keys).where(virtual_keys.c.id.in_([*ids, *remove])))
            connection.execute(delete(key_versions).where(key_versions.c.key_id.in_([*ids, *remove])))
            connection.execute(delete(key_uses).where(key_uses.c.key_id.in_(remove)))
            if keys:
                connection.execute(insert(virtual_keys), keys)
            if versions:
                connection.execute(insert(key_versions), versions)

    def record_uses(self, uses: Sequence[Mapping[str, Any]]) -> None:
        """Set when and from where keys were last used."""
        with self._transaction() as connection:
            connection.execute(delete(key_uses).where(key_uses.c.key_id.in_([use["key_id"] for use in uses])))
            connection.execute(insert(key_uses), uses)

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
