"""max_order, max_day, max_position, max_turnover: exactly the cap, and one unit more."""

import pytest
from tests.support.policies import TODAY, ask, denied_by, market, one_unit, order, scaled

from watchword.policy.decision import Allow, Charge
from watchword.policy.usage import CHARGES_COUNT_MAX, DAY_US, Reserved, Usage

BUY = order("BUY", 2, 100)


@pytest.mark.parametrize(
    ("rule", "asset", "cap", "usage"),
    [
        ("max_order", "USDT", "200", Usage(day=TODAY)),
        ("max_day", "USDT", "200", Usage(day=TODAY)),
        ("max_day", "USDT", "230", Usage(day=TODAY, spent={"USDT": scaled(10)}, reserved=Reserved({"USDT": scaled(20)}))),
        ("max_turnover", "USDT", "230", Usage(day=TODAY, turnover={"USDT": scaled(10)}, reserved=Reserved({}, {"USDT": scaled(20)}))),
        ("max_position", "BTC", "2", Usage(day=TODAY)),
        ("max_position", "BTC", "5", Usage(day=TODAY, bought={"BTC": scaled(1)}, reserved=Reserved({}, {}, {"BTC": scaled(2)}))),
    ],
)  # fmt: skip
def test_cap_allows_exactly_itself_and_not_one_unit_more(
    rule: str, asset: str, cap: str, usage: Usage
) -> None:
    assert isinstance(ask(f"{rule}: {{{asset}: {cap}}}", BUY, usage=usage), Allow)
    assert denied_by(ask(f"{rule}: {{{asset}: {one_unit(cap, -1)}}}", BUY, usage=usage)) == rule


@pytest.mark.parametrize("rule", ["max_order", "max_day", "max_turnover", "max_position"])
def test_asset_without_a_cap_may_not_be_used(rule: str) -> None:
    assert denied_by(ask(f"{rule}: {{ETH: 100000}}", BUY)) == rule


@pytest.mark.parametrize(
    "rule", ["max_order: {USDT: 1000}", "max_day: {USDT: 1000}", "max_position: {BTC: 100}"]
)
def test_unknown_market_is_refused(rule: str) -> None:
    assert denied_by(ask(rule, BUY, references={})) == rule.partition(":")[0]


def test_yesterday_does_not_count_and_midnight_is_exact() -> None:
    usage = Usage(day=TODAY, spent={"USDT": scaled(200)}, turnover={"USDT": scaled(200)})
    rules = "max_day: {USDT: 200}\nmax_turnover: {USDT: 200}"
    midnight_us = (TODAY + 1) * DAY_US
    fresh = {"BTCUSDT": market(100)}
    assert denied_by(ask(rules, BUY, usage=usage, now_us=midnight_us - 1, references=fresh)) == "max_day"
    assert isinstance(ask(rules, BUY, usage=usage, now_us=midnight_us, references=fresh), Allow)


def test_open_orders_of_yesterday_still_count() -> None:
    usage = Usage(day=TODAY, reserved=Reserved({"USDT": 1}, {"USDT": 1}))
    assert denied_by(ask("max_day: {USDT: 200}", BUY, usage=usage, now_us=(TODAY + 1) * DAY_US)) == "max_day"


def test_sell_is_worth_at_least_the_median() -> None:
    sell = order("SELL", 2, "0.01")
    assert isinstance(ask("max_order: {USDT: 200}", sell), Allow)
    assert denied_by(ask("max_order: {USDT: 199.99999999}", sell)) == "max_order"
    assert denied_by(ask("max_order: {USDT: 1000}", sell, references={"BTCUSDT": market(0)})) == "max_order"


def test_sell_above_the_median_is_worth_its_price() -> None:
    assert denied_by(ask("max_order: {USDT: 299.99999999}", order("SELL", 2, 150))) == "max_order"


def test_market_order_is_worth_what_the_book_asks() -> None:
    assert isinstance(ask("max_order: {USDT: 10202}", order("BUY", 101)), Allow)
    assert denied_by(ask("max_order: {USDT: 10201.99999999}", order("BUY", 101))) == "max_order"
    assert isinstance(ask("max_order: {USDT: 100}", order("SELL", 1)), Allow)
    assert denied_by(ask("max_order: {USDT: 99.99999999}", order("SELL", 1))) == "max_order"


def test_market_order_by_amount_is_worth_its_amount() -> None:
    assert isinstance(ask("max_order: {USDT: 50}", order("BUY", quoteOrderQty=50)), Allow)
    assert denied_by(ask("max_order: {USDT: 50}", order("BUY", quoteOrderQty=one_unit(50)))) == "max_order"
    assert denied_by(ask("max_order: {USDT: 50}", order("SELL", quoteOrderQty=50))) == "max_order"


def test_order_the_book_cannot_fill_cannot_be_weighed() -> None:
    assert denied_by(ask("max_order: {USDT: 9000000}", order("BUY", 2000))) == "max_order"
    assert denied_by(ask("max_order: {USDT: 9000000}", order("BUY", quoteOrderQty=200_000))) == "max_order"
    assert denied_by(ask("max_position: {BTC: 90000}", order("BUY", quoteOrderQty=200_000))) == "max_position"
    old = {"BTCUSDT": market(100, asks=((1, 1),), book_age_us=60_000_001)}
    assert denied_by(ask("max_order: {USDT: 9000000}", order("BUY", 1), references=old)) == "max_order"


def test_stop_is_worth_its_trigger_where_that_is_more() -> None:
    stop = order("BUY", 1, kind="STOP_LOSS", stopPrice=150)
    assert denied_by(ask("max_order: {USDT: 149.99999999}", stop)) == "max_order"
    assert isinstance(ask("max_order: {USDT: 150}", stop), Allow)
    trailing = order("BUY", 1, kind="STOP_LOSS", trailingDelta=2000)
    assert denied_by(ask("max_order: {USDT: 119.99999999}", trailing)) == "max_order"


def test_amount_beyond_every_account_is_refused() -> None:
    huge = order("BUY", 90_000_000_000, 90_000_000_000)
    assert denied_by(ask("max_order: {USDT: 92233720368}", huge)) == "max_order"


def test_selling_needs_no_position() -> None:
    assert isinstance(ask("max_position: {ETH: 1}", order("SELL", 2, 100)), Allow)


def test_products_are_rounded_up() -> None:
    crumbs = order("BUY", "0.00000001", "0.00000001")
    assert denied_by(ask("max_order: {USDT: 0}", crumbs)) == "max_order"
    assert isinstance(ask("max_order: {USDT: 0.00000001}", crumbs), Allow)


def test_open_groups_are_bounded() -> None:
    one = Charge("", "BTCUSDT", "BTC", "USDT", "BUY", 1, 1, 1, 0)
    full = Usage(day=TODAY, open={str(number): one for number in range(CHARGES_COUNT_MAX)})
    assert denied_by(ask("", BUY, usage=full)) == "open_charges"
    assert isinstance(ask("", {"symbol": "BTCUSDT"}, name="openOrders.cancelAll", usage=full), Allow)
