"""The ledger's SQLite file: a log of changes since the last checkpoint, usages and orders as of it. Never looks ahead.

Used by one writing thread; `find_*` by another, over a connection of their own. Layout: docs/formats/ledger.md.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from watchword.gateway.ledger_records import (
    Folded,
    Mark,
    decode_changes,
    decode_mark,
    decode_order,
    decode_usage,
    encode_mark,
    encode_order,
    encode_usage,
)
from watchword.gateway.ledger_state import LedgerState
from watchword.gateway.ports import OrderRecord
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.policy.usage import Usage
from watchword.storage.private_files import touch
from watchword.storage.sqlite_files import check_identity, connect, mapped

FORMAT_VERSION: Final = 1
APPLICATION_ID: Final = 0x57574C31  # "WWL1"
BUSY_MS_MAX: Final = 1_000
#: Orders kept on disk; of the rest the closed ones are dropped.
STORED_ORDERS_COUNT_MAX: Final = 1_000_000

_SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
CREATE TABLE log (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (upto INTEGER NOT NULL) STRICT;
CREATE TABLE usage (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE placed (
  row INTEGER PRIMARY KEY, credential TEXT NOT NULL, symbol TEXT NOT NULL, name TEXT NOT NULL,
  order_id INTEGER NOT NULL, list_id INTEGER NOT NULL, open INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE INDEX placed_name ON placed (credential, symbol, name);
CREATE INDEX placed_id ON placed (credential, symbol, order_id) WHERE order_id > 0;
CREATE INDEX placed_list ON placed (credential, symbol, list_id) WHERE list_id > 0;
CREATE INDEX placed_open ON placed (row) WHERE open = 1;
"""
#: Files made before there were marks have none.
_MARK_TABLE: Final = "CREATE TABLE IF NOT EXISTS mark (bytes BLOB NOT NULL) STRICT"
_BEGINNING: Final = "INSERT INTO checkpoint VALUES (0);"
_BY_NAME: Final = """SELECT row, bytes FROM placed WHERE credential = ? AND symbol = ? AND name = ?
    ORDER BY row DESC LIMIT 1"""
_BY_ID: Final = """SELECT row, bytes FROM placed WHERE credential = ? AND symbol = ? AND order_id = ?
    AND order_id > 0 ORDER BY row DESC LIMIT 1"""
_BY_LIST: Final = """SELECT row, bytes FROM placed WHERE credential = ? AND symbol = ? AND list_id = ?
    AND list_id > 0 ORDER BY row LIMIT 16"""

Stored = tuple[int, OrderRecord]


class LedgerFile:
    """See the module.

    Attributes:
        mark: After `load`: how far what is stored reaches; an empty one where nothing says.
    """

    def __init__(self, path: Path, stored_count_max: int = STORED_ORDERS_COUNT_MAX) -> None:
        """Open, or make, the file.

        Raises:
            CorruptStoreError: It is no ledger of this version.
            StorageError: It cannot be opened.
        """
        self.path = path
        self.mark = Mark()
        self._stored_count_max = stored_count_max
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        try:
            touch(path)
            self._writer = connect(path, "rw", BUSY_MS_MAX)
            _prepare(self._writer, path)
            self._reader = connect(path, "rw", BUSY_MS_MAX)
            self._reader.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            self.close()
            raise mapped(error, path) from error
        except OSError as error:
            self.close()
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    def load(self, state: LedgerState) -> int:
        """Fill a state with usages, open orders and what the log says since the checkpoint.

        Returns:
            Number of the last batch.

        Raises:
            CorruptStoreError: Something stored is not what was written, or a batch is missing.
            StorageError: It cannot be read.
        """
        for key, stored in self._rows("SELECT key, bytes FROM usage"):
            state.usages[key] = decode_usage(stored, f"{self.path}, usage of {key}")
        for row, record in self._found("SELECT row, bytes FROM placed WHERE open = 1"):
            state.load(row, record, saved=True)
        last = self._rows("SELECT coalesce(max(row), 0) FROM placed")[0][0]
        state.next_row = max(state.next_row, last + 1)
        for _, stored in self._rows("SELECT rowid, bytes FROM mark"):
            self.mark = decode_mark(stored, f"{self.path}, mark")
        number = self._rows("SELECT upto FROM checkpoint")[0][0]
        for found, stored in self._rows("SELECT number, bytes FROM log ORDER BY number"):
            number += 1
            if found != number:
                raise CorruptStoreError(f"{self.path}: batch {number} is missing before batch {found}")
            for change in decode_changes(stored, f"{self.path}, batch {number}"):
                if isinstance(change, Folded):
                    state.fold(change.key_id, change.event)
                elif isinstance(change, Mark):
                    self.mark = change
                else:
                    state.load(change.row, change.record, saved=False)
        state.reservations = self.mark.number
        return int(number)

    def append(self, number: int, batch: bytes) -> None:
        """Store a batch; on return it survives power loss. The same one again is the same as once.

        Raises:
            StorageError: It is not known to be stored.
        """
        try:
            self._open_writer().execute("INSERT OR REPLACE INTO log VALUES (?, ?)", (number, batch))
        except sqlite3.Error as error:
            raise mapped(error, self.path, f" at batch {number}") from error

    def checkpoint(
        self, upto: int, orders: Sequence[Stored], usages: Mapping[str, Usage], mark: Mark
    ) -> None:
        """Store orders and usages as they stand after a batch, and drop the log up to it, in one step.

        Raises:
            StorageError: It is not known to be done; the file holds the state before or after.
        """
        placed = [
            (
                row,
                one.credential_id,
                one.symbol,
                one.client_order_id,
                one.order_id,
                one.list_id,
                not one.closed,
                encode_order(one),
            )
            for row, one in orders
        ]
        used = [(key, encode_usage(usage)) for key, usage in usages.items()]
        try:
            writer = self._open_writer()
            writer.execute("BEGIN IMMEDIATE")
            try:
                writer.executemany("INSERT OR REPLACE INTO placed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", placed)
                writer.executemany("INSERT OR REPLACE INTO usage VALUES (?, ?)", used)
                writer.execute("DELETE FROM log WHERE number <= ?", (upto,))
                writer.execute("UPDATE checkpoint SET upto = ?", (upto,))
                writer.execute("DELETE FROM mark")
                writer.execute("INSERT INTO mark VALUES (?)", (encode_mark(mark),))
                writer.execute(
                    "DELETE FROM placed WHERE open = 0 AND row <= (SELECT max(row) FROM placed) - ?",
                    (self._stored_count_max,),
                )
                writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    writer.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise mapped(error, self.path, f" at checkpoint {upto}") from error

    def reopen(self) -> None:
        """Take a new connection for writing: after a failed sync the old one's view proves nothing.

        Raises:
            StorageError: It cannot be opened.
        """
        try:
            if self._writer is not None:
                self._writer.close()
            self._writer = None
            self._writer = connect(self.path, "rw", BUSY_MS_MAX)
            _prepare(self._writer, self.path)
        except sqlite3.Error as error:
            raise mapped(error, self.path) from error

    def find_by_name(self, credential_id: str, symbol: str, name: str) -> Stored | None:
        """Return the latest order with a name.

        Raises:
            StorageError: It cannot be read.
        """
        return next(iter(self._found(_BY_NAME, credential_id, symbol, name)), None)

    def find_by_id(self, credential_id: str, symbol: str, order_id: int) -> Stored | None:
        """Return the order with an id of the exchange; see `find_by_name`."""
        return next(iter(self._found(_BY_ID, credential_id, symbol, order_id)), None)

    def find_by_list(self, credential_id: str, symbol: str, list_id: int) -> list[Stored]:
        """Return the orders of a list; see `find_by_name`."""
        return self._found(_BY_LIST, credential_id, symbol, list_id)

    def close(self) -> None:
        """Fold SQLite's log back into the file and close."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._writer = None

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            raise sqlite3.ProgrammingError("closed")
        return self._writer

    def _found(self, query: str, *arguments: str | int) -> list[Stored]:
        return [
            (row, decode_order(stored, f"{self.path}, order {row}"))
            for row, stored in self._rows(query, *arguments)
        ]

    def _rows(self, query: str, *arguments: str | int) -> list[tuple[Any, Any]]:
        try:
            if self._reader is None:
                raise sqlite3.ProgrammingError("closed")
            return self._reader.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise mapped(error, self.path) from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
        connection.executescript(f"BEGIN; {_SCHEMA} {_BEGINNING} COMMIT;")
    check_identity(connection, path, "a ledger", APPLICATION_ID, FORMAT_VERSION)
    connection.execute(_MARK_TABLE)
