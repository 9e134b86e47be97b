"""Where and for what a key was used last, and from when its idleness and its trading count."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TEXTS = ("last_used_ip", "last_used_for")
_MOMENTS = ("idle_from_us", "trading_since_us")


def upgrade() -> None:
    """Add the columns; keys made before count from their creation."""
    with op.batch_alter_table("api_key") as table:
        for name in _TEXTS:
            table.add_column(sa.Column(name, sa.Text, nullable=False, server_default=""))
        for name in _MOMENTS:
            table.add_column(sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("api_key") as table:
        for name in (*_TEXTS, *_MOMENTS):
            table.drop_column(name)
