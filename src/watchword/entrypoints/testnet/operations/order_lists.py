"""Placing and cancelling order lists: the OCO of today and the deprecated one.

Source: rest-api.md "New Order list - OCO", "New OCO - Deprecated", "Cancel Order list"; the WebSocket API's
`orderList.place` is the deprecated form.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import TIMESTAMP_STALE, WireError, either_missing, not_required
from watchword.binance.oco_rules import check_pair
from watchword.binance.order_rules import OCO_UNSUPPORTED, check_presence, unsupported
from watchword.entrypoints.testnet.operations.list_forms import (
    ABOVE_RULES,
    BELOW_RULES,
    CANCEL_LIST,
    OCO,
    OLD_OCO,
)
from watchword.entrypoints.testnet.operations.market import unit_us
from watchword.entrypoints.testnet.operations.order_forms import check_stp_mode, judge, unbuilt
from watchword.entrypoints.testnet.operations.scratch import new_client_id
from watchword.entrypoints.testnet.operations.symbols import find
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.entrypoints.testnet.render_lists import canceled_list, placed_list
from watchword.exchange.commands import AnyCommand, CancelOrderList, Leg, PlaceOco
from watchword.exchange.events import Applied, OrderListChanged
from watchword.kernel.errors import InvariantError

if TYPE_CHECKING:
    from watchword.binance.enums import ResponseType, Side, StpMode
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.events import AnyEvent
    from watchword.exchange.instruments import Instrument

LIMIT_TIME_IN_FORCE_MISSING: Final = WireError(
    -1128,
    "Combination of optional parameters invalid. Recommendation: 'stopLimitTimeInForce' should also be sent.",
)


async def place_oco(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST orderList/oco."""
    query = OCO.read(call.params)
    if isinstance(query, WireError):
        return query
    refused = (
        check_pair(query.side, query.above_type, query.below_type)
        or check_presence(ABOVE_RULES[query.above_type], call.params)
        or check_presence(BELOW_RULES[query.below_type], call.params)
    )
    if refused is not None:
        return refused
    trailing = query.above_trailing_delta or query.below_trailing_delta
    iceberg = query.above_iceberg_qty or query.below_iceberg_qty
    if trailing or iceberg or query.above_peg_price_type or query.below_peg_price_type:
        return unbuilt(trailing, iceberg)
    above = Leg(
        query.above_type,
        query.above_time_in_force or "GTC",
        query.above_price,
        query.above_stop_price,
        query.above_client_order_id or new_client_id(testnet),
        query.above_strategy_id,
        query.above_strategy_type,
    )
    below = Leg(
        query.below_type,
        query.below_time_in_force or "GTC",
        query.below_price,
        query.below_stop_price,
        query.below_client_order_id or new_client_id(testnet),
        query.below_strategy_id,
        query.below_strategy_type,
    )
    return await _submit(
        testnet,
        call,
        query.symbol,
        query.side,
        query.quantity,
        query.list_client_order_id,
        query.self_trade_prevention_mode,
        query.new_order_resp_type,
        above,
        below,
    )


async def place_old_oco(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST order/oco: a LIMIT_MAKER and a stop; which of them is above follows from the side."""
    query = OLD_OCO.read(call.params)
    if isinstance(query, WireError):
        return query
    if query.stop_limit_price and query.stop_limit_time_in_force is None:
        return LIMIT_TIME_IN_FORCE_MISSING
    if query.stop_limit_time_in_force is not None and not query.stop_limit_price:
        return not_required("stopLimitTimeInForce")
    iceberg = query.limit_iceberg_qty or query.stop_iceberg_qty
    if query.trailing_delta or iceberg:
        return unbuilt(query.trailing_delta, iceberg)
    limit = Leg(
        "LIMIT_MAKER",
        "GTC",
        query.price,
        0,
        query.limit_client_order_id or new_client_id(testnet),
        query.limit_strategy_id,
        query.limit_strategy_type,
    )
    stop = Leg(
        "STOP_LOSS_LIMIT" if query.stop_limit_price else "STOP_LOSS",
        query.stop_limit_time_in_force or "GTC",
        query.stop_limit_price,
        query.stop_price,
        query.stop_client_order_id or new_client_id(testnet),
        query.stop_strategy_id,
        query.stop_strategy_type,
    )
    above, below = (limit, stop) if query.side == "SELL" else (stop, limit)
    return await _submit(
        testnet,
        call,
        query.symbol,
        query.side,
        query.quantity,
        query.list_client_order_id,
        query.self_trade_prevention_mode,
        query.new_order_resp_type,
        above,
        below,
    )


async def cancel_list(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """DELETE orderList."""
    query = CANCEL_LIST.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    if query.order_list_id is None and not query.list_client_order_id:
        return either_missing("orderListId", "listClientOrderId")
    account_id, deadline_us, unit = credential_of(call).account_id, call.deadline_us, unit_us(call)
    cancel_id = query.new_client_order_id or new_client_id(testnet)

    def make(sequence: int, now_us: int) -> CancelOrderList | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return CancelOrderList(
            sequence,
            now_us,
            account_id,
            query.symbol,
            query.order_list_id or 0,
            query.list_client_order_id,
            cancel_id,
        )

    def answer(command: AnyCommand, applied: Applied) -> bytes | WireError:
        if isinstance(applied, WireError):
            return applied
        return canceled_list(_list_event(applied), command.now_us, unit).encode()

    return await testnet.sequencer.submit(make, answer)


async def _submit(
    testnet: "Testnet",
    call: "Call",
    symbol: str,
    side: "Side",
    quantity: int,
    list_client_order_id: str,
    stp_choice: "StpMode | None",
    kind: "ResponseType | None",
    above: Leg,
    below: Leg,
) -> bytes | WireError:
    """Judge both legs by the static filters and send the list to the engine. Reports default to RESULT."""
    instrument = find(testnet, symbol)
    if isinstance(instrument, WireError):
        return instrument
    refused = _judge_legs(testnet, instrument, side, quantity, (above, below), call.now_us)
    refused = refused or check_stp_mode(instrument, stp_choice)
    if refused is not None:
        return refused
    account_id, deadline_us, unit = credential_of(call).account_id, call.deadline_us, unit_us(call)
    list_id = list_client_order_id or new_client_id(testnet)
    stp_mode = stp_choice or instrument.default_stp_mode

    def make(sequence: int, now_us: int) -> PlaceOco | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return PlaceOco(sequence, now_us, account_id, symbol, side, quantity, list_id, stp_mode, above, below)

    def answer(command: AnyCommand, applied: Applied) -> bytes | WireError:
        if isinstance(applied, WireError):
            return applied
        return placed_list(_list_event(applied), applied, kind or "RESULT", command.now_us, unit).encode()

    return await testnet.sequencer.submit(make, answer)


def _judge_legs(
    testnet: "Testnet", instrument: "Instrument", side: str, quantity: int, legs: tuple[Leg, Leg], now_us: int
) -> WireError | None:
    if not instrument.oco_allowed:
        return OCO_UNSUPPORTED
    for leg in legs:
        if leg.type not in instrument.order_types:
            return unsupported(leg.type)
        refused = judge(testnet, instrument, side, leg.type, leg.price, leg.stop_price, quantity, 0, now_us)
        if refused is not None:
            return refused
    return None


def _list_event(applied: "list[AnyEvent]") -> OrderListChanged:
    """Return the first fact about a list: what it was when it began, or how it ended."""
    for event in applied:
        if isinstance(event, OrderListChanged):
            return event
    raise InvariantError("an order list was changed and no event says so")
