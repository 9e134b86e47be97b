"""Unit tests of a policy, written beside it: requests, the market and usage they meet, and what must come of them.

The same file format says what `watchword policy explain` is given. See docs/formats/policy.md.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from watchword.policy import fields
from watchword.policy.decision import Allow, Deny, Explanation
from watchword.policy.engine import explain
from watchword.policy.fields import fault
from watchword.policy.nodes import BadYamlError, Node, Problem, read_tree
from watchword.policy.policy import RULE_NAMES, Policy
from watchword.policy.reading import read_intent
from watchword.policy.references import LEVELS_COUNT_MAX, Level, Market
from watchword.policy.rules.rate import WINDOWS
from watchword.policy.rules.withdrawals import destination_key
from watchword.policy.usage import DAY_US, WINDOWS_US, Reserved, Usage

VERSION: Final = "1"
CASES_COUNT_MAX: Final = 1_000
#: Monday, 2026-01-05, noon UTC: when tests take place that do not say.
AT_US: Final = 1_767_614_400_000_000
EXPECTATIONS: Final = ("allow", "deny", "shadow", "approval")
SYMBOLS_COUNT_MAX: Final = 1_000


class Scenario(msgspec.Struct, frozen=True):
    """What a request meets.

    Attributes:
        at_us: The moment, epoch microseconds.
        markets: By symbol; their moments are ages below zero, so that they move with `at_us`.
        usage: What was used up.
    """

    at_us: int = AT_US
    markets: Mapping[str, Market] = {}
    usage: Usage = Usage(day=AT_US // DAY_US)

    def references(self) -> dict[str, Market]:
        """Return the markets with their moments."""
        return {
            symbol: msgspec.structs.replace(
                market,
                median_at_us=self.at_us + market.median_at_us,
                book_at_us=self.at_us + market.book_at_us,
            )
            for symbol, market in self.markets.items()
        }


class TestCase(msgspec.Struct, frozen=True):
    """One test.

    Attributes:
        name: For people.
        request: Name of the endpoint, or method and path.
        params: As a client would send them.
        scenario: What it meets.
        expect: "allow", "deny", "approval": denied until somebody approves, or "shadow": allowed, though a watched rule
            would deny.
        rule: Which rule must deny; "" for any.
        line: Where it stands, from 1.
    """

    __test__ = False

    name: str
    request: str
    params: dict[str, str]
    scenario: Scenario
    expect: str
    rule: str
    line: int


class Outcome(msgspec.Struct, frozen=True):
    """How a test went."""

    case: TestCase
    passed: bool
    got: str
    explanation: Explanation


def read_suite(raw: str) -> tuple[TestCase, ...] | Problem:
    """Read a file of tests.

    Args:
        raw: Its text.

    Returns:
        The tests, or the first problem.
    """
    try:
        root = fields.read_map(read_tree(raw), "", ("version", "given", "tests"), ("version", "tests"))
        if fields.read_text(root["version"], "version") != VERSION:
            raise fault(root["version"], "version", f"version {VERSION} is known here")
        base = _scenario(root["given"], "given", Scenario()) if "given" in root else Scenario()
        cases = fields.read_each(
            root["tests"], "tests", lambda node, where: _case(node, where, base), most=CASES_COUNT_MAX
        )
        if not cases:
            raise fault(root["tests"], "tests", "write at least one test")
    except BadYamlError as error:
        return error.problem
    return tuple(cases)


def read_scenario(raw: str) -> Scenario | Problem:
    """Read a file that holds only what stands under `given` in a file of tests."""
    try:
        return _scenario(read_tree(raw), "", Scenario())
    except BadYamlError as error:
        return error.problem


def run_case(policy: Policy, case: TestCase) -> Outcome:
    """Decide one test and compare."""
    scenario = case.scenario
    intent = read_intent(case.request, case.params)
    found = explain(policy, intent, scenario.usage, scenario.references(), scenario.at_us)
    decision = found.decision
    if isinstance(decision, Deny):
        expected = "approval" if decision.demands else "deny"
        passed = case.expect == expected and case.rule in {"", decision.rule}
        return Outcome(case, passed, str(decision), found)
    return Outcome(case, _allowed_as_expected(case, decision), _allowed(decision), found)


def _allowed_as_expected(case: TestCase, decision: Allow) -> bool:
    if case.expect == "shadow":
        return any(case.rule in {"", shadowed.rule} for shadowed in decision.shadowed)
    return case.expect == "allow" and not decision.shadowed


def _allowed(decision: Allow) -> str:
    if not decision.shadowed:
        return "allowed"
    return "allowed, though watched rules would deny: " + "; ".join(map(str, decision.shadowed))


def _case(node: Node, where: str, base: Scenario) -> TestCase:
    known = ("name", "request", "params", "given", "expect", "rule")
    parts = fields.read_map(node, where, known, ("name", "request", "expect"))
    expect = fields.read_choice(EXPECTATIONS)(parts["expect"], f"{where}.expect")
    if "rule" in parts and expect == "allow":
        raise fault(parts["rule"], f"{where}.rule", "no rule denies what is allowed")
    return TestCase(
        fields.read_text(parts["name"], f"{where}.name"),
        fields.read_text(parts["request"], f"{where}.request"),
        _params(parts["params"], f"{where}.params") if "params" in parts else {},
        _scenario(parts["given"], f"{where}.given", base) if "given" in parts else base,
        expect,
        fields.read_choice(RULE_NAMES)(parts["rule"], f"{where}.rule") if "rule" in parts else "",
        node.line,
    )


def _params(node: Node, where: str) -> dict[str, str]:
    pairs = fields.read_map(node, where, None)
    for name, value in pairs.items():
        if value.kind != "text":
            raise fault(value, f"{where}.{name}", "a parameter is one text")
    return {name: value.text for name, value in pairs.items()}


def _scenario(node: Node, where: str, base: Scenario) -> Scenario:
    parts = fields.read_map(node, where, ("at", "markets", "usage"))
    at_us = fields.read_moment(parts["at"], f"{where}.at") if "at" in parts else base.at_us
    markets = dict(base.markets)
    if "markets" in parts:
        for symbol, market in fields.read_map(parts["markets"], f"{where}.markets", None).items():
            markets[symbol] = _market(market, f"{where}.markets.{symbol}")
    usage = base.usage
    if "usage" in parts:
        usage = _usage(parts["usage"], f"{where}.usage", at_us)
    return Scenario(at_us, markets, usage)


def _market(node: Node, where: str) -> Market:
    known = ("base", "quote", "median", "median_age", "bids", "asks", "book_age")
    parts = fields.read_map(node, where, known, ("base", "quote"))

    def read(name: str, reader: Callable[[Node, str], Any], default: Any) -> Any:
        return reader(parts[name], f"{where}.{name}") if name in parts else default

    return Market(
        read("base", fields.read_text, ""),
        read("quote", fields.read_text, ""),
        read("median", fields.read_amount, 0),
        -read("median_age", fields.read_duration, 0),
        read("bids", _levels, ()),
        read("asks", _levels, ()),
        -read("book_age", fields.read_duration, 0),
    )


def _levels(node: Node, where: str) -> tuple[Level, ...]:
    return tuple(fields.read_each(node, where, _level, most=LEVELS_COUNT_MAX))


def _level(node: Node, where: str) -> Level:
    numbers = fields.read_each(node, where, fields.read_amount, most=2)
    if len(numbers) != 2:
        raise fault(node, where, "write a level as [price, quantity]")
    return numbers[0], numbers[1]


def _usage(node: Node, where: str, at_us: int) -> Usage:
    known = ("spent", "turnover", "bought", "reserved", "buying", "withdrawn", "orders", "traded")
    parts = fields.read_map(node, where, known)

    def caps(name: str) -> dict[str, int]:
        return fields.read_caps(parts[name], f"{where}.{name}") if name in parts else {}

    placed: list[int] = [0] * len(WINDOWS)
    if "orders" in parts:
        for name, value in fields.read_map(parts["orders"], f"{where}.orders", WINDOWS).items():
            placed[WINDOWS.index(name)] = fields.read_count(value, f"{where}.orders.{name}")
    withdrawn: dict[str, int] = {}
    if "withdrawn" in parts:
        for key, amount in fields.read_each(parts["withdrawn"], f"{where}.withdrawn", _sent):
            withdrawn[key] = withdrawn.get(key, 0) + amount
    reserved = caps("reserved")
    traded: list[str] = []
    if "traded" in parts:
        traded = fields.read_each(
            parts["traded"], f"{where}.traded", fields.read_symbol, most=SYMBOLS_COUNT_MAX
        )
    return Usage(
        day=at_us // DAY_US,
        spent=caps("spent"),
        turnover=caps("turnover"),
        withdrawn=withdrawn,
        bought=caps("bought"),
        reserved=Reserved(charged=reserved, gross=reserved, buying=caps("buying")),
        counts=tuple(
            (at_us // window_us, count) for window_us, count in zip(WINDOWS_US, placed, strict=True)
        ),
        traded=frozenset(traded),
    )


def _sent(node: Node, where: str) -> tuple[str, int]:
    names = ("coin", "network", "address", "tag", "amount")
    parts = fields.read_map(node, where, names, ("coin", "network", "address", "amount"))
    texts = [fields.read_text(parts[name], f"{where}.{name}") if name in parts else "" for name in names[:4]]
    return destination_key(*texts), fields.read_amount(parts["amount"], f"{where}.amount")
