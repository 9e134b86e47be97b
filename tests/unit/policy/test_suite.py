"""Unit tests beside a policy: read, run, and the mistakes in them."""

import pytest
from tests.support.policies import NOW_US, policy, scaled

from watchword.policy.nodes import Problem
from watchword.policy.suite import AT_US, TestCase, read_scenario, read_suite, run_case
from watchword.policy.usage import DAY_US

GIVEN = """
version: 1
given:
  markets:
    BTCUSDT: {base: BTC, quote: USDT, median: 100, median_age: 5s, asks: [[101, 1]], book_age: 2s}
  usage:
    spent: {USDT: 7}
    reserved: {USDT: 1}
    turnover: {USDT: 8}
    bought: {BTC: 2}
    buying: {BTC: 1}
    orders: {per_minute: 3}
    withdrawn: [{coin: BTC, network: BTC, address: a, amount: 1}, {coin: BTC, network: BTC, address: a, amount: 2}]
"""
REQUEST = "request: order.place, params: {symbol: BTCUSDT, side: BUY, type: MARKET, quantity: 1}"


def suite(tests: str, head: str = GIVEN) -> tuple[TestCase, ...]:
    found = read_suite(f"{head}tests:\n{tests}")
    assert not isinstance(found, Problem), found
    return found


def outcome(tests: str, more: str = "") -> list[bool]:
    return [run_case(policy(more), case).passed for case in suite(tests)]


def test_scenario_is_what_the_file_says() -> None:
    case = suite(f"  - {{name: a, {REQUEST}, expect: allow}}")[0]
    found = case.scenario
    assert found.at_us == AT_US == NOW_US
    market = found.references()["BTCUSDT"]
    assert (market.median_at_us, market.book_at_us) == (AT_US - 5_000_000, AT_US - 2_000_000)
    assert found.usage.spent == {"USDT": scaled(7)}
    assert found.usage.reserved.charged == found.usage.reserved.gross == {"USDT": scaled(1)}
    assert found.usage.reserved.buying == {"BTC": scaled(1)}
    assert found.usage.withdrawn == {"BTC BTC a ": scaled(3)}
    assert found.usage.placed_in(1, AT_US) == 3
    assert case.params["quantity"] == "1"
    assert case.line == 15


def test_markets_move_with_the_moment_and_usage_does_not() -> None:
    moved = f"  - {{name: a, {REQUEST}, expect: allow, given: {{at: '2026-01-06T00:00:00+00:00'}}}}"
    found = suite(moved)[0].scenario
    assert found.references()["BTCUSDT"].median_at_us == found.at_us - 5_000_000
    assert found.usage.day == AT_US // DAY_US
    assert outcome(moved, "max_day: {USDT: 102}") == [True]
    assert outcome(moved.replace("-06T00:00:00", "-05T23:59:59"), "max_day: {USDT: 102}") == [False]


def test_test_may_bring_its_own_market_and_usage() -> None:
    own = (
        f"  - {{name: a, {REQUEST}, expect: deny, rule: max_order,"
        " given: {markets: {BTCUSDT: {base: BTC, quote: USDT}}, usage: {}}}"
    )
    assert outcome(own, "max_order: {USDT: 1}") == [True]


@pytest.mark.parametrize(
    ("expect", "more", "passed"),
    [
        ("expect: allow", "", True),
        ("expect: allow", "max_order: {USDT: 1}", False),
        ("expect: deny", "max_order: {USDT: 1}", True),
        ("expect: deny, rule: max_order", "max_order: {USDT: 1}", True),
        ("expect: deny, rule: max_day", "max_order: {USDT: 1}", False),
        ("expect: deny", "", False),
        ("expect: shadow", "", False),
        ("expect: shadow", "max_order: {USDT: 1}\nshadow: all", True),
        ("expect: shadow, rule: max_order", "max_order: {USDT: 1}\nshadow: all", True),
        ("expect: shadow, rule: rate", "max_order: {USDT: 1}\nshadow: all", False),
        ("expect: allow", "max_order: {USDT: 1}\nshadow: all", False),
    ],
)
def test_expectation_is_compared_with_the_decision(expect: str, more: str, passed: bool) -> None:
    assert outcome(f"  - {{name: a, {REQUEST}, {expect}}}", more) == [passed]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2\ntests: []", "version 1"),
        ("version: 1", "'tests' is missing"),
        ("version: 1\ntests: []", "at least one test"),
        ("version: 1\ntests: [{name: a, request: r}]", "'expect' is missing"),
        ("version: 1\ntests: [{name: a, request: r, expect: fine}]", "none of allow, deny, shadow, approval"),
        ("version: 1\ntests: [{name: a, request: r, expect: allow, rule: rate}]", "no rule denies"),
        ("version: 1\ntests: [{name: a, request: r, expect: deny, rule: rates}]", "none of meaning"),
        (
            "version: 1\ntests: [{name: a, request: r, expect: deny, params: {a: [1]}}]",
            "a parameter is one text",
        ),
        ("version: 1\ngiven: {at: noon}\ntests: []", "is no moment"),
        ("version: 1\ngiven: {at: 2026-01-05T12:00:00}\ntests: []", "is no moment with a zone"),
        (
            "version: 1\ngiven: {markets: {A: {base: A, quote: B, bids: [[1]]}}}\ntests: []",
            "[price, quantity]",
        ),
        ("version: 1\ngiven: {usage: {spend: {A: 1}}}\ntests: []", "there is no such key"),
        ("[", "this is not YAML"),
    ],
)
def test_mistake_in_a_suite_is_named(text: str, said: str) -> None:
    found = read_suite(text)
    assert isinstance(found, Problem)
    assert said in str(found)


def test_scenario_can_stand_alone() -> None:
    found = read_scenario("at: 2026-03-02T12:00:00.5Z\nmarkets: {A: {base: A, quote: B, median: 1}}")
    assert not isinstance(found, Problem)
    assert found.at_us == 1_772_452_800_500_000
    assert isinstance(read_scenario("at: x"), Problem)


def test_expected_approval_is_neither_a_refusal_nor_a_permission() -> None:
    rules = policy("require_approval: [{new_symbol: true, approvers: [alice]}]\n")
    place = "request: order.place, params: {symbol: BTCUSDT, side: BUY, type: LIMIT, timeInForce: GTC, price: 1, quantity: 1}"
    cases = read_suite(
        "version: 1\ngiven: {markets: {BTCUSDT: {base: BTC, quote: USDT, median: 1}}}\ntests:\n"
        f"  - {{name: asked, {place}, expect: approval, rule: require_approval}}\n"
        f"  - {{name: no refusal, {place}, expect: deny}}\n"
        f"  - {{name: known, {place}, expect: approval, given: {{usage: {{traded: [BTCUSDT]}}}}}}\n"
        f"  - {{name: known too, {place}, expect: allow, given: {{usage: {{traded: [BTCUSDT]}}}}}}\n"
    )
    assert isinstance(cases, tuple), cases
    assert [run_case(rules, case).passed for case in cases] == [True, False, False, True]
