"""What the caps on spending share: they skip what is exempt, and deny what cannot be weighed. Not a rule itself."""

from collections.abc import Callable, Mapping

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case, GroupFacts
from watchword.policy.decision import Deny


def judge_total(
    name: str, case: Case, caps: Mapping[str, int], before: Callable[[str], int], unit: str, limit: str
) -> Deny | None:
    """Judge what was used before plus what every group of the case would add.

    Args:
        name: The rule's.
        case: The case.
        caps: By quote asset.
        before: Quote asset to what counts already.
        unit: What the sum is called, for the reason.
        limit: The rule in words.
    """
    total = 0
    for group in case.groups:
        if group.exempt_whole:
            continue
        refused = unweighed(name, case, group, caps, limit)
        if refused is not None:
            return refused
        total += group.charged
    if not total or case.market is None:
        return None
    quote = case.market.quote
    used, cap = before(quote), caps[quote]
    if used + total <= cap:
        return None
    reason = (
        f"{unit} would be {format_trimmed(used + total)} {quote}, more than {format_trimmed(cap)}"
        f" ({format_trimmed(used)} before this request)"
    )
    values = (("asset", quote), ("before", format_trimmed(used)), ("added", format_trimmed(total)))
    return Deny(name, reason, values, limit)


def unweighed(name: str, case: Case, group: GroupFacts, caps: Mapping[str, int], limit: str) -> Deny | None:
    """Deny a group whose amount is not known, or is in an asset without a cap."""
    if case.market is None or group.gap:
        gap = group.gap or case.stale
        return Deny(name, f"the amount cannot be worked out: {gap}", (("gap", gap),), limit)
    quote = case.market.quote
    if quote not in caps:
        return Deny(
            name, f"there is no cap for {quote}, so nothing may be spent in it", (("asset", quote),), limit
        )
    return None
