"""Changes to keys.db through SQLAlchemy Core: each is one transaction, synced before it returns.

Loaded late (see `key_store`). Never reads keys back.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, delete, insert, update

from watchword.adapters.sql.schema import api_keys, migrate
from watchword.storage.sql_writer import SqlWriter


class KeyTable:
    """The table of API keys, for writing."""

    def __init__(self, path: Path) -> None:
        """Connect and bring the tables to their newest version."""
        self._writer = SqlWriter(path, migrate)

    def insert(self, values: Mapping[str, Any]) -> None:
        """Add a row."""
        with self._writer.transaction() as connection:
            connection.execute(insert(api_keys).values(**values))

    def update(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, all or none; each says which by `changed_key`. All have the same columns."""
        columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "changed_key"}
        statement = update(api_keys).where(api_keys.c.api_key == bindparam("changed_key")).values(columns)
        with self._writer.transaction() as connection:
            connection.execute(statement, list(rows))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove rows, all or none; their bytes are overwritten."""
        statement = delete(api_keys).where(api_keys.c.api_key == bindparam("gone_key"))
        with self._writer.transaction() as connection:
            connection.execute(statement, [{"gone_key": key} for key in keys])

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()
