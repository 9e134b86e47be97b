"""From an operation's name and its parameters, REST or WebSocket API alike, to a typed intent. Never judges it.

What is not understood to the last parameter becomes `Unknown`, which every policy denies.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from watchword.binance.endpoints import BY_NAME
from watchword.binance.errors import WireError
from watchword.binance.weights import Params
from watchword.policy.intent import Cancel, Intent, Place, Read, Reduce, Unknown, Withdraw
from watchword.policy.list_forms import LIST_ENDPOINTS, read_list
from watchword.policy.order_forms import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    CANCEL_LIST,
    PLACE,
    REPLACE,
    TEST,
    WITHDRAW,
    read_order,
)

WITHDRAW_ROUTE: Final = "POST /sapi/v1/capital/withdraw/apply"
NOT_TYPED: Final = "no policy knows what this operation changes"
#: Orders through the router name a plain LIMIT or MARKET.
SOR_TYPES: Final = frozenset(("LIMIT", "MARKET"))


def read_intent(name: str, params: Params) -> Intent:
    """Read what a request would change.

    Args:
        name: Name of the endpoint as in `binance.endpoints`; for a route that is not listed there, its method and
            path (`POST /sapi/v1/capital/withdraw/apply`); for a WebSocket API method, the method without `v3/`.
        params: Parameter name to decoded text. Numbers are texts on every door. `timestamp`, `signature`,
            `recvWindow`, `apiKey` may be among them.

    Returns:
        The intent. Anything that is not known to change nothing, and is not read whole, is `Unknown`.
    """
    reader = _READERS.get(name)
    if reader is not None:
        return reader(name, params)
    endpoint = BY_NAME.get(name)
    if endpoint is None:
        method, _, path = name.partition(" ")
        return Read(name, "USER_DATA") if method == "GET" and path else Unknown(name, NOT_TYPED)
    if endpoint.security == "TRADE":
        return Unknown(name, NOT_TYPED)
    return Read(name, endpoint.security)


def _place(name: str, params: Params) -> Intent:
    query = PLACE.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    order = read_order(query, params)
    return Unknown(name, order) if isinstance(order, str) else Place(name, query.symbol, ((order,),))


def _test(name: str, params: Params) -> Intent:
    query = TEST.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    order = read_order(query, params)
    return (
        Unknown(name, order) if isinstance(order, str) else Place(name, query.symbol, ((order,),), dry=True)
    )


def _sor(read: Callable[[str, Params], Intent]) -> Callable[[str, Params], Intent]:
    def reader(name: str, params: Params) -> Intent:
        intent = read(name, params)
        if isinstance(intent, Place):
            order = intent.orders[0]
            if order.type not in SOR_TYPES or order.quote_quantity:
                return Unknown(name, "the order router takes LIMIT and MARKET with a quantity")
        return intent

    return reader


def _replace(name: str, params: Params) -> Intent:
    query = REPLACE.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    if not query.cancel_order_id and not query.cancel_orig_client_order_id:
        return Unknown(name, "it does not say which order to cancel")
    order = read_order(query, params)
    if isinstance(order, str):
        return Unknown(name, order)
    cancels = Cancel(name, query.symbol, "order", query.cancel_order_id, query.cancel_orig_client_order_id)
    return Place(name, query.symbol, ((order,),), cancels)


def _cancel(name: str, params: Params) -> Intent:
    query = CANCEL.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    return Cancel(name, query.symbol, "order", query.order_id, query.orig_client_order_id)


def _cancel_all(name: str, params: Params) -> Intent:
    query = CANCEL_ALL.read(params)
    return Unknown(name, query.text) if isinstance(query, WireError) else Cancel(name, query.symbol, "symbol")


def _cancel_list(name: str, params: Params) -> Intent:
    query = CANCEL_LIST.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    return Cancel(name, query.symbol, "list", query.order_list_id, query.list_client_order_id)


def _amend(name: str, params: Params) -> Intent:
    query = AMEND.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    return Reduce(name, query.symbol, query.new_qty, query.order_id, query.orig_client_order_id)


def _withdraw(name: str, params: Params) -> Intent:
    query = WITHDRAW.read(params)
    if isinstance(query, WireError):
        return Unknown(name, query.text)
    return Withdraw(name, query.coin, query.network, query.address, query.address_tag, query.amount)


_READERS: Final[Mapping[str, Callable[[str, Params], Intent]]] = MappingProxyType(
    {
        "order.place": _place,
        "order.test": _test,
        "sor.order.place": _sor(_place),
        "sor.order.test": _sor(_test),
        "order.cancelReplace": _replace,
        "order.cancel": _cancel,
        "openOrders.cancelAll": _cancel_all,
        "orderList.cancel": _cancel_list,
        "order.amend.keepPriority": _amend,
        WITHDRAW_ROUTE: _withdraw,
        **dict.fromkeys(LIST_ENDPOINTS, read_list),
    }
)
