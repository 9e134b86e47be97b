"""People and what belongs to them in SQLite or PostgreSQL. Implements `accounts.ports.AccountsStore`; never caches.

Layout: docs/formats/accounts.md. Every change is one transaction, synced before it returns.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Table, Update, bindparam, delete, func, insert, select, update

from watchword.accounts.model import ROW_KINDS, ApiToken, Row, Session, TotpFactor
from watchword.adapters.accounts.column_sealing import ColumnSealer
from watchword.adapters.accounts.database import Database
from watchword.adapters.accounts.rows import columns_of, row_of
from watchword.adapters.accounts.schema import TABLES, changes, migrate
from watchword.kernel.errors import StorageError
from watchword.kernel.secret import Secret

_ONLY_ROW: Final = 1


class SqlAccounts:
    """The accounts database.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def __init__(self, database: Database, key_path: Path) -> None:
        """Connect, migrate where needed, and find the key that opens the secrets.

        Args:
            database: Where the rows are.
            key_path: `accounts.key`, made where neither it nor any sealed column exists.

        Raises:
            CorruptStoreError: The database is damaged, or the key file is missing or has another layout.
            StorageError: It cannot be opened, or a newer Watchword wrote it.
            HomeBusyError: Another program holds the PostgreSQL database.
        """
        self._database = database
        #: Around a transaction and what we know of it: two threads must not count from the same number.
        self._counting = threading.Lock()
        try:
            with database.transaction() as connection:
                migrate(connection)
                self._changes = _count(connection)
                sealed = connection.execute(select(func.count()).select_from(TABLES[TotpFactor])).scalar_one()
            self._sealer = ColumnSealer.open(key_path, may_create=sealed == 0)
        except BaseException:
            database.close()
            raise

    @classmethod
    def open_file(cls, path: Path, key_path: Path) -> Self:
        """Open `accounts.db`; whoever does holds the console's folder. See `__init__`."""
        return cls(Database.file(path), key_path)

    @classmethod
    def open_server(cls, address: Secret, key_path: Path) -> Self:
        """Open a PostgreSQL database of its own. See `Database.server` and `__init__`."""
        return cls(Database.server(address), key_path)

    def load(self) -> Iterable[Row]:
        """See `AccountsStore.load`."""
        with self._counting, self._database.transaction() as connection:
            self._changes = _count(connection)
            return [row for kind in ROW_KINDS for row in self._rows(connection, kind)]

    def write(self, put: Sequence[Row], remove: Sequence[Row] = ()) -> None:
        """See `AccountsStore.write`.

        Raises:
            StorageError: Nothing of it was stored; also when another program changed the database meanwhile, which
                this one must then read anew.
        """
        if not put and not remove:
            return
        kept = {(type(row), row.id): row for row in put}
        gone = {(type(row), row.id): row for row in (*remove, *put)}
        with self._counting:
            with self._database.transaction() as connection:
                self._count_one(connection)
                self._delete(connection, gone.values())
                self._insert(connection, kept.values())
            self._changes += 1

    def record_uses(self, rows: Sequence[Session | ApiToken]) -> None:
        """See `AccountsStore.record_uses`."""
        sessions = [_use(row.id, row.seen_us, row.seen_ip) for row in rows if isinstance(row, Session)]
        tokens = [_use(row.id, row.used_us, row.used_ip) for row in rows if isinstance(row, ApiToken)]
        if not rows:
            return
        with self._database.transaction() as connection:
            if sessions:
                connection.execute(_uses(TABLES[Session], "seen_us", "seen_ip"), sessions)
            if tokens:
                connection.execute(_uses(TABLES[ApiToken], "used_us", "used_ip"), tokens)

    def close(self) -> None:
        """See `AccountsStore.close`."""
        self._database.close()

    def _delete(self, connection: Connection, rows: Iterable[Row]) -> None:
        for kind, those in _by_kind(rows):
            statement = delete(TABLES[kind]).where(TABLES[kind].c.id == bindparam("gone_id"))
            connection.execute(statement, [{"gone_id": row.id} for row in those])

    def _insert(self, connection: Connection, rows: Iterable[Row]) -> None:
        for kind, those in _by_kind(rows):
            table = TABLES[kind]
            connection.execute(insert(table), [columns_of(row, table.name, self._sealer) for row in those])

    def _rows(self, connection: Connection, kind: type[Row]) -> Iterator[Row]:
        table = TABLES[kind]
        for columns in connection.execute(select(table).order_by(table.c.id)).mappings():
            # The names are a subclass of text here, which the row's decoder does not take for text.
            yield row_of(
                kind, {str(name): value for name, value in columns.items()}, table.name, self._sealer
            )

    def _count_one(self, connection: Connection) -> None:
        """Count this change, unless somebody else counted one since: what we hold in memory is then out of date."""
        counted = connection.execute(
            update(changes)
            .where(changes.c.id == _ONLY_ROW, changes.c.changes == self._changes)
            .values(changes=self._changes + 1)
        )
        if counted.rowcount != 1:
            raise StorageError(
                "another program changed the accounts; start the console again to read them anew"
            )


def _count(connection: Connection) -> int:
    """How many changes were made to this database."""
    return int(connection.execute(select(changes.c.changes).where(changes.c.id == _ONLY_ROW)).scalar_one())


def _use(row_id: str, at_us: int, ip: str) -> dict[str, Any]:
    return {"row_id": row_id, "new_us": at_us, "new_ip": ip}


def _uses(table: Table, at_column: str, ip_column: str) -> Update:
    """Make the statement that stores last uses, each given as `_use` writes it."""
    values: dict[str, Any] = {at_column: bindparam("new_us"), ip_column: bindparam("new_ip")}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


def _by_kind(rows: Iterable[Row]) -> Iterator[tuple[type[Row], list[Row]]]:
    """Gather rows of one kind: one statement serves them all."""
    order = {kind: position for position, kind in enumerate(ROW_KINDS)}
    ordered = sorted(rows, key=lambda row: order[type(row)])
    for kind, group in groupby(ordered, key=type):
        yield kind, list(group)
