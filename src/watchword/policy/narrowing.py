"""Whether one policy can never do more than another. The test behind "a child key is narrower than its parent".

Sound, not complete: it may call a policy wider that in truth is not (two conditions that mean the same), never the
other way round.
"""

import msgspec

from watchword.kernel.units import SCALE, format_trimmed
from watchword.policy.policy import NEEDED_TO_TRADE, RULE_NAMES, Policy


class Widening(msgspec.Struct, frozen=True):
    """One way in which a child allows more than its parent.

    Attributes:
        rule: Name of the rule.
        reason: What the child has that the parent has not.
    """

    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


def narrower_than(child: Policy, parent: Policy) -> bool:
    """Whether everything the child allows, the parent allows too; a policy is narrower than itself."""
    return not widenings(child, parent)


def widenings(child: Policy, parent: Policy) -> tuple[Widening, ...]:
    """Return every way in which the child allows more, at most one per rule.

    Args:
        child: The policy that must stay within.
        parent: The policy it must stay within.
    """
    found: list[Widening] = []
    for name in RULE_NAMES:
        mine, theirs = child.rules.get(name), parent.rules.get(name)
        if theirs is None:
            continue
        if mine is None:
            found.append(Widening(name, f"no such rule, where the parent has {theirs.limit()}"))
            continue
        reason = mine.widening(theirs)
        if reason:
            found.append(Widening(name, reason))
        elif name in child.shadow and name not in parent.shadow:
            found.append(Widening(name, "only watched (shadow), where the parent enforces it"))
    if child.max_age_us > parent.max_age_us:
        found.append(
            Widening(
                "reference",
                f"up to {_seconds(child.max_age_us)} s old, where the parent has {_seconds(parent.max_age_us)} s",
            )
        )
    found += [
        Widening(name, "named, where the parent names none and so allows none")
        for name in ("permissions", *NEEDED_TO_TRADE)
        if name in child.rules and name not in parent.rules
    ]
    return tuple(found)


def _seconds(span_us: int) -> str:
    return format_trimmed(span_us * (SCALE // 1_000_000))
