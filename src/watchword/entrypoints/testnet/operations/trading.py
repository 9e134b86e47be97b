"""Placing, testing and cancelling single orders. The hot path: keep it short and measured (bench/operations.py).

The last look at the request's timing is in each command's `make`, just before it gets its place in the journal.

Source: rest-api.md "New order", "Test new order", "Cancel order", "Cancel All Open Orders on a Symbol".
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import TIMESTAMP_STALE, UNKNOWN_ORDER, WireError, either_missing
from watchword.binance.forms import Form, Query
from watchword.binance.params import ClientId, Long, Restriction, Symbol
from watchword.entrypoints.testnet import render_orders as render
from watchword.entrypoints.testnet.operations.market import unit_us
from watchword.entrypoints.testnet.operations.order_forms import (
    ORDER,
    TEST,
    OrderQuery,
    check_order,
    response_type,
)
from watchword.entrypoints.testnet.operations.scratch import new_client_id
from watchword.entrypoints.testnet.operations.symbols import find
from watchword.entrypoints.testnet.render_account import order_commission
from watchword.entrypoints.testnet.render_lists import canceled_list
from watchword.exchange.commands import AnyCommand, CancelOpenOrders, CancelOrder, PlaceOrder
from watchword.exchange.events import Applied, OrderAccepted, OrderCanceled, OrderListChanged
from watchword.kernel.errors import InvariantError

if TYPE_CHECKING:
    from watchword.binance.enums import StpMode
    from watchword.bootstrap.testnet import Testnet
    from watchword.credentials.model import Credential
    from watchword.entrypoints.testnet.operations.call import Call


class CancelQuery(Query, frozen=True):
    """DELETE order."""

    symbol: Symbol
    order_id: Long = 0
    orig_client_order_id: ClientId = ""
    new_client_order_id: ClientId = ""
    cancel_restrictions: Restriction = ""


class CancelAllQuery(Query, frozen=True):
    """DELETE openOrders."""

    symbol: Symbol


_CANCEL: Final = Form(CancelQuery, "TRADE")
_CANCEL_ALL: Final = Form(CancelAllQuery, "TRADE")


async def place(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST order."""
    query = ORDER.read(call.params)
    if type(query) is WireError:
        return query
    instrument = check_order(testnet, query, call.params, call.now_us)
    if type(instrument) is WireError:
        return instrument
    account_id = credential_of(call).account_id
    client_order_id = query.new_client_order_id or new_client_id(testnet)
    deadline_us, kind, unit = call.deadline_us, response_type(query), unit_us(call)
    stp_mode = query.self_trade_prevention_mode or instrument.default_stp_mode

    def make(sequence: int, now_us: int) -> PlaceOrder | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return place_command(query, sequence, now_us, account_id, client_order_id, stp_mode)

    def answer(command: AnyCommand, applied: Applied) -> bytes | WireError:
        if type(applied) is WireError:
            return applied
        for event in applied:
            if isinstance(event, OrderAccepted):
                return render.placed(event.order, applied, kind, command.now_us, unit).encode()
        raise InvariantError("an order was placed and no event says so")

    return await testnet.sequencer.submit(make, answer)


async def test(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST order/test: everything but the engine."""
    query = TEST.read(call.params)
    if type(query) is WireError:
        return query
    instrument = check_order(testnet, query, call.params, call.now_us)
    if type(instrument) is WireError:
        return instrument
    if not query.compute_commission_rates:
        return b"{}"
    return order_commission(testnet.venue.engine.accounts[credential_of(call).account_id])


async def cancel(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """DELETE order. Cancelling one leg of a list cancels the list, and is answered with the list."""
    query = _CANCEL.read(call.params)
    if type(query) is WireError:
        return query
    instrument = find(testnet, query.symbol)
    if type(instrument) is WireError:
        return instrument
    if not query.order_id and not query.orig_client_order_id:
        return either_missing("origClientOrderId", "orderId")
    account_id, deadline_us, unit = credential_of(call).account_id, call.deadline_us, unit_us(call)
    cancel_id = query.new_client_order_id or new_client_id(testnet)

    def make(sequence: int, now_us: int) -> CancelOrder | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return CancelOrder(
            sequence,
            now_us,
            account_id,
            query.symbol,
            query.order_id,
            query.orig_client_order_id,
            cancel_id,
            query.cancel_restrictions,
        )

    def answer(command: AnyCommand, applied: Applied) -> bytes | WireError:
        if type(applied) is WireError:
            return applied
        at_us = command.now_us
        if len(applied) > 1:
            for event in applied:
                if isinstance(event, OrderListChanged):
                    return canceled_list(event, at_us, unit).encode()
        for event in applied:
            if isinstance(event, OrderCanceled):
                return render.canceled(event.order, at_us, unit).encode()
        raise InvariantError("an order was cancelled and no event says so")

    return await testnet.sequencer.submit(make, answer)


async def cancel_all(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """DELETE openOrders: single orders and lists, each in its own form. Nothing open is -2011."""
    query = _CANCEL_ALL.read(call.params)
    if type(query) is WireError:
        return query
    instrument = find(testnet, query.symbol)
    if type(instrument) is WireError:
        return instrument
    account_id, deadline_us, unit = credential_of(call).account_id, call.deadline_us, unit_us(call)
    cancel_id = new_client_id(testnet)

    def make(sequence: int, now_us: int) -> CancelOpenOrders | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return CancelOpenOrders(sequence, now_us, account_id, query.symbol, cancel_id)

    def answer(command: AnyCommand, applied: Applied) -> bytes | WireError:
        if type(applied) is WireError:
            return applied
        at_us = command.now_us
        reports = [
            render.canceled(event.order, at_us, unit)
            for event in applied
            if isinstance(event, OrderCanceled) and event.order.order_list_id < 0
        ]
        reports.extend(
            canceled_list(event, at_us, unit) for event in applied if isinstance(event, OrderListChanged)
        )
        return render.array(reports) if reports else UNKNOWN_ORDER

    return await testnet.sequencer.submit(make, answer)


def place_command(
    query: OrderQuery,
    sequence: int,
    now_us: int,
    account_id: int,
    client_order_id: str,
    stp_mode: "StpMode",
) -> PlaceOrder:
    """Turn a judged query into its command."""
    return PlaceOrder(
        sequence,
        now_us,
        account_id,
        query.symbol,
        query.side,
        query.type,
        query.time_in_force,
        query.quantity,
        query.quote_order_qty,
        query.price,
        query.stop_price,
        client_order_id,
        stp_mode,
        query.strategy_id,
        query.strategy_type,
    )


def credential_of(call: "Call") -> "Credential":
    """Return who asks; the doors never call a signed operation without a credential."""
    if call.credential is None:
        raise InvariantError("a signed operation was called without a credential")
    return call.credential
