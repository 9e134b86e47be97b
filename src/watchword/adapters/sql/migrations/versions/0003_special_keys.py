"""Which keys are special keys of margin trading, and what for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; no key made before is special."""
    with op.batch_alter_table("api_key") as table:
        table.add_column(sa.Column("special", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column; special keys become keys like any other."""
    with op.batch_alter_table("api_key") as table:
        table.drop_column("special")
