"""What becomes of keys: day 29 against day 30, with an IP list and without, used and unused."""

from datetime import UTC, datetime

import msgspec
import pytest

from watchword.credentials.key_life import Due, Ending, due, endings, next_ending
from watchword.credentials.key_record import KeyRecord, KeyTerms
from watchword.credentials.key_rules import DAY_US, rules_as_of
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import Network, Restrictions

START_US = 1_795_000_000_000_000
RULES = rules_as_of(START_US)
TRADER: frozenset[Permission] = frozenset(("READING", "SPOT_AND_MARGIN_TRADING"))
BOUND = Restrictions((Network(4, 1, 1, "0.0.0.1"),))


def record(terms: KeyTerms | None = None, **fields: int) -> KeyRecord:
    return msgspec.structs.replace(
        KeyRecord("k" * 64, 1, "HMAC", b"", terms or KeyTerms(), START_US), **fields
    )


def fates(key: KeyRecord, days: float) -> list[tuple[str, int]]:
    return [(one.ending.fate, one.days_left) for one in due(key, RULES, START_US + int(days * DAY_US))]


def test_reading_key_is_deleted_on_day_30_and_not_on_day_29() -> None:
    key = record()
    assert fates(key, 29) == [("deleted", 1)]
    assert due(key, RULES, START_US + 30 * DAY_US - 1) == (Due(Ending(START_US + 30 * DAY_US, "deleted"), 1),)
    assert fates(key, 30) == [("deleted", 0)]


def test_trading_key_loses_trading_on_day_30_and_not_on_day_29() -> None:
    key = record(KeyTerms(permissions=TRADER))
    assert fates(key, 29) == [("trading_lost", 1)]
    assert fates(key, 30) == [("trading_lost", 0)]


@pytest.mark.parametrize("permissions", [frozenset(("READING",)), TRADER])
def test_key_with_an_ip_list_is_left_alone(permissions: frozenset[Permission]) -> None:
    key = record(KeyTerms(permissions=permissions, restrictions=BOUND))
    assert fates(key, 29) == fates(key, 30) == fates(key, 3_000) == []


@pytest.mark.parametrize("permissions", [frozenset(("READING",)), TRADER])
def test_use_counts_the_days_anew(permissions: frozenset[Permission]) -> None:
    key = record(KeyTerms(permissions=permissions), last_used_us=START_US + 29 * DAY_US)
    assert fates(key, 30) == []
    assert fates(key, 58)[0][1] == 1
    assert fates(key, 59)[0][1] == 0


@pytest.mark.parametrize(
    ("days", "step"), [(22.99, None), (23, 7), (26.99, 7), (27, 3), (28.99, 3), (29, 1), (29.99, 1)]
)
def test_warnings_come_seven_three_and_one_day_before(days: float, step: int | None) -> None:
    assert fates(record(), days) == ([] if step is None else [("deleted", step)])


def test_idleness_counts_from_when_the_ip_list_went() -> None:
    key = record(idle_from_us=START_US + 100 * DAY_US)
    assert fates(key, 129)[0] == ("deleted", 1)
    assert fates(key, 130)[0] == ("deleted", 0)


def test_expiry_is_counted_down_and_comes() -> None:
    key = record(
        KeyTerms(restrictions=Restrictions(BOUND.networks, expires_us=START_US + 10 * DAY_US)),
    )
    assert fates(key, 2.99) == []
    assert fates(key, 3) == [("expired", 7)]
    assert fates(key, 9) == [("expired", 1)]
    assert fates(key, 10) == [("expired", 0)]


def test_expired_key_is_deleted_all_the_same() -> None:
    key = record(KeyTerms(restrictions=Restrictions(expires_us=START_US + DAY_US)))
    assert fates(key, 30) == [("expired", 0), ("deleted", 0)]
    ending = next_ending(key, RULES, START_US + 2 * DAY_US)
    assert ending is not None
    assert ending.fate == "deleted"


def test_rules_of_2021_count_from_the_grant_and_delete_nothing() -> None:
    rules = rules_as_of(int(datetime(2021, 8, 1, tzinfo=UTC).timestamp()) * 1_000_000)
    granted_us = START_US + 10 * DAY_US
    key = record(
        KeyTerms(permissions=TRADER), trading_since_us=granted_us, last_used_us=START_US + 39 * DAY_US
    )
    assert endings(key, rules) == (Ending(granted_us + 30 * DAY_US, "trading_lost"),)
    assert endings(record(), rules) == ()


def test_before_2021_nothing_ends_by_rule() -> None:
    assert endings(record(KeyTerms(permissions=TRADER)), rules_as_of(0)) == ()
    assert next_ending(record(), rules_as_of(0), START_US) is None
