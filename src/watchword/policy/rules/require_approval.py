"""What a person must approve first. Asked last: nobody is bothered with what would be refused all the same.

Cancelling and making orders smaller never need an approval, and neither do test orders, which do nothing. Where it
cannot be known whether somebody must be asked, nobody is: the request is refused.
"""

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case
from watchword.policy.decision import Demand, Deny
from watchword.policy.intent import Place, Withdraw
from watchword.policy.rules.conditions import Condition, holds

#: Stands for every quote asset, where an amount was written without one.
ANY_QUOTE: Final = ""
#: Stands for "always", as an amount everything is above.
ALWAYS: Final = -1
REASONS_COUNT_MAX: Final = 3


class _Gap(msgspec.Struct, frozen=True):
    """Why it cannot be known whether somebody must be asked."""

    text: str


class Trigger(msgspec.Struct, frozen=True):
    """What a rule is about: it asks where any part of it holds.

    Attributes:
        notional_above: Quote units by quote asset, or under ANY_QUOTE for all; an asset that is not named always asks. None
            where the value does not matter.
        withdrawals: Every withdrawal.
        new_symbol: An order on a symbol the key has placed none on.
        when: A condition of one's own; None for none.
    """

    notional_above: Mapping[str, int] | None = None
    withdrawals: bool = False
    new_symbol: bool = False
    when: Condition | None = None

    def __str__(self) -> str:
        parts: list[str] = []
        if self.notional_above is not None:
            caps = sorted(self.notional_above.items())
            parts.append(
                "notional above " + ", ".join(f"{format_trimmed(cap)} {of}".strip() for of, cap in caps)
            )
        if self.withdrawals:
            parts.append("withdrawals")
        if self.new_symbol:
            parts.append("new symbol")
        if self.when is not None:
            parts.append(f"{self.when.on}: {self.when.source}")
        return " or ".join(parts)

    def above(self, quote: str) -> int:
        """Return the amount of a quote asset above which somebody is asked; only where `notional_above` is given."""
        caps = self.notional_above or {}
        return caps.get(quote, caps.get(ANY_QUOTE, ALWAYS))

    def covers(self, other: "Trigger") -> bool:
        """Whether it asks wherever another one does."""
        if (other.withdrawals and not self.withdrawals) or (other.new_symbol and not self.new_symbol):
            return False
        mine, theirs = self.when, other.when
        if theirs is not None and (mine is None or (mine.on, mine.source) != (theirs.on, theirs.source)):
            return False
        if other.notional_above is None:
            return True
        if self.notional_above is None:
            return False
        # Of all quote assets nobody named one stands for the rest; its name is that of no asset.
        quotes = {*self.notional_above, *other.notional_above, "*"} - {ANY_QUOTE}
        return all(self.above(quote) <= other.above(quote) for quote in quotes)


class ApprovalRule(msgspec.Struct, frozen=True):
    """One rule.

    Attributes:
        demand: What it wants.
        trigger: When.
    """

    demand: Demand
    trigger: Trigger


class RequireApproval(msgspec.Struct, frozen=True):
    """All of them; each that asks must be approved."""

    name: ClassVar[str] = "require_approval"

    rules: tuple[ApprovalRule, ...]

    def judge(self, case: Case) -> Deny | None:
        """See Rule. A Deny with demands is one that approvals lift."""
        intent = case.intent
        if isinstance(intent, Place):
            if intent.dry:
                return None
        elif not isinstance(intent, Withdraw):
            return None
        demands: list[Demand] = []
        reasons: list[str] = []
        for rule in self.rules:
            found = _asks(rule.trigger, case)
            if isinstance(found, _Gap):
                return Deny(
                    self.name, f"{rule.demand.title!r} cannot be answered: {found.text}", (), rule.demand.when
                )
            if found:
                demands.append(rule.demand)
                reasons.append(f"{rule.demand.title!r} ({found})")
        if not demands:
            return None
        reason = f"{' and '.join(reasons[:REASONS_COUNT_MAX])} needs an approval"
        limit = "; ".join(demand.when for demand in demands)
        return Deny(self.name, reason, _values(case), limit, tuple(demands))

    def limit(self) -> str:
        """See Rule."""
        return "; ".join(_words(rule.demand) for rule in self.rules) or "nothing more"

    def widening(self, parent: "RequireApproval") -> str:
        """See Rule: for each of the parent's there must be one here that asks as often, and as few people."""
        for theirs in parent.rules:
            if not any(_as_strict(mine, theirs) for mine in self.rules):
                return f"without the approval {theirs.demand.title!r}"
        return ""

    def without(self, given: Collection[Demand]) -> "RequireApproval":
        """Return the rules whose demands are not met."""
        return RequireApproval(tuple(rule for rule in self.rules if rule.demand not in given))


def span_text(span_us: int) -> str:
    """Write a time span as policy files have it."""
    for unit, size_us in (("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)):
        if not span_us % size_us:
            return f"{span_us // size_us}{unit}"
    return f"{span_us}us"


def _asks(trigger: Trigger, case: Case) -> str | _Gap:
    """Say why somebody must be asked; empty where nobody must."""
    intent = case.intent
    if isinstance(intent, Withdraw):
        if trigger.withdrawals:
            return f"{format_trimmed(intent.amount)} {intent.coin} would leave"
        return _written(trigger.when, "withdraw", case)
    if not isinstance(intent, Place):
        return ""
    if trigger.new_symbol and intent.symbol not in case.usage.traded:
        return f"{intent.symbol} is new to this key"
    if trigger.notional_above is not None:
        found = _notional(trigger, case)
        if found:
            return found
    return _written(trigger.when, "place", case)


def _notional(trigger: Trigger, case: Case) -> str | _Gap:
    """Add up what all orders are worth: of a group only one can fill."""
    market, gap = case.market, next((fact.gap for fact in case.orders if fact.gap), "")
    if gap or market is None:
        return _Gap(gap or case.stale)
    total, most = sum(group.gross for group in case.groups), trigger.above(market.quote)
    if total <= most:
        return ""
    worth = f"{format_trimmed(total)} {market.quote}"
    return f"worth {worth}" if most == ALWAYS else f"worth {worth}, above {format_trimmed(most)}"


def _written(when: Condition | None, on: str, case: Case) -> str | _Gap:
    if when is None or when.on != on:
        return ""
    for fact in case.orders or (None,):
        answer = holds(when, case, fact)
        if isinstance(answer, str):
            return _Gap(answer)
        if answer:
            return when.source
    return ""


def _values(case: Case) -> tuple[tuple[str, str], ...]:
    """What an approver wants to see measured."""
    intent, market = case.intent, case.market
    if not isinstance(intent, Place) or market is None:
        return ()
    total = sum(group.gross for group in case.groups)
    return (("notional", f"{format_trimmed(total)} {market.quote}"),)


def _as_strict(mine: ApprovalRule, theirs: ApprovalRule) -> bool:
    one, other = mine.demand, theirs.demand
    return (
        mine.trigger.covers(theirs.trigger)
        and set(one.approvers) <= set(other.approvers)
        and (one.not_by_key_owner or not other.not_by_key_owner)
        and one.time_limit_us <= other.time_limit_us
    )


def _words(demand: Demand) -> str:
    owner = ", not by the key's owner" if demand.not_by_key_owner else ""
    how = "held" if demand.mode == "hold" else "refused"
    span = span_text(demand.time_limit_us)
    return f"{demand.when}: {how} until {' or '.join(demand.approvers)} approves within {span}{owner}"
