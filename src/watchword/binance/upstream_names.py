"""Every name and port under which clients reach an upstream: its addresses, and the other entry points it documents.

Never resolves a name. What is not listed here is not the upstream.

Source: rest-api.md and web-socket-streams.md, "General API Information" (api-gcp, api1 to api4, data-api, data-stream,
ports 443 and 9443); the testnet's and Demo Mode's copies of the same pages.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from watchword.binance.upstreams import ADDRESSES, Addresses, Upstream

EntryPoint = tuple[str, int]
TLS_PORT: Final = 443
STREAM_PORT: Final = 9443
_TLS_SCHEMES: Final = ("https", "wss")

_OTHERS: Final[Mapping[Upstream, tuple[EntryPoint, ...]]] = MappingProxyType(
    {
        "live": (
            *((f"api{label}.binance.com", TLS_PORT) for label in ("-gcp", "1", "2", "3", "4")),
            ("data-api.binance.vision", TLS_PORT),
            ("ws-api.binance.com", STREAM_PORT),
            ("stream.binance.com", TLS_PORT),
            ("data-stream.binance.vision", TLS_PORT),
            ("data-stream.binance.vision", STREAM_PORT),
        ),
        "testnet": (
            ("api1.testnet.binance.vision", TLS_PORT),
            ("ws-api.testnet.binance.vision", STREAM_PORT),
            ("stream.testnet.binance.vision", STREAM_PORT),
        ),
        "demo": (("demo-stream.binance.com", STREAM_PORT), ("demo-ws-api.binance.com", STREAM_PORT)),
        "local": (),
    }
)


def entry_points(upstream: Upstream) -> frozenset[EntryPoint]:
    """Say by which names and ports, TLS only, a client means this upstream.

    A client of the local testnet that cannot change its base URL speaks to the live names; behind the proxy they then
    lead to the local testnet, so that a bot is tried as it is.
    """
    if upstream == "local":
        return entry_points("live")
    return frozenset(_of(ADDRESSES[upstream])) | frozenset(_OTHERS[upstream])


def _of(addresses: Addresses) -> list[EntryPoint]:
    """Read the entry points out of all addresses; what is no TLS address has none."""
    found = []
    for field in addresses.__struct_fields__:
        parts = urlsplit(str(getattr(addresses, field)))
        if parts.scheme in _TLS_SCHEMES and parts.hostname:
            found.append((parts.hostname, parts.port or TLS_PORT))
    return found
