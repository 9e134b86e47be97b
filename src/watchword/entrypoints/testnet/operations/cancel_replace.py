"""Cancelling one order and placing another in one command, and telling how the two halves went.

Source: rest-api.md "Cancel an Existing Order and Send a New Order": the table of results and HTTP statuses.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import TIMESTAMP_STALE, WireError, either_missing
from watchword.binance.order_rules import CANCEL_REPLACE_UNSUPPORTED
from watchword.entrypoints.testnet import render_orders as render
from watchword.entrypoints.testnet.operations.market import unit_us
from watchword.entrypoints.testnet.operations.order_forms import CANCEL_REPLACE, check_order, response_type
from watchword.entrypoints.testnet.operations.scratch import new_client_id
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.commands import AnyCommand, CancelReplace
from watchword.exchange.events import Applied, CancelReplaceResolved
from watchword.kernel.errors import InvariantError

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.order import Order

PARTIALLY_FAILED: Final = WireError(-2021, "Order cancel-replace partially failed.", 409)
FAILED: Final = WireError(-2022, "Order cancel-replace failed.")
TOO_MANY_ORDERS_CODE: Final = -1015


async def cancel_replace(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST order/cancelReplace."""
    query = CANCEL_REPLACE.read(call.params)
    if isinstance(query, WireError):
        return query
    if not query.cancel_order_id and not query.cancel_orig_client_order_id:
        return either_missing("cancelOrigClientOrderId", "cancelOrderId")
    instrument = check_order(testnet, query, call.params, call.now_us)
    if isinstance(instrument, WireError):
        return instrument
    if not instrument.cancel_replace_allowed:
        return CANCEL_REPLACE_UNSUPPORTED
    over_limit = call.over_order_limit
    if over_limit is not None and query.order_rate_limit_exceeded_mode == "DO_NOTHING":
        return over_limit
    account_id, deadline_us = credential_of(call).account_id, call.deadline_us
    kind, unit = response_type(query), unit_us(call)
    client_order_id = query.new_client_order_id or new_client_id(testnet)
    cancel_id = query.cancel_new_client_order_id or new_client_id(testnet)
    stp_mode = query.self_trade_prevention_mode or instrument.default_stp_mode

    def make(sequence: int, now_us: int) -> CancelReplace | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return CancelReplace(
            sequence=sequence,
            now_us=now_us,
            account_id=account_id,
            symbol=query.symbol,
            side=query.side,
            type=query.type,
            time_in_force=query.time_in_force,
            quantity=query.quantity,
            quote_quantity=query.quote_order_qty,
            price=query.price,
            stop_price=query.stop_price,
            client_order_id=client_order_id,
            stp_mode=stp_mode,
            strategy_id=query.strategy_id,
            strategy_type=query.strategy_type,
            cancel_order_id=query.cancel_order_id,
            cancel_orig_client_order_id=query.cancel_orig_client_order_id,
            cancel_client_order_id=cancel_id,
            cancel_restriction=query.cancel_restrictions,
            mode=query.cancel_replace_mode,
            over_order_limit=over_limit is not None,
        )

    def answer(command: AnyCommand, applied: Applied) -> bytes | WireError:
        if isinstance(applied, WireError):
            return applied
        for event in applied:
            if isinstance(event, CancelReplaceResolved):
                canceled = _canceled(event.canceled, command.now_us, unit)
                placed = (
                    None
                    if event.placed is None
                    else render.placed(event.placed, applied, kind, command.now_us, unit)
                )
                stops = query.cancel_replace_mode == "STOP_ON_FAILURE"
                return _resolve(event, canceled, placed, over_limit, stops=stops)
        raise InvariantError("a cancel-replace was applied and no event resolves it")

    return await testnet.sequencer.submit(make, answer)


def _resolve(
    event: CancelReplaceResolved,
    canceled: str | None,
    placed: str | None,
    over_limit: WireError | None,
    *,
    stops: bool,
) -> bytes | WireError:
    """Turn the two halves into the answer.

    Args:
        event: How the halves went.
        canceled: The cancel's report, or None where it failed.
        placed: The new order's report, or None where it failed or was not tried.
        over_limit: The -1015 with the limit that was exceeded, or None.
        stops: The mode was STOP_ON_FAILURE.
    """
    cancel_error, new_error = event.cancel_error, event.new_error
    if new_error is not None and over_limit is not None and new_error.code == TOO_MANY_ORDERS_CODE:
        new_error = over_limit
    cancel_result = "SUCCESS" if cancel_error is None else "FAILURE"
    new_result = "NOT_ATTEMPTED"
    if event.attempted or new_error is not None:
        new_result = "SUCCESS" if new_error is None else "FAILURE"
    cancel_half = canceled if cancel_error is None else render.error_object(cancel_error)
    new_half = placed if new_error is None else render.error_object(new_error)
    body = (
        f'{{"cancelResult":"{cancel_result}","newOrderResult":"{new_result}",'
        f'"cancelResponse":{cancel_half or "null"},"newOrderResponse":{new_half or "null"}}}'
    ).encode()
    if cancel_result == new_result == "SUCCESS":
        return body
    whole = FAILED if cancel_error is not None and new_result != "SUCCESS" else PARTIALLY_FAILED
    status = over_limit.http_status if over_limit is not None and stops else whole.http_status
    retry_after_us = over_limit.retry_after_us if over_limit is not None and stops else 0
    return WireError(whole.code, whole.text, status, retry_after_us, body)


def _canceled(order: "Order | None", at_us: int, unit: int) -> str | None:
    return None if order is None else render.canceled(order, at_us, unit)
