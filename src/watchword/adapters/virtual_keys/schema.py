"""The tables of HOME/gateway/keys.db as SQLAlchemy Core sees them, and the way to their newest version (Alembic).

Layout: docs/formats/virtual-keys.md. Never holds rows.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text

from watchword.adapters.virtual_keys.version import HEAD
from watchword.storage.migrating import bring_up

metadata: Final = MetaData()

virtual_keys: Final = Table(
    "virtual_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("credential_id", Text, nullable=False, index=True),
    Column("parent_id", Text, nullable=False),
    Column("policy_name", Text, nullable=False),
    Column("policy_text", Text, nullable=False),
    Column("policy_digest", Text, nullable=False),
    Column("networks", Text, nullable=False),
    Column("symbols", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("own_orders_only", Integer, nullable=False),
    Column("weight_per_minute_max", BigInteger, nullable=False),
    Column("orders_per_10s_max", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger, nullable=False),
)

key_versions: Final = Table(
    "key_version",
    metadata,
    Column("api_key", Text, primary_key=True),
    Column("key_id", Text, nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("key_type", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
)

key_uses: Final = Table(
    "key_use",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("ip", Text, nullable=False),
)


def migrate(connection: Connection) -> None:
    """Bring the tables to their newest version.

    Raises:
        StorageError: A newer Watchword wrote them.
    """
    bring_up(connection, Path(__file__).parent / "migrations", HEAD, "the virtual keys are")
