"""Fixed windows, bans that grow, unfilled-order counts: all by hand-moved time."""

import pytest

from watchword.binance.errors import WireError
from watchword.exchange.limits import (
    BAN_SECONDS,
    IGNORED_REFUSALS_MAX,
    OFFENCE_MEMORY_US,
    SECOND_US,
    Limits,
)

MINUTE_US = 60 * SECOND_US
#: A moment 10 s into a minute.
NOW_US = 1_700_000_000_000_000 // MINUTE_US * MINUTE_US + 10 * SECOND_US


def test_weight_over_the_limit_is_refused_until_the_minute_ends() -> None:
    limits = Limits()
    visitor = limits.visitor("10.0.0.1")
    assert limits.admit_request(visitor, 6_000, NOW_US) is None
    refused = limits.admit_request(visitor, 1, NOW_US)
    assert isinstance(refused, WireError)
    assert (refused.code, refused.http_status) == (-1003, 429)
    assert refused.text == (
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    assert refused.retry_after_us == NOW_US + 50 * SECOND_US
    assert limits.admit_request(visitor, 1, NOW_US + 50 * SECOND_US) is None
    assert limits.used_weight(visitor, NOW_US + 50 * SECOND_US) == 1


def test_weight_of_one_address_does_not_touch_another() -> None:
    limits = Limits()
    assert limits.admit_request(limits.visitor("a"), 6_001, NOW_US) is not None
    assert limits.admit_request(limits.visitor("b"), 1, NOW_US) is None


def test_used_weight_counts_refused_requests_and_forgets_at_the_minute() -> None:
    limits = Limits()
    visitor = limits.visitor("a")
    limits.admit_request(visitor, 5_999, NOW_US)
    limits.admit_request(visitor, 7, NOW_US)
    assert limits.used_weight(visitor, NOW_US) == 6_006
    assert limits.used_weight(visitor, NOW_US + MINUTE_US) == 0


def test_weight_given_back_in_the_same_minute_only() -> None:
    limits = Limits()
    visitor = limits.visitor("a")
    limits.admit_request(visitor, 5, NOW_US)
    limits.give_back(visitor, 3, NOW_US)
    assert limits.used_weight(visitor, NOW_US) == 2
    limits.admit_request(visitor, 5, NOW_US + MINUTE_US)
    limits.give_back(visitor, 3, NOW_US)
    assert limits.used_weight(visitor, NOW_US + MINUTE_US) == 5


def test_ignored_refusals_lead_to_bans_that_grow() -> None:
    limits = Limits()
    visitor = limits.visitor("a")
    now_us = NOW_US
    for seconds in (*BAN_SECONDS, BAN_SECONDS[-1]):
        assert limits.admit_request(visitor, 6_000, now_us) is None
        statuses = [
            _status(limits.admit_request(visitor, 1, now_us)) for _ in range(IGNORED_REFUSALS_MAX + 1)
        ]
        assert statuses == [429] * IGNORED_REFUSALS_MAX + [418]
        until_us = now_us + seconds * SECOND_US
        refused = limits.admit_request(visitor, 1, until_us - 1)
        assert isinstance(refused, WireError)
        assert refused.http_status == 418
        assert refused.retry_after_us == until_us
        assert f"IP banned until {until_us // 1000}." in refused.text
        now_us = until_us + MINUTE_US


def test_offences_are_forgotten_after_three_calm_days() -> None:
    limits = Limits()
    visitor = limits.visitor("a")
    _provoke_ban(limits, "a", NOW_US)
    later_us = visitor.banned_until_us + OFFENCE_MEMORY_US + MINUTE_US
    _provoke_ban(limits, "a", later_us)
    assert visitor.banned_until_us == later_us + BAN_SECONDS[0] * SECOND_US


def test_raw_requests_are_counted_beside_weight() -> None:
    limits = Limits(0.0001)
    visitor = limits.visitor("a")
    assert all(limits.admit_request(visitor, 0, NOW_US) is None for _ in range(30))
    assert limits.admit_request(visitor, 0, NOW_US) is not None


def test_limits_switched_off_count_and_never_refuse() -> None:
    limits = Limits(0)
    visitor = limits.visitor("a")
    assert all(limits.admit_request(visitor, 6_000, NOW_US) is None for _ in range(50))
    assert limits.used_weight(visitor, NOW_US) == 300_000
    assert all(limits.admit_orders(1, 50, NOW_US) is None for _ in range(5))
    assert all(limits.admit_connection(visitor, NOW_US) is None for _ in range(400))
    assert limits.order_counts(1, NOW_US)[0][1] == 250


def test_scale_multiplies_limits_and_their_texts() -> None:
    limits = Limits(0.5)
    refused = limits.admit_request(limits.visitor("a"), 3_001, NOW_US)
    assert isinstance(refused, WireError)
    assert "current limit is 3000 request weight" in refused.text


@pytest.mark.parametrize(("count", "text"), [(50, None), (51, "50 orders per 10 SECOND")])
def test_orders_in_ten_seconds_are_bounded(count: int, text: str | None) -> None:
    limits = Limits()
    answers = [limits.admit_orders(7, 1, NOW_US) for _ in range(count)]
    if text is None:
        assert answers == [None] * count
        return
    last = answers[-1]
    assert isinstance(last, WireError)
    assert (last.code, last.http_status) == (-1015, 429)
    assert last.text == f"Too many new orders; current limit is {text}."
    assert last.retry_after_us == NOW_US // (10 * SECOND_US) * 10 * SECOND_US + 10 * SECOND_US
    assert limits.admit_orders(7, 1, NOW_US + 10 * SECOND_US) is None


def test_refused_orders_do_not_count() -> None:
    limits = Limits()
    limits.admit_orders(7, 49, NOW_US)
    assert limits.admit_orders(7, 2, NOW_US) is not None
    assert [count for _, count in limits.order_counts(7, NOW_US)] == [49, 49]


def test_first_fills_lower_the_counts_to_zero_and_no_further() -> None:
    limits = Limits()
    limits.admit_orders(7, 3, NOW_US)
    limits.note_fill(7, 1, NOW_US)
    assert [count for _, count in limits.order_counts(7, NOW_US)] == [2, 2]
    limits.note_fill(7, 5, NOW_US)
    assert [count for _, count in limits.order_counts(7, NOW_US)] == [0, 0]


def test_day_count_outlives_the_ten_seconds() -> None:
    limits = Limits()
    limits.admit_orders(7, 3, NOW_US)
    limits.admit_orders(7, 2, NOW_US + 10 * SECOND_US)
    assert [count for _, count in limits.order_counts(7, NOW_US + 10 * SECOND_US)] == [2, 5]


def test_connections_are_bounded_in_five_minutes() -> None:
    limits = Limits()
    visitor = limits.visitor("a")
    assert all(limits.admit_connection(visitor, NOW_US) is None for _ in range(300))
    assert _status(limits.admit_connection(visitor, NOW_US)) == 429
    assert limits.admit_connection(visitor, NOW_US + 5 * MINUTE_US) is None


def test_sapi_routes_have_budgets_of_their_own() -> None:
    limits = Limits()
    used, refused = limits.admit_sapi("a", "/sapi/v1/x", 12_000, NOW_US)
    assert (used, refused) == (12_000, None)
    assert _status(limits.admit_sapi("a", "/sapi/v1/x", 1, NOW_US)[1]) == 429
    assert limits.admit_sapi("a", "/sapi/v1/y", 1, NOW_US) == (1, None)


def _provoke_ban(limits: Limits, ip: str, now_us: int) -> None:
    visitor = limits.visitor(ip)
    limits.admit_request(visitor, 6_001, now_us)
    while _status(limits.admit_request(visitor, 1, now_us)) != 418:
        pass


def _status(answer: WireError | None) -> int:
    return 200 if answer is None else answer.http_status


def test_sapi_budgets_of_addresses_and_accounts_are_apart_and_per_route() -> None:
    limits = Limits()
    assert limits.admit_sapi("a", "GET /x", 12_000, NOW_US) == (12_000, None)
    used, refused = limits.admit_sapi("a", "GET /x", 1, NOW_US)
    assert (used, refused.code if refused else 0) == (12_001, -1003)
    assert limits.admit_sapi("b", "GET /x", 1, NOW_US) == (1, None)
    assert limits.admit_sapi("a", "POST /x", 1, NOW_US) == (1, None)
    assert limits.admit_sapi("a", "GET /x", 1, NOW_US + MINUTE_US) == (1, None)
    assert limits.admit_sapi_account(7, "GET /x", 180_000, NOW_US) == (180_000, None)
    used, refused = limits.admit_sapi_account(7, "GET /x", 1, NOW_US)
    assert (used, refused.http_status if refused else 0) == (180_001, 429)
    assert limits.admit_sapi_account(8, "GET /x", 1, NOW_US) == (1, None)
    assert limits.admit_sapi_account(7, "GET /x", 1, NOW_US + MINUTE_US) == (1, None)
