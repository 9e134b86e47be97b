"""Trading on the testnet for an account within reach: orders placed, tried and cancelled, and the lists of them.

Filters, balances and counts are the exchange's to judge, as for any bot; here is known whose account it is.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.neighbours import UNREADABLE
from watchword.entrypoints.console.problem import INVALID, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.exchange_calls import called
from watchword.entrypoints.console.routes.testnet_accounts import account_in_path
from watchword.entrypoints.console.trading_views import OrderView, Side, WireOrder, order_view
from watchword.kernel.errors import StorageError

TAG: Final = "trading"
SYMBOL_LENGTH_MAX: Final = 32
AMOUNT_LENGTH_MAX: Final = 32
CLIENT_ID_LENGTH_MAX: Final = 36
ORDER_DIGITS_MAX: Final = 18

# Patterns end so because `$` alone lets a line end follow; `\Z` is none of JSON Schema's.
Symbol = Annotated[str, Meta(min_length=1, max_length=SYMBOL_LENGTH_MAX)]
Amount = Annotated[
    str, Meta(max_length=AMOUNT_LENGTH_MAX, pattern=r"^(?:[0-9]{1,20}(?:\.[0-9]{1,20})?)?$(?!\n)")
]
ClientId = Annotated[str, Meta(max_length=CLIENT_ID_LENGTH_MAX, pattern=r"^[A-Za-z0-9_-]*$(?!\n)")]
OrderKind = Literal[
    "LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
#: These go at a price within a time; the exchange wants to be told which.
_TIMED: Final = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})


class OrderDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order to be placed. Amounts are decimal texts; empty for none.

    Attributes:
        kind: As Binance's `type`.
        quantity: Of the base asset.
        quote_quantity: Of the quote asset, in place of it; with MARKET only.
        price: With a limit.
        stop_price: Where it is triggered.
        time_in_force: How long it stands; with a limit only.
        client_order_id: What to call it; empty: the exchange draws one.
    """

    symbol: Symbol
    side: Side
    kind: OrderKind = "LIMIT"
    quantity: Amount = ""
    quote_quantity: Amount = ""
    price: Amount = ""
    stop_price: Amount = ""
    time_in_force: Literal["GTC", "IOC", "FOK"] = "GTC"
    client_order_id: ClientId = ""


class FillView(msgspec.Struct, frozen=True):
    """A part of an order that was executed at once."""

    price: str
    quantity: str
    fee: str
    fee_asset: str


class OrderPlaced(msgspec.Struct, frozen=True):
    """An order as it stands after it was placed, and what was executed at once."""

    order: OrderView
    fills: list[FillView]


class OrdersCancelled(msgspec.Struct, frozen=True):
    """Orders that are gone; one leg of a list takes the list with it."""

    items: list[OrderView]


class SymbolQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On which symbol."""

    symbol: Annotated[str, Meta(min_length=1, max_length=SYMBOL_LENGTH_MAX, description="Such as BTCUSDT.")]


class _WireFill(msgspec.Struct, frozen=True, rename="camel"):
    price: str
    qty: str
    commission: str
    commission_asset: str


class _WirePlaced(WireOrder, frozen=True, rename="camel", kw_only=True):
    fills: tuple[_WireFill, ...] = ()


async def place_order(ask: Ask[OrderDraft, None]) -> OrderPlaced | Problem:
    """Place an order."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    placed = await called(
        ask, _WirePlaced, "order.place", account, **_params(ask.body), newOrderRespType="FULL"
    )
    if isinstance(placed, Problem):
        return placed
    fills = [FillView(one.price, one.qty, one.commission, one.commission_asset) for one in placed.fills]
    return OrderPlaced(order_view(placed), fills)


async def try_order(ask: Ask[OrderDraft, None]) -> Problem | None:
    """Have an order judged by the symbol's filters and place nothing."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    judged = await called(ask, dict[str, Any], "order.test", account, **_params(ask.body))
    return judged if isinstance(judged, Problem) else None


async def cancel_order(ask: Ask[None, SymbolQuery]) -> OrdersCancelled | Problem:
    """Cancel one order."""
    account, number = account_in_path(ask), ask.path["order"]
    if isinstance(account, Problem):
        return account
    if not (number.isascii() and number.isdecimal()) or len(number) > ORDER_DIGITS_MAX:
        return Problem(INVALID, "an order is named by its number")
    row = await called(ask, dict[str, Any], "order.cancel", account, symbol=ask.query.symbol, orderId=number)
    return row if isinstance(row, Problem) else OrdersCancelled(_orders_in(row))


async def cancel_open_orders(ask: Ask[None, SymbolQuery]) -> OrdersCancelled | Problem:
    """Cancel every open order on a symbol."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    rows = await called(ask, list[dict[str, Any]], "openOrders.cancelAll", account, symbol=ask.query.symbol)
    if isinstance(rows, Problem):
        return rows
    return OrdersCancelled([view for row in rows for view in _orders_in(row)])


def _orders_in(row: dict[str, Any]) -> list[OrderView]:
    """Show what a cancel took: an order, or all legs of the list it belonged to.

    Raises:
        StorageError: It is neither. It may be gone all the same.
    """
    try:
        found = msgspec.convert(row["orderReports"], list[WireOrder]) if "orderReports" in row else None
        orders = [msgspec.convert(row, WireOrder)] if found is None else found
    except msgspec.ValidationError as error:
        raise StorageError(UNREADABLE) from error
    return [order_view(order) for order in orders]


def _params(draft: OrderDraft) -> dict[str, object]:
    """Write a draft by Binance's names."""
    return {
        "symbol": draft.symbol,
        "side": draft.side,
        "type": draft.kind,
        "timeInForce": draft.time_in_force if draft.kind in _TIMED else "",
        "quantity": draft.quantity,
        "quoteOrderQty": draft.quote_quantity,
        "price": draft.price,
        "stopPrice": draft.stop_price,
        "newClientOrderId": draft.client_order_id,
    }


def _given(ask: Ask[OrderDraft, None]) -> dict[str, str]:
    """Say for the trail what was ordered."""
    fields = msgspec.structs.asdict(ask.body)
    return {name: str(value) for name, value in fields.items() if value}


_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "action": "account.trade", "limit": "write"}

ROUTES: Final = (
    Route(
        method="POST", path="/accounts/{account}/orders", name="placeOrder", summary="Place an order on the testnet.",
        handler=place_order, body=OrderDraft, answer=OrderPlaced, status=201, audit=Audit("order:placed", values=_given),
        **_CHANGE,
    ),
    Route(
        method="POST", path="/accounts/{account}/orders/trial", name="tryOrder",
        summary="Have an order judged by the symbol's filters without placing it.", handler=try_order, body=OrderDraft,
        status=204, audit=Audit("order:tried", values=_given), **_CHANGE,
    ),
    Route(
        method="DELETE", path="/accounts/{account}/orders/{order}", name="cancelOrder", summary="Cancel an order.",
        handler=cancel_order, query=SymbolQuery, answer=OrdersCancelled,
        audit=Audit("order:cancelled", values=lambda ask: {"account": ask.path["account"], "symbol": ask.query.symbol}),
        **_CHANGE,
    ),
    Route(
        method="DELETE", path="/accounts/{account}/open-orders", name="cancelOpenOrders",
        summary="Cancel every open order on a symbol.", handler=cancel_open_orders, query=SymbolQuery,
        answer=OrdersCancelled, audit=Audit("order:all-cancelled", values=lambda ask: {"symbol": ask.query.symbol}),
        **_CHANGE,
    ),
)  # fmt: skip
