"""The tables of keys.db as SQLAlchemy Core sees them, and the way to their newest version (Alembic).

Layout: docs/formats/keys.md. Never holds rows.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, Text

from watchword.adapters.sql.version import HEAD
from watchword.storage.migrating import bring_up

metadata: Final = MetaData()

api_keys: Final = Table(
    "api_key",
    metadata,
    Column("api_key", Text, primary_key=True),
    Column("account_id", BigInteger, nullable=False, index=True),
    Column("key_type", Text, nullable=False),
    Column("sealed_secret", LargeBinary),
    Column("public_der", LargeBinary),
    Column("label", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("networks", Text, nullable=False),
    Column("symbols", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("last_used_us", BigInteger, nullable=False),
    Column("last_used_ip", Text, nullable=False),
    Column("last_used_for", Text, nullable=False),
    Column("idle_from_us", BigInteger, nullable=False),
    Column("trading_since_us", BigInteger, nullable=False),
    Column("special", Text, nullable=False),
)


def migrate(connection: Connection) -> None:
    """Bring the tables to their newest version.

    Raises:
        StorageError: A newer Watchword wrote them.
    """
    bring_up(connection, Path(__file__).parent / "migrations", HEAD, "the API keys are")
