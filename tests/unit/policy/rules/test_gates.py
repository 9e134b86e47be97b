"""Permissions, symbols, sides, order types, hours, rate, withdrawals: each open, and closed by one."""

import pytest
from tests.support.policies import NOW_US, SECOND_US, TODAY, ask, denied_by, order, policy, scaled

from watchword.policy.decision import Allow
from watchword.policy.reading import WITHDRAW_ROUTE
from watchword.policy.rules.hours import minute_of_week, minute_text
from watchword.policy.rules.withdrawals import destination_key
from watchword.policy.usage import Usage

BUY = order("BUY", 1, 100)
MINUTE_US = 60 * SECOND_US
HEAD = "version: 1\nname: gate\n"
ONLY = HEAD + "permissions: [trade]\nsymbols: [BTCUSDT]\nsides: [BUY]\norder_types: [LIMIT]\n"
LIST = "withdrawals: [{coin: BTC, network: BTC, address: bc1q, tag: '7', max_each: 1, max_day: 1.5}]\n"
COINS = {"coin": "BTC", "network": "BTC", "address": "bc1q", "addressTag": "7", "amount": "1"}


def test_each_permission_opens_its_kind_of_request() -> None:
    reading = policy("", HEAD + "permissions: [read]\n")
    assert isinstance(ask(reading, {}, name="account.status"), Allow)
    assert isinstance(ask(reading, {}, name="userDataStream.subscribe.signature"), Allow)
    for name in ("order.place", "order.test", "order.cancelReplace"):
        assert denied_by(ask(reading, BUY | {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": "1"}
                             if name == "order.cancelReplace" else BUY, name=name)) == "permissions"  # fmt: skip
    assert denied_by(ask(reading, {"symbol": "BTCUSDT"}, name="openOrders.cancelAll")) == "permissions"
    assert denied_by(ask(reading, COINS, name=WITHDRAW_ROUTE)) == "permissions"
    nothing = policy("", HEAD + "permissions: []\n")
    assert denied_by(ask(nothing, {}, name="account.status")) == "permissions"
    assert isinstance(ask(nothing, {}, name="depth"), Allow)


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("symbols", {"symbol": "BTCUSDC"}),
        ("sides", {"side": "SELL"}),
        ("order_types", {"type": "LIMIT_MAKER"}),
    ],
)
def test_name_outside_its_set_is_denied(rule: str, changed: dict[str, str]) -> None:
    rules = policy("", ONLY)
    assert isinstance(ask(rules, BUY), Allow)
    asked = BUY | changed
    if changed.get("type") == "LIMIT_MAKER":
        del asked["timeInForce"]
    assert denied_by(ask(rules, asked)) == rule


def test_any_opens_a_set() -> None:
    rules = policy("", HEAD + "permissions: [trade]\nsymbols: any\nsides: any\norder_types: any\n")
    assert isinstance(ask(rules, BUY | {"symbol": "WHATEVER"}), Allow)


@pytest.mark.parametrize(
    ("window", "fine"),
    [
        ("{from: 12:00, to: 12:01}", True),
        ("{from: 11:00, to: 12:00}", False),
        ("{from: 12:01, to: 12:00}", False),
        ("{from: 22:00, to: 12:01}", True),
        ("{days: [mon], from: 00:00, to: 24:00}", True),
        ("{days: [tue, sun], from: 00:00, to: 24:00}", False),
        ("{days: [sun], from: 20:00, to: 12:01}", True),
    ],
)
def test_hours_are_open_from_the_first_minute_to_before_the_last(window: str, fine: bool) -> None:
    decision = ask(f"hours: {{windows: [{window}]}}", BUY)
    assert isinstance(decision, Allow) == fine
    assert isinstance(
        ask(f"hours: {{windows: [{window}]}}", {"symbol": "BTCUSDT"}, name="openOrders.cancelAll"), Allow
    )


def test_hours_have_an_offset_and_wrap_around_the_week() -> None:
    monday = NOW_US - 12 * 60 * MINUTE_US
    rules = "hours: {offset: '+02:00', windows: [{days: [mon], from: 00:00, to: 02:30}]}"
    for at_us, fine in (
        (monday - 120 * MINUTE_US, True),
        (monday - 120 * MINUTE_US - 1, False),
        (monday + 30 * MINUTE_US - 1, True),
        (monday + 30 * MINUTE_US, False),
    ):
        assert isinstance(ask(rules, BUY, now_us=at_us), Allow) == fine
    west = "hours: {offset: '-05:00', windows: [{days: [mon], from: 07:00, to: 08:00}]}"
    assert isinstance(ask(west, BUY), Allow)


def test_minute_of_the_week_begins_on_monday() -> None:
    assert minute_of_week(NOW_US) == 12 * 60
    assert minute_text(7 * 1440) == "sun 24:00"


@pytest.mark.parametrize(("window", "length_us"), [("per_second", SECOND_US), ("per_minute", MINUTE_US),
    ("per_hour", 60 * MINUTE_US), ("per_day", 1440 * MINUTE_US)])  # fmt: skip
def test_rate_counts_orders_in_the_window(window: str, length_us: int) -> None:
    rules = f"rate: {{{window}: 3}}"

    def used(count: int) -> Usage:
        return Usage(day=TODAY, counts=((NOW_US // SECOND_US, count), (NOW_US // MINUTE_US, count),
            (NOW_US // MINUTE_US // 60, count), (TODAY, count)))  # fmt: skip

    assert isinstance(ask(rules, BUY, usage=used(2)), Allow)
    assert denied_by(ask(rules, BUY, usage=used(3))) == "rate"
    next_us = NOW_US - NOW_US % length_us + length_us
    assert denied_by(ask(rules, BUY, usage=used(3), now_us=next_us - 1)) == "rate"
    assert isinstance(ask(rules, BUY, usage=used(3), now_us=next_us), Allow)


def test_rate_counts_every_order_of_a_list() -> None:
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "120",
        "belowType": "STOP_LOSS", "belowStopPrice": "95",
    }  # fmt: skip
    assert isinstance(ask("rate: {per_second: 2}", params, name="orderList.place.oco"), Allow)
    assert denied_by(ask("rate: {per_second: 1}", params, name="orderList.place.oco")) == "rate"


@pytest.mark.parametrize(
    "changed",
    [{"coin": "ETH"}, {"network": "ETH"}, {"address": "bc1Q"}, {"address": "bc1r"}, {"addressTag": "8"},
     {"amount": "1.00000001"}, {"amount": "0"}],
)  # fmt: skip
def test_withdrawal_must_match_the_list_to_the_letter(changed: dict[str, str]) -> None:
    rules = policy(LIST, HEAD + "permissions: [withdrawals]\n")
    assert isinstance(ask(rules, COINS, name=WITHDRAW_ROUTE), Allow)
    assert denied_by(ask(rules, COINS | changed, name=WITHDRAW_ROUTE)) == "withdrawals"


def test_withdrawals_of_a_day_are_capped_to_the_unit() -> None:
    rules = policy(LIST, HEAD + "permissions: [withdrawals]\n")
    key = destination_key("BTC", "BTC", "bc1q", "7")
    for sent, fine in ((scaled("0.5"), True), (scaled("0.50000001"), False)):
        usage = Usage(day=TODAY, withdrawn={key: sent})
        assert isinstance(ask(rules, COINS, name=WITHDRAW_ROUTE, usage=usage), Allow) == fine


def test_address_and_tag_are_not_run_together() -> None:
    rules = policy(
        "withdrawals: [{coin: BTC, network: BTC, address: a, tag: b, max_each: 9, max_day: 9}]",
        HEAD + "permissions: [withdrawals]\n",
    )
    glued = {"coin": "BTC", "network": "BTC a", "address": "b", "amount": "1"}
    assert denied_by(ask(rules, glued, name=WITHDRAW_ROUTE)) == "withdrawals"
