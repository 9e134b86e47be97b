"""Allow or Deny, with rule, values and limit. A decision is a value: it explains itself and changes nothing.

What only a person's approval is missing for is a Deny too, with what is demanded: whoever knows nothing of approvals
refuses.
"""

from typing import Final, Literal, final

import msgspec

from watchword.binance.enums import Side

#: Caps on spending. What cancels never meet, and what selling back is exempt from. Nothing else is.
SPEND_RULES: Final = frozenset(("max_order", "max_day", "max_position", "max_turnover"))
#: Shadow mode never lifts these: it is for learning what a bot orders, not for letting coins leave.
ALWAYS_ENFORCED: Final = frozenset(("meaning", "permissions", "withdrawals"))


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What one group of orders may still use up; kept in the usage until its orders are closed.

    Attributes:
        key: Client order id of the group's first order; fills and closings are reported under it.
        symbol: Where.
        base: Base asset.
        quote: Quote asset.
        side: BUY or SELL.
        quantity: Base units that can still fill.
        gross: Quote units that can still change hands, at the worst.
        charged: The part of `gross` that counts against spend caps.
        exempt: Base units of a SELL that give back what this key bought.
    """

    key: str
    symbol: str
    base: str
    quote: str
    side: Side
    quantity: int
    gross: int
    charged: int
    exempt: int


#: What happens to a request meanwhile: it waits, or it is refused and may be sent again.
ApprovalMode = Literal["hold", "refuse"]


@final
class Demand(msgspec.Struct, frozen=True):
    """What one rule of `require_approval` wants before a request may go ahead. Two that are equal are one.

    Attributes:
        title: What people call the rule.
        when: What it is about, in words.
        mode: What happens to the request meanwhile.
        approvers: Names of the people of whom one must say yes.
        not_by_key_owner: Whoever owns the key does not count.
        time_limit_us: How long after it was asked a yes may come and be used.
    """

    title: str
    when: str
    mode: ApprovalMode
    approvers: tuple[str, ...]
    not_by_key_owner: bool
    time_limit_us: int


@final
class Deny(msgspec.Struct, frozen=True):
    """Refused.

    Attributes:
        rule: Name of the rule, as in the policy file.
        reason: One sentence for people.
        values: What was measured, as (name, text) pairs.
        limit: What the policy says, as text.
        demands: Approvals that are all that is missing; empty where none would help.
    """

    rule: str
    reason: str
    values: tuple[tuple[str, str], ...] = ()
    limit: str = ""
    demands: tuple[Demand, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


@final
class Allow(msgspec.Struct, frozen=True):
    """May go ahead.

    Attributes:
        charges: What to fold into the usage as `Placed` before sending; empty for everything but placing.
        shadowed: What would have refused it, had its rule not been in shadow mode.
    """

    charges: tuple[Charge, ...] = ()
    shadowed: tuple[Deny, ...] = ()


Decision = Allow | Deny


class Verdict(msgspec.Struct, frozen=True):
    """What one rule says, for `policy explain`.

    Attributes:
        rule: Its name.
        outcome: "pass", "deny", "approval" (denies until somebody approves), or "shadow" (would deny, and is only
            watched).
        limit: What the policy says.
        reason: Why it denies; empty where it passes.
        values: What was measured.
    """

    rule: str
    outcome: str
    limit: str
    reason: str = ""
    values: tuple[tuple[str, str], ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """A decision with everything that led to it."""

    decision: Decision
    verdicts: tuple[Verdict, ...]
    facts: tuple[tuple[str, str], ...]
