import pytest

from watchword.accounts.lockout import (
    ADDRESS_FAILURES_FREE,
    FORGET_PERSON_MS,
    PERSON_FAILURES_FREE,
    TALLIES_REMEMBERED_MAX,
    WAIT_FIRST_MS,
    WAIT_MS_MAX,
    Lockout,
    tallied_as,
)
from watchword.accounts.model import Person

NOW_US = 1_790_000_000_000_000
IP = "192.0.2.7"


def fail(lockout: Lockout, times: int, who: str = "p-ana", ip: str = IP, now_us: int = NOW_US) -> None:
    for _ in range(times):
        lockout.failed(who, ip, now_us)


def test_person_waits_from_the_fifth_failure_on() -> None:
    lockout = Lockout()
    fail(lockout, PERSON_FAILURES_FREE - 1)
    assert lockout.until_us("p-ana", IP, NOW_US) == 0
    fail(lockout, 1)
    assert lockout.until_us("p-ana", IP, NOW_US) == NOW_US + WAIT_FIRST_MS * 1_000


def test_wait_ends_on_time() -> None:
    lockout = Lockout()
    fail(lockout, PERSON_FAILURES_FREE)
    end_us = lockout.until_us("p-ana", IP, NOW_US)
    assert lockout.until_us("p-ana", IP, end_us - 1) == end_us
    assert lockout.until_us("p-ana", IP, end_us) == 0


def test_wait_doubles_and_is_bounded() -> None:
    lockout = Lockout()
    fail(lockout, PERSON_FAILURES_FREE - 1)
    waits_ms = [(lockout.failed("p-ana", "", NOW_US).person_until_us - NOW_US) // 1_000 for _ in range(60)]
    assert waits_ms[:3] == [WAIT_FIRST_MS, WAIT_FIRST_MS * 2, WAIT_FIRST_MS * 4]
    assert max(waits_ms) == waits_ms[-1] == WAIT_MS_MAX


def test_persons_failures_follow_them_to_other_addresses() -> None:
    lockout = Lockout()
    for at in range(PERSON_FAILURES_FREE):
        lockout.failed("p-ana", f"192.0.2.{at}", NOW_US)
    assert lockout.until_us("p-ana", "198.51.100.1", NOW_US) > NOW_US
    assert lockout.until_us("p-ben", "198.51.100.1", NOW_US) == 0


def test_address_that_tries_many_names_waits() -> None:
    lockout = Lockout()
    for at in range(ADDRESS_FAILURES_FREE - 1):
        lockout.failed(f"?{at}", IP, NOW_US)
    assert lockout.until_us("p-ana", IP, NOW_US) == 0
    lockout.failed("?more", IP, NOW_US)
    assert lockout.until_us("p-ana", IP, NOW_US) > NOW_US
    assert lockout.until_us("p-ana", "192.0.2.8", NOW_US) == 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("", "", True),
    ],
)
def test_addresses_of_one_network_are_one(first: str, second: str, *, same: bool) -> None:
    lockout = Lockout()
    for at in range(ADDRESS_FAILURES_FREE):
        lockout.failed(f"?{at}", first, NOW_US)
    assert (lockout.until_us("p-ana", second, NOW_US) > 0) is same


def test_success_forgets_the_person_and_not_the_address() -> None:
    lockout = Lockout()
    fail(lockout, ADDRESS_FAILURES_FREE)
    lockout.succeeded("p-ana")
    assert lockout.until_us("p-ana", "198.51.100.1", NOW_US) == 0
    assert lockout.until_us("p-ana", IP, NOW_US) > NOW_US


@pytest.mark.parametrize(("late_us", "locked"), [(0, True), (1, False)])
def test_count_starts_anew_after_a_quiet_day(late_us: int, *, locked: bool) -> None:
    lockout = Lockout()
    fail(lockout, PERSON_FAILURES_FREE - 1, ip="")
    later_us = NOW_US + FORGET_PERSON_MS * 1_000 + late_us
    assert (lockout.failed("p-ana", "", later_us).person_until_us > 0) is locked


def test_memory_is_bounded_and_invented_names_forget_nobody() -> None:
    lockout = Lockout()
    fail(lockout, PERSON_FAILURES_FREE)
    for at in range(TALLIES_REMEMBERED_MAX + 10):
        lockout.failed(tallied_as(None, f"name{at}"), f"10.{at >> 16}.{at >> 8 & 255}.{at & 255}", NOW_US)
    assert lockout.remembered() == 2 * TALLIES_REMEMBERED_MAX + 1
    assert lockout.until_us("p-ana", "", NOW_US) > NOW_US


def test_name_nobody_has_is_counted_without_being_kept() -> None:
    typed = "my-password-by-mistake"
    assert typed not in tallied_as(None, typed)
    assert tallied_as(None, "Typed ") == tallied_as(None, "typed")
    ana = Person(id="p-ana", name="ana", mail="ana@example.org", role="owner")
    assert tallied_as(ana, "ana") == tallied_as(ana, "ana@example.org") == "p-ana"
