"""The first tables: people, their factors, codes, sessions, tokens, what is theirs, and their sign-ins."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _whose() -> sa.Column[str]:
    return sa.Column("person_id", sa.Text, nullable=False, index=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _make(
    name: str, *columns: sa.Column[str] | sa.Column[int] | sa.Column[bytes], unique: tuple[str, ...] = ()
) -> None:
    """Make one table. `unique` has one text for each constraint, its columns parted by spaces."""
    constraints = [
        sa.UniqueConstraint(*names.split(), name=f"uq_{name}_{names.replace(' ', '_')}") for names in unique
    ]
    op.create_table(name, sa.Column("id", sa.Text, primary_key=True), *columns, *constraints)


def upgrade() -> None:
    """Make the tables."""
    _make("person", _text("name"), _text("mail"), _text("role"), _text("phone"), _text("password"),
        _number("created_us"), _number("password_us"), _number("enrolled_us"), _number("disabled_us"),
        unique=("name", "mail"))  # fmt: skip
    _make("totp_factor", _whose(), _text("label"), _bytes("sealed_seed"), _number("last_step"),
        _number("created_us"), _number("confirmed_us"), _number("used_us"))  # fmt: skip
    _make("webauthn_factor", _whose(), _text("label"), _bytes("credential_id"), _bytes("public_key"),
        _number("sign_count"), _text("transports"), sa.Column("backed_up", sa.Integer, nullable=False),
        _number("created_us"), _number("used_us"), unique=("credential_id",))  # fmt: skip
    _make("message_factor", _whose(), _text("channel"), _text("address"),
        _number("created_us"), _number("confirmed_us"), _number("used_us"))  # fmt: skip
    _make(
        "recovery_code",
        _whose(),
        _bytes("digest"),
        _number("created_us"),
        _number("used_us"),
        unique=("digest",),
    )
    _make("message_code", _whose(), _text("factor_id"), _bytes("digest"),
        _number("created_us"), _number("expires_us"), sa.Column("tries", sa.Integer, nullable=False))  # fmt: skip
    _make("session", _whose(), _bytes("digest"), _text("stage"), sa.Column("factor", sa.Text), _number("factor_us"),
        _text("ip"), _text("agent"), _number("created_us"), _number("seen_us"), _text("seen_ip"),
        unique=("digest",))  # fmt: skip
    _make("api_token", _whose(), _text("label"), _bytes("digest"), _text("scopes"),
        _number("created_us"), _number("expires_us"), _number("used_us"), _text("used_ip"),
        unique=("digest", "person_id label"))  # fmt: skip
    _make("assignment", _whose(), _text("kind"), _text("subject"), _text("by"), _number("created_us"),
        unique=("person_id kind subject",))  # fmt: skip
    _make("exchange_ownership", _number("account_id"), _whose(), _text("by"), _number("created_us"))
    _make("invitation", _whose(), _bytes("digest"), _number("created_us"), _number("expires_us"), _text("by"),
        unique=("digest", "person_id"))  # fmt: skip
    _make("sign_in", _whose(), _number("at_us"), _text("outcome"), sa.Column("factor", sa.Text),
        _text("ip"), _text("agent"))  # fmt: skip
    count = op.create_table(
        "change_count",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("changes", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(count, [{"id": 1, "changes": 0}])


def downgrade() -> None:
    """Drop the tables, with everybody in them."""
    for name in ("change_count", "sign_in", "invitation", "exchange_ownership", "assignment", "api_token", "session",
        "message_code", "recovery_code", "message_factor", "webauthn_factor", "totp_factor", "person"):  # fmt: skip
        op.drop_table(name)
