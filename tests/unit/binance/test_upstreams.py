"""Where a request may go: the upstream's own hosts, by path, and nowhere else."""

import pytest

from watchword.binance.upstreams import ADDRESSES, UPSTREAMS, base_for, local_addresses
from watchword.kernel.errors import ConfigurationError

LIVE = ADDRESSES["live"]


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/api/v3/order", "https://api.binance.com"),
        ("/sapi/v1/account/status", "https://api.binance.com"),
        ("/fapi/v1/exchangeInfo", "https://fapi.binance.com"),
        ("/dapi/v1/exchangeInfo", "https://dapi.binance.com"),
        ("/api/v3/order/", "https://api.binance.com"),
        ("/fapix/v1/exchangeInfo", "https://api.binance.com"),
    ],
)
def test_host_follows_the_path(path: str, base: str) -> None:
    assert base_for(LIVE, path) == base


@pytest.mark.parametrize(
    "path",
    ["", "/", "api/v3/order", "//evil.example/api", "/api/../sapi/v1/x", "/api/./x", "/api/..", "/api/%2e%2e/x",
     "@evil.example/", "/api/v3/order?x=1", "/api#x", "/api x", "/api\r\nHost: x", "/api\\x", "/api/\u0661", "/api\n",
     "https://evil.example/api"],
)  # fmt: skip
def test_path_that_could_be_read_anew_has_no_host(path: str) -> None:
    assert base_for(LIVE, path) is None


def test_local_upstream_serves_futures_itself() -> None:
    local = local_addresses("http://127.0.0.1:4567")
    assert base_for(local, "/fapi/v1/exchangeInfo") == "http://127.0.0.1:4567"
    assert local.ws_api == "ws://127.0.0.1:4567/ws-api/v3"
    assert local.streams == "ws://127.0.0.1:4567"
    assert local_addresses("http://127.0.0.1:8702/") == ADDRESSES["local"]


@pytest.mark.parametrize("upstream", [name for name in UPSTREAMS if name != "local"])
def test_upstreams_elsewhere_are_reached_by_tls_only(upstream: str) -> None:
    addresses = ADDRESSES[upstream]  # type: ignore[index]  # a parameter's type is not that narrow
    assert all(each.startswith("https://") for each in (addresses.rest, addresses.fapi, addresses.dapi))
    assert addresses.ws_api.startswith("wss://")
    assert addresses.streams.startswith("wss://")


@pytest.mark.parametrize(
    "address",
    ["http://exchange.example", "http://10.0.0.1:8702", "ftp://127.0.0.1", "127.0.0.1:8702", "http://", "https://",
     "http://127.0.0.1:8702/api", "http://127.0.0.1?x", "http://127.0.0.1#x", "http://u:p@127.0.0.1",
     "http://127.0.0.1:99999", "http://127.0.0.1:x", "", "http://127.0.0.1@evil.example"],
)  # fmt: skip
def test_local_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        local_addresses(address)


def test_local_address_behind_tls_may_be_anywhere() -> None:
    assert local_addresses("https://exchange.example:444").ws_api == "wss://exchange.example:444/ws-api/v3"
    assert local_addresses("http://[::1]:5").rest == "http://[::1]:5"
