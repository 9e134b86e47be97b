"""Every REST route and WebSocket API method: name, security type, weight. The table others route by; no handlers.

The /sapi routes that change something, and those beside them, stand in `sapi_endpoints`: only the testnet serves
them by name.

Source: rest-api.md, web-socket-api.md of binance-spot-api-docs; the official wallet and futures SDKs for /sapi,
/fapi and /dapi.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from watchword.binance import weights
from watchword.binance.enums import Permission
from watchword.binance.weights import Params, Weigh

Security = Literal["NONE", "TRADE", "USER_DATA", "USER_STREAM"]
#: Which budget of weights a route draws on: each /sapi route has its own, the futures routes have none here.
Family = Literal["api", "sapi", "fapi", "dapi"]
#: Why a request has no endpoint.
Unrouted = Literal["NOT_FOUND", "METHOD_NOT_ALLOWED", "GONE"]

WS_VERSION_PREFIX: Final = "v3/"


class Endpoint(msgspec.Struct, frozen=True):
    """One operation and the doors it can be reached by.

    Attributes:
        name: Key of the operation; the WebSocket API's method name where there is one.
        http_method: For example `GET`; empty where there is no REST route.
        path: For example `/api/v3/order`; empty where there is no REST route.
        ws_method: For example `order.place`; empty where there is no such method.
        security: What the caller must prove.
        weigh: Request weight for given parameters.
        unfilled_count: How much a successful call adds to the account's unfilled-order count.
        free_on_success: The weight is charged only when the call fails.
        family: Which budget the weight is drawn from.
        uid_weight: What a call takes from the account's own budget of this route, beside the address's.
        permission: What the key must be allowed to do where it is another thing than the security type says.
    """

    name: str
    http_method: str
    path: str
    ws_method: str
    security: Security
    weigh: Weigh
    unfilled_count: int = 0
    free_on_success: bool = False
    family: Family = "api"
    uid_weight: int = 0
    permission: Permission | None = None

    def weight(self, params: Params) -> int:
        """Return the request weight of a call with these parameters."""
        return self.weigh(params)


def _api(
    route: str, ws_method: str, security: Security, weight: int | Weigh, *, unfilled: int = 0, name: str = ""
) -> Endpoint:
    """An endpoint under /api/v3. `route` is `METHOD path`, or empty for a WebSocket-only method."""
    http_method, _, path = route.partition(" ")
    return Endpoint(
        name=name or ws_method,
        http_method=http_method,
        path=f"/api/v3/{path}" if path else "",
        ws_method=ws_method,
        security=security,
        weigh=weights.flat(weight) if isinstance(weight, int) else weight,
        unfilled_count=unfilled,
        free_on_success=security == "TRADE" and not ws_method.endswith(".test"),
    )


def _other(family: Family, path: str, security: Security, weight: int) -> Endpoint:
    """A GET route outside /api; its name is its path with dots."""
    name = path.strip("/").replace("/", ".")
    return Endpoint(name, "GET", path, "", security, weights.flat(weight), family=family)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    _api("GET ping", "ping", "NONE", 1),
    _api("GET time", "time", "NONE", 1),
    _api("GET exchangeInfo", "exchangeInfo", "NONE", 20),
    _api("GET depth", "depth", "NONE", weights.depth),
    _api("GET trades", "trades.recent", "NONE", 25),
    _api("GET historicalTrades", "trades.historical", "NONE", 25),
    _api("GET aggTrades", "trades.aggregate", "NONE", 4),
    _api("GET klines", "klines", "NONE", 2),
    _api("GET uiKlines", "uiKlines", "NONE", 2),
    _api("GET avgPrice", "avgPrice", "NONE", 2),
    _api("GET ticker/24hr", "ticker.24hr", "NONE", weights.ticker_24hr),
    _api("GET ticker/tradingDay", "ticker.tradingDay", "NONE", weights.ticker_window),
    _api("GET ticker/price", "ticker.price", "NONE", weights.one_or_many),
    _api("GET ticker/bookTicker", "ticker.book", "NONE", weights.one_or_many),
    _api("GET ticker", "ticker", "NONE", weights.ticker_window),
    _api("POST order", "order.place", "TRADE", 1, unfilled=1),
    _api("POST order/test", "order.test", "TRADE", weights.order_test),
    _api("GET order", "order.status", "USER_DATA", 4),
    _api("DELETE order", "order.cancel", "TRADE", 1),
    _api("POST order/cancelReplace", "order.cancelReplace", "TRADE", 1, unfilled=1),
    _api("PUT order/amend/keepPriority", "order.amend.keepPriority", "TRADE", 4),
    _api("GET openOrders", "openOrders.status", "USER_DATA", weights.open_orders),
    _api("DELETE openOrders", "openOrders.cancelAll", "TRADE", 1),
    _api("GET allOrders", "allOrders", "USER_DATA", 20),
    _api("POST order/oco", "orderList.place", "TRADE", 1, unfilled=2),
    _api("POST orderList/oco", "orderList.place.oco", "TRADE", 1, unfilled=2),
    _api("POST orderList/oto", "orderList.place.oto", "TRADE", 1, unfilled=2),
    _api("POST orderList/otoco", "orderList.place.otoco", "TRADE", 1, unfilled=3),
    _api("POST orderList/opo", "orderList.place.opo", "TRADE", 1, unfilled=2),
    _api("POST orderList/opoco", "orderList.place.opoco", "TRADE", 1, unfilled=3),
    _api("GET orderList", "orderList.status", "USER_DATA", 4),
    _api("DELETE orderList", "orderList.cancel", "TRADE", 1),
    _api("GET openOrderList", "openOrderLists.status", "USER_DATA", 6),
    _api("GET allOrderList", "allOrderLists", "USER_DATA", 20),
    _api("POST sor/order", "sor.order.place", "TRADE", 1, unfilled=1),
    _api("POST sor/order/test", "sor.order.test", "TRADE", weights.order_test),
    _api("GET account", "account.status", "USER_DATA", 20),
    _api("GET account/commission", "account.commission", "USER_DATA", 20),
    _api("GET rateLimit/order", "account.rateLimits.orders", "USER_DATA", 40),
    _api("GET myTrades", "myTrades", "USER_DATA", weights.my_trades),
    _api("GET myPreventedMatches", "myPreventedMatches", "USER_DATA", weights.prevented_matches),
    _api("GET myAllocations", "myAllocations", "USER_DATA", 20),
    _api("GET myFilters", "myFilters", "USER_DATA", 40),
    _api("GET order/amendments", "order.amendments", "USER_DATA", 4),
    # The session itself: the WebSocket API door answers these, they have no operation.
    _api("", "session.logon", "USER_STREAM", 2),
    _api("", "session.status", "NONE", 2),
    _api("", "session.logout", "NONE", 2),
    _api("", "session.subscriptions", "NONE", 2),
    _api("", "userDataStream.subscribe", "NONE", 2),
    _api("", "userDataStream.subscribe.signature", "USER_STREAM", 2),
    _api("", "userDataStream.unsubscribe", "NONE", 2),
    _other("sapi", "/sapi/v1/account/apiRestrictions", "USER_DATA", 1),
    _other("sapi", "/sapi/v1/account/apiTradingStatus", "USER_DATA", 1),
    _other("sapi", "/sapi/v1/account/status", "USER_DATA", 1),
    _other("sapi", "/sapi/v1/system/status", "NONE", 1),
    _other("sapi", "/sapi/v1/capital/config/getall", "USER_DATA", 10),
    _other("sapi", "/sapi/v1/margin/allPairs", "NONE", 1),
    _other("sapi", "/sapi/v1/margin/isolated/allPairs", "NONE", 10),
    _other("sapi", "/sapi/v1/asset/tradeFee", "USER_DATA", 1),
    _other("fapi", "/fapi/v1/exchangeInfo", "NONE", 1),
    _other("dapi", "/dapi/v1/exchangeInfo", "NONE", 1),
)

BY_NAME: Final[Mapping[str, Endpoint]] = MappingProxyType({e.name: e for e in ENDPOINTS})

_BY_ROUTE: Final = {(e.http_method, e.path): e for e in ENDPOINTS if e.path}
_BY_WS_METHOD: Final = {e.ws_method: e for e in ENDPOINTS if e.ws_method}
_PATHS: Final = frozenset(e.path for e in ENDPOINTS if e.path)

#: Removed on 2026-02-20 (listen keys) and 2026-03-25 (the whole first version of the spot API).
_RETIRED_PATHS: Final = frozenset(("/api/v3/userDataStream", "/api/v3/userDataStream/isolated"))
_RETIRED_PREFIX: Final = "/api/v1/"


def classify(http_method: str, path: str) -> Endpoint | Unrouted:
    """Find the endpoint of a REST request.

    Args:
        http_method: Upper case, as on the request line.
        path: Without the query string, percent-escapes untouched.

    Returns:
        The endpoint, or why there is none: unknown path (404), known path with another method (405), or a route
        Binance has retired (410).

    Source: CHANGELOG.md, 2026-02-20 and 2026-03-25.
    """
    found = _BY_ROUTE.get((http_method, path))
    if found is not None:
        return found
    if path in _PATHS:
        return "METHOD_NOT_ALLOWED"
    if path in _RETIRED_PATHS or path.startswith(_RETIRED_PREFIX):
        return "GONE"
    return "NOT_FOUND"


def for_ws(method: str) -> Endpoint | None:
    """Find the endpoint of a WebSocket API method, with or without the `v3/` prefix; None where there is none."""
    return _BY_WS_METHOD.get(method.removeprefix(WS_VERSION_PREFIX))
