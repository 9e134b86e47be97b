"""The tables of the accounts database as SQLAlchemy Core sees them, and the way to their newest version (Alembic).

Layout: docs/formats/accounts.md. Never holds rows.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from watchword.accounts.model import (
    ApiToken,
    Assignment,
    ExchangeOwnership,
    FormerName,
    Invitation,
    MessageCode,
    MessageFactor,
    Person,
    RecoveryCode,
    Row,
    Session,
    SignIn,
    TotpFactor,
    WebauthnFactor,
)
from watchword.adapters.accounts.version import HEAD
from watchword.storage.migrating import bring_up

metadata: Final = MetaData()


def _text(name: str, *, index: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, index=index)


def _maybe_text(name: str) -> Column[str]:
    return Column(name, Text)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _table(
    name: str, *columns: Column[str] | Column[int] | Column[bytes], unique: tuple[tuple[str, ...], ...] = ()
) -> Table:
    constraints = [UniqueConstraint(*names, name=f"uq_{name}_{'_'.join(names)}") for names in unique]
    return Table(name, metadata, Column("id", Text, primary_key=True), *columns, *constraints)


def _whose() -> Column[str]:
    return _text("person_id", index=True)


#: Where each kind of row lies.
TABLES: Final[dict[type[Row], Table]] = {
    Person: _table(
        "person", _text("name"), _text("mail"), _text("role"), _text("phone"), _text("password"),
        _number("created_us"), _number("password_us"), _number("enrolled_us"), _number("disabled_us"),
        _number("mail_us"), _number("phone_us"),
        unique=(("name",), ("mail",)),
    ),
    TotpFactor: _table(
        "totp_factor", _whose(), _text("label"), _bytes("sealed_seed"), _number("last_step"),
        _number("created_us"), _number("confirmed_us"), _number("used_us"),
    ),
    WebauthnFactor: _table(
        "webauthn_factor", _whose(), _text("label"), _bytes("credential_id"), _bytes("public_key"),
        _number("sign_count"), _text("transports"), Column("backed_up", Integer, nullable=False),
        _number("created_us"), _number("used_us"),
        unique=(("credential_id",),),
    ),
    MessageFactor: _table(
        "message_factor", _whose(), _text("channel"), _text("address"),
        _number("created_us"), _number("confirmed_us"), _number("used_us"),
    ),
    RecoveryCode: _table(
        "recovery_code", _whose(), _bytes("digest"), _number("created_us"), _number("used_us"),
        unique=(("digest",),),
    ),
    MessageCode: _table(
        "message_code", _whose(), _text("factor_id"), _bytes("digest"),
        _number("created_us"), _number("expires_us"), Column("tries", Integer, nullable=False),
    ),
    Session: _table(
        "session", _whose(), _bytes("digest"), _text("stage"), _maybe_text("factor"), _number("factor_us"),
        _text("ip"), _text("agent"), _number("created_us"), _number("seen_us"), _text("seen_ip"),
        unique=(("digest",),),
    ),
    ApiToken: _table(
        "api_token", _whose(), _text("label"), _bytes("digest"), _text("scopes"),
        _number("created_us"), _number("expires_us"), _number("used_us"), _text("used_ip"), _text("ips"),
        unique=(("digest",), ("person_id", "label")),
    ),
    Assignment: _table(
        "assignment", _whose(), _text("kind"), _text("subject"), _text("by"), _number("created_us"),
        unique=(("person_id", "kind", "subject"),),
    ),
    ExchangeOwnership: _table(
        "exchange_ownership", _number("account_id"), _whose(), _text("by"), _number("created_us"),
    ),
    Invitation: _table(
        "invitation", _whose(), _bytes("digest"), _number("created_us"), _number("expires_us"), _text("by"),
        unique=(("digest",), ("person_id",)),
    ),
    SignIn: _table(
        "sign_in", _whose(), _number("at_us"), _text("outcome"), _maybe_text("factor"),
        _text("ip"), _text("agent"),
    ),
    FormerName: _table("former_name", _whose()),
}  # fmt: skip

#: One row: how many changes were made. Whoever finds another number than it left knows that somebody else wrote.
changes: Final = Table(
    "change_count",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("changes", BigInteger, nullable=False),
)


def migrate(connection: Connection) -> None:
    """Bring the tables to their newest version.

    Raises:
        StorageError: A newer Watchword wrote them.
    """
    bring_up(connection, Path(__file__).parent / "migrations", HEAD, "the accounts are")
