"""API keys in SQLite through SQLAlchemy Core: every change committed and synced before it returns.

Implements `credentials.key_directory.KeyStore`. Never caches: the directory above it does.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast, get_args

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from watchword.adapters.sql.hmac_sealing import SecretSealer
from watchword.adapters.sql.schema import api_keys, migrate
from watchword.credentials.key_directory import KeyRecord, KeyTerms
from watchword.credentials.permission import UnknownPermission, read_permissions
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks, read_symbols
from watchword.credentials.verifier import KeyType
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret

_PRAGMAS: Final = ("journal_mode = DELETE", "synchronous = EXTRA", "secure_delete = ON", "foreign_keys = ON")


class SqlKeyStore:
    """keys.db.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def __init__(self, path: Path, wrapping_key_path: Path) -> None:
        """Open, migrate, and find the key that opens the secrets.

        Args:
            path: `keys.db`, made 0600 where missing.
            wrapping_key_path: `hmac.key`, made where neither it nor any sealed secret exists.

        Raises:
            CorruptStoreError: The database is damaged, or the key file is missing or not the right one.
            StorageError: It cannot be opened.
        """
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        self._engine = _engine(path)
        with self._transaction() as connection:
            migrate(connection)
            sealed = connection.execute(
                select(func.count()).select_from(api_keys).where(api_keys.c.sealed_secret.is_not(None))
            ).scalar_one()
        self._sealer = SecretSealer.open(wrapping_key_path, may_create=sealed == 0)

    def load(self) -> Iterable[tuple[KeyRecord, Secret | None]]:
        """Return all keys, oldest first."""
        with self._transaction() as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.created_us)).all()
        return [(self._record(row), self._secret(row)) for row in rows]

    def insert(self, record: KeyRecord, secret: Secret | None) -> None:
        """Store a new key."""
        values = {
            "api_key": record.api_key,
            "account_id": record.account_id,
            "key_type": record.key_type,
            "sealed_secret": self._sealer.seal(record.api_key, secret) if secret else None,
            "public_der": record.public_der or None,
            "created_us": record.created_us,
            "last_used_us": record.last_used_us,
            **_terms(record.terms),
        }
        with self._transaction() as connection:
            connection.execute(insert(api_keys).values(values))

    def update(self, record: KeyRecord) -> None:
        """Store new terms of a key."""
        with self._transaction() as connection:
            connection.execute(
                update(api_keys).where(api_keys.c.api_key == record.api_key).values(_terms(record.terms))
            )

    def delete(self, api_key: str) -> None:
        """Remove a key; its bytes are overwritten."""
        with self._transaction() as connection:
            connection.execute(delete(api_keys).where(api_keys.c.api_key == api_key))

    def record_uses(self, used_us: Mapping[str, int]) -> None:
        """Store when keys were last used."""
        statement = (
            update(api_keys)
            .where(api_keys.c.api_key == bindparam("used_key"))
            .values(last_used_us=bindparam("used_us"))
        )
        rows = [{"used_key": api_key, "used_us": at} for api_key, at in used_us.items()]
        with self._transaction() as connection:
            connection.execute(statement, rows)

    def close(self) -> None:
        """Close the database."""
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

    def _secret(self, row: Row[Any]) -> Secret | None:
        return self._sealer.open_sealed(row.api_key, row.sealed_secret) if row.sealed_secret else None

    def _record(self, row: Row[Any]) -> KeyRecord:
        permissions = read_permissions(json.loads(row.permissions))
        networks = read_networks(json.loads(row.networks))
        symbols = read_symbols(json.loads(row.symbols))
        if (
            isinstance(permissions, UnknownPermission)
            or isinstance(networks, BadRestriction)
            or isinstance(symbols, BadRestriction)
        ):
            raise CorruptStoreError(f"{self._path}: the terms of key {row.api_key} cannot be read")
        return KeyRecord(
            api_key=row.api_key,
            account_id=row.account_id,
            key_type=_key_type(row.key_type),
            public_der=row.public_der or b"",
            terms=KeyTerms(row.label, permissions, Restrictions(networks, symbols, row.expires_us)),
            created_us=row.created_us,
            last_used_us=row.last_used_us,
        )


def _key_type(text: str) -> KeyType:
    if text not in get_args(KeyType):
        raise CorruptStoreError(f"a key of unknown type {text!r} is stored")
    return cast("KeyType", text)


def _terms(terms: KeyTerms) -> dict[str, Any]:
    restrictions = terms.restrictions
    return {
        "label": terms.label,
        "permissions": json.dumps(sorted(terms.permissions)),
        "networks": json.dumps([network.text for network in restrictions.networks]),
        "symbols": json.dumps(sorted(restrictions.symbols), ensure_ascii=False),
        "expires_us": restrictions.expires_us,
    }


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
