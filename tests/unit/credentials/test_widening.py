"""What makes a key wider, and its twin that does not."""

import pytest

from watchword.credentials.key_record import KeyTerms
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.credentials.widening import widened

READ: frozenset[Permission] = frozenset(("READING",))
TRADE: frozenset[Permission] = frozenset(("READING", "SPOT_AND_MARGIN_TRADING"))


def terms(
    permissions: frozenset[Permission] = READ,
    ips: tuple[str, ...] = (),
    symbols: tuple[str, ...] = (),
    expires_us: int = 0,
    label: str = "",
) -> KeyTerms:
    networks = read_networks(ips)
    assert isinstance(networks, tuple)
    return KeyTerms(label, permissions, Restrictions(networks, frozenset(symbols), expires_us))


@pytest.mark.parametrize(
    ("narrow", "wide", "said"),
    [
        (terms(READ), terms(TRADE), "permission SPOT_AND_MARGIN_TRADING added"),
        (terms(ips=("10.0.0.1",)), terms(), "IP list removed"),
        (terms(ips=("10.0.0.1",)), terms(ips=("10.0.0.1", "10.0.0.2")), "address 10.0.0.2 added"),
        (terms(ips=("10.0.0.0/25",)), terms(ips=("10.0.0.0/24",)), "address 10.0.0.0/24 added"),
        (terms(ips=("10.0.0.1",)), terms(ips=("::a00:1",)), "address ::a00:1 added"),
        (terms(symbols=("BTCUSDT",)), terms(), "symbol list removed"),
        (terms(symbols=("BTCUSDT",)), terms(symbols=("BTCUSDT", "ETHUSDT")), "symbol ETHUSDT added"),
        (terms(expires_us=5), terms(), "expiry removed"),
        (terms(expires_us=5), terms(expires_us=6), "expiry later"),
    ],
)
def test_wider_terms_are_named_and_the_way_back_is_not(narrow: KeyTerms, wide: KeyTerms, said: str) -> None:
    assert widened(narrow, wide) == (said,)
    assert [text for text in widened(wide, narrow) if "address 10.0.0.1 " not in text] == []
    assert widened(narrow, narrow) == widened(wide, wide) == ()


def test_exchanged_symbol_and_address_are_new_ones() -> None:
    before = terms(ips=("10.0.0.1",), symbols=("BTCUSDT",))
    assert widened(before, terms(ips=("10.0.0.2",), symbols=("ETHUSDT",))) == (
        "address 10.0.0.2 added",
        "symbol ETHUSDT added",
    )


def test_label_alone_widens_nothing() -> None:
    assert widened(terms(label="a"), terms(label="b")) == ()
