"""A policy file, version 1: YAML text to a policy, or every problem with its place. See docs/formats/policy.md.

Never guesses: an unknown key, a missing unit or a name in the wrong case is a problem, not a default.
"""

from collections.abc import Callable
from typing import Any, Final

from watchword.binance.enums import ORDER_TYPES
from watchword.credentials.permission import UnknownPermission, read_permissions
from watchword.policy import fields
from watchword.policy.approval_section import read_require_approval
from watchword.policy.decision import ALWAYS_ENFORCED
from watchword.policy.fields import fault
from watchword.policy.nodes import BadYamlError, Node, Problem, read_tree
from watchword.policy.policy import NEEDED_TO_TRADE, RULE_NAMES, Policy, build_policy
from watchword.policy.rules.conditions import (
    CONDITIONS_COUNT_MAX,
    VARIABLES,
    Condition,
    Conditions,
    compile_condition,
)
from watchword.policy.rules.hours import DAY_MINUTES, DAYS, Hours, join_spans
from watchword.policy.rules.max_day import MaxDay
from watchword.policy.rules.max_order import MaxOrder
from watchword.policy.rules.max_position import MaxPosition
from watchword.policy.rules.max_turnover import MaxTurnover
from watchword.policy.rules.order_types import OrderTypes
from watchword.policy.rules.permissions import Permissions
from watchword.policy.rules.price_band import PriceBand
from watchword.policy.rules.rate import WINDOWS, Rate
from watchword.policy.rules.rule import Names, Rule
from watchword.policy.rules.sides import Sides
from watchword.policy.rules.symbols import Symbols
from watchword.policy.rules.withdrawals import Destination, Withdrawals

VERSION: Final = "1"
NAME_CHARS_MAX: Final = 64
DESTINATIONS_COUNT_MAX: Final = 200
WINDOWS_COUNT_MAX: Final = 50
#: How old a reference may be where the file does not say.
MAX_AGE_US: Final = 60_000_000
ANY: Final = "any"
ALL: Final = "all"
#: What a policy may have in shadow mode.
WATCHABLE: Final = tuple(name for name in RULE_NAMES if name not in ALWAYS_ENFORCED)


def read_policy(raw: str) -> Policy | tuple[Problem, ...]:
    """Read a policy file.

    Args:
        raw: Its text.

    Returns:
        The policy, or what is wrong with it; the first problem of each part.
    """
    try:
        root = fields.read_map(read_tree(raw), "", _KNOWN, ("version", "name", "permissions"))
    except BadYamlError as error:
        return (error.problem,)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for name, node in root.items():
        try:
            values[name] = _SECTIONS[name](node, name)
        except BadYamlError as error:
            problems.append(error.problem)
    if not problems:
        problems += _incomplete(root, values)
    if problems:
        return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    rules = [value for name, value in values.items() if name in RULE_NAMES]
    max_age_us = values.get("reference", MAX_AGE_US)
    return build_policy(values["name"], rules, values.get("shadow", ()), max_age_us)


def _incomplete(root: dict[str, Node], values: dict[str, Any]) -> list[Problem]:
    """What only shows once all parts are read."""
    granted = values["permissions"].granted
    node = root["permissions"]
    problems = []
    if "SPOT_AND_MARGIN_TRADING" in granted:
        problems += [
            Problem(
                node.line, node.column, name, "a policy that permits trading says which; write `any` for all"
            )
            for name in NEEDED_TO_TRADE
            if name not in root
        ]
    if ("WITHDRAWALS" in granted) != ("withdrawals" in root):
        problems.append(
            Problem(
                node.line, node.column, "withdrawals", "the permission and the address list come together"
            )
        )
    return problems


def _version(node: Node, where: str) -> str:
    text = fields.read_text(node, where)
    if text != VERSION:
        raise fault(node, where, f"this is version {text!r}; version {VERSION} is known here")
    return text


def _name(node: Node, where: str) -> str:
    text = fields.read_text(node, where)
    if len(text) > NAME_CHARS_MAX or not text.isprintable():
        raise fault(node, where, f"a name has at most {NAME_CHARS_MAX} printable characters")
    return text


def _permissions(node: Node, where: str) -> Rule:
    texts = fields.read_each(node, where, fields.read_text)
    granted = read_permissions(texts)
    if isinstance(granted, UnknownPermission):
        raise fault(node, where, str(granted))
    return Permissions(granted)


def _names(read: Callable[[Node, str], str], build: Callable[[Names], Rule]) -> Callable[[Node, str], Rule]:
    """A section that lists names, or says `any`."""

    def section(node: Node, where: str) -> Rule:
        if node.kind == "text" and node.text == ANY:
            return build(Names(anything=True))
        names = fields.read_each(node, where, read)
        if not names:
            raise fault(node, where, "name at least one, or write `any`")
        return build(Names(frozenset(names)))

    return section


def _price_band(node: Node, where: str) -> Rule:
    parts = fields.read_map(node, where, ("worse", "stop", "better"), ("worse",))
    worse = fields.read_percent(parts["worse"], f"{where}.worse")
    stop = fields.read_percent(parts["stop"], f"{where}.stop") if "stop" in parts else worse
    better = fields.read_percent(parts["better"], f"{where}.better") if "better" in parts else None
    return PriceBand(worse, stop, better)


def _reference(node: Node, where: str) -> int:
    parts = fields.read_map(node, where, ("max_age",), ("max_age",))
    return fields.read_duration(parts["max_age"], f"{where}.max_age")


def _rate(node: Node, where: str) -> Rule:
    parts = fields.read_map(node, where, WINDOWS)
    if not parts:
        raise fault(node, where, f"name at least one of {', '.join(WINDOWS)}")
    return Rate(
        tuple(
            fields.read_count(parts[name], f"{where}.{name}") if name in parts else None for name in WINDOWS
        )
    )


def _hours(node: Node, where: str) -> Rule:
    parts = fields.read_map(node, where, ("offset", "windows"), ("windows",))
    offset = fields.read_offset(parts["offset"], f"{where}.offset") if "offset" in parts else 0
    spans: list[tuple[int, int]] = []
    windows = fields.read_each(parts["windows"], f"{where}.windows", _window, most=WINDOWS_COUNT_MAX)
    for days, first, end in windows:
        for day in days:
            start = day * DAY_MINUTES - offset
            spans.append((start + first, start + (end if end > first else end + DAY_MINUTES)))
    if not spans:
        raise fault(node, where, "name at least one window")
    return Hours(join_spans(spans))


def _window(node: Node, where: str) -> tuple[list[int], int, int]:
    parts = fields.read_map(node, where, ("days", "from", "to"), ("from", "to"))
    days = list(DAYS)
    if "days" in parts:
        days = fields.read_each(parts["days"], f"{where}.days", fields.read_choice(DAYS), most=len(DAYS))
    first = fields.read_time(parts["from"], f"{where}.from")
    end = fields.read_time(parts["to"], f"{where}.to")
    if first in (end, DAY_MINUTES):
        raise fault(parts["from"], f"{where}.from", "the window is empty; a whole day is 00:00 to 24:00")
    return [DAYS.index(day) for day in days], first, end


def _withdrawals(node: Node, where: str) -> Rule:
    found = fields.read_each(node, where, _destination, most=DESTINATIONS_COUNT_MAX)
    if len({entry.named for entry in found}) < len(found):
        raise fault(node, where, "an address is there twice")
    return Withdrawals(tuple(sorted(found)))


def _destination(node: Node, where: str) -> Destination:
    names = ("coin", "network", "address", "tag", "max_each", "max_day")
    parts = fields.read_map(node, where, names, ("coin", "network", "address", "max_each", "max_day"))

    def text(name: str) -> str:
        return fields.read_text(parts[name], f"{where}.{name}") if name in parts else ""

    def amount(name: str) -> int:
        return fields.read_amount(parts[name], f"{where}.{name}")

    return Destination(
        text("coin"), text("network"), text("address"), text("tag"), amount("max_each"), amount("max_day")
    )


def _conditions(node: Node, where: str) -> Rule:
    return Conditions(tuple(fields.read_each(node, where, _condition, most=CONDITIONS_COUNT_MAX)))


def _condition(node: Node, where: str) -> Condition:
    parts = fields.read_map(node, where, ("name", "on", "expect"), ("name", "expect"))
    on: Any = fields.read_choice(VARIABLES)(parts["on"], f"{where}.on") if "on" in parts else "place"
    title = fields.read_text(parts["name"], f"{where}.name")
    found = compile_condition(title, on, fields.read_text(parts["expect"], f"{where}.expect"))
    if isinstance(found, str):
        raise fault(parts["expect"], f"{where}.expect", found)
    return found


def _shadow(node: Node, where: str) -> tuple[str, ...]:
    if node.kind == "text" and node.text == ALL:
        return WATCHABLE
    return tuple(fields.read_each(node, where, fields.read_choice(WATCHABLE)))


def _caps(build: Callable[[dict[str, int]], Rule]) -> Callable[[Node, str], Rule]:
    return lambda node, where: build(fields.read_caps(node, where))


_SECTIONS: Final[dict[str, Callable[[Node, str], Any]]] = {
    "version": _version,
    "name": _name,
    "permissions": _permissions,
    "symbols": _names(fields.read_symbol, Symbols),
    "sides": _names(fields.read_choice(("BUY", "SELL")), Sides),
    "order_types": _names(fields.read_choice(sorted(ORDER_TYPES)), OrderTypes),
    "reference": _reference,
    "price_band": _price_band,
    "max_order": _caps(MaxOrder),
    "max_day": _caps(MaxDay),
    "max_position": _caps(MaxPosition),
    "max_turnover": _caps(MaxTurnover),
    "hours": _hours,
    "rate": _rate,
    "withdrawals": _withdrawals,
    "conditions": _conditions,
    "require_approval": read_require_approval,
    "shadow": _shadow,
}
_KNOWN: Final = tuple(_SECTIONS)
