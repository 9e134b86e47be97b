"""Writes order lists as Binance's JSON. Knows no requests and changes nothing.

Source: rest-api.md "New Order list - OCO", "Cancel Order list", "Query Order list".
"""

from collections.abc import Iterable, Sequence

from watchword.binance.enums import ResponseType
from watchword.entrypoints.testnet import render_orders as render
from watchword.exchange.archive import OrderListRecord
from watchword.exchange.events import AnyEvent, OrderListChanged


def placed_list(
    event: OrderListChanged, events: Sequence[AnyEvent], kind: ResponseType, at_us: int, unit_us: int
) -> str:
    """Write the answer to a new list: the list and one report per leg."""
    reports = ",".join(render.placed(order, events, kind, at_us, unit_us) for order in event.legs)
    return f'{_head(event, at_us, unit_us)},"orderReports":[{reports}]}}'


def canceled_list(event: OrderListChanged, at_us: int, unit_us: int) -> str:
    """Write the answer to a list's cancel."""
    reports = ",".join(render.canceled(order, at_us, unit_us) for order in event.legs)
    return f'{_head(event, at_us, unit_us)},"orderReports":[{reports}]}}'


def queried_list(listed: OrderListRecord, unit_us: int) -> str:
    """Write a list as the query endpoints do."""
    text = _list(
        listed.order_list_id,
        listed.list_client_order_id,
        listed.symbol,
        listed.list_status_type,
        listed.list_order_status,
        listed.legs,
        listed.updated_us // unit_us,
    )
    return text + "}"


def _head(event: OrderListChanged, at_us: int, unit_us: int) -> str:
    return _list(
        event.order_list_id,
        event.list_client_order_id,
        event.symbol,
        event.list_status_type,
        event.list_order_status,
        [(leg.order_id, leg.client_order_id) for leg in event.legs],
        at_us // unit_us,
    )


def _list(
    order_list_id: int,
    list_client_order_id: str,
    symbol: str,
    status_type: str,
    order_status: str,
    legs: Iterable[tuple[int, str]],
    transaction_time: int,
) -> str:
    """Write everything but the closing brace. The only kind of list there is so far is OCO."""
    orders = ",".join(
        f'{{"symbol":"{symbol}","orderId":{order_id},"clientOrderId":"{client_order_id}"}}'
        for order_id, client_order_id in legs
    )
    return (
        f'{{"orderListId":{order_list_id},"contingencyType":"OCO","listStatusType":"{status_type}",'
        f'"listOrderStatus":"{order_status}","listClientOrderId":"{list_client_order_id}",'
        f'"transactionTime":{transaction_time},"symbol":"{symbol}","orders":[{orders}]'
    )
