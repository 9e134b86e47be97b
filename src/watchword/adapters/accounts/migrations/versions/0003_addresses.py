"""Whether mail address and phone number were confirmed, and from where an API token is accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns: nobody confirmed anything yet, and tokens go on as they were, from anywhere."""
    for name in ("mail_us", "phone_us"):
        op.add_column("person", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("api_token", sa.Column("ips", sa.Text, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Drop them: every token is accepted from anywhere again."""
    op.drop_column("api_token", "ips")
    for name in ("phone_us", "mail_us"):
        op.drop_column("person", name)
