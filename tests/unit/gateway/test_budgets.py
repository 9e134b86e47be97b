"""Weights and orders: who is refused when, what is given back, what the upstream's word changes."""

from typing import Any

import pytest
from tests.support.gateway_fakes import OK, virtual_key
from tests.support.policies import NOW_US

from watchword.gateway import budgets
from watchword.gateway.budgets import MINUTE_US, ORDERS_US, BudgetRules, Budgets, Spent
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.routes import Route, route_named, unlisted_route
from watchword.gateway.virtual_key import VirtualKey

START_US = NOW_US - NOW_US % MINUTE_US
READ, CANCEL, PLACE = route_named("account.status"), route_named("order.cancel"), route_named("order.place")
SMALL = BudgetRules(api=100)
BOT = virtual_key()
FAILED = Answer(status=400, body=b'{"code":-2010,"msg":"no"}')


def take(
    found: Budgets, route: Route = READ, *, key: VirtualKey | None = None, at_us: int = START_US, path: str = "/x",
    params: dict[str, str] | None = None,
) -> Spent | Refused:  # fmt: skip
    return found.take(route, path, params or {}, key, at_us)


def spent(found: Spent | Refused) -> Spent:
    assert isinstance(found, Spent), found
    return found


def refused(found: Spent | Refused) -> int:
    """Until when, epoch microseconds."""
    assert isinstance(found, Refused), found
    assert (found.rule, found.wire.code, found.wire.http_status) == ("budget", -1003, 429)
    return found.wire.retry_after_us


def header(name: bytes, value: object, status: int = 200, body: bytes = b"{}") -> Answer:
    return Answer(status=status, body=body, headers=((name, str(value).encode()),))


def test_nine_tenths_for_everybody_and_the_rest_for_cancels() -> None:
    found = Budgets(SMALL)
    for _ in range(4):
        spent(take(found, key=BOT))  # 20 each
    spent(take(found, route_named("openOrders.status"), key=BOT, params={"symbol": "B"}))  # 6
    spent(take(found, route_named("order.status"), key=BOT))  # 4: ninety
    assert refused(take(found, PLACE, key=BOT)) == START_US + MINUTE_US
    for _ in range(10):
        spent(take(found, CANCEL, key=BOT))
    refused(take(found, CANCEL, key=BOT))
    spent(take(found, key=BOT, at_us=START_US + MINUTE_US))


def test_address_is_shared_by_all_keys_and_by_nobody() -> None:
    found = Budgets(SMALL)
    for name in (None, "vk-1", "vk-2", "vk-3"):
        spent(take(found, key=virtual_key(id=name) if name else None))
    refused(take(found, key=virtual_key(id="vk-4")))
    refused(take(found))


def test_requests_without_a_key_leave_half_to_the_bots() -> None:
    found = Budgets(SMALL)
    for _ in range(2):
        spent(take(found))  # 20 each
    spent(take(found, route_named("openOrders.status"), params={"symbol": "B"}))  # 6
    spent(take(found, route_named("order.status")))  # 4: fifty
    refused(take(found, PLACE))
    spent(take(found, PLACE, key=BOT))


def test_key_has_its_own_limit_beside_the_address() -> None:
    found, key = Budgets(), virtual_key(weight_per_minute_max=50)
    spent(take(found, key=key))
    spent(take(found, key=key))
    refused(take(found, key=key))
    spent(take(found, key=virtual_key(id="vk-other")))
    for _ in range(10):
        spent(take(found, CANCEL, key=key))
    refused(take(found, CANCEL, key=key))


def test_order_that_succeeds_costs_nothing_as_at_binance() -> None:
    found, key = Budgets(BudgetRules(api=10)), virtual_key(weight_per_minute_max=10)
    for _ in range(50):
        found.settle(spent(take(found, PLACE, key=key)), OK, START_US)
    for _ in range(9):
        found.settle(spent(take(found, PLACE, key=key)), FAILED, START_US)
    refused(take(found, PLACE, key=key))


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (None, False),
        (Unanswered(False, "refused"), False),
        (Unanswered(True, "timed out"), True),
        (FAILED, False),
        (OK, True),
    ],
)
def test_orders_of_a_key_in_ten_seconds(answer: Any, counts: bool) -> None:
    found, key = Budgets(), virtual_key(orders_per_10s_max=2)
    found.settle(spent(take(found, PLACE, key=key)), answer, START_US)
    spent(take(found, PLACE, key=key))
    after = take(found, PLACE, key=key)
    if counts:
        assert refused(after) == START_US + ORDERS_US
    else:
        spent(after)
    spent(take(found, PLACE, key=key, at_us=START_US + ORDERS_US))


def test_list_counts_as_many_orders_as_it_places() -> None:
    found, key = Budgets(), virtual_key(orders_per_10s_max=4)
    spent(take(found, route_named("orderList.place.otoco"), key=key))
    refused(take(found, route_named("orderList.place.oco"), key=key))
    spent(take(found, PLACE, key=key))
    spent(take(found, CANCEL, key=key))


def test_upstream_that_counts_more_is_believed_at_once() -> None:
    found = Budgets(SMALL)
    found.settle(spent(take(found, key=BOT)), header(b"X-MBX-USED-WEIGHT-1M", 90), START_US)
    refused(take(found, PLACE, key=BOT))
    spent(take(found, CANCEL, key=BOT))


def test_upstream_that_counts_less_takes_nothing_back() -> None:
    found = Budgets(SMALL)
    found.settle(spent(take(found, key=BOT)), header(b"x-mbx-used-weight-1m", 1), START_US)
    for _ in range(3):
        spent(take(found, key=BOT))
    refused(take(found, key=BOT))


def test_what_is_on_its_way_is_added_to_the_upstreams_count() -> None:
    found = Budgets(SMALL)
    first = spent(take(found))
    spent(take(found))
    found.settle(first, header(b"x-mbx-used-weight-1m", 60), START_US)
    refused(take(found))


def test_count_of_the_minute_before_is_not_this_minutes() -> None:
    found = Budgets(SMALL)
    late = spent(take(found))
    now_us = START_US + MINUTE_US
    spent(take(found, at_us=now_us))
    found.settle(late, header(b"x-mbx-used-weight-1m", 99), now_us)
    spent(take(found, at_us=now_us))


def test_ws_answers_carry_the_count_in_their_limits() -> None:
    found = Budgets(SMALL)
    limits = b'[{"rateLimitType":"ORDERS","count":1},{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","count":95}]'
    found.settle(spent(take(found)), Answer(status=200, body=b"{}", rate_limits=limits), START_US)
    refused(take(found, PLACE))


def test_each_wallet_path_has_its_own() -> None:
    found = Budgets(BudgetRules(sapi=40))
    route = unlisted_route("GET /sapi/v1/a", "/sapi/v1/a")
    spent(take(found, route, key=virtual_key(), path="/sapi/v1/a"))
    refused(take(found, route, key=virtual_key(), path="/sapi/v1/a"))
    spent(take(found, route, key=virtual_key(), path="/sapi/v1/b"))
    found.settle(
        spent(take(found, route, key=virtual_key(), path="/sapi/v1/c")),
        header(b"x-sapi-used-ip-weight-1m", 40),
        START_US,
    )
    refused(take(found, route, key=virtual_key(), path="/sapi/v1/c"))


def test_wallet_paths_made_up_by_nobody_share_one() -> None:
    found = Budgets(BudgetRules(sapi=40))
    route = unlisted_route("GET /sapi/v1/a", "/sapi/v1/a")
    spent(take(found, route, path="/sapi/v1/a"))
    refused(take(found, route, path="/sapi/v1/b"))
    spent(take(found, route, key=virtual_key(), path="/sapi/v1/b"))
    listed = route_named("sapi.v1.system.status")
    spent(take(found, listed, path="/sapi/v1/system/status"))


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "WINDOWS_COUNT_MAX", 4)
    found = Budgets(BudgetRules(sapi=40))
    route = unlisted_route("GET /sapi/v1/a", "/sapi/v1/a")
    for number in range(30):
        take(found, route, key=virtual_key(), path=f"/sapi/v1/{number}")
    assert len(found._shared) <= 5
    spent(take(found, route, key=virtual_key(), path="/sapi/v1/next", at_us=START_US + MINUTE_US))
    assert len(found._shared) <= 5


@pytest.mark.parametrize("status", [429, 418])
def test_upstream_that_says_wait_is_obeyed_by_everybody(status: int) -> None:
    found = Budgets()
    found.settle(spent(take(found)), header(b"Retry-After", 7, status), START_US)
    assert refused(take(found, CANCEL)) == START_US + 7_000_000
    refused(take(found, key=virtual_key(), at_us=START_US + 6_999_999))
    spent(take(found, at_us=START_US + 7_000_000))


@pytest.mark.parametrize(("status", "until_us"), [(429, START_US + MINUTE_US), (418, START_US + 120_000_000)])
def test_upstream_that_does_not_say_how_long(status: int, until_us: int) -> None:
    found = Budgets()
    found.settle(spent(take(found)), Answer(status=status, body=b"<html>"), START_US)
    assert refused(take(found)) == until_us


def test_ws_answers_say_in_their_error_how_long() -> None:
    found = Budgets()
    until_ms = START_US // 1000 + 4_321
    body = b'{"code":-1003,"msg":"Too much","data":{"serverTime":1,"retryAfter":%d}}' % until_ms
    found.settle(spent(take(found)), Answer(status=418, body=body), START_US)
    assert refused(take(found)) == until_ms * 1000


@pytest.mark.parametrize("value", ["-5", "soon", "", "9" * 40, str(10**14)])
def test_absurd_waits_are_bounded(value: str) -> None:
    found = Budgets()
    found.settle(spent(take(found)), header(b"retry-after", value, 429), START_US)
    assert START_US < refused(take(found)) <= START_US + budgets.HOLD_US_MAX


def test_too_many_orders_holds_back_the_accounts_orders_only() -> None:
    found, key = Budgets(), virtual_key()
    full = Answer(status=429, body=b'{"code":-1015,"msg":"Too many new orders"}')
    found.settle(spent(take(found, PLACE, key=key)), full, START_US)
    assert refused(take(found, PLACE, key=key)) == START_US + ORDERS_US
    spent(take(found, CANCEL, key=key))
    spent(take(found, PLACE, key=virtual_key(credential_id="cred-two")))
    spent(take(found, PLACE, key=key, at_us=START_US + ORDERS_US))


def test_no_limit_means_none() -> None:
    found = Budgets(BudgetRules(0, 0, 0, 0))
    for _ in range(1_000):
        spent(take(found))
