"""The engine's events as the oracle's tuples, so that they can be compared."""

from typing import Any

from watchword.binance.errors import WireError
from watchword.exchange.events import (
    AccountOpened,
    AnyEvent,
    Applied,
    BalanceChanged,
    CancelReplaceResolved,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderListChanged,
    OrderTraded,
    OrderTriggered,
    SymbolStatusChanged,
    TradePrevented,
    VenueReset,
)


def facts_of(applied: Applied) -> list[tuple[Any, ...]] | tuple[Any, ...]:
    """Events in order, or (code, text)."""
    if isinstance(applied, WireError):
        return applied.code, applied.text
    return [fact_of(event) for event in applied]


def fact_of(event: AnyEvent) -> tuple[Any, ...]:
    match event:
        case AccountOpened():
            return "opened", event.account_id, event.name
        case BalanceChanged():
            return "balance", event.account_id, event.asset, event.delta
        case VenueReset():
            return ("reset",)
        case OrderAccepted():
            return "accepted", event.execution_id, event.order.order_id, event.working
        case OrderTriggered():
            return "triggered", event.execution_id, event.order.order_id
        case OrderTraded():
            return _traded(event)
        case OrderCanceled():
            return "canceled", event.execution_id, event.order.order_id, event.cancel_client_order_id
        case OrderExpired():
            return "expired", event.execution_id, event.order.order_id, event.status, event.reason
        case TradePrevented():
            return (
                "prevented", event.execution_id, event.symbol, event.prevented_match_id, event.trade_group_id,
                event.price, event.taker.order_id, event.maker.order_id, event.taker_prevented,
                event.maker_prevented,
            )  # fmt: skip
        case OrderListChanged():
            return (
                "list", event.order_list_id, event.list_client_order_id, event.account_id, event.symbol,
                event.list_status_type, event.list_order_status, tuple(leg.order_id for leg in event.legs),
            )  # fmt: skip
        case CancelReplaceResolved():
            return (
                "replace",
                event.cancel_error and (event.cancel_error.code, event.cancel_error.text),
                event.new_error and (event.new_error.code, event.new_error.text),
                event.attempted,
                event.canceled and event.canceled.order_id,
                event.placed and event.placed.order_id,
            )
        case SymbolStatusChanged():
            return "status", event.symbol, event.status


def _traded(event: OrderTraded) -> tuple[Any, ...]:
    return (
        "traded", event.execution_id, event.symbol, event.trade_id, event.price, event.quantity, event.quote,
        (
            event.taker.order_id, event.taker_executed, event.taker_executed_quote, event.taker_status,
            event.taker_commission, event.taker_commission_asset,
        ),
        (
            event.maker.order_id, event.maker_executed, event.maker_executed_quote, event.maker_status,
            event.maker_commission, event.maker_commission_asset,
        ),
    )  # fmt: skip
