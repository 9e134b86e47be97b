"""Names as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.gateway.certificate_names import NAMES_MAX, Names, read_names
from watchword.kernel.errors import ConfigurationError


def test_names_are_normalised() -> None:
    found = read_names(["Gateway.LAN.", "gateway.lan", "localhost"], ["::0001", "127.0.0.1", "::1"])
    assert found == Names(("gateway.lan", "localhost"), ("::1", "127.0.0.1"))


@pytest.mark.parametrize(
    "host", ["watchword_gateway_1", "xn--bcher-kva.example", "a" * 63 + ".b", "1a", "a.1b"]
)
def test_unusual_host_names_are_taken(host: str) -> None:
    assert read_names([host], []).hosts == (host,)


@pytest.mark.parametrize(
    "host",
    ["", ".", "*.lan", "*", "a b", "a..b", "-a", "a-", "a/b", "a:443", "bücher.example", "a" * 64, "a.\0b"],
)
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="not a host name"):
        read_names([host], [])


def test_address_given_as_a_name_is_told_where_it_belongs() -> None:
    with pytest.raises(ConfigurationError, match="--ip"):
        read_names(["192.168.1.5"], [])


@pytest.mark.parametrize("address", ["", "gateway.lan", "192.168.1.0/24", "1.2.3", "300.1.1.1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="not an IP address"):
        read_names(["localhost"], [address])


def test_number_of_names_is_bounded() -> None:
    assert len(read_names([f"h{number}" for number in range(NAMES_MAX)], []).hosts) == NAMES_MAX
    for hosts, addresses in (([f"h{number}" for number in range(NAMES_MAX)], ["::1"]), ([], ["::1"])):
        with pytest.raises(ConfigurationError, match=f"1 to {NAMES_MAX} names"):
            read_names(hosts, addresses)


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_a_plain_refusal(text: str) -> None:
    try:
        found = read_names([text], [])
    except ConfigurationError:
        return
    assert read_names(found.hosts, []) == found
