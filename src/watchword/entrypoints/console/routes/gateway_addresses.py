"""Where bots reach the gateway of this home: what they are given in place of the exchange's addresses. Never asks the gateway."""

from typing import Final

import msgspec

from watchword.adapters.gateway_home import read_run
from watchword.entrypoints.console.problem import UNAVAILABLE, Problem
from watchword.entrypoints.console.route import Ask, Route


class GatewayAddresses(msgspec.Struct, frozen=True):
    """Where a running gateway listens.

    Attributes:
        rest: Base of REST, such as `http://127.0.0.1:8701`; paths are the exchange's.
        streams: Base of market and account streams.
        ws_api: Of the WebSocket API.
        upstream: The exchange behind it.
    """

    rest: str
    streams: str
    ws_api: str
    upstream: str


class _Doors(msgspec.Struct, frozen=True):
    """Its doors, as a gateway announces them."""

    rest: str
    streams: str
    ws_api: str


class _Announced(msgspec.Struct, frozen=True):
    """What a gateway that is ready wrote down."""

    gateway: _Doors
    upstream: str


async def show_gateway_addresses(ask: Ask[None, None]) -> GatewayAddresses | Problem:
    """Show where bots reach the gateway."""
    try:
        found = msgspec.convert(read_run(ask.console.settings.home), _Announced)
    except msgspec.ValidationError:
        return Problem(UNAVAILABLE, "the gateway is not running; start it with: watchword gateway serve")
    doors = found.gateway
    return GatewayAddresses(doors.rest, doors.streams, doors.ws_api, found.upstream)


ROUTES: Final = (
    Route(
        method="GET", path="/gateway/addresses", name="showGatewayAddresses", summary="Show where bots reach the gateway.",
        tag="gateway", action="virtual.read", handler=show_gateway_addresses, answer=GatewayAddresses,
    ),
)  # fmt: skip
