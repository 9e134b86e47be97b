"""Where coins may be sent. Denied unless the address list names coin, network, address and tag to the letter."""

from typing import ClassVar

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.intent import Withdraw


class Destination(msgspec.Struct, frozen=True, order=True):
    """One entry of the address list.

    Attributes:
        coin: Asset.
        network: Chain, in Binance's word (`TRX`, `ETH`, `BSC`).
        address: Compared to the letter.
        tag: Memo; "" where the address has none.
        max_each: Most coins in one withdrawal.
        max_day: Most coins in a day (UTC).
    """

    coin: str
    network: str
    address: str
    tag: str
    max_each: int
    max_day: int

    @property
    def named(self) -> tuple[str, str, str, str]:
        """What a withdrawal must match."""
        return self.coin, self.network, self.address, self.tag

    @property
    def key(self) -> str:
        """What it is counted under."""
        return destination_key(self.coin, self.network, self.address, self.tag)


def destination_key(coin: str, network: str, address: str, tag: str) -> str:
    """Return the name under which a destination's withdrawals are counted (`Usage.withdrawn`)."""
    return f"{coin} {network} {address} {tag}"


class Withdrawals(msgspec.Struct, frozen=True):
    """The address list; part of every policy, empty unless written."""

    name: ClassVar[str] = "withdrawals"

    destinations: tuple[Destination, ...] = ()

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        intent = case.intent
        if not isinstance(intent, Withdraw):
            return None
        asked = (intent.coin, intent.network, intent.address, intent.tag)
        found = next((entry for entry in self.destinations if entry.named == asked), None)
        if found is None:
            return self._deny(intent, "the address is not on the list for this coin, network and tag")
        if intent.amount <= 0 or intent.amount > found.max_each:
            most = format_trimmed(found.max_each)
            return self._deny(
                intent, f"{format_trimmed(intent.amount)} {intent.coin} at once, allowed are up to {most}"
            )
        before = case.usage.withdrawn.get(found.key, 0)
        if before + intent.amount > found.max_day:
            total, most = format_trimmed(before + intent.amount), format_trimmed(found.max_day)
            return self._deny(intent, f"{total} {intent.coin} today, allowed are {most}")
        return None

    def limit(self) -> str:
        """See Rule."""
        return (
            "; ".join(
                f"{entry.coin} on {entry.network} to {entry.address}{' ' + entry.tag if entry.tag else ''}:"
                f" {format_trimmed(entry.max_each)} each, {format_trimmed(entry.max_day)} a day"
                for entry in self.destinations
            )
            or "none"
        )

    def widening(self, parent: "Withdrawals") -> str:
        """See Rule."""
        known = {entry.named: entry for entry in parent.destinations}
        for entry in self.destinations:
            theirs = known.get(entry.named)
            if theirs is None:
                return f"{entry.coin} on {entry.network} to {entry.address}"
            if entry.max_each > theirs.max_each or entry.max_day > theirs.max_day:
                return f"larger amounts to {entry.address}"
        return ""

    def _deny(self, intent: Withdraw, reason: str) -> Deny:
        values = (
            ("coin", intent.coin),
            ("network", intent.network),
            ("address", intent.address),
            ("tag", intent.tag),
            ("amount", format_trimmed(intent.amount)),
        )
        return Deny(self.name, reason, values, self.limit())
