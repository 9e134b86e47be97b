"""Names of people who were removed: policies may still name them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "former_name",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, nullable=False, index=True),
    )


def downgrade() -> None:
    """Drop the table: every name can be given again by everybody who invites."""
    op.drop_table("former_name")
