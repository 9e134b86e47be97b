"""Which requests go where."""

import pytest

from watchword.binance.endpoints import ENDPOINTS
from watchword.binance.sapi_endpoints import SAPI_ENDPOINTS
from watchword.gateway.messages import Inbound, Refused
from watchword.gateway.routes import Route, place_of, route_named, route_of, unlisted_route
from watchword.policy.intent import Read, Unknown
from watchword.policy.reading import read_intent


def inbound(door: str, method: str, path: str, *, signed: bool = False, logged_on: bool = False) -> Inbound:
    return Inbound(
        door=door,  # type: ignore[arg-type]
        method=method,
        path=path,
        params={},
        ip="192.0.2.7",
        signature="s" if signed else None,
        logged_on=logged_on,
    )


def found(*args: str, **how: bool) -> Route:
    route = route_of(inbound(*args, **how))
    assert isinstance(route, Route), route
    return route


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_listed_operation_is_reached_by_its_doors(endpoint) -> None:  # type: ignore[no-untyped-def]
    if endpoint.path:
        assert found("rest", endpoint.http_method, endpoint.path) is route_named(endpoint.name)
    if endpoint.ws_method and not endpoint.ws_method.startswith("session."):
        assert found("ws", "", endpoint.ws_method) is route_named(endpoint.name)


def test_kinds() -> None:
    kinds = {
        endpoint.name: route_named(endpoint.name).kind
        for endpoint in ENDPOINTS
        if endpoint.security == "TRADE"
    }
    assert {name for name, kind in kinds.items() if kind == "cancel"} == {
        "order.cancel", "openOrders.cancelAll", "orderList.cancel",
    }  # fmt: skip
    assert {name for name, kind in kinds.items() if kind == "change"} == {"order.amend.keepPriority"}
    assert "read" not in kinds.values()


def test_unlisted_read_is_private_once_it_is_signed() -> None:
    assert found("rest", "GET", "/sapi/v1/new").security == "NONE"
    signed = found("rest", "GET", "/sapi/v1/new", signed=True)
    assert (signed.security, signed.name, signed.kind, signed.family) == (
        "USER_DATA", "GET /sapi/v1/new", "read", "sapi",
    )  # fmt: skip


def test_unlisted_change_is_one() -> None:
    for method in ("POST", "PUT", "DELETE"):
        route = found("rest", method, "/sapi/v1/new", signed=True)
        assert (route.kind, route.listed, route.name) == ("change", False, f"{method} /sapi/v1/new")


@pytest.mark.parametrize("path", ["/api/v3/account", "/api/v1/order", "/api/v3/userDataStream"])
def test_wrong_method_or_retired_route_is_harmless_only_unsigned(path: str) -> None:
    assert found("rest", "POST", path).security == "NONE"
    assert found("rest", "POST", path, signed=True).security == "USER_DATA"


def test_unlisted_ws_method() -> None:
    assert found("ws", "", "new.method").security == "NONE"
    for how in ({"signed": True}, {"logged_on": True}):
        route = found("ws", "", "new.method", **how)
        assert (route.security, route.kind) == ("USER_DATA", "change")


@pytest.mark.parametrize(
    "path",
    ["/api/v3/order/", "/api/v3/order ", "/api/v3/order\n", "/API/v3/order", "/api/v3/ord%65r", "/api/v3/./order",
     "/api/v3/order;x", "/api/" + "a" * 200, "http://x/api/v3/order", "/apix/v3/order", "/api/v3/örder", "*", ""],
)  # fmt: skip
def test_path_that_is_not_literally_one_of_binances(path: str) -> None:
    assert isinstance(route_of(inbound("rest", "GET", path, signed=True)), Refused)


def test_places() -> None:
    assert place_of("rest", "GET", "/x") == "GET /x"
    assert place_of("ws", "", "order.place") == "order.place"
    assert unlisted_route("GET /dapi/v1/x", "/dapi/v1/x").family == "dapi"
    assert unlisted_route("some.method", "some.method").kind == "change"


@pytest.mark.parametrize(
    "method",
    ["session.logon", "order.place", "userDataStream.subscribe", "userDataStream.subscribe.signature"],
)
def test_method_with_its_version_twice_is_served_nowhere(method: str) -> None:
    for signed, logged_on in ((False, False), (True, False), (False, True)):
        refused = route_of(inbound("ws", "", f"v3/{method}", signed=signed, logged_on=logged_on))
        assert isinstance(refused, Refused)
        assert refused.wire.http_status == 404


@pytest.mark.parametrize("endpoint", SAPI_ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_route_only_the_testnet_serves_by_name_is_unlisted_here(endpoint) -> None:  # type: ignore[no-untyped-def]
    route = found("rest", endpoint.http_method, endpoint.path, signed=True)
    assert (route.listed, route.name, route.security) == (False, endpoint.name, "USER_DATA")
    assert route.kind == ("read" if endpoint.http_method == "GET" else "change")
    # What changes something nobody parsed, withdrawals apart: those are read, and refused when they say nothing.
    intent = read_intent(endpoint.name, {})
    assert isinstance(intent, Read if endpoint.http_method == "GET" else Unknown)
