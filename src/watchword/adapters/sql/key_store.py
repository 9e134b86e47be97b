"""API keys in SQLite. Implements `credentials.key_directory.KeyStore`; never caches: the directory above it does.

Changes go through SQLAlchemy Core (`key_table`) and the tables are Alembic's. A start only reads, with plain
sqlite3: loading SQLAlchemy takes half a second, and a restart with 100,000 open orders has three.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from watchword.adapters.sql.hmac_sealing import SecretSealer
from watchword.adapters.sql.version import HEAD
from watchword.credentials.key_record import KeyRecord, KeyTerms, KeyUse
from watchword.credentials.permission import UnknownPermission, read_permissions
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks, read_symbols
from watchword.credentials.verifier import KeyType
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret

if TYPE_CHECKING:
    from watchword.adapters.sql.key_table import KeyTable


class SqlKeyStore:
    """keys.db.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def __init__(self, path: Path, wrapping_key_path: Path) -> None:
        """Open, migrate where needed, and find the key that opens the secrets.

        Args:
            path: `keys.db`, made 0600 where missing.
            wrapping_key_path: `hmac.key`, made where neither it nor any sealed secret exists.

        Raises:
            CorruptStoreError: The database is damaged, or the key file is missing or not the right one.
            StorageError: It cannot be opened.
        """
        self._path = path
        self._table: KeyTable | None = None
        self._table_lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        if self._version() != HEAD:
            self.prepare_changes()
        sealed = any(row["sealed_secret"] is not None for row in self._rows())
        self._sealer = SecretSealer.open(wrapping_key_path, may_create=not sealed)

    def load(self) -> Iterable[tuple[KeyRecord, Secret | None]]:
        """Return all keys, oldest first."""
        return [(self._record(row), self._secret(row)) for row in self._rows()]

    def insert(self, record: KeyRecord, secret: Secret | None) -> None:
        """Store a new key."""
        self.prepare_changes().insert(
            {
                "api_key": record.api_key,
                "account_id": record.account_id,
                "key_type": record.key_type,
                "sealed_secret": self._sealer.seal(record.api_key, secret) if secret else None,
                "public_der": record.public_der or None,
                "created_us": record.created_us,
                "special": record.special,
                **_use(KeyUse(record.last_used_us, record.last_used_ip, record.last_used_for)),
                **_terms(record),
            }
        )

    def update(self, records: Sequence[KeyRecord]) -> None:
        """Store new terms of keys."""
        rows = [{"changed_key": record.api_key, **_terms(record)} for record in records]
        if rows:
            self.prepare_changes().update(rows)

    def delete(self, api_keys: Sequence[str]) -> None:
        """Remove keys; their bytes are overwritten."""
        if api_keys:
            self.prepare_changes().delete(api_keys)

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        """Store when, from where and for what keys were last used."""
        rows = [{"changed_key": api_key, **_use(use)} for api_key, use in uses.items()]
        if rows:
            self.prepare_changes().update(rows)

    def prepare_changes(self) -> "KeyTable":
        """Load what changes need, if that has not happened. A server does it aside, soon after its start."""
        from watchword.adapters.sql.key_table import KeyTable

        with self._table_lock:
            if self._table is None:
                self._table = KeyTable(self._path)
            return self._table

    def close(self) -> None:
        """Close the database."""
        if self._table is not None:
            self._table.close()

    def _version(self) -> str | None:
        """The tables' version; None where there are none."""
        found = self._read("SELECT name FROM sqlite_schema WHERE name = 'alembic_version'")
        rows = self._read("SELECT version_num FROM alembic_version") if found else []
        return str(rows[0]["version_num"]) if rows else None

    def _rows(self) -> list[sqlite3.Row]:
        return self._read("SELECT * FROM api_key ORDER BY created_us, api_key")

    def _read(self, query: str) -> list[sqlite3.Row]:
        try:
            # Not read-only: a killed process may have left a rollback journal to be played back.
            with closing(sqlite3.connect(self._path)) as connection:
                connection.row_factory = sqlite3.Row
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            raise StorageError(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise CorruptStoreError(f"{self._path}: {error}") from error

    def _secret(self, row: sqlite3.Row) -> Secret | None:
        sealed = row["sealed_secret"]
        return self._sealer.open_sealed(row["api_key"], sealed) if sealed else None

    def _record(self, row: sqlite3.Row) -> KeyRecord:
        api_key = row["api_key"]
        try:
            permissions = read_permissions(json.loads(row["permissions"]))
            networks = read_networks(json.loads(row["networks"]))
            symbols = read_symbols(json.loads(row["symbols"]))
        except ValueError as error:
            raise CorruptStoreError(f"{self._path}: the terms of key {api_key} cannot be read") from error
        if (
            isinstance(permissions, UnknownPermission)
            or isinstance(networks, BadRestriction)
            or isinstance(symbols, BadRestriction)
            or row["key_type"] not in get_args(KeyType)
        ):
            raise CorruptStoreError(f"{self._path}: the terms of key {api_key} cannot be read")
        return KeyRecord(
            api_key=api_key,
            account_id=row["account_id"],
            key_type=cast("KeyType", row["key_type"]),
            public_der=row["public_der"] or b"",
            terms=KeyTerms(row["label"], permissions, Restrictions(networks, symbols, row["expires_us"])),
            created_us=row["created_us"],
            last_used_us=row["last_used_us"],
            last_used_ip=row["last_used_ip"],
            last_used_for=row["last_used_for"],
            idle_from_us=row["idle_from_us"],
            trading_since_us=row["trading_since_us"],
            special=row["special"],
        )


def _terms(record: KeyRecord) -> dict[str, Any]:
    """The columns a change of terms touches."""
    terms, restrictions = record.terms, record.terms.restrictions
    return {
        "label": terms.label,
        "permissions": json.dumps(sorted(terms.permissions)),
        "networks": json.dumps([network.text for network in restrictions.networks]),
        "symbols": json.dumps(sorted(restrictions.symbols), ensure_ascii=False),
        "expires_us": restrictions.expires_us,
        "idle_from_us": record.idle_from_us,
        "trading_since_us": record.trading_since_us,
    }


def _use(use: KeyUse) -> dict[str, Any]:
    """The columns a use touches."""
    return {"last_used_us": use.at_us, "last_used_ip": use.ip, "last_used_for": use.operation}
