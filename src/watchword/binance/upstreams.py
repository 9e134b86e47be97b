"""The exchanges a credential can belong to, and their addresses. Never opens a connection.

Source: general API information of rest-api.md, web-socket-api.md and web-socket-streams.md, for Spot, the Spot Test
Network and Demo Mode.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

import msgspec

Upstream = Literal["live", "testnet", "demo", "local"]
UPSTREAMS: Final[tuple[Upstream, ...]] = get_args(Upstream)


class Addresses(msgspec.Struct, frozen=True):
    """Where one upstream listens.

    Attributes:
        rest: Scheme, host and perhaps port, without a path.
        ws_api: The whole URL of the WebSocket API.
        streams: Scheme, host and perhaps port of the market streams.
    """

    rest: str
    ws_api: str
    streams: str


#: `local` is where `watchword testnet serve` listens unless told otherwise.
ADDRESSES: Final[Mapping[Upstream, Addresses]] = MappingProxyType(
    {
        "live": Addresses(
            "https://api.binance.com",
            "wss://ws-api.binance.com:443/ws-api/v3",
            "wss://stream.binance.com:9443",
        ),
        "testnet": Addresses(
            "https://testnet.binance.vision",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
            "wss://stream.testnet.binance.vision",
        ),
        "demo": Addresses(
            "https://demo-api.binance.com",
            "wss://demo-ws-api.binance.com/ws-api/v3",
            "wss://demo-stream.binance.com",
        ),
        "local": Addresses("http://127.0.0.1:8702", "ws://127.0.0.1:8702/ws-api/v3", "ws://127.0.0.1:8702"),
    }
)
