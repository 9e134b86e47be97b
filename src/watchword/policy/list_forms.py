"""Order lists as groups of orders: OCO (today's and the deprecated one), OTO, OTOCO, OPO, OPOCO. Judges nothing.

The queries are built from tables, because a list's parameters are those of its legs behind a prefix.

Source: rest-api.md "New Order list - OCO", "- OTO", "- OTOCO", "- OPO", "- OPOCO", "New OCO - Deprecated".
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.oco_rules import check_pair
from watchword.binance.order_rules import TypeRule, build_rules
from watchword.binance.params import (
    ClientId,
    Decimal,
    Long,
    MaybeTif,
    OrderSide,
    RespType,
    StpChoice,
    StrategyType,
    Symbol,
    Text,
    Type,
)
from watchword.binance.weights import Params
from watchword.policy.intent import Order, Place, Unknown
from watchword.policy.order_forms import NO_PRICE_OF_ITS_OWN, check_leg

WORKING_TYPES: Final = frozenset(("LIMIT", "LIMIT_MAKER"))

_Field = tuple[str, Any] | tuple[str, Any, Any]
_SHARED: Final[tuple[_Field, ...]] = (
    ("symbol", Symbol),
    ("list_client_order_id", ClientId, ""),
    ("new_order_resp_type", RespType, None),
    ("self_trade_prevention_mode", StpChoice, None),
)
_LEG: Final[tuple[_Field, ...]] = (
    ("type", Type),
    ("client_order_id", ClientId, ""),
    ("price", Decimal, 0),
    ("stop_price", Decimal, 0),
    ("trailing_delta", Long, 0),
    ("iceberg_qty", Decimal, 0),
    ("time_in_force", MaybeTif, None),
    ("strategy_id", Long, 0),
    ("strategy_type", StrategyType, 0),
    ("peg_price_type", Text, ""),
    ("peg_offset_type", Text, ""),
    ("peg_offset_value", Text, ""),
)


class _Leg(msgspec.Struct, frozen=True):
    """Where one leg's parts are found in the query.

    Attributes:
        prefix: Of its parameters.
        side: Field with its side.
        quantity: Field with its quantity.
    """

    prefix: str
    side: str
    quantity: str


class _Shape(msgspec.Struct, frozen=True):
    """One kind of list: its form, and its legs by group."""

    form: Form[Any]
    groups: tuple[tuple[_Leg, ...], ...]


def _shape(groups: tuple[tuple[_Leg, ...], ...]) -> _Shape:
    fields: list[_Field] = list(_SHARED)
    legs = [leg for group in groups for leg in group]
    fields += [(f"{leg.prefix}_{name}", *rest) for leg in legs for name, *rest in _LEG]
    fields += [(name, OrderSide) for name in _ordered(leg.side for leg in legs)]
    fields += [(name, Decimal) for name in _ordered(leg.quantity for leg in legs)]
    query = msgspec.defstruct("ListQuery", fields, bases=(Query,), frozen=True, kw_only=True, gc=False)
    return _Shape(Form(query, "TRADE"), groups)


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


_WORKING: Final = _Leg("working", "working_side", "working_quantity")
_PENDING_PAIR: Final = ("pending_above", "pending_below")
_SHAPES: Final = {
    "orderList.place.oco": _shape(
        ((_Leg("above", "side", "quantity"), _Leg("below", "side", "quantity")),),
    ),
    "orderList.place.oto": _shape(((_WORKING,), (_Leg("pending", "pending_side", "pending_quantity"),))),
    "orderList.place.otoco": _shape(
        ((_WORKING,), tuple(_Leg(prefix, "pending_side", "pending_quantity") for prefix in _PENDING_PAIR))
    ),
    # The pending side sells (or spends) what the working order brings, so it is as large.
    "orderList.place.opo": _shape(((_WORKING,), (_Leg("pending", "pending_side", "working_quantity"),))),
    "orderList.place.opoco": _shape(
        ((_WORKING,), tuple(_Leg(prefix, "pending_side", "working_quantity") for prefix in _PENDING_PAIR))
    ),
}
LIST_ENDPOINTS: Final = frozenset((*_SHAPES, "orderList.place"))


def _camel(prefix: str, name: str) -> str:
    head, *rest = f"{prefix}_{name}".split("_")
    return head + "".join(part[0].upper() + part[1:] for part in rest)


_RULES: Final[dict[str, Any]] = {
    prefix: build_rules(lambda name, prefix=prefix: _camel(prefix, name), ("quantity", "quoteOrderQty"))  # type: ignore[misc]
    for prefix in ("above", "below", "working", "pending", *_PENDING_PAIR)
}


class OldOcoQuery(Query, frozen=True):
    """orderList.place, also POST order/oco."""

    symbol: Symbol
    side: OrderSide
    quantity: Decimal
    price: Decimal
    stop_price: Decimal
    list_client_order_id: ClientId = ""
    limit_client_order_id: ClientId = ""
    limit_strategy_id: Long = 0
    limit_strategy_type: StrategyType = 0
    limit_iceberg_qty: Decimal = 0
    trailing_delta: Long = 0
    stop_client_order_id: ClientId = ""
    stop_strategy_id: Long = 0
    stop_strategy_type: StrategyType = 0
    stop_limit_price: Decimal = 0
    stop_iceberg_qty: Decimal = 0
    stop_limit_time_in_force: MaybeTif = None
    new_order_resp_type: RespType = None
    self_trade_prevention_mode: StpChoice = None


_OLD_OCO: Final = Form(OldOcoQuery, "TRADE")
_ANY: Final = TypeRule((), None, frozenset())


def read_list(endpoint: str, params: Params) -> Place | Unknown:
    """Read a request that places an order list.

    Args:
        endpoint: One of LIST_ENDPOINTS.
        params: Every parameter, authentication included.

    Returns:
        The intent, or why it cannot be read.
    """
    if endpoint == "orderList.place":
        return _read_old_oco(endpoint, params)
    shape = _SHAPES[endpoint]
    query = shape.form.read(params)
    if isinstance(query, WireError):
        return Unknown(endpoint, query.text)
    groups: list[tuple[Order, ...]] = []
    for number, legs in enumerate(shape.groups):
        group: list[Order] = []
        for leg in legs:
            order = _read_leg(query, leg, params)
            if isinstance(order, str):
                return Unknown(endpoint, order)
            if len(shape.groups) > 1 and number == 0 and order.type not in WORKING_TYPES:
                return Unknown(endpoint, f"a working order is LIMIT or LIMIT_MAKER, not {order.type}")
            group.append(order)
        if len(group) == 2:
            refused = check_pair(group[0].side, group[0].type, group[1].type)
            if refused is not None:
                return Unknown(endpoint, refused.text)
        groups.append(tuple(group))
    return Place(endpoint, query.symbol, tuple(groups), list_client_order_id=query.list_client_order_id)


def _read_leg(query: Any, leg: _Leg, params: Params) -> Order | str:
    prefix = leg.prefix

    def field(name: str) -> Any:
        return getattr(query, f"{prefix}_{name}")

    if field("peg_price_type") or field("peg_offset_type") or field("peg_offset_value"):
        return NO_PRICE_OF_ITS_OWN
    order = Order(
        getattr(query, leg.side),
        field("type"),
        getattr(query, leg.quantity),
        field("time_in_force") or "GTC",
        0,
        field("price"),
        field("stop_price"),
        field("trailing_delta"),
        field("client_order_id"),
    )
    return check_leg(order, _RULES[prefix].get(order.type, _ANY), params)


def _read_old_oco(endpoint: str, params: Params) -> Place | Unknown:
    query = _OLD_OCO.read(params)
    if isinstance(query, WireError):
        return Unknown(endpoint, query.text)
    limit = Order(
        query.side,
        "LIMIT_MAKER",
        query.quantity,
        price=query.price,
        client_order_id=query.limit_client_order_id,
    )
    stop = Order(
        query.side,
        "STOP_LOSS_LIMIT" if query.stop_limit_price else "STOP_LOSS",
        query.quantity,
        query.stop_limit_time_in_force or "GTC",
        price=query.stop_limit_price,
        stop_price=query.stop_price,
        trailing_delta=query.trailing_delta,
        client_order_id=query.stop_client_order_id,
    )
    for order in (limit, stop):
        checked = check_leg(order, _ANY, params)
        if isinstance(checked, str):
            return Unknown(endpoint, checked)
    legs = (limit, stop) if query.side == "SELL" else (stop, limit)
    return Place(endpoint, query.symbol, (legs,), list_client_order_id=query.list_client_order_id)
