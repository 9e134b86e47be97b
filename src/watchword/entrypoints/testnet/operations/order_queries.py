"""Asking for orders, trades and prevented matches of one's own account. Reads only.

Source: rest-api.md, "Account Endpoints".
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import NO_SUCH_ORDER, WireError, either_missing
from watchword.binance.forms import Form, Query
from watchword.binance.params import ClientId, Limit, Long, Moment, Symbol
from watchword.entrypoints.testnet import render_account
from watchword.entrypoints.testnet import render_orders as render
from watchword.entrypoints.testnet.operations.market import ROWS_LIMIT_MAX, SymbolQuery, unit_us
from watchword.entrypoints.testnet.operations.symbols import BAD_COMBINATION, find
from watchword.entrypoints.testnet.operations.trading import credential_of

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call

DAY_US: Final = 86_400_000_000
TOO_LONG: Final = WireError(-1127, "More than 24 hours between startTime and endTime.")


class OrderStatusQuery(Query, frozen=True):
    """GET order."""

    symbol: Symbol
    order_id: Long = 0
    orig_client_order_id: ClientId = ""


class OpenOrdersQuery(Query, frozen=True):
    """GET openOrders."""

    symbol: Symbol = ""


class AllOrdersQuery(Query, frozen=True):
    """GET allOrders."""

    symbol: Symbol
    order_id: Long | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    limit: Limit = 500


class MyTradesQuery(Query, frozen=True):
    """GET myTrades."""

    symbol: Symbol
    order_id: Long | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    from_id: Long | None = None
    limit: Limit = 500


class PreventedMatchesQuery(Query, frozen=True):
    """GET myPreventedMatches."""

    symbol: Symbol
    prevented_match_id: Long | None = None
    order_id: Long | None = None
    from_prevented_match_id: Long | None = None
    limit: Limit | None = None


class AllocationsQuery(Query, frozen=True):
    """GET myAllocations."""

    symbol: Symbol
    start_time: Moment | None = None
    end_time: Moment | None = None
    from_allocation_id: Long | None = None
    limit: Limit = 500
    order_id: Long | None = None


class AmendmentsQuery(Query, frozen=True):
    """GET order/amendments."""

    symbol: Symbol
    order_id: Long
    from_execution_id: Long | None = None
    limit: Limit = 500


_STATUS: Final = Form(OrderStatusQuery, "USER_DATA")
_OPEN: Final = Form(OpenOrdersQuery, "USER_DATA")
_ALL: Final = Form(AllOrdersQuery, "USER_DATA")
_MY_TRADES: Final = Form(MyTradesQuery, "USER_DATA")
_PREVENTED: Final = Form(PreventedMatchesQuery, "USER_DATA")
_ALLOCATIONS: Final = Form(AllocationsQuery, "USER_DATA")
_AMENDMENTS: Final = Form(AmendmentsQuery, "USER_DATA")
SIGNED_SYMBOL: Final = Form(SymbolQuery, "USER_DATA")


async def order_status(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET order: open ones first, then the archive."""
    query = _STATUS.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    if not query.order_id and not query.orig_client_order_id:
        return either_missing("origClientOrderId", "orderId")
    order = testnet.venue.order(
        credential_of(call).account_id, query.symbol, query.order_id, query.orig_client_order_id
    )
    return NO_SUCH_ORDER if order is None else render.queried(order, unit_us(call)).encode()


async def open_orders(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET openOrders."""
    query = _OPEN.read(call.params)
    if isinstance(query, WireError):
        return query
    if query.symbol:
        instrument = find(testnet, query.symbol)
        if isinstance(instrument, WireError):
            return instrument
    unit = unit_us(call)
    orders = testnet.venue.engine.open_orders(credential_of(call).account_id, query.symbol or None)
    return render.array(render.queried(order, unit) for order in orders)


async def all_orders(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET allOrders."""
    query = _ALL.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    refused = check_range(query.start_time, query.end_time)
    if refused is not None:
        return refused
    unit = unit_us(call)
    orders = testnet.venue.archive.orders(
        credential_of(call).account_id,
        query.symbol,
        query.order_id,
        query.start_time,
        query.end_time,
        min(query.limit, ROWS_LIMIT_MAX),
    )
    return render.array(render.queried(order, unit) for order in orders)


async def my_trades(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET myTrades. Only the documented combinations of parameters are legal."""
    query = _MY_TRADES.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    timed = query.start_time is not None or query.end_time is not None
    if timed and (query.order_id is not None or query.from_id is not None):
        return BAD_COMBINATION
    refused = check_range(query.start_time, query.end_time)
    if refused is not None:
        return refused
    unit = unit_us(call)
    trades = testnet.venue.archive.trades(
        credential_of(call).account_id,
        query.symbol,
        query.order_id,
        query.from_id,
        query.start_time,
        query.end_time,
        min(query.limit, ROWS_LIMIT_MAX),
    )
    return render.array(render_account.my_trade(trade, unit) for trade in trades)


async def prevented_matches(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET myPreventedMatches, by match or by order."""
    query = _PREVENTED.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    by_match, by_order = query.prevented_match_id is not None, query.order_id is not None
    paged = query.from_prevented_match_id is not None or query.limit is not None
    if by_match == by_order or (by_match and paged):
        return BAD_COMBINATION
    unit = unit_us(call)
    matches = testnet.venue.archive.prevented_matches(
        credential_of(call).account_id,
        query.symbol,
        query.prevented_match_id,
        query.order_id,
        query.from_prevented_match_id,
        min(query.limit or 500, ROWS_LIMIT_MAX),
    )
    return render.array(render_account.prevented_match(match, unit) for match in matches)


async def allocations(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET myAllocations: without smart order routing there are none."""
    query = _ALLOCATIONS.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    return check_range(query.start_time, query.end_time) or b"[]"


async def amendments(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET order/amendments: without amendments there are none."""
    query = _AMENDMENTS.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    return instrument if isinstance(instrument, WireError) else b"[]"


def check_range(start_us: int | None, end_us: int | None) -> WireError | None:
    """Refuse a stretch of time longer than a day."""
    if start_us is not None and end_us is not None and end_us - start_us > DAY_US:
        return TOO_LONG
    return None
