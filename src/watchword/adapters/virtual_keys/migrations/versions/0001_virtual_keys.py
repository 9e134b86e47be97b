"""The first tables: virtual keys, their versions, their last uses."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "virtual_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("credential_id", sa.Text, nullable=False, index=True),
        sa.Column("parent_id", sa.Text, nullable=False),
        sa.Column("policy_name", sa.Text, nullable=False),
        sa.Column("policy_text", sa.Text, nullable=False),
        sa.Column("policy_digest", sa.Text, nullable=False),
        sa.Column("networks", sa.Text, nullable=False),
        sa.Column("symbols", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("own_orders_only", sa.Integer, nullable=False),
        sa.Column("weight_per_minute_max", sa.BigInteger, nullable=False),
        sa.Column("orders_per_10s_max", sa.BigInteger, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("revoked_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "key_version",
        sa.Column("api_key", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False, index=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("key_type", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "key_use",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("ip", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables, with every key in them."""
    for name in ("key_use", "key_version", "virtual_key"):
        op.drop_table(name)
