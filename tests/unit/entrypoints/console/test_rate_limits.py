"""Rate limits: a burst, then a pace; classes and callers apart; bounded memory."""

import pytest

from watchword.entrypoints.console.rate_limits import LIMITS, SECOND_US, RateLimits, address_key

NOW_US = 1_800_000_000_000_000


def test_burst_passes_and_one_more_waits() -> None:
    limits, limit = RateLimits(), LIMITS["write"]
    waits = [limits.admit("write", "ann", NOW_US) for _ in range(limit.burst + 1)]
    assert waits[:-1] == [0] * limit.burst
    assert waits[-1] > 0
    assert limits.admit("write", "ann", NOW_US + waits[-1] * SECOND_US) == 0


def test_pace_is_what_the_class_says() -> None:
    limits, limit = RateLimits(), LIMITS["heavy"]
    for _ in range(limit.burst):
        limits.admit("heavy", "ann", NOW_US)
    passed = sum(limits.admit("heavy", "ann", NOW_US + second * SECOND_US) == 0 for second in range(1, 601))
    assert passed == pytest.approx(limit.per_minute * 10, abs=1)


def test_refused_calls_do_not_prolong_the_wait() -> None:
    limits = RateLimits()
    for _ in range(LIMITS["sign_in"].burst):
        limits.admit("sign_in", "ann", NOW_US)
    wait_s = limits.admit("sign_in", "ann", NOW_US)
    for _ in range(1_000):
        limits.admit("sign_in", "ann", NOW_US)
    assert limits.admit("sign_in", "ann", NOW_US + wait_s * SECOND_US) == 0


def test_callers_and_classes_are_counted_apart() -> None:
    limits = RateLimits()
    for _ in range(LIMITS["sign_in"].burst):
        limits.admit("sign_in", "ann", NOW_US)
    assert limits.admit("sign_in", "ann", NOW_US) > 0
    assert limits.admit("sign_in", "bob", NOW_US) == 0
    assert limits.admit("write", "ann", NOW_US) == 0


def test_memory_is_bounded() -> None:
    limits = RateLimits(callers_max=100)
    for number in range(1_000):
        limits.admit("read", str(number), NOW_US)
    assert len(limits) == 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("nonsense", "", True),
    ],
)
def test_addresses_of_one_network_count_together(one: str, other: str, same: bool) -> None:
    assert (address_key(one) == address_key(other)) is same
