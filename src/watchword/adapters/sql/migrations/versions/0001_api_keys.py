"""The first table: API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "api_key",
        sa.Column("api_key", sa.Text, primary_key=True),
        sa.Column("account_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("key_type", sa.Text, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary),
        sa.Column("public_der", sa.LargeBinary),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("networks", sa.Text, nullable=False),
        sa.Column("symbols", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("last_used_us", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the table, with every key in it."""
    op.drop_table("api_key")
