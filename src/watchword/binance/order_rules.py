"""Which parameters each order type needs and which it must not carry. Pure tables and the checks over them.

Source: rest-api.md "New order", additional mandatory parameters; errors.md -1102, -1106.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from watchword.binance.enums import OrderType
from watchword.binance.errors import WireError, either_missing, missing, not_required


class TypeRule(msgspec.Struct, frozen=True):
    """One order type's parameters by wire name.

    Attributes:
        mandatory: All must be sent.
        either: One of the two must be sent; None where there is no such pair.
        forbidden: None may be sent.
    """

    mandatory: tuple[str, ...]
    either: tuple[str, str] | None
    forbidden: frozenset[str]


_TIF: Final = "timeInForce"
_STOP: Final = ("stopPrice", "trailingDelta")

_SHAPES: Final[dict[OrderType, tuple[tuple[str, ...], tuple[str, str] | None, tuple[str, ...]]]] = {
    "LIMIT": ((_TIF, "quantity", "price"), None, ("quoteOrderQty", *_STOP)),
    "LIMIT_MAKER": (("quantity", "price"), None, ("quoteOrderQty", _TIF, *_STOP)),
    "MARKET": ((), ("quantity", "quoteOrderQty"), (_TIF, "price", "icebergQty", *_STOP)),
    "STOP_LOSS": (("quantity",), _STOP, ("quoteOrderQty", _TIF, "price", "icebergQty")),
    "STOP_LOSS_LIMIT": ((_TIF, "quantity", "price"), _STOP, ("quoteOrderQty",)),
    "TAKE_PROFIT": (("quantity",), _STOP, ("quoteOrderQty", _TIF, "price", "icebergQty")),
    "TAKE_PROFIT_LIMIT": ((_TIF, "quantity", "price"), _STOP, ("quoteOrderQty",)),
}


def build_rules(
    rename: Callable[[str], str] = lambda name: name, shared: Iterable[str] = ()
) -> Mapping[str, TypeRule]:
    """Make the table for a request whose parameters carry a prefix.

    Args:
        rename: From a name of `POST /api/v3/order` to the request's own, for example `price` to `abovePrice`.
        shared: Names left out because the request has them once for all its orders.
    """
    left_out = frozenset(shared)

    def names(plain: Iterable[str]) -> tuple[str, ...]:
        return tuple(rename(name) for name in plain if name not in left_out)

    return {
        order_type: TypeRule(
            names(mandatory),
            (rename(either[0]), rename(either[1])) if either else None,
            frozenset(names(forbidden)),
        )
        for order_type, (mandatory, either, forbidden) in _SHAPES.items()
    }


ORDER_RULES: Final = build_rules()


def check_presence(rule: TypeRule, params: Mapping[str, str]) -> WireError | None:
    """Refuse missing and superfluous parameters.

    Args:
        rule: Of the order's type.
        params: What was sent.

    Returns:
        -1102 for the first missing one, else -1106 for the first superfluous one, else None.
    """
    for name in rule.mandatory:
        if name not in params:
            return missing(name)
    if rule.either is not None and rule.either[0] not in params and rule.either[1] not in params:
        return either_missing(*rule.either)
    if not rule.forbidden.isdisjoint(params):
        return not_required(next(name for name in params if name in rule.forbidden))
    if rule.either == ("quantity", "quoteOrderQty") and "quantity" in params and "quoteOrderQty" in params:
        return not_required("quoteOrderQty")
    return None


#: Texts of orders a symbol does not take. Source: errors.md, "Messages for -1010 …".
_UNSUPPORTED: Final[dict[str, str]] = {
    "LIMIT": "Limit",
    "LIMIT_MAKER": "Limit maker",
    "MARKET": "Market",
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
}


def unsupported(kind: str) -> WireError:
    """-1013 for a kind of order the symbol does not take, for example `Iceberg`."""
    return WireError(-1013, f"{_UNSUPPORTED.get(kind, kind)} orders are not supported for this symbol.")


ICEBERG_UNSUPPORTED: Final = unsupported("Iceberg")
TRAILING_UNSUPPORTED: Final = unsupported("Trailing stop")
PEGGED_UNSUPPORTED: Final = unsupported("Pegged")
OCO_UNSUPPORTED: Final = WireError(-1013, "OCO orders are not supported for this symbol")
QUOTE_QTY_UNSUPPORTED: Final = WireError(
    -1013,
    "Quote order qty market orders are not support for this symbol.",
)
CANCEL_REPLACE_UNSUPPORTED: Final = WireError(-1013, "Order cancel-replace is not supported for this symbol.")
STP_UNSUPPORTED: Final = WireError(
    -1013, "This symbol does not allow the specified self-trade prevention mode."
)
