"""Decides. Deny when any enforced rule denies, when a needed rule is missing, and for everything nobody parsed.

Pure: the same policy, intent, usage, references and moment always give the same decision.
"""

from collections.abc import Sequence

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case
from watchword.policy.decision import Allow, Decision, Deny, Explanation, Verdict
from watchword.policy.intent import KINDS, Intent, Place, Withdraw
from watchword.policy.policy import NEEDED_TO_TRADE, Policy
from watchword.policy.references import References
from watchword.policy.rules.withdrawals import destination_key
from watchword.policy.usage import Placed, Usage, Withdrawn


def decide(policy: Policy, intent: Intent, usage: Usage, references: References, now_us: int) -> Decision:
    """Decide one request.

    Args:
        policy: The key's.
        intent: What the request would change.
        usage: What the key has used up.
        references: The market by symbol.
        now_us: Epoch microseconds.

    Returns:
        Allow with what to reserve, or the first Deny in the order of `policy.RULES`.
    """
    case = Case(intent, usage, references, now_us, policy.max_age_us)
    shadow = _watched(policy, intent)
    shadowed: list[Deny] = []
    for rule in policy.by_kind[KINDS[type(intent)]]:
        refused = rule.judge(case)
        if refused is not None:
            if refused.rule not in shadow:
                # Nobody is asked to approve what would be refused all the same.
                return (_unruled(policy, intent) or refused) if refused.demands else refused
            shadowed.append(refused)
    refused = _unruled(policy, intent)
    return refused or Allow(case.charges(), tuple(shadowed))


def decide_each(
    layers: Sequence[tuple[Policy, Usage]], intent: Intent, references: References, now_us: int
) -> Deny | tuple[Allow, ...]:
    """Decide for a key and the keys it descends from: every layer must allow, each with its own usage.

    Args:
        layers: (policy, usage) of the key and of each ancestor.
        intent: What the request would change.
        references: The market by symbol.
        now_us: Epoch microseconds.

    Returns:
        The first Deny for which no approval would help, else one Deny with everything layers demand, else one Allow per
        layer. Why each: ten children within a parent's cap can together pass it.
    """
    allowed: list[Allow] = []
    for policy, usage in layers:
        decision = decide(policy, intent, usage, references, now_us)
        if isinstance(decision, Deny):
            return decision if not decision.demands else _demanded(layers, intent, references, now_us)
        allowed.append(decision)
    return tuple(allowed)


def to_fold(intent: Intent, allowed: Allow, now_us: int) -> Placed | Withdrawn | None:
    """Return what to fold into the usage before the request is sent, or None where nothing is used up."""
    if isinstance(intent, Place):
        return None if intent.dry else Placed(now_us, allowed.charges, len(intent.orders))
    if isinstance(intent, Withdraw):
        key = destination_key(intent.coin, intent.network, intent.address, intent.tag)
        return Withdrawn(now_us, key, intent.amount)
    return None


def explain(policy: Policy, intent: Intent, usage: Usage, references: References, now_us: int) -> Explanation:
    """Decide, and say what every rule that has a say measured. Slower than `decide`, with the same decision."""
    case = Case(intent, usage, references, now_us, policy.max_age_us)
    shadow = _watched(policy, intent)
    verdicts: list[Verdict] = []
    for rule in policy.by_kind[KINDS[type(intent)]]:
        refused = rule.judge(case)
        if refused is None:
            verdicts.append(Verdict(rule.name, "pass", rule.limit()))
        else:
            outcome = "shadow" if rule.name in shadow else "approval" if refused.demands else "deny"
            verdicts.append(Verdict(rule.name, outcome, refused.limit, refused.reason, refused.values))
    missing = _unruled(policy, intent)
    if missing is not None:
        verdicts.append(Verdict(missing.rule, "deny", missing.limit, missing.reason, missing.values))
    decision = decide(policy, intent, usage, references, now_us)
    return Explanation(decision, tuple(verdicts), _facts(case))


def _demanded(
    layers: Sequence[tuple[Policy, Usage]], intent: Intent, references: References, now_us: int
) -> Deny:
    """Ask all layers, one of which wants an approval. Apart, so that who wants none does not pay for it."""
    decisions = [decide(policy, intent, usage, references, now_us) for policy, usage in layers]
    denied = [decision for decision in decisions if isinstance(decision, Deny)]
    for one in denied:
        if not one.demands:
            return one
    # What two layers both demand is demanded once.
    demands = dict.fromkeys(demand for one in denied for demand in one.demands)
    return msgspec.structs.replace(denied[0], demands=tuple(demands))


def _watched(policy: Policy, intent: Intent) -> frozenset[str]:
    """Rules that do not refuse: none where coins would leave."""
    return frozenset() if isinstance(intent, Withdraw) else policy.shadow


def _unruled(policy: Policy, intent: Intent) -> Deny | None:
    """What a policy does not mention is not allowed: placing needs symbols, sides and order types."""
    if "permissions" not in policy.rules:
        return Deny("permissions", "the policy grants no permission", (), "none")
    if isinstance(intent, Place):
        for name in NEEDED_TO_TRADE:
            if name not in policy.rules:
                reason = f"the policy names no {name.replace('_', ' ')}, so none is allowed"
                return Deny(name, reason, (), "none")
    return None


def _facts(case: Case) -> tuple[tuple[str, str], ...]:
    facts: list[tuple[str, str]] = [("kind", KINDS[type(case.intent)]), ("endpoint", case.intent.endpoint)]
    market, usage = case.market, case.usage
    for group in case.groups:
        facts += [
            ("side", group.side),
            ("quantity", format_trimmed(group.quantity)),
            ("notional", format_trimmed(group.gross)),
            ("counts against spend caps", format_trimmed(group.charged)),
            ("sells back", format_trimmed(group.exempt)),
        ]
        if group.gap:
            facts.append(("not known", group.gap))
    if isinstance(case.intent, Place) and market is not None:
        facts += [
            ("median", format_trimmed(market.median)),
            ("median age, us", str(case.now_us - market.median_at_us)),
            (f"{market.quote} spent today", format_trimmed(usage.spent.get(market.quote, 0))),
            (f"{market.quote} in open orders", format_trimmed(usage.reserved.charged.get(market.quote, 0))),
            (f"{market.quote} turned over today", format_trimmed(usage.turnover.get(market.quote, 0))),
            (f"{market.base} bought", format_trimmed(usage.bought.get(market.base, 0))),
        ]
    return tuple(facts)
