"""The /sapi table: names, weights, permissions; and that nothing in it hides or repeats another route."""

import pytest

from watchword.binance.endpoints import BY_NAME, ENDPOINTS, classify
from watchword.binance.sapi_endpoints import SAPI_BY_NAME, SAPI_ENDPOINTS, classify_sapi


def test_names_and_routes_are_unique_and_apart_from_the_other_table() -> None:
    assert len(SAPI_BY_NAME) == len(SAPI_ENDPOINTS)
    assert not SAPI_BY_NAME.keys() & BY_NAME.keys()
    routes = {(e.http_method, e.path) for e in SAPI_ENDPOINTS}
    assert not routes & {(e.http_method, e.path) for e in ENDPOINTS}
    for endpoint in SAPI_ENDPOINTS:
        assert endpoint.name == f"{endpoint.http_method} {endpoint.path}"
        assert (endpoint.family, endpoint.ws_method, endpoint.unfilled_count) == ("sapi", "", 0)
        assert endpoint.weight({}) or endpoint.uid_weight


def test_no_route_of_other_doors_has_a_permission_of_its_own() -> None:
    # The WebSocket API and the gateway go by the security type alone.
    assert [e.name for e in ENDPOINTS if e.permission is not None or e.uid_weight] == []


def test_every_route_is_found_by_the_second_look_only() -> None:
    for endpoint in SAPI_ENDPOINTS:
        first = classify(endpoint.http_method, endpoint.path)
        assert isinstance(first, str)
        assert classify_sapi(endpoint.http_method, endpoint.path, first) is endpoint


@pytest.mark.parametrize(
    ("method", "path", "otherwise", "expected"),
    [
        ("PATCH", "/sapi/v1/sub-account/list", "NOT_FOUND", "METHOD_NOT_ALLOWED"),
        ("GET", "/sapi/v1/sub-account/list/", "NOT_FOUND", "NOT_FOUND"),
        ("GET", "/sapi/v1/sub-account/lists", "NOT_FOUND", "NOT_FOUND"),
        ("get", "/sapi/v1/sub-account/list", "NOT_FOUND", "METHOD_NOT_ALLOWED"),
        ("GET /sapi/v1/sub-account", "list", "NOT_FOUND", "NOT_FOUND"),
        ("GET", "/api/v1/depth", "GONE", "GONE"),
        ("POST", "/api/v3/ping", "METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED"),
    ],
)
def test_route_that_is_not_there_keeps_its_reason(
    method: str, path: str, otherwise: str, expected: str
) -> None:
    assert classify_sapi(method, path, otherwise) == expected  # type: ignore[arg-type]  # one of the reasons


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        ("POST /sapi/v1/capital/withdraw/apply", "WITHDRAWALS"),
        ("POST /sapi/v1/asset/transfer", "UNIVERSAL_TRANSFER"),
        ("POST /sapi/v1/sub-account/universalTransfer", "INTERNAL_TRANSFER"),
        ("POST /sapi/v1/sub-account/subAccountApi", "SPOT_AND_MARGIN_TRADING"),
        ("GET /sapi/v1/sub-account/subAccountApi", None),
    ],
)
def test_permission_that_differs_from_the_security_type(name: str, permission: str | None) -> None:
    assert SAPI_BY_NAME[name].permission == permission


def test_no_change_is_open_to_a_key_that_only_reads() -> None:
    reads_by_post = {
        "POST /sapi/v1/asset/dust-btc",
        "POST /sapi/v1/asset/get-funding-asset",
        "POST /sapi/v3/asset/getUserAsset",
    }
    for endpoint in SAPI_ENDPOINTS:
        if endpoint.http_method != "GET" and endpoint.name not in reads_by_post:
            assert endpoint.permission or endpoint.security == "TRADE", endpoint.name
