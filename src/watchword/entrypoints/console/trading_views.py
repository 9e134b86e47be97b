"""Orders, trades and balances as the management API shows them, and from Binance's JSON to them. Asks nobody."""

from typing import Literal

import msgspec

from watchword.entrypoints.console.neighbours import UNREADABLE
from watchword.kernel.errors import StorageError
from watchword.kernel.units import SCALE, format_scaled, parse_scaled

Side = Literal["BUY", "SELL"]


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order. Prices and quantities are decimal texts.

    Attributes:
        order: Its number at the exchange.
        client_order_id: What who placed it calls it.
        kind: LIMIT, MARKET, …
        price, stop_price: None where it has none.
        quantity: As ordered; "0.00000000" where it is by quote.
        quote_quantity: As ordered by quote, else None.
        executed, executed_quote: So far.
        average_price: Of what was executed; None where nothing was.
    """

    order: int
    client_order_id: str
    symbol: str
    side: str
    kind: str
    status: str
    time_in_force: str
    price: str | None
    stop_price: str | None
    quantity: str
    quote_quantity: str | None
    executed: str
    executed_quote: str
    average_price: str | None
    created_us: int
    updated_us: int


class TradeView(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of an account."""

    trade: int
    order: int
    symbol: str
    side: str
    price: str
    quantity: str
    quote: str
    fee: str
    fee_asset: str
    maker: bool
    time_us: int


class WireOrder(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An order as Binance's queries, and its answers to a new one or a cancel, have it; times in microseconds."""

    symbol: str
    order_id: int
    client_order_id: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str = "0"
    orig_quote_order_qty: str = "0"
    orig_client_order_id: str = ""
    transact_time: int = 0
    time: int = 0
    update_time: int = 0


class WireTrade(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A trade as `myTrades` has it; its time in microseconds."""

    symbol: str
    id: int
    order_id: int
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool


def order_view(order: WireOrder) -> OrderView:
    """Show an order."""
    return OrderView(
        order=order.order_id,
        client_order_id=order.orig_client_order_id or order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        kind=order.type,
        status=order.status,
        time_in_force=order.time_in_force,
        price=given_amount(order.price),
        stop_price=given_amount(order.stop_price),
        quantity=order.orig_qty,
        quote_quantity=given_amount(order.orig_quote_order_qty),
        executed=order.executed_qty,
        executed_quote=order.cummulative_quote_qty,
        average_price=average_of(order.executed_qty, order.cummulative_quote_qty),
        created_us=order.time or order.transact_time,
        updated_us=order.update_time or order.transact_time,
    )


def trade_view(trade: WireTrade) -> TradeView:
    """Show a trade."""
    return TradeView(
        trade=trade.id, order=trade.order_id, symbol=trade.symbol, side="BUY" if trade.is_buyer else "SELL",
        price=trade.price, quantity=trade.qty, quote=trade.quote_qty, fee=trade.commission,
        fee_asset=trade.commission_asset, maker=trade.is_maker, time_us=trade.time,
    )  # fmt: skip


def given_amount(amount: str) -> str | None:
    """Return an amount, or None where it is nothing."""
    return amount if amount.strip("0.") else None


def average_of(executed: str, quote: str) -> str | None:
    """Return the average price of what was executed; None where nothing was."""
    quantity = scaled(executed)
    return format_scaled(scaled(quote) * SCALE // quantity) if quantity else None


def scaled(text: str) -> int:
    """Read an amount the testnet wrote, of either sign.

    Raises:
        StorageError: It is no amount: the testnet is of another version.
    """
    amount = parse_scaled(text.removeprefix("-"))
    if amount is None:
        raise StorageError(UNREADABLE)
    return -amount if text.startswith("-") else amount
