"""Finding accounts of a testnet by what people call them. Changes nothing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.exchange.accounts import Account


def accounts(testnet: "Testnet") -> "list[Account]":
    """List all accounts but the house's own."""
    return [a for a in testnet.venue.engine.accounts.values() if not a.house]


def account_named(testnet: "Testnet", name_or_id: str) -> "Account | None":
    """Find an account by name, or else by number; never one of the house's own."""
    found = accounts(testnet)
    by_name = next((a for a in found if a.name == name_or_id), None)
    return by_name or next((a for a in found if str(a.account_id) == name_or_id), None)
