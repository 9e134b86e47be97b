"""What changed from one policy to another, rule by rule, and where the new one allows more."""

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.narrowing import widenings
from watchword.policy.policy import RULE_NAMES, Policy

SECOND_SCALED = 100
NONE = "-"


class Change(msgspec.Struct, frozen=True):
    """One difference.

    Attributes:
        rule: Name of the rule, or `reference`, or `shadow`.
        old: What it said.
        new: What it says.
        wider: In what way the new one allows more; empty where it does not.
    """

    rule: str
    old: str
    new: str
    wider: str = ""


def compare(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return every difference in what two policies allow; names and notes are no difference."""
    wider = {widening.rule: widening.reason for widening in widenings(new, old)}
    found: list[Change] = []
    for name in RULE_NAMES:
        before, after = _limit(old, name), _limit(new, name)
        if before != after or name in wider:
            found.append(Change(name, before, after, wider.pop(name, "")))
    if old.max_age_us != new.max_age_us:
        texts = [
            f"at most {format_trimmed(policy.max_age_us * SECOND_SCALED)} s old" for policy in (old, new)
        ]
        found.append(Change("reference", texts[0], texts[1], wider.pop("reference", "")))
    return tuple(found)


def _limit(policy: Policy, name: str) -> str:
    rule = policy.rules.get(name)
    if rule is None:
        return NONE
    return f"{rule.limit()} (watched only)" if name in policy.shadow else rule.limit()
