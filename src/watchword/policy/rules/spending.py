"""What the caps on spending share: they skip what is exempt, and deny what cannot be weighed. Not a rule itself."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case, GroupFacts
from watchword.policy.decision import Deny


class Caps(Protocol):
    """A rule with caps by quote asset."""

    name: ClassVar[str]

    @property
    def caps(self) -> Mapping[str, int]:
        """Most, by quote asset."""
        ...

    def limit(self) -> str:
        """The rule in words."""
        ...


def judge_total(
    rule: Caps, case: Case, used: Mapping[str, int], reserved: Mapping[str, int], unit: str
) -> Deny | None:
    """Judge what was used before plus what every group of the case would add.

    Args:
        rule: The rule.
        case: The case.
        used: Executed today, by quote asset.
        reserved: What open orders may still execute, by quote asset.
        unit: What the sum is called, for the reason.
    """
    total = 0
    for group in case.groups:
        if group.exempt_whole:
            continue
        refused = unweighed(rule, case, group)
        if refused is not None:
            return refused
        total += group.charged
    if not total or case.market is None:
        return None
    quote = case.market.quote
    before, cap = used.get(quote, 0) + reserved.get(quote, 0), rule.caps[quote]
    if before + total <= cap:
        return None
    reason = (
        f"{unit} would be {format_trimmed(before + total)} {quote}, more than {format_trimmed(cap)}"
        f" ({format_trimmed(before)} before this request)"
    )
    values = (("asset", quote), ("before", format_trimmed(before)), ("added", format_trimmed(total)))
    return Deny(rule.name, reason, values, rule.limit())


def unweighed(rule: Caps, case: Case, group: GroupFacts) -> Deny | None:
    """Deny a group whose amount is not known, or is in an asset without a cap."""
    if case.market is None or group.gap:
        gap = group.gap or case.stale
        return Deny(rule.name, f"the amount cannot be worked out: {gap}", (("gap", gap),), rule.limit())
    quote = case.market.quote
    if quote not in rule.caps:
        reason = f"there is no cap for {quote}, so nothing may be spent in it"
        return Deny(rule.name, reason, (("asset", quote),), rule.limit())
    return None
