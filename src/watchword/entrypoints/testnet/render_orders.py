"""Writes orders as Binance's JSON. Knows no requests and changes nothing.

Member order follows the documented examples. Texts are pasted, not escaped: client ids match
`[a-zA-Z0-9-_]{1,36}` and symbols hold no quotes, both checked on the way in.
`unit_us` is 1000 for millisecond timestamps and 1 for microseconds.

Source: rest-api.md "New order", "Cancel order", "Query order", "Conditional fields in Order Responses".
"""

from collections.abc import Iterable, Sequence

from watchword.binance.enums import CONTINGENT_TYPES, ResponseType
from watchword.binance.errors import WireError
from watchword.exchange.events import AnyEvent, OrderTraded
from watchword.exchange.order import NOT_WORKING, Order
from watchword.kernel.units import format_scaled


def placed(order: Order, events: Sequence[AnyEvent], kind: ResponseType, at_us: int, unit_us: int) -> str:
    """Write the answer to a new order.

    Args:
        order: As it stands after its command.
        events: What the command did, where the fills are found.
        kind: ACK, RESULT or FULL.
        at_us: `transactTime`, epoch microseconds.
        unit_us: Microseconds per unit of the timestamps.
    """
    head = (
        f'{{"symbol":"{order.symbol}","orderId":{order.order_id},"orderListId":{order.order_list_id},'
        f'"clientOrderId":"{order.client_order_id}","transactTime":{at_us // unit_us}'
    )
    if kind == "ACK":
        return head + "}"
    working_us = order.working_us
    tail = (
        f"{head},{_terms(order)}{_labels(order)},"
        f'"workingTime":{working_us if working_us == NOT_WORKING else working_us // unit_us},'
        f'"selfTradePreventionMode":"{order.stp_mode}"{_ending(order)}'
    )
    if kind == "RESULT":
        return tail + "}"
    return f'{tail},"fills":[{",".join(_fills(order, events))}]}}'


def canceled(order: Order, at_us: int, unit_us: int) -> str:
    """Write the answer to a cancel.

    Args:
        order: As it stands after the cancel; its `cancel_client_order_id` is the cancel's own id.
        at_us: `transactTime`, epoch microseconds.
        unit_us: Microseconds per unit of the timestamps.
    """
    return (
        f'{{"symbol":"{order.symbol}","origClientOrderId":"{order.client_order_id}","orderId":{order.order_id},'
        f'"orderListId":{order.order_list_id},"clientOrderId":"{order.cancel_client_order_id}",'
        f'"transactTime":{at_us // unit_us},{_terms(order)}{_labels(order)},'
        f'"selfTradePreventionMode":"{order.stp_mode}"{_ending(order)}}}'
    )


def queried(order: Order, unit_us: int) -> str:
    """Write an order as the query endpoints do."""
    working_us = order.working_us
    working = working_us != NOT_WORKING
    return (
        f'{{"symbol":"{order.symbol}","orderId":{order.order_id},"orderListId":{order.order_list_id},'
        f'"clientOrderId":"{order.client_order_id}","price":"{format_scaled(order.price)}",'
        f'"origQty":"{format_scaled(order.quantity)}","executedQty":"{format_scaled(order.executed)}",'
        f'"cummulativeQuoteQty":"{format_scaled(order.executed_quote)}","status":"{order.status}",'
        f'"timeInForce":"{order.time_in_force}","type":"{order.type}","side":"{order.side}",'
        f'"stopPrice":"{format_scaled(order.stop_price)}","icebergQty":"0.00000000",'
        f'"time":{order.created_us // unit_us},"updateTime":{order.updated_us // unit_us},'
        f'"isWorking":{"true" if working else "false"},'
        f'"workingTime":{working_us // unit_us if working else NOT_WORKING},'
        f'"origQuoteOrderQty":"{format_scaled(order.quote_quantity)}"{_strategy(order)},'
        f'"selfTradePreventionMode":"{order.stp_mode}"{_ending(order)}}}'
    )


def array(items: Iterable[str]) -> bytes:
    """Join rendered objects into a JSON array."""
    return f"[{','.join(items)}]".encode()


def error_object(error: WireError) -> str:
    """Write a refusal as a JSON object."""
    text = error.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"code":{error.code},"msg":"{text}"}}'


def _terms(order: Order) -> str:
    """The members every full report shares, from `price` to `side`."""
    return (
        f'"price":"{format_scaled(order.price)}","origQty":"{format_scaled(order.quantity)}",'
        f'"executedQty":"{format_scaled(order.executed)}",'
        f'"origQuoteOrderQty":"{format_scaled(order.quote_quantity)}",'
        f'"cummulativeQuoteQty":"{format_scaled(order.executed_quote)}","status":"{order.status}",'
        f'"timeInForce":"{order.time_in_force}","type":"{order.type}","side":"{order.side}"'
    )


def _labels(order: Order) -> str:
    """`stopPrice` and the strategy, where the order has them."""
    if order.type in CONTINGENT_TYPES:
        return f',"stopPrice":"{format_scaled(order.stop_price)}"{_strategy(order)}'
    return _strategy(order)


def _strategy(order: Order) -> str:
    if not order.strategy_id and not order.strategy_type:
        return ""
    strategy = f',"strategyId":{order.strategy_id}' if order.strategy_id else ""
    return f'{strategy},"strategyType":{order.strategy_type}' if order.strategy_type else strategy


def _ending(order: Order) -> str:
    """What self-trade prevention removed, and why the order expired."""
    if not order.prevented and not order.expiry_reason:
        return ""
    prevented = ""
    if order.prevented:
        prevented = (
            f',"preventedMatchId":{order.prevented_match_id},'
            f'"preventedQuantity":"{format_scaled(order.prevented)}"'
        )
    return f'{prevented},"expiryReason":"{order.expiry_reason}"' if order.expiry_reason else prevented


def _fills(order: Order, events: Sequence[AnyEvent]) -> list[str]:
    """The fills of this order as taker, in the order they happened."""
    return [
        f'{{"price":"{format_scaled(event.price)}","qty":"{format_scaled(event.quantity)}",'
        f'"commission":"{format_scaled(event.taker_commission)}",'
        f'"commissionAsset":"{event.taker_commission_asset}","tradeId":{event.trade_id}}}'
        for event in events
        if isinstance(event, OrderTraded) and event.taker is order
    ]
