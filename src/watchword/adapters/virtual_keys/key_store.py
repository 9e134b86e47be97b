"""Virtual keys in SQLite. Implements `gateway.virtual_key_store.VirtualKeyStore`; never caches, and holds no secret.

Changes go through SQLAlchemy Core (`key_tables`) and the tables are Alembic's. Reading takes plain sqlite3, so that a
start and `watchword key list` need not load SQLAlchemy.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast, get_args

from watchword.adapters.virtual_keys.version import HEAD
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks, read_symbols
from watchword.credentials.verifier import KeyType
from watchword.gateway.key_format import is_virtual_key
from watchword.gateway.virtual_key import KeyVersion, VirtualKey
from watchword.gateway.virtual_key_store import UNUSED, KeyUse
from watchword.kernel.errors import CorruptStoreError, StorageError

if TYPE_CHECKING:
    from watchword.adapters.virtual_keys.key_tables import KeyTables


class SqlVirtualKeys:
    """HOME/gateway/keys.db.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def __init__(self, path: Path) -> None:
        """Open it for reading and writing, and bring it to its newest version.

        Args:
            path: `keys.db`, made 0600 where missing. The gateway's lock is held.

        Raises:
            CorruptStoreError: The database is damaged.
            StorageError: It cannot be opened.
        """
        self._path = path
        self._tables: KeyTables | None = None
        self._loading = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        if self._version() != HEAD:
            self.prepare_changes()

    @classmethod
    def to_read(cls, path: Path) -> Self | None:
        """Open what is there to be read beside whoever holds it; None where nothing is. Raises as the constructor."""
        if not path.exists():
            return None
        store = cls.__new__(cls)
        store._path, store._tables, store._loading = path, None, threading.Lock()
        version = store._version()
        if version is None:
            return None
        if version != HEAD:
            raise StorageError(
                f"{path} is of version {version}; start the gateway once, which brings it to {HEAD}"
            )
        return store

    def load(self) -> Iterable[tuple[VirtualKey, KeyUse]]:
        """See `VirtualKeyStore.load`."""
        keys, versions, uses = self._read(
            "SELECT * FROM virtual_key ORDER BY created_us, id",
            "SELECT * FROM key_version ORDER BY key_id, position",
            "SELECT * FROM key_use",
        )
        by_key: dict[str, list[KeyVersion]] = {}
        for row in versions:
            by_key.setdefault(row["key_id"], []).append(self._version_of(row))
        used = {row["key_id"]: KeyUse(row["at_us"], row["ip"]) for row in uses}
        return [
            (self._key(row, tuple(by_key.get(row["id"], ()))), used.get(row["id"], UNUSED)) for row in keys
        ]

    def put(self, keys: Sequence[VirtualKey], remove: Sequence[str] = ()) -> None:
        """See `VirtualKeyStore.put`."""
        self.prepare_changes().put([_row(key) for key in keys], [*_version_rows(keys)], remove)

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        """See `VirtualKeyStore.record_uses`."""
        rows = [{"key_id": key_id, "at_us": use.at_us, "ip": use.ip} for key_id, use in uses.items()]
        if rows:
            self.prepare_changes().record_uses(rows)

    def prepare_changes(self) -> "KeyTables":
        """Load what changes need, if that has not happened. A server does it aside, soon after its start."""
        from watchword.adapters.virtual_keys.key_tables import KeyTables

        with self._loading:
            if self._tables is None:
                self._tables = KeyTables(self._path)
            return self._tables

    def close(self) -> None:
        """See `VirtualKeyStore.close`."""
        if self._tables is not None:
            self._tables.close()

    def _version(self) -> str | None:
        """The tables' version; None where there are none."""
        (found,) = self._read("SELECT name FROM sqlite_schema WHERE name = 'alembic_version'")
        if not found:
            return None
        (rows,) = self._read("SELECT version_num FROM alembic_version")
        return str(rows[0]["version_num"]) if rows else None

    def _read(self, *queries: str) -> list[list[sqlite3.Row]]:
        """Read all of one state."""
        try:
            # Not read-only: a killed process may have left a rollback journal to be played back.
            with closing(sqlite3.connect(self._path)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("BEGIN")
                return [connection.execute(query).fetchall() for query in queries]
        except sqlite3.OperationalError as error:
            raise StorageError(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise CorruptStoreError(f"{self._path}: {error}") from error

    def _key(self, row: sqlite3.Row, versions: tuple[KeyVersion, ...]) -> VirtualKey:
        text = row["policy_text"]
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if not versions or not hmac.compare_digest(digest, row["policy_digest"]):
            raise self._damaged(row["id"])
        return VirtualKey(
            id=row["id"],
            label=row["label"],
            credential_id=row["credential_id"],
            versions=versions,
            policy_name=row["policy_name"],
            policy_text=text,
            policy_digest=digest,
            restrictions=self._restrictions(row),
            parent_id=row["parent_id"],
            own_orders_only=bool(row["own_orders_only"]),
            weight_per_minute_max=row["weight_per_minute_max"],
            orders_per_10s_max=row["orders_per_10s_max"],
            created_us=row["created_us"],
            revoked_us=row["revoked_us"],
        )

    def _restrictions(self, row: sqlite3.Row) -> Restrictions:
        try:
            networks = read_networks(json.loads(row["networks"]))
            symbols = read_symbols(json.loads(row["symbols"]))
        except (ValueError, TypeError) as error:
            raise self._damaged(row["id"]) from error
        if isinstance(networks, BadRestriction) or isinstance(symbols, BadRestriction):
            raise self._damaged(row["id"])
        return Restrictions(networks, symbols, row["expires_us"])

    def _version_of(self, row: sqlite3.Row) -> KeyVersion:
        if row["key_type"] not in get_args(KeyType) or not is_virtual_key(row["api_key"]):
            raise self._damaged(row["key_id"])
        return KeyVersion(
            api_key=row["api_key"],
            key_type=cast("KeyType", row["key_type"]),
            public_key=row["public_key"],
            created_us=row["created_us"],
            ends_us=row["ends_us"],
        )

    def _damaged(self, key_id: str) -> CorruptStoreError:
        return CorruptStoreError(f"{self._path}: key {key_id} is not as it was written")


def _row(key: VirtualKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "label": key.label,
        "credential_id": key.credential_id,
        "parent_id": key.parent_id,
        "policy_name": key.policy_name,
        "policy_text": key.policy_text,
        "policy_digest": key.policy_digest,
        "networks": json.dumps([network.text for network in key.restrictions.networks]),
        "symbols": json.dumps(sorted(key.restrictions.symbols), ensure_ascii=False),
        "expires_us": key.restrictions.expires_us,
        "own_orders_only": int(key.own_orders_only),
        "weight_per_minute_max": key.weight_per_minute_max,
        "orders_per_10s_max": key.orders_per_10s_max,
        "created_us": key.created_us,
        "revoked_us": key.revoked_us,
    }


def _version_rows(keys: Sequence[VirtualKey]) -> Iterable[dict[str, Any]]:
    for key in keys:
        for position, version in enumerate(key.versions):
            yield {
                "api_key": version.api_key,
                "key_id": key.id,
                "position": position,
                "key_type": version.key_type,
                "public_key": version.public_key,
                "created_us": version.created_us,
                "ends_us": version.ends_us,
            }
