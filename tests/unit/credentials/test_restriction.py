import pytest

from watchword.credentials.restriction import (
    NETWORKS_COUNT_MAX,
    SYMBOLS_COUNT_MAX,
    BadRestriction,
    Restrictions,
    read_networks,
    read_symbols,
)


def restricted_to(*entries: str) -> Restrictions:
    networks = read_networks(entries)
    assert isinstance(networks, tuple), networks
    return Restrictions(networks)


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8", "::c000:207"]),
        ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0", "2001:db8::1"]),
        ("192.0.2.8/31", ["192.0.2.8", "192.0.2.9"], ["192.0.2.7", "192.0.2.10"]),
        ("2001:db8::7", ["2001:db8::7", "2001:DB8:0:0::7"], ["2001:db8::6", "192.0.2.7"]),
        (
            "2001:db8::/32",
            ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
            ["2001:db9::", "2001:db7::"],
        ),
        ("::ffff:192.0.2.7", ["192.0.2.7"], ["192.0.2.8"]),
        ("::ffff:192.0.2.0/120", ["192.0.2.0", "192.0.2.255"], ["192.0.3.0"]),
        ("::1", ["::1"], ["127.0.0.1", "::2"]),
    ],
)
def test_address_inside_is_allowed_and_outside_refused(
    entry: str, inside: list[str], outside: list[str]
) -> None:
    restrictions = restricted_to(entry)
    assert [ip for ip in inside if not restrictions.allows_address(ip)] == []
    assert [ip for ip in outside if restrictions.allows_address(ip)] == []


@pytest.mark.parametrize("ip", ["", "unknown", "192.0.2.7:443", "192.0.2.07", "testclient", "1.2.3", "\0"])
def test_unreadable_address_is_refused_by_any_list(ip: str) -> None:
    assert not restricted_to("192.0.2.0/24").allows_address(ip)
    assert Restrictions().allows_address(ip)


def test_address_with_one_bit_changed_is_refused() -> None:
    restrictions = restricted_to("192.0.2.7")
    number = int.from_bytes(bytes((192, 0, 2, 7)), "big")
    for bit in range(32):
        changed = ".".join(str(byte) for byte in (number ^ 1 << bit).to_bytes(4, "big"))
        assert not restrictions.allows_address(changed)


def test_several_entries_unite_and_lose_repetitions() -> None:
    networks = read_networks(["192.0.2.7, 2001:db8::/32", "192.0.2.7 192.0.2.7/32"])
    assert isinstance(networks, tuple)
    assert [str(network) for network in networks] == ["192.0.2.7", "2001:db8::/32"]
    restrictions = Restrictions(networks)
    assert restrictions.allows_address("192.0.2.7")
    assert restrictions.allows_address("2001:db8::1")


@pytest.mark.parametrize(
    ("entry", "fix"),
    [
        ("example.com", "write an address"),
        ("192.0.2.256", "write an address"),
        ("192.0.2.0/33", "write an address"),
        ("192.0.2.0/x", "write an address"),
        ("192.0.2.1/24", "192.0.2.0/24 or 192.0.2.1"),
        ("2001:db8::1/32", "2001:db8::/32 or 2001:db8::1"),
        ("::ffff:192.0.2.7/120", "::ffff:"),
        ("fe80::1%eth0", "without its zone"),
        ("fe80::%<b>/64", "without its zone"),
        ("0.0.0.0/0", "leave the IP list empty"),
        ("::/0", "leave the IP list empty"),
        ("::ffff:0.0.0.0/96", "leave the IP list empty"),
    ],
)
def test_entry_that_cannot_stand_is_refused_with_what_to_write(entry: str, fix: str) -> None:
    refusal = read_networks([entry])
    assert isinstance(refusal, BadRestriction)
    assert fix in str(refusal)


def test_list_longer_than_binance_takes_is_refused() -> None:
    entries = [f"192.0.2.{n}" for n in range(NETWORKS_COUNT_MAX + 1)]
    assert isinstance(read_networks(entries), BadRestriction)
    assert isinstance(read_networks(entries[:-1]), tuple)


def test_symbols_are_read_in_any_case_and_separated_in_any_way() -> None:
    assert read_symbols(["btcusdt,ethusdt", "BNBUSDT 这是测试币456"]) == {
        "BTCUSDT",
        "ETHUSDT",
        "BNBUSDT",
        "这是测试币456",
    }
    assert read_symbols([]) == frozenset()


@pytest.mark.parametrize("entry", ["BTC/USDT", "A" * 21, "BTC&", "'"])
def test_symbol_that_cannot_exist_is_refused(entry: str) -> None:
    assert isinstance(read_symbols([entry]), BadRestriction)


def test_symbol_list_is_bounded() -> None:
    assert isinstance(read_symbols([f"S{n}" for n in range(SYMBOLS_COUNT_MAX + 1)]), BadRestriction)


@pytest.mark.parametrize(
    ("expires_us", "now_us", "expired"), [(0, 1 << 60, False), (5, 4, False), (5, 5, True), (5, 6, True)]
)
def test_expiry_is_the_first_moment_of_refusal(expires_us: int, now_us: int, expired: bool) -> None:
    assert Restrictions(expires_us=expires_us).expired(now_us) is expired


@pytest.mark.parametrize("entry", ["", " ", ",", " , "])
def test_entry_with_nothing_in_it_is_no_way_to_have_no_list(entry: str) -> None:
    assert isinstance(read_networks(["192.0.2.7", entry]), BadRestriction)
    assert isinstance(read_networks([entry]), BadRestriction)
    assert isinstance(read_symbols([entry]), BadRestriction)
