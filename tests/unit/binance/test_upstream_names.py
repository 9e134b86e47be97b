"""The names of an upstream are all its addresses, and never another upstream's."""

from urllib.parse import urlsplit

import pytest

from watchword.binance.upstream_names import entry_points
from watchword.binance.upstreams import ADDRESSES, UPSTREAMS, Upstream


@pytest.mark.parametrize("upstream", [name for name in UPSTREAMS if name != "local"])
def test_every_address_of_an_upstream_is_one_of_its_names(upstream: Upstream) -> None:
    addresses = ADDRESSES[upstream]
    for field in addresses.__struct_fields__:
        parts = urlsplit(getattr(addresses, field))
        if parts.hostname:
            assert (parts.hostname, parts.port or 443) in entry_points(upstream), field


def test_upstreams_share_no_name() -> None:
    live, testnet, demo = (entry_points(name) for name in ("live", "testnet", "demo"))
    assert not live & testnet
    assert not live & demo
    assert not testnet & demo


def test_names_are_the_exchange_s() -> None:
    for upstream in UPSTREAMS:
        for host, port in entry_points(upstream):
            assert host.endswith((".binance.com", ".binance.vision", ".binancefuture.com"))
            assert host == "testnet.binance.vision" or host.partition(".")[0] not in {
                "www",
                "p2p",
                "accounts",
            }
            assert port in {443, 9443}


def test_local_testnet_is_meant_by_the_live_names() -> None:
    assert entry_points("local") == entry_points("live")
