"""The key rules: what may stand in a key's terms, and which rules held when."""

from datetime import UTC, datetime

import pytest
from tests.support.key_pairs import new_key_pair

from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.system import SystemEntropy
from watchword.credentials.key_directory import IssuedKey, KeyDirectory, KeyRefused, KeyTerms
from watchword.credentials.key_rules import DAY_US, RULES, in_force, judge_terms, rules_as_of
from watchword.credentials.model import new_hmac_secret
from watchword.credentials.restriction import Network, Restrictions, read_networks

NOW_US = 1_795_000_000_000_000
RULES_NOW = rules_as_of(NOW_US)


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def networks(count: int) -> tuple[Network, ...]:
    return tuple(Network(4, n, n, f"0.0.0.{n}") for n in range(1, count + 1))


def directory() -> KeyDirectory:
    return KeyDirectory(MemoryKeyStore(), SystemEntropy())


def refused(terms: KeyTerms) -> str:
    found = judge_terms(terms, RULES_NOW, NOW_US)
    assert found is not None
    return found.rule


def test_thirtieth_key_is_made_and_the_next_is_not() -> None:
    keys = directory()
    made = [keys.issue(1, "HMAC", b"", KeyTerms(), NOW_US) for _ in range(30)]
    assert all(isinstance(one, IssuedKey) for one in made)
    over = keys.issue(1, "HMAC", b"", KeyTerms(), NOW_US)
    assert isinstance(over, KeyRefused)
    assert over.rule == "keys_per_account_max"
    assert len(keys.records(1)) == 30
    # Another account has its own thirty, and a deleted key makes room.
    assert isinstance(keys.issue(2, "HMAC", b"", KeyTerms(), NOW_US), IssuedKey)
    keys.delete(made[0].record.api_key)  # type: ignore[union-attr]
    assert isinstance(keys.issue(1, "HMAC", b"", KeyTerms(), NOW_US), IssuedKey)


def test_thirtieth_address_is_taken_and_the_next_is_not() -> None:
    thirty = KeyTerms(restrictions=Restrictions(networks(30)))
    assert judge_terms(thirty, RULES_NOW, NOW_US) is None
    assert refused(KeyTerms(restrictions=Restrictions(networks(31)))) == "networks_count_max"


@pytest.mark.parametrize(
    ("entries", "allowed"),
    [
        (("0.0.0.0/1", "128.0.0.0/1"), False),
        (("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2", "192.0.2.7"), False),
        (("::/1", "8000::/1"), False),
        (("192.0.2.7", "::/1", "8000::/1"), False),
        (("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"), True),
        (("128.0.0.0/1", "::/1"), True),
        (("0.0.0.0/1", "8000::/1"), True),
    ],
)
def test_list_of_every_address_is_no_ip_list(entries: tuple[str, ...], allowed: bool) -> None:
    read = read_networks(entries)
    assert isinstance(read, tuple)
    found = judge_terms(KeyTerms(restrictions=Restrictions(read)), RULES_NOW, NOW_US)
    assert (found is None) is allowed, found


def test_thirtieth_symbol_is_taken_and_the_next_is_not() -> None:
    def terms(count: int) -> KeyTerms:
        return KeyTerms(restrictions=Restrictions(symbols=frozenset(f"S{n}" for n in range(count))))

    assert judge_terms(terms(30), RULES_NOW, NOW_US) is None
    assert refused(terms(31)) == "symbols_count_max"


def test_withdrawals_need_an_ip_list() -> None:
    free = KeyTerms(permissions=frozenset(("READING", "WITHDRAWALS")))
    bound = KeyTerms(permissions=free.permissions, restrictions=Restrictions(networks(1)))
    assert refused(free) == "withdrawals_need_networks"
    assert judge_terms(bound, RULES_NOW, NOW_US) is None


def test_ip_list_of_a_key_that_may_withdraw_cannot_be_removed() -> None:
    keys = directory()
    bound = KeyTerms(
        permissions=frozenset(("READING", "WITHDRAWALS")), restrictions=Restrictions(networks(1))
    )
    made = keys.issue(1, "HMAC", b"", bound, NOW_US)
    assert isinstance(made, IssuedKey)
    unbound = keys.edit(made.record.api_key, KeyTerms(permissions=bound.permissions), NOW_US)
    assert isinstance(unbound, KeyRefused)
    assert unbound.rule == "withdrawals_need_networks"
    kept = keys.record(made.record.api_key)
    assert kept is not None
    assert kept.terms == bound
    assert not isinstance(keys.edit(made.record.api_key, KeyTerms(), NOW_US), KeyRefused)


def test_expiry_of_this_moment_is_refused_and_a_later_one_is_not() -> None:
    assert judge_terms(KeyTerms(restrictions=Restrictions(expires_us=NOW_US)), RULES_NOW, NOW_US) is not None
    assert judge_terms(KeyTerms(restrictions=Restrictions(expires_us=NOW_US + 1)), RULES_NOW, NOW_US) is None


def test_secret_pasted_as_label_is_refused_and_not_repeated() -> None:
    secret = new_hmac_secret(SystemEntropy())
    found = judge_terms(KeyTerms(secret), RULES_NOW, NOW_US)
    assert found is not None
    assert secret not in found.reason
    assert judge_terms(KeyTerms("grid bot on server 7"), RULES_NOW, NOW_US) is None


def test_bare_private_key_pasted_as_label_is_refused() -> None:
    pem, _ = new_key_pair("ED25519")
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    assert len(body) <= 64
    assert judge_terms(KeyTerms(body), RULES_NOW, NOW_US) is not None


@pytest.mark.parametrize(
    ("date", "trading_days", "counts_from", "idle_days"),
    [
        ("2021-07-08", 0, "grant", 0),
        ("2021-07-09", 30, "grant", 0),
        ("2022-12-21", 30, "grant", 0),
        ("2022-12-22", 30, "use", 30),
        ("2026-11-21", 30, "use", 30),
    ],
)
def test_rules_are_those_of_the_day(date: str, trading_days: int, counts_from: str, idle_days: int) -> None:
    rules = rules_as_of(day(date))
    assert (rules.trading_days, rules.trading_counts_from, rules.idle_days) == (
        trading_days,
        counts_from,
        idle_days,
    )
    assert (rules.keys_per_account_max, rules.networks_count_max, rules.symbols_count_max) == (30, 30, 30)
    assert rules.withdrawals_need_networks is True
    assert rules.warning_days == (7, 3, 1)


def test_rule_begins_at_midnight_and_not_a_microsecond_before() -> None:
    begin_us = day("2022-12-22")
    assert rules_as_of(begin_us).idle_days == 30
    assert rules_as_of(begin_us - 1).idle_days == 0


def test_every_rule_has_a_source_and_those_in_force_are_the_latest() -> None:
    assert all(rule.source and rule.says for rule in RULES)
    chosen = {rule.name: rule.value for rule in in_force(NOW_US + 3_650 * DAY_US)}
    assert chosen["trading_counts_from"] == "use"
    assert len(in_force(NOW_US)) == len({rule.name for rule in RULES})
