"""What a policy leaves open that its owner may not have meant to. Advice, never a refusal."""

import msgspec

from watchword.credentials.timing import RECV_WINDOW_US_MAX
from watchword.policy.policy import Policy
from watchword.policy.rules.permissions import Permissions
from watchword.policy.rules.require_approval import ANY_QUOTE, RequireApproval
from watchword.policy.rules.symbols import Symbols

ONE_HOUR_US = 3_600_000_000


class Advice(msgspec.Struct, frozen=True):
    """One thing to think about.

    Attributes:
        rule: Which rule it is about.
        text: What is open, and what to write.
    """

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


def advise(policy: Policy) -> tuple[Advice, ...]:
    """Return what is open in a policy that can be read."""
    found: list[Advice] = []
    permissions = policy.rules["permissions"]
    granted = permissions.granted if isinstance(permissions, Permissions) else frozenset()
    if "SPOT_AND_MARGIN_TRADING" in granted:
        found += _trading(policy)
    if policy.shadow:
        names = ", ".join(sorted(policy.shadow))
        found.append(Advice("shadow", f"these rules are watched and refuse nothing: {names}"))
    if "hours" not in policy.rules and "WITHDRAWALS" in granted:
        found.append(Advice("hours", "withdrawals are possible at any hour"))
    approvals = policy.rules.get(RequireApproval.name)
    if isinstance(approvals, RequireApproval):
        found += _approvals(approvals)
    return tuple(found)


def _trading(policy: Policy) -> list[Advice]:
    rules = policy.rules
    found: list[Advice] = []
    symbols = rules["symbols"]
    if isinstance(symbols, Symbols) and symbols.allowed.anything:
        found.append(Advice("symbols", "`any` includes thin pairs, where drains happen; name the pairs"))
    if "price_band" not in rules:
        text = "without it a stolen key can trade a thin pair far from the market; write {worse: 2%}"
        found.append(Advice("price_band", text))
    if "max_order" not in rules:
        found.append(Advice("max_order", "one order may spend everything; write {USDT: 500}"))
    if "max_day" not in rules and "max_turnover" not in rules:
        found.append(Advice("max_day", "nothing ends a long night; write max_day or max_turnover"))
    if "max_turnover" not in rules and "max_day" in rules:
        text = "buying and selling back in turn is bounded by max_day on the buying side only"
        found.append(Advice("max_turnover", text))
    if "rate" not in rules:
        found.append(Advice("rate", "any number of orders a second"))
    if policy.max_age_us > ONE_HOUR_US:
        found.append(Advice("reference", "a price more than an hour old says little; write {max_age: 60s}"))
    return found


def _approvals(rule: RequireApproval) -> list[Advice]:
    found: list[Advice] = []
    for one in rule.rules:
        demand, title = one.demand, repr(one.demand.title)
        if demand.mode == "hold" and demand.time_limit_us > RECV_WINDOW_US_MAX:
            text = f"{title} holds for a request's recvWindow, 60 s at most; people need longer: write mode: refuse"
            found.append(Advice(rule.name, text))
        if demand.not_by_key_owner and len(demand.approvers) == 1:
            text = f"{title} has one approver; if the key is theirs, nobody can approve"
            found.append(Advice(rule.name, text))
        if ANY_QUOTE in (one.trigger.notional_above or {}):
            text = f"{title} compares without an asset, so 2000 may be USDT or BTC; write {{USDT: 2000}}"
            found.append(Advice(rule.name, text))
    return found
