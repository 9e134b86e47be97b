"""Decisions as a whole: default deny, exemptions, shadow, layers, explanations."""

import pytest
from tests.support.policies import (
    DEEP,
    NOW_US,
    TODAY,
    allowed,
    ask,
    denied_by,
    intent,
    levels,
    market,
    order,
    policy,
    scaled,
)

from watchword.policy.decision import SPEND_RULES, Allow, Deny
from watchword.policy.engine import decide, decide_each, explain, to_fold
from watchword.policy.policy import build_policy
from watchword.policy.reading import WITHDRAW_ROUTE
from watchword.policy.rules.permissions import Permissions
from watchword.policy.usage import Placed, Usage, Withdrawn

CAPS = """
max_order: {USDT: 10}
max_day: {USDT: 10}
max_position: {BTC: 0.1}
max_turnover: {USDT: 10}
rate: {per_second: 0}
hours: {windows: [{days: [sun], from: 00:00, to: 00:01}]}
price_band: {worse: 0%}
"""
EVERYTHING = Usage(
    day=TODAY,
    spent={"USDT": scaled(10)},
    turnover={"USDT": scaled(10)},
    bought={"BTC": scaled("0.1")},
    counts=((NOW_US // 1_000_000, 99),) * 4,
)
COINS = {"coin": "BTC", "network": "BTC", "address": "bc1q", "amount": "1"}


def test_policy_without_rules_allows_only_public_reads() -> None:
    bare = build_policy("bare", (), (), 0)
    assert denied_by(ask(bare, order("BUY", 1, 100))) == "permissions"
    assert denied_by(ask(bare, {}, name="account.status")) == "permissions"
    assert denied_by(ask(bare, {"symbol": "BTCUSDT"}, name="openOrders.cancelAll")) == "permissions"
    reading = build_policy("reading", (Permissions(frozenset(("SPOT_AND_MARGIN_TRADING",))),), (), 0)
    assert denied_by(ask(reading, order("BUY", 1, 100))) == "symbols"
    assert isinstance(ask(reading, {}, name="ping"), Allow)
    assert denied_by(ask(reading, {}, name="account.status")) == "permissions"


@pytest.mark.parametrize(
    "name", ["POST /sapi/v1/asset/transfer", "POST /sapi/v1/sub-account/subAccountApi", "order.later"]
)
def test_change_whose_meaning_is_not_parsed_is_denied(name: str) -> None:
    decision = ask(policy("shadow: all"), {}, name=name)
    assert isinstance(decision, Deny)
    assert decision.rule == "meaning"
    assert name in decision.reason


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("order.cancel", {"origClientOrderId": "a"}),
        ("openOrders.cancelAll", {}),
        ("orderList.cancel", {"orderListId": "1"}),
        ("order.amend.keepPriority", {"orderId": "1", "newQty": "1"}),
    ],
)
def test_cancel_is_never_blocked_by_caps_hours_rate_or_missing_references(
    name: str, params: dict[str, str]
) -> None:
    asked = {"symbol": "BTCUSDT", **params}
    assert isinstance(ask(CAPS, asked, name=name, usage=EVERYTHING, references={}), Allow)
    assert denied_by(ask(CAPS, asked | {"symbol": "BNBUSDT"}, name=name)) == "symbols"


def test_selling_back_is_exempt_from_spend_caps_only() -> None:
    spending = "".join(line + "\n" for line in CAPS.splitlines() if line.partition(":")[0] in SPEND_RULES)
    assert len(spending.splitlines()) == len(SPEND_RULES)
    sell = order("SELL", "0.1")
    assert isinstance(ask(spending, sell, usage=EVERYTHING), Allow)
    assert denied_by(ask(spending, order("SELL", "0.10000001"), usage=EVERYTHING)) in SPEND_RULES
    assert denied_by(ask(spending, order("BUY", "0.01"), usage=EVERYTHING)) in SPEND_RULES
    assert denied_by(ask(CAPS, sell, usage=EVERYTHING)) == "hours"
    assert denied_by(ask("price_band: {worse: 0.5%}", sell, usage=EVERYTHING)) == "price_band"


def test_selling_back_twice_is_exempt_once() -> None:
    rules, sell = policy("max_order: {USDT: 1}"), order("SELL", "0.1", 100, newClientOrderId="s")
    usage = Usage(day=TODAY, bought={"BTC": scaled("0.1")})
    first = allowed(ask(rules, sell, usage=usage))
    assert first.charges[0].exempt == scaled("0.1")
    folded = to_fold(intent(sell), first, NOW_US)
    assert folded is not None
    assert denied_by(ask(rules, sell, usage=usage.fold(folded))) == "max_order"


def test_quantity_nobody_knows_is_not_exempt() -> None:
    sell = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quoteOrderQty": "5"}
    usage = Usage(day=TODAY, bought={"BTC": scaled(100)})
    assert isinstance(ask("max_order: {USDT: 1}", sell, usage=usage), Allow)
    assert denied_by(ask("max_order: {USDT: 1}", sell, usage=usage, references={})) == "max_order"
    stale = {"BTCUSDT": market(100, age_us=61_000_000)}
    assert denied_by(ask("max_order: {USDT: 1}", sell, usage=usage, references=stale)) == "max_order"


def test_shadow_watches_and_does_not_refuse() -> None:
    decision = allowed(ask("max_order: {USDT: 1}\nshadow: [max_order]", order("BUY", 1, 100)))
    assert [deny.rule for deny in decision.shadowed] == ["max_order"]
    assert denied_by(ask("max_order: {USDT: 1}\nshadow: [rate]", order("BUY", 1, 100))) == "max_order"
    everything = ask(CAPS + "shadow: all", order("BUY", 1, 200), usage=EVERYTHING)
    assert {deny.rule for deny in allowed(everything).shadowed} >= {
        "hours",
        "rate",
        "price_band",
        *SPEND_RULES,
    }


def test_shadow_never_lets_coins_leave() -> None:
    rules = policy(
        "withdrawals: [{coin: BTC, network: BTC, address: bc1q, max_each: 1, max_day: 1}]\nshadow: all\n"
        "hours: {windows: [{days: [sun], from: 00:00, to: 00:01}]}",
        "version: 1\nname: w\npermissions: [withdrawals]\n",
    )
    assert denied_by(ask(rules, COINS, name=WITHDRAW_ROUTE)) == "hours"
    found = explain(rules, intent(COINS, WITHDRAW_ROUTE), Usage(), {}, NOW_US)
    assert {entry.outcome for entry in found.verdicts} == {"pass", "deny"}
    assert denied_by(ask(rules, order("BUY", 1, 100))) == "permissions"


def test_allow_says_what_to_reserve() -> None:
    decision = allowed(ask("", order("BUY", 2, 99, newClientOrderId="a1")))
    charge = decision.charges[0]
    assert (charge.key, charge.base, charge.quote) == ("BTCUSDT a1", "BTC", "USDT")
    assert (charge.quantity, charge.gross, charge.charged) == (scaled(2), scaled(198), scaled(198))


def test_only_real_orders_and_withdrawals_are_folded() -> None:
    placing = intent(order("BUY", 2, 99))
    assert to_fold(placing, allowed(ask("", order("BUY", 2, 99))), NOW_US) == Placed(
        NOW_US, allowed(ask("", order("BUY", 2, 99))).charges, 1
    )
    dry = intent(order("BUY", 2, 99), "order.test")
    assert to_fold(dry, Allow(), NOW_US) is None
    assert allowed(ask("", order("BUY", 2, 99), name="order.test")).charges == ()
    assert to_fold(intent(COINS, WITHDRAW_ROUTE), Allow(), NOW_US) == Withdrawn(
        NOW_US, "BTC BTC bc1q ", scaled(1)
    )
    assert to_fold(intent({}, "ping"), Allow(), NOW_US) is None


def test_list_reserves_each_group_and_a_pair_once() -> None:
    params = {
        "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "99",
        "workingQuantity": "2", "workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "1",
        "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "110", "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": "95",
    }  # fmt: skip
    decision = allowed(ask("", params, name="orderList.place.otoco", usage=EVERYTHING))
    assert [charge.gross for charge in decision.charges] == [scaled(198), scaled(110)]
    assert [charge.exempt for charge in decision.charges] == [0, 0]
    total = ask("max_day: {USDT: 308}", params, name="orderList.place.otoco")
    assert isinstance(total, Allow)
    assert denied_by(ask("max_day: {USDT: 307.99999999}", params, name="orderList.place.otoco")) == "max_day"


def test_every_layer_must_allow_with_its_own_usage() -> None:
    child, parent = policy("max_day: {USDT: 500}"), policy("max_day: {USDT: 1000}")
    asked = intent(order("BUY", 2, 100))
    fresh, spent = Usage(day=TODAY), Usage(day=TODAY, spent={"USDT": scaled(900)})
    both = decide_each([(child, fresh), (parent, fresh)], asked, DEEP, NOW_US)
    assert isinstance(both, tuple)
    assert len(both) == 2
    refused = decide_each([(child, fresh), (parent, spent)], asked, DEEP, NOW_US)
    assert isinstance(refused, Deny)
    assert "1000" in refused.limit


def test_explanation_names_every_rule_with_its_limit() -> None:
    rules = policy("max_order: {USDT: 100}\nmax_day: {USDT: 50}\nrate: {per_second: 0}\nshadow: [rate]")
    asked = intent(order("BUY", 1, 100))
    found = explain(rules, asked, Usage(day=TODAY), DEEP, NOW_US)
    outcomes = {entry.rule: entry.outcome for entry in found.verdicts}
    assert outcomes["max_order"] == "pass"
    assert outcomes["max_day"] == "deny"
    assert outcomes["rate"] == "shadow"
    assert all(entry.limit for entry in found.verdicts)
    assert found.decision == decide(rules, asked, Usage(day=TODAY), DEEP, NOW_US)
    assert ("notional", "100") in found.facts


def test_explanation_tells_what_is_missing() -> None:
    reading = build_policy("reading", (Permissions(frozenset(("SPOT_AND_MARGIN_TRADING",))),), (), 0)
    found = explain(reading, intent(order("SELL", 1, 100)), Usage(), {}, NOW_US)
    assert found.verdicts[-1].rule == "symbols"
    assert any(name == "not known" for name, _ in found.facts)


def test_denial_carries_rule_reason_values_and_limit() -> None:
    decision = ask("max_order: {USDT: 99.99999999}", order("BUY", 1, 100))
    assert isinstance(decision, Deny)
    assert str(decision) == "max_order: the order is worth 100 USDT, more than 99.99999999"
    assert dict(decision.values) == {"asset": "USDT", "amount": "100"}
    assert decision.limit == "99.99999999 USDT"


def test_drain_through_a_thin_book_dies() -> None:
    thin = {
        "THINUSDT": market(
            1, levels(("0.99", 10), ("0.01", 9999)), levels(("1.01", 10), (95, 9999)), base="THIN"
        )
    }
    rules = policy("price_band: {worse: 2%}\nmax_order: {USDT: 1000}")
    honest = order("BUY", 10) | {"symbol": "THINUSDT"}
    assert isinstance(ask(rules, honest, references=thin), Allow)
    for drain in (
        order("BUY", "10.00000001"),
        order("SELL", "10.00000001"),
        order("BUY", quoteOrderQty="10.10000001"),
        order("SELL", quoteOrderQty="9.90000001"),
        order("BUY", 5, 95),
        order("SELL", 5, "0.01"),
        order("BUY", 11, kind="STOP_LOSS", stopPrice="1.01"),
        order("SELL", 5, "0.5", kind="STOP_LOSS_LIMIT", stopPrice="0.99"),
        order("BUY", 20_000),
    ):
        decision = ask(rules, drain | {"symbol": "THINUSDT"}, references=thin)
        assert denied_by(decision) == "price_band", drain
    assert denied_by(ask(rules, honest, references={})) == "price_band"
