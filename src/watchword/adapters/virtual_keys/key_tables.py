"""Changes to HOME/gateway/keys.db through SQLAlchemy Core: each is one transaction, synced before it returns.

Loaded late (see `key_store`). Never reads keys back.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert

from watchword.adapters.virtual_keys.schema import key_uses, key_versions, migrate, virtual_keys
from watchword.storage.sql_writer import SqlWriter


class KeyTables:
    """The tables of virtual keys, for writing."""

    def __init__(self, path: Path) -> None:
        """Connect and bring the tables to their newest version."""
        self._writer = SqlWriter(path, migrate)

    def put(
        self,
        keys: Sequence[Mapping[str, Any]],
        versions: Sequence[Mapping[str, Any]],
        remove: Sequence[str],
    ) -> None:
        """Replace keys with all their versions, and remove others, in one transaction."""
        ids = [key["id"] for key in keys]
        with self._writer.transaction() as connection:
            connection.execute(delete(virtual_keys).where(virtual_keys.c.id.in_([*ids, *remove])))
            connection.execute(delete(key_versions).where(key_versions.c.key_id.in_([*ids, *remove])))
            connection.execute(delete(key_uses).where(key_uses.c.key_id.in_(remove)))
            if keys:
                connection.execute(insert(virtual_keys), keys)
            if versions:
                connection.execute(insert(key_versions), versions)

    def record_uses(self, uses: Sequence[Mapping[str, Any]]) -> None:
        """Set when and from where keys were last used."""
        with self._writer.transaction() as connection:
            connection.execute(delete(key_uses).where(key_uses.c.key_id.in_([use["key_id"] for use in uses])))
            connection.execute(insert(key_uses), uses)

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()
