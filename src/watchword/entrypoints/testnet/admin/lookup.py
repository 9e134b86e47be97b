"""Finding accounts of a testnet by what people call them. Changes nothing."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.exchange.accounts import Account

#: Of an account's number.
DIGITS_MAX: Final = 18


def accounts(testnet: "Testnet") -> "list[Account]":
    """List all accounts but the house's own."""
    return [a for a in testnet.venue.engine.accounts.values() if not a.house]


def account_named(testnet: "Testnet", name_or_id: str) -> "Account | None":
    """Find an account by name or by number, which no name is; never one of the house's own."""
    if name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) <= DIGITS_MAX:
        numbered = testnet.venue.engine.accounts.get(int(name_or_id))
        if numbered is not None and not numbered.house and str(numbered.account_id) == name_or_id:
            return numbered
    return next((a for a in accounts(testnet) if a.name == name_or_id), None)
