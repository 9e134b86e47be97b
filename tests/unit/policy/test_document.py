"""Policy files: what is read, and where every mistake is."""

import pytest
from tests.support.policies import TRADING, policy, problems, scaled

from watchword.policy.document import MAX_AGE_US, read_policy
from watchword.policy.nodes import NODES_COUNT_MAX, TEXT_BYTES_MAX
from watchword.policy.rules.hours import Hours
from watchword.policy.rules.max_order import MaxOrder
from watchword.policy.rules.price_band import PriceBand
from watchword.policy.rules.withdrawals import Withdrawals

HEAD = "version: 1\nname: t\n"


def test_defaults_are_the_narrow_ones() -> None:
    rules = policy("price_band: {worse: 2 %}")
    band = rules.rules["price_band"]
    assert band == PriceBand(scaled(2), scaled(2), None)
    assert rules.max_age_us == MAX_AGE_US
    assert rules.rules["withdrawals"] == Withdrawals(())
    assert not rules.shadow


def test_amounts_are_exact_however_they_are_written() -> None:
    for text in ("0.1", "'0.1'", '"0.10000000"', ".1"):
        found = read_policy(TRADING + f"max_order: {{USDT: {text}}}")
        if text == ".1":
            assert isinstance(found, tuple)
        else:
            assert not isinstance(found, tuple)
            assert found.rules["max_order"] == MaxOrder({"USDT": 10_000_000})


def test_hours_that_touch_are_joined() -> None:
    found = policy(
        "hours: {windows: [{days: [mon], from: 08:00, to: 09:00}, {days: [mon], from: 09:00, to: 10:00}]}"
    )
    assert found.rules["hours"] == Hours(((480, 600),))


def test_shadow_all_leaves_out_what_is_always_enforced() -> None:
    found = policy("shadow: all")
    assert {"max_order", "symbols", "conditions"} <= found.shadow
    assert not found.shadow & {"meaning", "permissions", "withdrawals"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("max_ordr: {USDT: 5}", "line 8, column 1: max_ordr: there is no such key"),
        (
            "max_order: {USDT: 5}\nmax_order: {USDT: 6}",
            "line 9, column 1: max_order: this key is there twice",
        ),
        ("max_order: {USDT: 1e3}", "max_order.USDT: '1e3' is no amount"),
        ("max_order: {USDT: -5}", "is no amount"),
        ("max_order: {USDT: 0.123456789}", "more than eight decimals"),
        ("max_order: {USDT: 99999999999999999999}", "larger than any amount"),
        ("max_order: {}", "name at least one asset"),
        ("max_order: {US DT: 5}", "write an asset"),
        ("max_order: 5", "write `key: value` pairs here"),
        ("max_order: {USDT: }", "max_order.USDT: write a text here"),
        ("max_order: {USDT: [5]}", "write a text here"),
        ("price_band: {stop: 5%}", "'worse' is missing"),
        ("price_band: {worse: 101%}", "is no share"),
        ("price_band: {worse: 0.000000001%}", "is no share"),
        ("price_band: {worse: two}", "is no share"),
        ("reference: {max_age: 30}", "is no time span"),
        ("reference: {max_age: 0s}", "is no time span"),
        ("reference: {max_age: 25h}", "is no time span"),
        ("rate: {}", "name at least one of"),
        ("rate: {per_second: many}", "is no whole number"),
        ("rate: {per_second: 99999999999}", "is no whole number"),
        ("hours: {windows: []}", "name at least one window"),
        ("hours: {windows: [{from: 08:00, to: 08:00}]}", "the window is empty"),
        ("hours: {windows: [{from: 24:00, to: 08:00}]}", "the window is empty"),
        ("hours: {windows: [{from: 8:00, to: 09:00}]}", "is no time of day"),
        ("hours: {windows: [{from: 08:00, to: 24:01}]}", "is no time of day"),
        ("hours: {windows: [{days: [monday], from: 08:00, to: 09:00}]}", "none of mon, tue"),
        ("hours: {offset: 2, windows: []}", "is no distance from UTC"),
        ("hours: {offset: '+15:00', windows: []}", "is no distance from UTC"),
        ("shadow: [permissions]", "none of symbols"),
        ("shadow: [price]", "none of symbols"),
        ("conditions: [{name: a}]", "conditions[0]: 'expect' is missing"),
        ("withdrawals: []", "come together"),
        ("max_order: &a {USDT: 5}", "anchors"),
        ("max_order: *a", "aliases"),
        ("max_order: !!map {USDT: 5}", "tags"),
        ("max_order: {[a]: 5}", "a key is a plain word"),
        ("max_order: {USDT: 5", "this is not YAML"),
        ("---\nversion: 1", "one document"),
        ("max_order: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}}}}", "too deep"),
        ("\x00", "this is not YAML"),
    ],
)
def test_mistake_is_named_with_its_place(more: str, said: str) -> None:
    found = problems(more)
    assert any(said in problem for problem in found), found
    assert all(problem.startswith("line ") for problem in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("- a", "write `key: value` pairs here"),
        ("version: 2\nname: t\npermissions: []", "version 1 is known here"),
        ("name: t\npermissions: []", "'version' is missing"),
        (HEAD, "'permissions' is missing"),
        (HEAD + "permissions: trade", "write a list here"),
        (HEAD + "permissions: [everything]", "There is no permission 'everything'"),
        (HEAD + "permissions: [withdrawals]", "come together"),
        (HEAD + "permissions: [trade]", "sides: a policy that permits trading says which"),
        (HEAD.replace("t\n", "x" * 65 + "\n") + "permissions: []", "at most 64"),
        (HEAD.replace("t\n", "x" * 2001 + "\n") + "permissions: []", "at most 2000 characters"),
        (HEAD + "permissions: []\nsymbols: [btcusdt]", "is no symbol"),
        (HEAD + "permissions: []\nsymbols: all", "write a list here"),
        (HEAD + "permissions: []\nsymbols: []", "name at least one"),
        (HEAD + "permissions: []\nsides: [BOTH]", "none of BUY, SELL"),
        (HEAD + "permissions: []\norder_types: [LIMT]", "none of LIMIT"),
        (HEAD + "permissions: [" + "read, " * 2001 + "]", "at most 2000 items"),
        ("x" * (TEXT_BYTES_MAX + 1), "larger than"),
        ("[" + "a, " * NODES_COUNT_MAX + "]", "too many parts"),
    ],
)
def test_file_that_is_no_policy_is_refused(text: str, said: str) -> None:
    assert any(said in problem for problem in problems(text, ""))


def test_several_mistakes_are_all_named_in_order() -> None:
    found = problems("max_day: {USDT: x}\nmax_order: {USDT: y}")
    assert [problem.partition(",")[0] for problem in found] == ["line 8", "line 9"]


def test_address_list_refuses_an_entry_twice() -> None:
    entry = "{coin: BTC, network: BTC, address: a, max_each: 1, max_day: 1}"
    text = HEAD + f"permissions: [withdrawals]\nwithdrawals: [{entry}, {entry}]"
    assert "there twice" in problems(text, "")[0]
