"""Each rule, one step wider than the parent's; and comparing two policies."""

import pytest
from tests.support.policies import TRADING, policy

from watchword.policy.advice import advise
from watchword.policy.comparison import compare
from watchword.policy.narrowing import narrower_than, widenings
from watchword.policy.policy import Policy, build_policy

PARENT = """
version: 1
name: parent
permissions: [read, trade, withdrawals]
symbols: [BTCUSDT, ETHUSDT]
sides: [BUY, SELL]
order_types: [LIMIT, MARKET]
reference: {max_age: 30s}
price_band: {worse: 2%, stop: 10%, better: 50%}
max_order: {USDT: 100, BTC: 1}
max_day: {USDT: 1000}
max_position: {BTC: 1}
max_turnover: {USDT: 5000}
rate: {per_second: 5, per_minute: 50}
hours: {windows: [{from: 08:00, to: 20:00}]}
conditions:
  - {name: c, expect: hour >= 0}
withdrawals:
  - {coin: BTC, network: BTC, address: a, max_each: 1, max_day: 2}
"""


def changed(old: str, new: str) -> Policy:
    assert old in PARENT
    return policy("", PARENT.replace(old, new))


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("symbols", "[BTCUSDT, ETHUSDT]", "[BTCUSDT, BNBUSDT]"),
        ("symbols", "[BTCUSDT, ETHUSDT]", "any"),
        ("order_types", "[LIMIT, MARKET]", "[LIMIT, MARKET, LIMIT_MAKER]"),
        ("reference", "30s", "31s"),
        ("price_band", "worse: 2%", "worse: 2.00000001%"),
        ("price_band", "stop: 10%", "stop: 10.00000001%"),
        ("price_band", "better: 50%", "better: 51%"),
        ("price_band", ", better: 50%", ""),
        ("price_band", "price_band: {worse: 2%, stop: 10%, better: 50%}", ""),
        ("max_order", "USDT: 100,", "USDT: 100.00000001,"),
        ("max_order", "BTC: 1}\nmax_day", "BTC: 1, ETH: 0}\nmax_day"),
        ("max_day", "1000}", "1000.00000001}"),
        ("max_day", "max_day: {USDT: 1000}", ""),
        ("max_position", "max_position: {BTC: 1}", "max_position: {BTC: 1.00000001}"),
        ("max_turnover", "5000}", "5001}"),
        ("rate", "per_second: 5,", "per_second: 6,"),
        ("rate", "per_second: 5, ", ""),
        ("hours", "to: 20:00", "to: 20:01"),
        ("hours", "hours: {windows: [{from: 08:00, to: 20:00}]}", ""),
        ("conditions", "hour >= 0", "hour >= 1"),
        ("withdrawals", "address: a", "address: b"),
        ("withdrawals", "max_each: 1", "max_each: 1.1"),
        ("withdrawals", "max_day: 2}", "max_day: 2.1}"),
    ],
)  # fmt: skip
def test_child_that_is_wider_in_one_rule_is_named(rule: str, old: str, new: str) -> None:
    found = widenings(changed(old, new), policy("", PARENT))
    assert [widening.rule for widening in found] == [rule]
    assert str(found[0]).startswith(f"{rule}: ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[BTCUSDT, ETHUSDT]", "[BTCUSDT]"),
        ("[BUY, SELL]", "[SELL]"),
        ("[LIMIT, MARKET]", "[LIMIT]"),
        ("30s", "29s"),
        ("worse: 2%", "worse: 1%"),
        ("USDT: 100, BTC: 1}", "USDT: 100}"),
        ("per_minute: 50", "per_minute: 50, per_hour: 100"),
        ("to: 20:00", "to: 19:59"),
        ("  - {name: c,", "  - {name: d, expect: hour < 30}\n  - {name: c,"),
        ("max_each: 1", "max_each: 0.5"),
        ("name: parent", "name: child"),
    ],
)
def test_child_that_is_narrower_may_be(old: str, new: str) -> None:
    child, parent = changed(old, new), policy("", PARENT)
    assert narrower_than(child, parent)
    if "name:" not in old:
        assert not narrower_than(parent, child)


def test_permissions_and_sides_that_are_added_are_wider() -> None:
    parent = policy("", TRADING.replace("[read, trade]", "[trade]").replace("[BUY, SELL]", "[BUY]"))
    assert [widening.rule for widening in widenings(policy(), parent)] == ["permissions", "sides"]


def test_any_is_within_any_and_wider_than_a_list() -> None:
    anywhere = policy("", TRADING.replace("[BTCUSDT, THINUSDT, ETHBTC]", "any"))
    assert narrower_than(anywhere, anywhere)
    assert narrower_than(policy(), anywhere)


def test_child_may_not_only_watch_what_the_parent_enforces() -> None:
    parent = policy("max_order: {USDT: 5}")
    child = policy("max_order: {USDT: 5}\nshadow: [max_order]")
    assert [widening.rule for widening in widenings(child, parent)] == ["max_order"]
    assert narrower_than(parent, child)


def test_parent_that_allows_nothing_has_no_wider_child() -> None:
    bare = build_policy("bare", (), (), 60_000_000)
    assert {widening.rule for widening in widenings(policy(), bare)} == {
        "permissions", "symbols", "sides", "order_types",
    }  # fmt: skip
    assert narrower_than(bare, bare)


def test_comparison_shows_old_new_and_what_is_wider() -> None:
    old = policy("max_order: {USDT: 5}\nreference: {max_age: 500ms}")
    new = policy("max_order: {USDT: 6}\nrate: {per_day: 1}\nshadow: [rate]\nreference: {max_age: 1s}")
    found = {change.rule: change for change in compare(old, new)}
    assert set(found) == {"max_order", "rate", "reference"}
    assert (found["max_order"].old, found["max_order"].new) == ("5 USDT", "6 USDT")
    assert found["max_order"].wider
    assert (found["rate"].old, found["rate"].new, found["rate"].wider) == (
        "-",
        "1 per day (watched only)",
        "",
    )
    assert found["reference"].wider
    assert (found["reference"].old, found["reference"].new) == ("at most 0.5 s old", "at most 1 s old")
    assert compare(old, old) == ()


def test_advice_names_what_is_open() -> None:
    everything = policy(
        "shadow: [rate]\nreference: {max_age: 2h}", TRADING.replace("[BTCUSDT, THINUSDT, ETHBTC]", "any")
    )
    rules = [entry.rule for entry in advise(everything)]
    assert rules == ["symbols", "price_band", "max_order", "max_day", "rate", "reference", "shadow"]
    assert all(str(entry) for entry in advise(everything))
    assert [entry.rule for entry in advise(policy("max_day: {USDT: 1}"))] == [
        "price_band", "max_order", "max_turnover", "rate",
    ]  # fmt: skip
    assert advise(policy("", PARENT)) == ()
    withdrawing = PARENT.replace("hours: {windows: [{from: 08:00, to: 20:00}]}", "")
    assert [entry.rule for entry in advise(policy("", withdrawing))] == ["hours"]
    assert advise(policy("", "version: 1\nname: t\npermissions: [read]\n")) == ()
