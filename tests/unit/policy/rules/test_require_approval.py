"""require_approval: who is asked about what, that plain refusals come first, and how the section is read."""

import msgspec
import pytest
from tests.support.policies import (
    DEEP,
    NOW_US,
    TODAY,
    allowed,
    ask,
    intent,
    market,
    one_unit,
    order,
    policy,
    problems,
    scaled,
)

from watchword.policy.advice import advise
from watchword.policy.comparison import compare
from watchword.policy.decision import Allow, Demand, Deny
from watchword.policy.engine import decide, decide_each, explain, to_fold
from watchword.policy.narrowing import narrower_than
from watchword.policy.policy import Policy, with_approvals
from watchword.policy.reading import WITHDRAW_ROUTE
from watchword.policy.usage import TRADED_COUNT_MAX, Closed, Filled, Placed, Usage

BUY = order("BUY", 1, 100, newClientOrderId="a")
COINS = {"coin": "BTC", "network": "BTC", "address": "bc1q", "amount": "1"}
LEAVING = """
version: 1
name: leaving
permissions: [read, withdrawals]
withdrawals: [{coin: BTC, network: BTC, address: bc1q, max_each: 1, max_day: 5}]
"""


def rule(text: str, who: str = "alice") -> str:
    return f"require_approval: [{{{text}, approvers: [{who}]}}]\n"


def demanded(decision: object) -> tuple[Demand, ...]:
    assert isinstance(decision, Deny), decision
    assert decision.rule == "require_approval"
    return decision.demands


def test_notional_above_asks_and_one_unit_less_does_not() -> None:
    rules = rule("notional_above: 100")
    assert isinstance(ask(rules, BUY), Allow)
    assert len(demanded(ask(rules, order("BUY", one_unit(1), 100)))) == 1


def test_notional_counts_all_groups_and_what_is_sold_back() -> None:
    rules = rule("notional_above: {USDT: 150}")
    held = Usage(day=TODAY, bought={"BTC": scaled(10)})
    assert demanded(ask(rules, order("SELL", 2, 100), usage=held))
    oto = {
        "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "100", "workingQuantity": "1",
        "workingTimeInForce": "GTC", "pendingType": "LIMIT", "pendingSide": "SELL", "pendingPrice": "100",
        "pendingQuantity": "1", "pendingTimeInForce": "GTC",
    }  # fmt: skip
    assert demanded(ask(rules, oto, name="orderList.place.oto"))


def test_asset_that_is_not_named_always_asks() -> None:
    references = {"ETHBTC": market("0.05", base="ETH", quote="BTC")}
    tiny = {**order("BUY", "0.01", "0.05"), "symbol": "ETHBTC"}
    assert demanded(ask(rule("notional_above: {USDT: 1000}"), tiny, references=references))
    assert isinstance(ask(rule("notional_above: 1000"), tiny, references=references), Allow)


def test_what_cannot_be_answered_is_refused_and_nobody_is_asked() -> None:
    sell = order("SELL", 1, 100)
    for rules in (rule("notional_above: 1"), rule("when: 'notional > amount(\"1\")'")):
        stale = {"BTCUSDT": market(100, age_us=61_000_000)}
        assert demanded(ask(rules, sell, references=stale)) == ()
        assert demanded(ask(rules, sell, references={})) == ()
    assert demanded(ask(rule("when: 'price / bought > quantity'"), BUY)) == ()


def test_new_symbol_asks_until_the_key_has_placed_there() -> None:
    rules = policy(rule("new_symbol: true"))
    usage = Usage(day=TODAY)
    assert demanded(decide(rules, intent(BUY), usage, DEEP, NOW_US))
    elsewhere = msgspec.structs.replace(usage, traded=frozenset(("ETHBTC",)))
    assert demanded(decide(rules, intent(BUY), elsewhere, DEEP, NOW_US))
    passed = allowed(
        decide(with_approvals(rules, demanded(ask(rules, BUY))), intent(BUY), usage, DEEP, NOW_US)
    )
    placed = to_fold(intent(BUY), passed, NOW_US)
    assert isinstance(placed, Placed)
    after = usage.fold(placed)
    assert after.traded == {"BTCUSDT"}
    assert isinstance(decide(rules, intent(BUY), after, DEEP, NOW_US), Allow)


def test_traded_symbols_outlive_fills_closings_and_days_within_a_bound() -> None:
    rules = policy("")
    placed = to_fold(intent(BUY), allowed(ask(rules, BUY)), NOW_US)
    assert isinstance(placed, Placed)
    usage = Usage(day=TODAY).fold(placed)
    key = placed.charges[0].key
    usage = usage.fold(Filled(NOW_US, key, "BTCUSDT", "BTC", "USDT", "BUY", scaled("0.5"), scaled(50)))
    usage = usage.fold(Closed(NOW_US + 86_400_000_000, key)).at(NOW_US + 3 * 86_400_000_000)
    assert usage.traded == {"BTCUSDT"}
    full = Usage(day=TODAY, traded=frozenset(f"S{number}" for number in range(TRADED_COUNT_MAX)))
    assert full.fold(placed).traded == full.traded


def test_test_orders_cancels_and_reductions_ask_nobody() -> None:
    rules = rule("new_symbol: true, notional_above: 0, when: 'true'")
    assert isinstance(ask(rules, BUY, name="order.test"), Allow)
    assert isinstance(ask(rules, {"symbol": "BTCUSDT", "orderId": "1"}, name="order.cancel"), Allow)
    assert isinstance(ask(rules, {"symbol": "BTCUSDT"}, name="openOrders.cancelAll"), Allow)
    amended = {"symbol": "BTCUSDT", "orderId": "1", "newQty": "1"}
    assert isinstance(ask(rules, amended, name="order.amend.keepPriority"), Allow)
    replaced = {**BUY, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": "1"}
    assert demanded(ask(rules, replaced, name="order.cancelReplace"))


def test_withdrawal_asks_only_for_what_the_list_allows() -> None:
    rules = policy(rule("withdrawals: true"), base=LEAVING)
    assert demanded(ask(rules, COINS, name=WITHDRAW_ROUTE))
    for wrong in ({"address": "bc1r"}, {"amount": "1.00000001"}):
        decision = ask(rules, COINS | wrong, name=WITHDRAW_ROUTE)
        assert isinstance(decision, Deny)
        assert (decision.rule, decision.demands) == ("withdrawals", ())
    written = policy(rule("on: withdraw, when: 'amount_sent > amount(\"0.5\")'"), base=LEAVING)
    assert demanded(ask(written, COINS, name=WITHDRAW_ROUTE))
    assert isinstance(ask(written, COINS | {"amount": "0.5"}, name=WITHDRAW_ROUTE), Allow)


@pytest.mark.parametrize(
    "denies",
    ["max_order: {USDT: 1}", "conditions: [{name: never, expect: 'false'}]", "rate: {per_second: 0}"],
)
def test_nobody_is_asked_about_what_is_refused_anyway(denies: str) -> None:
    decision = ask(rule("new_symbol: true") + denies, BUY)
    assert isinstance(decision, Deny)
    assert decision.rule == denies.partition(":")[0]
    assert decision.demands == ()


def test_policy_that_misses_a_needed_rule_asks_nobody() -> None:
    whole = policy(rule("new_symbol: true"))
    rules = {name: one for name, one in whole.rules.items() if name != "sides"}
    by_kind = {
        kind: tuple(one for one in ones if one.name != "sides") for kind, ones in whole.by_kind.items()
    }
    decision = ask(msgspec.structs.replace(whole, rules=rules, by_kind=by_kind), BUY)
    assert isinstance(decision, Deny)
    assert (decision.rule, decision.demands) == ("sides", ())


def test_every_rule_that_asks_must_be_met() -> None:
    rules = policy(
        "require_approval: [{name: one, new_symbol: true, approvers: [alice]},"
        " {name: two, notional_above: 1, approvers: [bob]}, {name: three, withdrawals: true, approvers: [carol]}]\n"
    )
    both = demanded(ask(rules, BUY))
    assert [one.title for one in both] == ["one", "two"]
    assert demanded(ask(with_approvals(rules, both[:1]), BUY)) == both[1:]
    assert isinstance(ask(with_approvals(rules, both), BUY), Allow)
    almost = [msgspec.structs.replace(one, approvers=("eve",)) for one in both]
    assert demanded(ask(with_approvals(rules, almost), BUY)) == both


def test_layers_demand_together_and_a_plain_refusal_of_any_comes_first() -> None:
    usage = Usage(day=TODAY)
    child = policy(rule("new_symbol: true"))
    parent = policy(rule("new_symbol: true").replace("alice", "bob"))
    strict = policy(rule("new_symbol: true") + "max_order: {USDT: 1}\n")

    def each(*policies: Policy) -> object:
        return decide_each([(one, usage) for one in policies], intent(BUY), DEEP, NOW_US)

    assert [one.approvers for one in demanded(each(child, parent))] == [("alice",), ("bob",)]
    assert len(demanded(each(child, child))) == 1
    assert demanded(each(policy(""), parent))
    decision = each(child, strict)
    assert isinstance(decision, Deny)
    assert decision.rule == "max_order"


def test_shadow_watches_approvals_but_not_where_coins_leave() -> None:
    found = allowed(ask(rule("new_symbol: true") + "shadow: [require_approval]", BUY))
    assert [one.rule for one in found.shadowed] == ["require_approval"]
    leaving = policy(rule("withdrawals: true") + "shadow: all", base=LEAVING)
    assert demanded(ask(leaving, COINS, name=WITHDRAW_ROUTE))


def test_explanation_says_that_somebody_is_asked() -> None:
    rules = policy(
        rule(
            "name: big, notional_above: {USDT: 50}, mode: hold, time_limit: 30s, not_by_key_owner: true",
            "bob, alice",
        )
    )
    found = explain(rules, intent(BUY), Usage(day=TODAY), DEEP, NOW_US)
    last = found.verdicts[-1]
    assert (last.rule, last.outcome) == ("require_approval", "approval")
    assert last.reason == "'big' (worth 100 USDT, above 50) needs an approval"
    assert ("notional", "100 USDT") in last.values
    words = "notional above 50 USDT: held until alice or bob approves within 30s, not by the key's owner"
    assert rules.rules["require_approval"].limit() == words
    assert demanded(found.decision) == (
        Demand("big", "notional above 50 USDT", "hold", ("alice", "bob"), True, 30_000_000),
    )


BASE = "notional_above: {USDT: 100}, new_symbol: true, not_by_key_owner: true, time_limit: 5m"


@pytest.mark.parametrize(
    ("child", "who", "narrower"),
    [
        (BASE, "alice, bob", True),
        (BASE, "alice", True),
        (BASE, "alice, carol", False),
        (BASE.replace("100", "99"), "alice", True),
        (BASE.replace("100", "101"), "alice", False),
        (BASE.replace("{USDT: 100}", "100"), "alice", False),
        (BASE.replace("{USDT: 100}", "0"), "alice", False),
        (BASE.replace("{USDT: 100}", "{USDT: 100, BTC: 1}"), "alice", False),
        (BASE.replace("new_symbol: true", "new_symbol: false"), "alice", False),
        (BASE.replace("5m", "4m"), "alice", True),
        (BASE.replace("5m", "6m"), "alice", False),
        (BASE.replace("owner: true", "owner: false"), "alice", False),
        (BASE + ", withdrawals: true", "alice", True),
        (BASE + ", when: 'hour > 3'", "alice", True),
        (BASE + ", mode: hold", "alice", True),
        ("withdrawals: true", "alice", False),
    ],
)  # fmt: skip
def test_child_asks_at_least_as_often_and_no_others(child: str, who: str, narrower: bool) -> None:
    parent = policy(rule(BASE, "alice, bob"))
    mine = policy(rule(child, who))
    assert narrower_than(mine, parent) == narrower
    changes = {change.rule: bool(change.wider) for change in compare(parent, mine)}
    assert changes.get("require_approval", False) == (not narrower)


def test_child_without_the_section_or_with_another_condition_is_wider() -> None:
    parent = policy(rule("when: 'hour > 3'"))
    assert narrower_than(policy(rule("when: 'hour > 3'")), parent)
    assert not narrower_than(policy(""), parent)
    assert not narrower_than(policy(rule("when: 'hour > 4'")), parent)
    assert not narrower_than(policy(rule("new_symbol: true")), parent)
    assert narrower_than(
        policy(rule("new_symbol: true, notional_above: 7")), policy(rule("notional_above: 8"))
    )
    assert not narrower_than(policy(rule("new_symbol: true")), policy(rule("notional_above: 8")))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("require_approval: []", "at least one rule"),
        ("require_approval: [{approvers: [a]}]", "say when"),
        ("require_approval: [{new_symbol: false, approvers: [a]}]", "say when"),
        ("require_approval: [{new_symbol: yes, approvers: [a]}]", "none of true, false"),
        ("require_approval: [{new_symbol: true}]", "'approvers' is missing"),
        ("require_approval: [{new_symbol: true, approvers: []}]", "at least one person"),
        ("require_approval: [{new_symbol: true, approvers: [Alice]}]", "lower case"),
        ("require_approval: [{new_symbol: true, approvers: ['a b']}]", "no blanks"),
        ("require_approval: [{new_symbol: true, approvers: [a], mode: wait}]", "none of hold, refuse"),
        ("require_approval: [{new_symbol: true, approvers: [a], time_limit: 10}]", "no time span"),
        ("require_approval: [{new_symbol: true, approvers: [a], time_limit: 25h}]", "no time span"),
        ("require_approval: [{notional_above: much, approvers: [a]}]", "no amount"),
        ("require_approval: [{notional_above: {}, approvers: [a]}]", "at least one asset"),
        ("require_approval: [{when: 'notional', approvers: [a]}]", "true or false"),
        ("require_approval: [{when: 'true', on: cancel, approvers: [a]}]", "none of place, withdraw"),
        ("require_approval: [{new_symbol: true, on: place, approvers: [a]}]", "there is no `when`"),
        ("require_approval: [{new_symbol: true, approvers: [a], who: b}]", "no such key"),
        ("require_approval: [{name: x, new_symbol: true, approvers: [a]}, {name: x, withdrawals: true, approvers: [a]}]", "two rules called 'x'"),
    ],
)  # fmt: skip
def test_section_that_is_not_understood_is_a_problem(text: str, says: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert says in found[0]


def test_section_has_defaults_that_are_said() -> None:
    (one,) = demanded(ask(rule("new_symbol: true"), BUY))
    assert one == Demand("new symbol", "new symbol", "refuse", ("alice",), False, 600_000_000)


def test_lint_says_what_will_not_work_as_meant() -> None:
    texts = [
        one.text
        for one in advise(policy(rule("notional_above: 2000, mode: hold, not_by_key_owner: true")))
        if one.rule == "require_approval"
    ]
    assert len(texts) == 3
    fine = policy(rule("notional_above: {USDT: 2000}, mode: hold, time_limit: 60s", "alice, bob"))
    assert not [one for one in advise(fine) if one.rule == "require_approval"]
