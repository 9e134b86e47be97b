"""What becomes of a key does not depend on how often one looks; widening and its way back agree."""

from hypothesis import given
from hypothesis import strategies as st

from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.system import SystemEntropy
from watchword.credentials.key_directory import IssuedKey, KeyDirectory
from watchword.credentials.key_record import KeyTerms
from watchword.credentials.key_rules import DAY_US, TRADING
from watchword.credentials.key_sweep import KeySweep
from watchword.credentials.permission import PERMISSIONS
from watchword.credentials.restriction import Network, Restrictions
from watchword.credentials.widening import widened

START_US = 1_795_000_000_000_000
HOUR_US = DAY_US // 24

_permissions = st.sets(st.sampled_from(PERMISSIONS)).map(frozenset)
_network = st.builds(
    lambda first, size: Network(4, first, first + size, f"{first}+{size}"),
    st.integers(1, 6),
    st.integers(0, 3),
)
_terms = st.builds(
    lambda permissions, networks, symbols, days: KeyTerms(
        "", permissions, Restrictions(tuple(networks), frozenset(symbols), days and START_US + days * DAY_US)
    ),
    _permissions,
    st.lists(_network, max_size=2),
    st.sets(st.sampled_from(("BTCUSDT", "ETHUSDT", "BNBUSDT"))),
    st.integers(0, 90),
)


def end_state(terms: KeyTerms, looks_us: list[int]) -> object:
    """Make a key, look at these moments, and say what is left of it."""
    keys = KeyDirectory(MemoryKeyStore(), SystemEntropy())
    made = keys.issue(1, "HMAC", b"", terms, START_US)
    assert isinstance(made, IssuedKey)
    sweep = KeySweep(keys)
    for now_us in looks_us:
        while sweep.turn(now_us):
            pass
    record = keys.record(made.record.api_key)
    return record and (record.terms, record.idle_from_us)


@given(_terms, st.integers(0, 100 * 24), st.lists(st.integers(0, 100 * 24), max_size=20))
def test_looking_often_and_once_come_to_the_same(terms: KeyTerms, hours: int, looks: list[int]) -> None:
    if "WITHDRAWALS" in terms.permissions and not terms.restrictions.networks:
        return
    last_us = START_US + hours * HOUR_US
    often = sorted(START_US + look * HOUR_US for look in looks if look <= hours)
    assert end_state(terms, [*often, last_us]) == end_state(terms, [last_us])
    if terms.restrictions.networks or hours < 30 * 24:
        assert end_state(terms, [last_us]) == (terms, 0)
    elif hours >= 60 * 24 or not terms.permissions & TRADING:
        assert end_state(terms, [last_us]) is None


@given(_terms, _terms)
def test_terms_that_differ_are_wider_one_way_or_the_other(one: KeyTerms, other: KeyTerms) -> None:
    assert widened(one, one) == ()
    if not widened(one, other) and not widened(other, one):
        spans = [
            {number for net in terms.restrictions.networks for number in range(net.first, net.last + 1)}
            for terms in (one, other)
        ]
        assert one.permissions == other.permissions
        assert one.restrictions.symbols == other.restrictions.symbols
        assert one.restrictions.expires_us == other.restrictions.expires_us
        assert spans[0] == spans[1]


@given(_terms, _terms)
def test_what_is_not_wider_allows_no_new_address(before: KeyTerms, after: KeyTerms) -> None:
    if widened(before, after):
        return
    for number in range(1, 12):
        address = f"0.0.0.{number}"
        if after.restrictions.allows_address(address):
            assert before.restrictions.allows_address(address)
