"""Conditions in CEL: what is taken, what is refused, and that anything but true denies."""

import pytest
from tests.support.policies import NOW_US, ask, denied_by, market, order, policy, problems, scaled

from watchword.policy.decision import Allow, Deny
from watchword.policy.reading import WITHDRAW_ROUTE
from watchword.policy.rules.conditions import CONDITION_CHARS_MAX, VARIABLES, Condition, compile_condition

BUY = order("BUY", 1, 100, newClientOrderId="grid-1")


def written(expect: str, on: str = "place") -> str:
    quoted = expect.replace("'", "''")
    return f"conditions: [{{name: mine, on: {on}, expect: '{quoted}'}}]"


@pytest.mark.parametrize(
    "expect",
    [
        'symbol == "BTCUSDT" && side in ["BUY", "SELL"]',
        'client_order_id.startsWith("grid-") && size(client_order_id) < 10',
        'notional == amount("100") && price == amount("100") && quantity == amount("1")',
        "notional > amount('99.99999999')",
        "hour == 12 && minute == 0 && weekday == 'mon'",
        "!(dry || replaces) && orders == 1",
        "median - price >= 0 ? true : false",
        'kind == "place" && endpoint.endsWith("place") && base.contains("BT") && quote == "USDT"',
        "bought == 0 && spent_today == 0 && stop_price == 0 && quote_quantity == 0 && trailing_delta == 0",
        'type != "MARKET" && time_in_force == "GTC"',
        "true || price / 0 > 1",
    ],
)
def test_condition_that_holds_allows(expect: str) -> None:
    assert isinstance(ask(written(expect), BUY), Allow)


@pytest.mark.parametrize(
    "expect",
    [
        "false",
        'notional < amount("100")',
        "price % stop_price == 0",
        'notional + amount("92233720368") > 0',
        "hour == 12 && minute == 1",
    ],
)
def test_condition_that_does_not_hold_or_cannot_be_answered_denies(expect: str) -> None:
    decision = ask(written(expect), BUY)
    assert isinstance(decision, Deny)
    assert decision.rule == "conditions"
    assert "mine" in decision.reason
    assert decision.limit == expect


def test_unknown_facts_deny() -> None:
    stale = {"BTCUSDT": market(100, age_us=61_000_000)}
    assert denied_by(ask(written("median > 0"), BUY, references=stale)) == "conditions"
    assert denied_by(ask(written("notional > 0"), order("SELL", 1, 100), references=stale)) == "conditions"
    assert denied_by(ask(written('quote == "USDT"'), BUY, references={})) == "conditions"
    huge = order("BUY", 90_000_000_000, 90_000_000_000)
    assert denied_by(ask(written("notional > 0"), huge)) == "conditions"


def test_number_beyond_64_bits_denies() -> None:
    references = {"BTCUSDT": market(100, base="BTC")}
    from watchword.policy.usage import Usage

    usage = Usage(bought={"BTC": 2**63})
    assert denied_by(ask(written("bought >= 0"), BUY, usage=usage, references=references)) == "conditions"


def test_denial_shows_what_was_asked() -> None:
    decision = ask(written('notional < amount("100") && hour > 0'), BUY)
    assert isinstance(decision, Deny)
    assert dict(decision.values) == {"notional": "100", "hour": "12"}


def test_every_order_of_a_list_is_asked() -> None:
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "120",
        "belowType": "STOP_LOSS", "belowStopPrice": "95",
    }  # fmt: skip
    assert (
        denied_by(ask(written('type == "LIMIT_MAKER"'), params, name="orderList.place.oco")) == "conditions"
    )
    assert isinstance(ask(written('type != "LIMIT"'), params, name="orderList.place.oco"), Allow)


def test_condition_is_asked_only_of_its_kind() -> None:
    cancel = {"symbol": "BTCUSDT", "origClientOrderId": "grid-1"}
    prefix = written('client_order_id.startsWith("grid-") && scope == "order"', "cancel")
    assert isinstance(ask(prefix, cancel, name="order.cancel"), Allow)
    assert denied_by(ask(prefix, cancel | {"origClientOrderId": "x"}, name="order.cancel")) == "conditions"
    assert isinstance(ask(prefix, BUY), Allow)
    assert isinstance(ask(written("false"), cancel, name="order.cancel"), Allow)
    rules = policy(
        "withdrawals: [{coin: BTC, network: BTC, address: b, max_each: 1, max_day: 1}]\n"
        + written('amount_sent < amount("1") && coin + network + address + tag == "BTCBTCb"', "withdraw"),
        "version: 1\nname: w\npermissions: [withdrawals]\n",
    )
    coins = {"coin": "BTC", "network": "BTC", "address": "b", "amount": "0.9"}
    assert isinstance(ask(rules, coins, name=WITHDRAW_ROUTE), Allow)
    assert denied_by(ask(rules, coins | {"amount": "1"}, name=WITHDRAW_ROUTE)) == "conditions"


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("notional <= 1000", 'write amount("1000")'),
        ("1000 >= notional", 'write amount("1000")'),
        ("price > 1.5", 'amount("1.5")'),
        ("nothing == 1", "'nothing' is not known"),
        ("symbol.price > 1", "'price' is not known"),
        ("[1].all(hour, true)", "'all' is not known"),
        ('symbol.matches("a")', "'matches' is not known"),
        ("hour ==", "not CEL"),
        ("hour", "a condition is true or false"),
        ('hour < "a"', "cannot be answered"),
        ("symbol.nosuch()", "'nosuch' is not known"),
        ("hour == 1; true", "has no place"),
        (r'symbol == "a\"b"', "has no place"),
        ("hour < 99999999999999999999", "larger than any number"),
        ('price < amount("1.123456789")', "more than eight decimals"),
        ('price < amount("1.2.3")', "is not an amount"),
        ('price < amount("99999999999999")', "is not an amount"),
        ("(" * 21 + "true" + ")" * 21, "nested deeper"),
        ("true" + " && true" * 63, f"at most {CONDITION_CHARS_MAX}"),
    ],
)
def test_condition_outside_the_small_language_is_refused(expect: str, said: str) -> None:
    found = problems(written(expect))
    assert len(found) == 1
    assert said in found[0]
    assert "conditions[0].expect" in found[0]


def test_zero_beside_an_amount_is_fine() -> None:
    assert isinstance(compile_condition("t", "place", "stop_price == 0"), Condition)


def test_every_variable_can_be_read_and_matches_its_sample() -> None:
    kinds = {
        "place": ("order.place", BUY),
        "cancel": ("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "grid-1"}),
    }
    for on, (name, params) in kinds.items():
        for variable, spec in VARIABLES[on].items():
            decision = ask(written(f"{variable} == {variable}", on), params, name=name, now_us=NOW_US)
            assert isinstance(decision, Allow), variable
            assert spec.amount == (spec.sample == 1 and spec.sample is not True and variable not in
                {"hour", "minute", "orders", "trailing_delta"})  # fmt: skip


def test_amount_in_a_condition_is_exact() -> None:
    assert isinstance(ask(written('price == amount("100.00000000")'), BUY), Allow)
    assert denied_by(ask(written('price == amount("100.00000001")'), BUY)) == "conditions"
    assert scaled("100.00000001") == 10_000_000_001
