"""Which requests have an endpoint, and what they weigh where parameters decide."""

import pytest

from watchword.binance.endpoints import BY_NAME, ENDPOINTS, classify, for_ws


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v3/nothing", "NOT_FOUND"),
        ("GET", "/", "NOT_FOUND"),
        ("GET", "/api/v3/ping/", "NOT_FOUND"),
        ("POST", "/api/v3/ping", "METHOD_NOT_ALLOWED"),
        ("PATCH", "/api/v3/order", "METHOD_NOT_ALLOWED"),
        ("POST", "/api/v3/userDataStream", "GONE"),
        ("PUT", "/api/v3/userDataStream", "GONE"),
        ("DELETE", "/api/v3/userDataStream", "GONE"),
        ("GET", "/api/v1/depth", "GONE"),
    ],
)
def test_classify_without_an_endpoint_says_why(method: str, path: str, expected: str) -> None:
    assert classify(method, path) == expected


def test_for_ws_of_retired_and_unknown_methods_is_none() -> None:
    for method in (
        "userDataStream.start",
        "userDataStream.ping",
        "userDataStream.stop",
        "",
        "v3/",
        "V3/ping",
        "v3/v3/ping",
    ):
        assert for_ws(method) is None


def test_names_routes_and_methods_are_unique() -> None:
    assert len(BY_NAME) == len(ENDPOINTS)
    routes = [(e.http_method, e.path) for e in ENDPOINTS if e.path]
    methods = [e.ws_method for e in ENDPOINTS if e.ws_method]
    assert len(set(routes)) == len(routes)
    assert len(set(methods)) == len(methods)


def test_only_trade_calls_that_reach_the_engine_are_free_on_success_and_counted() -> None:
    for endpoint in ENDPOINTS:
        if endpoint.free_on_success or endpoint.unfilled_count:
            assert endpoint.security == "TRADE"
    counted = {e.name: e.unfilled_count for e in ENDPOINTS if e.unfilled_count}
    assert counted["order.place"] == counted["order.cancelReplace"] == 1
    assert counted["orderList.place"] == counted["orderList.place.oco"] == 2
    assert not BY_NAME["order.test"].free_on_success


@pytest.mark.parametrize(
    ("name", "params", "weight"),
    [
        ("depth", {"limit": "100"}, 5),
        ("depth", {"limit": "101"}, 25),
        ("depth", {"limit": "501"}, 50),
        ("depth", {"limit": "1001"}, 250),
        ("depth", {"limit": "9" * 30}, 5),
        ("depth", {"limit": "x"}, 5),
        ("ticker.24hr", {"symbols": '["A"]'}, 2),
        ("ticker.24hr", {"symbols": str([str(n) for n in range(21)]).replace("'", '"')}, 40),
        ("ticker.24hr", {"symbols": str([str(n) for n in range(101)]).replace("'", '"')}, 80),
        ("ticker.24hr", {"symbols": "["}, 2),
        ("ticker", {"symbols": str([str(n) for n in range(51)]).replace("'", '"')}, 200),
        ("ticker", {}, 4),
        ("openOrders.status", {"symbol": "A"}, 6),
        ("openOrders.status", {}, 80),
        ("order.test", {"computeCommissionRates": "false"}, 1),
    ],
)
def test_weight_follows_the_parameters(name: str, params: dict[str, str], weight: int) -> None:
    assert BY_NAME[name].weight(params) == weight
