"""A policy: rules in the order they are asked, sorted by what they are about. Built by document.py, never changed."""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from watchword.policy.decision import ALWAYS_ENFORCED, Demand
from watchword.policy.intent import Kind
from watchword.policy.rules.conditions import Conditions
from watchword.policy.rules.hours import Hours
from watchword.policy.rules.max_day import MaxDay
from watchword.policy.rules.max_order import MaxOrder
from watchword.policy.rules.max_position import MaxPosition
from watchword.policy.rules.max_turnover import MaxTurnover
from watchword.policy.rules.meaning import Meaning
from watchword.policy.rules.open_charges import OpenCharges
from watchword.policy.rules.order_types import OrderTypes
from watchword.policy.rules.permissions import Permissions
from watchword.policy.rules.price_band import PriceBand
from watchword.policy.rules.rate import Rate
from watchword.policy.rules.require_approval import RequireApproval
from watchword.policy.rules.rule import Rule
from watchword.policy.rules.sides import Sides
from watchword.policy.rules.symbols import Symbols
from watchword.policy.rules.withdrawals import Withdrawals

#: Every rule, in the order they are asked: cheap and telling ones first, written conditions late, and people last: only
#: what everything else allows may wait for them.
RULES: Final[tuple[type[Rule], ...]] = (
    Meaning,
    Permissions,
    Symbols,
    Sides,
    OrderTypes,
    Hours,
    Rate,
    OpenCharges,
    PriceBand,
    MaxOrder,
    MaxDay,
    MaxPosition,
    MaxTurnover,
    Withdrawals,
    Conditions,
    RequireApproval,
)
RULE_NAMES: Final = tuple(rule.name for rule in RULES)
#: Rules that say what is open at all: without one of them nothing of its kind is allowed.
NEEDED_TO_TRADE: Final = ("symbols", "sides", "order_types")
#: Which rules have a say in what. Placing is asked everything but the first.
_ABOUT: Final[dict[Kind, frozenset[str]]] = {
    "place": frozenset(RULE_NAMES) - {"meaning", "withdrawals"},
    "cancel": frozenset(("permissions", "symbols", "conditions")),
    "reduce": frozenset(("permissions", "symbols")),
    "withdraw": frozenset(("permissions", "hours", "withdrawals", "conditions", "require_approval")),
    "read": frozenset(("permissions",)),
    "unknown": frozenset(("meaning",)),
}


class Policy(msgspec.Struct, frozen=True):
    """What one key may do.

    Attributes:
        name: For people and the trail.
        rules: By name, in the order they are asked.
        by_kind: The rules that have a say in each kind of intent, in the same order.
        shadow: Names of rules that are watched, not enforced.
        max_age_us: How old a reference price or book may be.
    """

    name: str
    rules: dict[str, Rule]
    by_kind: dict[Kind, tuple[Rule, ...]]
    shadow: frozenset[str]
    max_age_us: int


def build_policy(name: str, rules: Iterable[Rule], shadow: Iterable[str], max_age_us: int) -> Policy:
    """Put rules in order. The rules no policy is without (meaning, withdrawals, open charges) are added.

    Args:
        name: Of the policy.
        rules: At most one of each kind; trading needs NEEDED_TO_TRADE.
        shadow: Rules that are watched only; those of ALWAYS_ENFORCED are left out.
        max_age_us: How old a reference may be.
    """
    always: list[Rule] = [Meaning(), OpenCharges(), Withdrawals()]
    given = {rule.name: rule for rule in (*always, *rules)}
    ordered = {known: given[known] for known in RULE_NAMES if known in given}
    by_kind = {
        kind: tuple(rule for known, rule in ordered.items() if known in about)
        for kind, about in _ABOUT.items()
    }
    return Policy(name, ordered, by_kind, frozenset(shadow) - ALWAYS_ENFORCED, max_age_us)


def with_approvals(policy: Policy, given: Collection[Demand]) -> Policy:
    """Return a policy for one request that was approved: as it is, without the demands that are met.

    Args:
        policy: The key's, or an ancestor's.
        given: Demands people said yes to.
    """
    rule = policy.rules.get(RequireApproval.name)
    if not isinstance(rule, RequireApproval):
        return policy
    rest = rule.without(given)
    by_kind = {
        kind: tuple(rest if one is rule else one for one in rules) for kind, rules in policy.by_kind.items()
    }
    return msgspec.structs.replace(policy, rules={**policy.rules, rule.name: rest}, by_kind=by_kind)
