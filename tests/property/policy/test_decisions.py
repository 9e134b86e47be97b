"""What holds for every policy, request, usage and market."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.policy import worlds as make
from tests.property.policy.worlds import worlds
from tests.support.examples import examples
from tests.support.policies import NOW_US, TODAY

from watchword.binance.endpoints import BY_NAME
from watchword.policy.case import Case
from watchword.policy.decision import SPEND_RULES, Allow, Deny
from watchword.policy.document import read_policy
from watchword.policy.engine import decide, explain, to_fold
from watchword.policy.intent import KINDS, Place, Read, Unknown, Withdraw
from watchword.policy.narrowing import narrower_than
from watchword.policy.policy import NEEDED_TO_TRADE, Policy, build_policy
from watchword.policy.reading import WITHDRAW_ROUTE, read_intent
from watchword.policy.rules.max_day import MaxDay
from watchword.policy.rules.permissions import Permissions
from watchword.policy.suite import read_suite
from watchword.policy.usage import Reserved, Usage

TRADER = Permissions(frozenset(("SPOT_AND_MARGIN_TRADING",)))
#: Requests asked of one pair of policies.
INTENTS = 8


@settings(max_examples=examples(500), deadline=None)
@given(worlds)
def test_nothing_is_allowed_that_an_enforced_rule_denies(random: Random) -> None:
    policy, usage, markets = make.policy(random), make.usage(random), make.references(random)
    intent = make.intent(random)
    decision = decide(policy, intent, usage, markets, NOW_US)
    case = Case(intent, usage, markets, NOW_US, policy.max_age_us)
    watched = frozenset() if isinstance(intent, Withdraw) else policy.shadow
    about = {rule.name for rule in policy.by_kind[KINDS[type(intent)]]}
    denials = {name for name, rule in policy.rules.items() if name in about and rule.judge(case) is not None}
    if isinstance(decision, Allow):
        assert not denials - watched
        assert {deny.rule for deny in decision.shadowed} == denials
        assert not isinstance(intent, Unknown)
        assert "permissions" in policy.rules
        assert not isinstance(intent, Place) or set(NEEDED_TO_TRADE) <= set(policy.rules)
    else:
        assert decision.rule in (denials - watched) | {"permissions", *NEEDED_TO_TRADE}
        assert decision.reason
    found = explain(policy, intent, usage, markets, NOW_US)
    assert found.decision == decision
    assert any(entry.outcome == "deny" for entry in found.verdicts) == isinstance(decision, Deny)


@settings(max_examples=examples(200), deadline=None)
@given(worlds)
def test_cancel_is_decided_alike_with_and_without_spend_rules(random: Random) -> None:
    policy, usage, intent = make.policy(random), make.usage(random), make.cancel(random)
    kept = [rule for name, rule in policy.rules.items() if name not in SPEND_RULES]
    without = build_policy("w", kept, policy.shadow, policy.max_age_us)
    decision = decide(policy, intent, usage, make.references(random), NOW_US)
    assert decision == decide(without, intent, usage, {}, NOW_US)


@settings(max_examples=examples(200), deadline=None)
@given(worlds)
def test_cancel_is_always_allowed_by_spend_rules_rate_and_hours(random: Random) -> None:
    policy = make.policy(random)
    rules = [
        rule for name, rule in policy.rules.items() if name in SPEND_RULES | {"rate", "hours", "price_band"}
    ]
    only = build_policy("s", [TRADER, *rules], (), 0)
    assert isinstance(decide(only, make.cancel(random), make.usage(random), {}, NOW_US), Allow)


@settings(max_examples=examples(1000), deadline=None)
@given(worlds)
def test_child_never_does_more_than_its_parent(random: Random) -> None:
    parent = make.policy(random)
    child = make.child(random, parent)
    assert narrower_than(parent, parent)
    if not narrower_than(child, parent):
        return
    usage, markets = make.usage(random), make.references(random)
    for _ in range(INTENTS):
        intent = make.intent(random)
        if isinstance(decide(child, intent, usage, markets, NOW_US), Allow):
            assert isinstance(decide(parent, intent, usage, markets, NOW_US), Allow), intent


@settings(max_examples=examples(300), deadline=None)
@given(worlds)
def test_selling_back_meets_no_spend_cap(random: Random) -> None:
    policy, usage, markets = make.policy(random), make.usage(random), make.references(random)
    order = msgspec.structs.replace(make.order(random, "SELL"), quantity=10**8, quote_quantity=0)
    intent = Place("order.place", "BTCUSDT", ((order,),))
    plenty = msgspec.structs.replace(usage, bought={**usage.bought, "BTC": 10**20})
    decision = decide(policy, intent, plenty, markets, NOW_US)
    if "BTCUSDT" in markets and isinstance(decision, Deny):
        assert decision.rule not in SPEND_RULES


@settings(max_examples=examples(300), deadline=None)
@given(worlds)
def test_sums_over_open_charges_stay_what_they_are_sums_of(random: Random) -> None:
    usage = Usage(day=TODAY)
    for _ in range(12):
        before = msgspec.msgpack.encode(usage)
        after = usage.fold(make.event(random))
        assert msgspec.msgpack.encode(usage) == before, "fold changed its input"
        usage, sums = after, Reserved()
        for charge in usage.open.values():
            assert charge.quantity > 0
            assert min(charge.charged, charge.gross, charge.exempt) >= 0
            sums = sums.add(charge, 1)
        assert usage.reserved == sums
        for amounts in (usage.spent, usage.turnover, usage.bought, usage.withdrawn):
            assert all(amount > 0 for amount in amounts.values())


@settings(max_examples=examples(300), deadline=None)
@given(worlds)
def test_day_cap_holds_over_any_sequence_of_allowed_orders(random: Random) -> None:
    policy, markets, cap = make.policy(random), make.references(random), MaxDay(make.caps(random))
    rules = [rule for name, rule in policy.rules.items() if name != "max_day"]
    capped = build_policy("p", [*rules, cap], policy.shadow - {"max_day"}, policy.max_age_us)
    usage = Usage(day=TODAY)
    for _ in range(INTENTS):
        intent = make.place(random)
        decision = decide(capped, intent, usage, markets, NOW_US)
        if isinstance(decision, Allow):
            folded = to_fold(intent, decision, NOW_US)
            usage = usage if folded is None else usage.fold(folded)
    assert all(amount <= cap.caps[asset] for asset, amount in usage.reserved.charged.items())


texts = st.text(max_size=12)
known = st.sampled_from(
    ("symbol", "side", "type", "quantity", "price", "stopPrice", "timeInForce", "quoteOrderQty", "aboveType",
     "belowType", "workingType", "coin", "network", "address", "amount", "orderId", "cancelReplaceMode")
)  # fmt: skip
values = st.one_of(
    texts, st.sampled_from(("BTCUSDT", "BUY", "LIMIT", "MARKET", "1", "0.5", "GTC", "99999999999"))
)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.one_of(st.sampled_from((*BY_NAME, WITHDRAW_ROUTE)), texts),
    st.dictionaries(st.one_of(known, texts), values, max_size=8),
)
def test_any_request_is_read_without_a_fault(name: str, params: dict[str, str]) -> None:
    intent = read_intent(name, params)
    endpoint = BY_NAME.get(name)
    if endpoint is not None and endpoint.security == "TRADE":
        assert not isinstance(intent, Read)
    if isinstance(intent, Place):
        assert all(order.quantity or order.quote_quantity for order in intent.orders)


@settings(max_examples=examples(300), deadline=None)
@given(st.one_of(st.text(max_size=200), st.text("{}[]:,-&*!?|>\"' \n#a1%", max_size=60)))
def test_any_text_is_a_policy_or_a_list_of_problems(text: str) -> None:
    for found in (read_policy(text), read_policy("version: 1\nname: t\npermissions: [trade]\n" + text)):
        assert isinstance(found, Policy) or (found and all(problem.line >= 1 for problem in found))
    read_suite(text)
