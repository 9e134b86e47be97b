"""Which way a request goes: an operation that is known, a read that is passed on, a change nobody parsed. Decides no more.

Paths are taken literally: one that a server could read as another path is served by nobody here.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from watchword.binance.endpoints import ENDPOINTS, Endpoint, Family, Security, classify, for_ws
from watchword.binance.errors import WireError
from watchword.binance.request import Params
from watchword.binance.weights import Weigh, flat
from watchword.gateway.messages import DoorKind, Inbound, Refused

#: What a request that changes nothing, takes orders away, places them, or does anything else.
Kind = Literal["read", "cancel", "place", "change"]

#: What a route nobody listed is taken to cost; the upstream's own count corrects it.
UNLISTED_WEIGHT: Final = 20
PATH_LENGTH_MAX: Final = 200
METHOD_NAME_LENGTH_MAX: Final = 64
SUBSCRIBE: Final = "userDataStream.subscribe"
SUBSCRIBE_SIGNED: Final = "userDataStream.subscribe.signature"
LOGON: Final = "session.logon"

_METHODS: Final = frozenset(("GET", "POST", "PUT", "DELETE"))
_PATH: Final = re.compile(r"/(api|sapi|fapi|dapi)(?:/[A-Za-z0-9_-]+)+", re.ASCII)
_WS_METHOD: Final = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)
_CANCELS: Final = frozenset(("order.cancel", "openOrders.cancelAll", "orderList.cancel"))
_TESTS: Final = frozenset(("order.test", "sor.order.test"))
#: The session is the door's own business: nothing of it goes upstream.
_OF_THE_DOOR: Final = frozenset((LOGON, "session.status", "session.logout", "session.subscriptions"))

NOWHERE: Final = Refused(WireError(-1002, "Watchword route: nothing is served here.", 404), "route")
NO_SUCH_METHOD: Final = Refused(WireError(-1002, "Watchword route: this method is not served.", 405), "route")
NOT_HERE: Final = Refused(
    WireError(-1002, "Watchword route: the session is not asked about this way.", 400), "route"
)
FUTURES_ARE_READ_ONLY: Final = Refused(
    WireError(
        -1002,
        "Watchword route: futures are read only here, since no policy knows what their operations change.",
        401,
    ),
    "route",
)


class Route(msgspec.Struct, frozen=True):
    """Where a request goes, and what it is.

    Attributes:
        name: Of the operation, as `policy.reading.read_intent` takes it.
        security: What the caller must prove.
        weigh: Request weight for given parameters.
        kind: What it does to orders, as far as its name tells.
        family: Which budget its weight is drawn from.
        unfilled_count: How many orders it may place.
        free_on_success: Its weight is charged only when it fails.
        listed: Whether it stands in `binance.endpoints`.
        ws_method: What it is called on the upstream's WebSocket API; empty where that is what the client called it.
    """

    name: str
    security: Security
    weigh: Weigh
    kind: Kind = "read"
    family: Family = "api"
    unfilled_count: int = 0
    free_on_success: bool = False
    listed: bool = True
    ws_method: str = ""


def route_of(inbound: Inbound) -> Route | Refused:
    """Find the route of a request.

    Args:
        inbound: Its door, method, path; and whether it is signed, since a read nobody listed is then private.

    Returns:
        The route, or why there is none.
    """
    return _rest_route(inbound) if inbound.door == "rest" else _ws_route(inbound)


def route_named(name: str) -> Route:
    """Find the route of a listed operation by its name.

    Raises:
        KeyError: There is none.
    """
    return _BY_NAME[name]


def unlisted_route(name: str, path: str) -> Route:
    """Make the route of an operation that is not listed: a read where its name says GET."""
    match = _PATH.fullmatch(path)
    family: Family = match[1] if match is not None else "api"  # type: ignore[assignment]  # see _rest_route
    return _unlisted(name, "USER_DATA", "read" if name.startswith("GET ") else "change", family)


def place_of(door: DoorKind, method: str, path: str) -> str:
    """Write where a request came in, or goes, as the trail shows it: method and path, or the WebSocket method."""
    return f"{method} {path}" if door == "rest" else path


def _rest_route(inbound: Inbound) -> Route | Refused:
    method, path = inbound.method, inbound.path
    found = classify(method, path)
    if type(found) is Endpoint:
        return _BY_NAME[found.name]
    match = _PATH.fullmatch(path) if len(path) <= PATH_LENGTH_MAX else None
    if match is None:
        return NOWHERE
    if method not in _METHODS:
        return NO_SUCH_METHOD
    family: Family = match[1]  # type: ignore[assignment]  # the pattern's alternatives are the families
    signed = inbound.signature is not None
    if method != "GET":
        if family in {"fapi", "dapi"}:
            return FUTURES_ARE_READ_ONLY
        # Retired routes and wrong methods do nothing upstream but answer so; without a signature they may go there.
        harmless = found != "NOT_FOUND" and not signed
        return _unlisted(f"{method} {path}", "NONE" if harmless else "USER_DATA", "change", family)
    return _unlisted(f"GET {path}", "USER_DATA" if signed else "NONE", "read", family)


def _ws_route(inbound: Inbound) -> Route | Refused:
    method = inbound.path
    if method in _OF_THE_DOOR:
        return NOT_HERE
    if "/" in method:
        # The door took `v3/` off. A second one would be another name for a method, `session.logon` among them, and a
        # session of the real key upstream would need no signature any more.
        return NOWHERE
    endpoint = for_ws(method)
    if endpoint is not None:
        return _BY_NAME[endpoint.name]
    if len(method) > METHOD_NAME_LENGTH_MAX or not _WS_METHOD.fullmatch(method):
        return NOWHERE
    proven = inbound.signature is not None or inbound.logged_on
    return _unlisted(method, "USER_DATA" if proven else "NONE", "change", "api")


def _unlisted(name: str, security: Security, kind: Kind, family: Family) -> Route:
    return Route(name, security, _UNLISTED, kind, family, listed=False)


def _weigh_unlisted(params: Params) -> int:  # noqa: ARG001 - a price is asked with the parameters
    return UNLISTED_WEIGHT


_UNLISTED: Final[Weigh] = _weigh_unlisted


def _kind(endpoint: Endpoint) -> Kind:
    if endpoint.name in _CANCELS:
        return "cancel"
    if endpoint.unfilled_count or endpoint.name in _TESTS:
        return "place"
    return "change" if endpoint.security == "TRADE" else "read"


def _listed(endpoint: Endpoint) -> Route:
    if endpoint.name == SUBSCRIBE:
        # On a logged-on session; upstream knows no session of ours, so it goes there signed.
        return Route(SUBSCRIBE_SIGNED, "USER_STREAM", flat(2), ws_method=SUBSCRIBE_SIGNED)
    return Route(
        endpoint.name,
        endpoint.security,
        endpoint.weigh,
        _kind(endpoint),
        endpoint.family,
        endpoint.unfilled_count,
        endpoint.free_on_success,
    )


_BY_NAME: Final[Mapping[str, Route]] = MappingProxyType({e.name: _listed(e) for e in ENDPOINTS})
