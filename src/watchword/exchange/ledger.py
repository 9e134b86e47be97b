"""Who owns what: double-entry balances with holds. Knows no orders, prices or commissions.

Every amount that appears for one account disappears for another. Money from outside comes out of the issuer, whose
balance goes below zero; commissions go to the fee account. So the balances of one asset always add up to zero.
Amounts are scaled integers (10^-8) and never anything else.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

#: The account that deposits come out of. Its balance is minus all the money there is.
ISSUER_ACCOUNT_ID: Final = 0
#: The account that commissions go to.
FEE_ACCOUNT_ID: Final = -1
#: Of one asset in one wallet after money came in: ten billion units, so that no order's amounts leave 64 bits.
BALANCE_MAX: Final = 10**18


class Balance(msgspec.Struct, gc=False):
    """What one account has of one asset. `locked` is held for open orders."""

    free: int = 0
    locked: int = 0


class Ledger:
    """All balances of a venue.

    A `Balance` object lives as long as the ledger, so whoever trades may keep a reference to it. The hot path
    (`matching`) moves amounts between balances itself, always in pairs; `imbalance` proves it.
    """

    __slots__ = ("_accounts",)

    def __init__(self) -> None:
        self._accounts: dict[int, dict[str, Balance]] = {}

    def balance(self, account_id: int, asset: str) -> Balance:
        """Return the balance, which begins at zero. The object stays the same for the ledger's life."""
        assets = self._accounts.get(account_id)
        if assets is None:
            assets = self._accounts[account_id] = {}
        balance = assets.get(asset)
        if balance is None:
            balance = assets[asset] = Balance()
        return balance

    def balances(self, account_id: int) -> dict[str, tuple[int, int]]:
        """Return what an account has.

        Returns:
            asset → (free, locked), sorted by asset; assets it never touched are absent.
        """
        assets = self._accounts.get(account_id, {})
        return {asset: (assets[asset].free, assets[asset].locked) for asset in sorted(assets)}

    def issue(self, account_id: int, asset: str, amount: int) -> None:
        """Pay money in from outside (or, below zero, take it out).

        Args:
            account_id: Who receives it.
            asset: Of what.
            amount: How much.
        """
        self.balance(account_id, asset).free += amount
        self.balance(ISSUER_ACCOUNT_ID, asset).free -= amount

    def available(self, account_id: int, asset: str) -> int:
        """Return the free amount, without touching an asset the account never had."""
        balance = self._accounts.get(account_id, {}).get(asset)
        return 0 if balance is None else balance.free

    def total(self, account_id: int, asset: str) -> int:
        """Return free and locked together, without touching an asset the account never had."""
        balance = self._accounts.get(account_id, {}).get(asset)
        return 0 if balance is None else balance.free + balance.locked

    def move(self, source_id: int, target_id: int, asset: str, amount: int) -> None:
        """Move free money between two accounts.

        Args:
            source_id: Who loses it.
            target_id: Who gains it.
            asset: Of what.
            amount: How much; the caller knows that the source has it.
        """
        self.balance(source_id, asset).free -= amount
        self.balance(target_id, asset).free += amount

    def wipe(self) -> list[tuple[int, str, int]]:
        """Take everything from everybody.

        Returns:
            (account id, asset, what it had) of every balance that was not zero, issuer and fees left out, sorted.
        """
        wiped: list[tuple[int, str, int]] = []
        for account_id in sorted(self._accounts):
            for asset, balance in sorted(self._accounts[account_id].items()):
                had = balance.free + balance.locked
                balance.free = balance.locked = 0
                if had and account_id > ISSUER_ACCOUNT_ID:
                    wiped.append((account_id, asset, had))
        return wiped

    def imbalance(self) -> dict[str, int]:
        """Return asset → sum over all accounts, for every asset whose sum is not zero. Empty in a sound ledger."""
        sums: dict[str, int] = {}
        for assets in self._accounts.values():
            for asset, balance in assets.items():
                sums[asset] = sums.get(asset, 0) + balance.free + balance.locked
        return {asset: total for asset, total in sums.items() if total}

    def rows(self) -> Iterator[tuple[int, str, str, str]]:
        """Yield (account id, asset, free, locked) of every balance that is not zero, sorted.

        Why: the amounts are decimal texts, because the issuer's may not fit into 64 bits.
        """
        for account_id in sorted(self._accounts):
            for asset, balance in sorted(self._accounts[account_id].items()):
                if balance.free or balance.locked:
                    yield account_id, asset, str(balance.free), str(balance.locked)

    def restore(self, rows: list[tuple[int, str, str, str]]) -> None:
        """Take over what `rows` yielded; the ledger must be empty."""
        for account_id, asset, free, locked in rows:
            balance = self.balance(account_id, asset)
            balance.free, balance.locked = int(free), int(locked)
