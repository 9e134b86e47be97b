"""The exchanges a credential can belong to, and their addresses. Never opens a connection.

Source: general API information of rest-api.md, web-socket-api.md and web-socket-streams.md, for Spot, the Spot Test
Network and Demo Mode; the official futures SDKs for the hosts of /fapi and /dapi.
"""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from watchword.kernel.errors import ConfigurationError

Upstream = Literal["live", "testnet", "demo", "local"]
UPSTREAMS: Final[tuple[Upstream, ...]] = get_args(Upstream)


class Addresses(msgspec.Struct, frozen=True):
    """Where one upstream listens.

    Attributes:
        rest: Scheme, host and perhaps port, without a path.
        ws_api: The whole URL of the WebSocket API.
        streams: Scheme, host and perhaps port of the market streams.
        fapi: Where /fapi is served; empty where `rest` does it.
        dapi: Where /dapi is served; empty where `rest` does it.
    """

    rest: str
    ws_api: str
    streams: str
    fapi: str = ""
    dapi: str = ""


#: `local` is where `watchword testnet serve` listens unless told otherwise.
ADDRESSES: Final[Mapping[Upstream, Addresses]] = MappingProxyType(
    {
        "live": Addresses(
            "https://api.binance.com",
            "wss://ws-api.binance.com:443/ws-api/v3",
            "wss://stream.binance.com:9443",
            "https://fapi.binance.com",
            "https://dapi.binance.com",
        ),
        "testnet": Addresses(
            "https://testnet.binance.vision",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
            "wss://stream.testnet.binance.vision",
            "https://testnet.binancefuture.com",
            "https://testnet.binancefuture.com",
        ),
        "demo": Addresses(
            "https://demo-api.binance.com",
            "wss://demo-ws-api.binance.com/ws-api/v3",
            "wss://demo-stream.binance.com",
            "https://demo-fapi.binance.com",
            "https://demo-dapi.binance.com",
        ),
        "local": Addresses("http://127.0.0.1:8702", "ws://127.0.0.1:8702/ws-api/v3", "ws://127.0.0.1:8702"),
    }
)

#: Every path Binance has is one of these: from the root, no dot segments, no escapes, nothing a proxy could read anew.
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)+/?", re.ASCII)
_WS_API_PATH: Final = "/ws-api/v3"
_SECURE: Final = MappingProxyType({"http": "ws", "https": "wss"})


def base_for(addresses: Addresses, path: str) -> str | None:
    """Find the host that serves a REST path.

    Args:
        addresses: Of the one upstream this process talks to.
        path: Of the request, without the query string.

    Returns:
        Scheme, host and port; None where the path could be read as something else on its way (`//host`, `..`, spaces).
    """
    if _PATH.fullmatch(path) is None:
        return None
    if path.startswith("/fapi/"):
        return addresses.fapi or addresses.rest
    if path.startswith("/dapi/"):
        return addresses.dapi or addresses.rest
    return addresses.rest


def local_addresses(rest: str) -> Addresses:
    """Make the addresses of a testnet of one's own; it serves everything on one port.

    Args:
        rest: Scheme, host and perhaps port; `http` only on this machine.

    Raises:
        ConfigurationError: It is no such address.
    """
    try:
        address = urlsplit(rest)
        host, port = address.hostname or "", address.port
    except ValueError as error:
        raise ConfigurationError(f"{rest!r} is not an address") from error
    shown = f"[{host}]" if ":" in host else host
    plain = f"{shown}:{port}" if port is not None else shown
    if (
        not host
        or address.scheme not in _SECURE
        or address.netloc.lower() != plain
        or _rest_of(rest, address.netloc)
    ):
        raise ConfigurationError(f"{rest!r} is not the address of an exchange")
    if address.scheme == "http" and not _on_this_machine(host):
        raise ConfigurationError(f"{rest!r}: without TLS only an exchange on this machine is talked to")
    streams = f"{_SECURE[address.scheme]}://{plain}"
    return Addresses(f"{address.scheme}://{plain}", streams + _WS_API_PATH, streams)


def _rest_of(text: str, netloc: str) -> str:
    """What follows the host, but for one closing slash."""
    tail = text.partition("://")[2][len(netloc) :]
    return "" if tail == "/" else tail


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
