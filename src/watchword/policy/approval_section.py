"""Reads `require_approval` of a policy file. Never decides who is asked and knows nobody's name."""

from typing import Any, Final

from watchword.policy import fields
from watchword.policy.decision import Demand
from watchword.policy.fields import fault
from watchword.policy.nodes import Node
from watchword.policy.rules.conditions import Condition, compile_condition
from watchword.policy.rules.require_approval import ANY_QUOTE, ApprovalRule, RequireApproval, Trigger

RULES_COUNT_MAX: Final = 20
APPROVERS_COUNT_MAX: Final = 50
TITLE_CHARS_MAX: Final = 64
APPROVER_CHARS_MAX: Final = 64
#: How long an approval may take, and be used, where the file does not say.
TIME_LIMIT_US: Final = 600_000_000

_TRIGGERS: Final = ("when", "notional_above", "withdrawals", "new_symbol")
_KEYS: Final = ("name", "on", *_TRIGGERS, "mode", "approvers", "not_by_key_owner", "time_limit")


def read_require_approval(node: Node, where: str) -> RequireApproval:
    """Read the section: a list of rules.

    Raises:
        BadYamlError: With the first problem.
    """
    rules = fields.read_each(node, where, _rule, most=RULES_COUNT_MAX)
    if not rules:
        raise fault(node, where, "name at least one rule")
    titles = [rule.demand.title for rule in rules]
    for number, title in enumerate(titles):
        if title in titles[:number]:
            raise fault(node.items[number], f"{where}[{number}]", f"there are two rules called {title!r}")
    return RequireApproval(tuple(rules))


def _rule(node: Node, where: str) -> ApprovalRule:
    parts = fields.read_map(node, where, _KEYS, ("approvers",))

    def read(name: str, reader: Any, default: Any) -> Any:
        return reader(parts[name], f"{where}.{name}") if name in parts else default

    trigger = Trigger(
        read("notional_above", _notional, None),
        read("withdrawals", _yes_or_no, False),
        read("new_symbol", _yes_or_no, False),
        _when(where, parts),
    )
    if trigger == Trigger():
        raise fault(node, where, f"say when: one or more of {', '.join(_TRIGGERS)}")
    demand = Demand(
        title=read("name", _title, str(trigger)[:TITLE_CHARS_MAX]),
        when=str(trigger),
        mode=read("mode", fields.read_choice(("hold", "refuse")), "refuse"),
        approvers=_approvers(parts["approvers"], f"{where}.approvers"),
        not_by_key_owner=read("not_by_key_owner", _yes_or_no, False),
        time_limit_us=read("time_limit", fields.read_duration, TIME_LIMIT_US),
    )
    return ApprovalRule(demand, trigger)


def _when(where: str, parts: dict[str, Node]) -> Condition | None:
    if "when" not in parts:
        if "on" in parts:
            raise fault(parts["on"], f"{where}.on", "`on` says what `when` is about, and there is no `when`")
        return None
    # Cancelling cannot be made to wait, so nothing can be written about it.
    on: Any = (
        fields.read_choice(("place", "withdraw"))(parts["on"], f"{where}.on") if "on" in parts else "place"
    )
    found = compile_condition("when", on, fields.read_text(parts["when"], f"{where}.when"))
    if isinstance(found, str):
        raise fault(parts["when"], f"{where}.when", found)
    return found


def _notional(node: Node, where: str) -> dict[str, int]:
    """An amount of whatever the order is quoted in, or amounts by quote asset."""
    if node.kind == "text":
        return {ANY_QUOTE: fields.read_amount(node, where)}
    return fields.read_caps(node, where)


def _approvers(node: Node, where: str) -> tuple[str, ...]:
    names = fields.read_each(node, where, _approver, most=APPROVERS_COUNT_MAX)
    if not names:
        raise fault(node, where, "name at least one person: what nobody may approve is better denied")
    return tuple(sorted(set(names)))


def _approver(node: Node, where: str) -> str:
    text = fields.read_text(node, where)
    if len(text) > APPROVER_CHARS_MAX or not text.isprintable() or " " in text or text != text.lower():
        raise fault(node, where, f"{text!r} is nobody's name: people sign in with lower case and no blanks")
    return text


def _title(node: Node, where: str) -> str:
    text = fields.read_text(node, where)
    if len(text) > TITLE_CHARS_MAX or not text.isprintable():
        raise fault(node, where, f"a name has at most {TITLE_CHARS_MAX} printable characters")
    return text


def _yes_or_no(node: Node, where: str) -> bool:
    return fields.read_choice(("true", "false"))(node, where) == "true"
