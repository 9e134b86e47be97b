"""Public market data: the book's depth, trades, candles, the average price. Reads only."""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.params import Interval, Limit, Long, Moment, StatusFilter, Symbol, Text, invalid
from watchword.entrypoints.testnet import render_market as render
from watchword.entrypoints.testnet.operations.symbols import BAD_COMBINATION, find
from watchword.entrypoints.testnet.render_orders import array
from watchword.exchange.market.intervals import parse_time_zone

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call

DEPTH_LIMIT_MAX: Final = 5_000
ROWS_LIMIT_MAX: Final = 1_000


class NoQuery(Query, frozen=True):
    """No parameters."""


class DepthQuery(Query, frozen=True):
    """GET depth."""

    symbol: Symbol
    limit: Limit = 100
    symbol_status: StatusFilter = ""


class TradesQuery(Query, frozen=True):
    """GET trades."""

    symbol: Symbol
    limit: Limit = 500


class HistoricalTradesQuery(Query, frozen=True):
    """GET historicalTrades."""

    symbol: Symbol
    limit: Limit = 500
    from_id: Long | None = None


class AggregateTradesQuery(Query, frozen=True):
    """GET aggTrades."""

    symbol: Symbol
    from_id: Long | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    limit: Limit = 500


class KlinesQuery(Query, frozen=True):
    """GET klines, GET uiKlines."""

    symbol: Symbol
    interval: Interval
    start_time: Moment | None = None
    end_time: Moment | None = None
    time_zone: Text = "0"
    limit: Limit = 500


class SymbolQuery(Query, frozen=True):
    """One symbol and nothing else."""

    symbol: Symbol


_NOTHING: Final = Form(NoQuery, "NONE")
_DEPTH: Final = Form(DepthQuery, "NONE")
_TRADES: Final = Form(TradesQuery, "NONE")
_HISTORICAL: Final = Form(HistoricalTradesQuery, "NONE")
_AGGREGATES: Final = Form(AggregateTradesQuery, "NONE")
_KLINES: Final = Form(KlinesQuery, "NONE")
_SYMBOL: Final = Form(SymbolQuery, "NONE")


def unit_us(call: "Call") -> int:
    """Return how many microseconds one unit of the answer's timestamps is."""
    return 1 if call.micros else 1_000


async def ping(testnet: "Testnet", call: "Call") -> bytes | WireError:  # noqa: ARG001 - a handler's signature
    """GET ping."""
    query = _NOTHING.read(call.params)
    return query if isinstance(query, WireError) else b"{}"


async def server_time(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET time."""
    query = _NOTHING.read(call.params)
    if isinstance(query, WireError):
        return query
    return f'{{"serverTime":{testnet.clock.now_us() // unit_us(call)}}}'.encode()


async def depth(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET depth: on the same counter as the depth streams."""
    query = _DEPTH.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol, query.symbol_status)
    if isinstance(instrument, WireError):
        return instrument
    book = testnet.venue.engine.book(query.symbol)
    bids, asks = book.depth(min(query.limit, DEPTH_LIMIT_MAX))
    return render.depth(book.update_id, bids, asks)


async def recent_trades(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET trades."""
    query = _TRADES.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    unit = unit_us(call)
    trades = testnet.venue.market.trades(query.symbol, min(query.limit, ROWS_LIMIT_MAX))
    return array(render.trade(item, unit) for item in trades)


async def historical_trades(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET historicalTrades; needs no key since 2023."""
    query = _HISTORICAL.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    unit, limit, market = unit_us(call), min(query.limit, ROWS_LIMIT_MAX), testnet.venue.market
    if query.from_id is None:
        trades = market.trades(query.symbol, limit)
    else:
        trades = market.trades_from(query.symbol, query.from_id, limit)
    return array(render.trade(item, unit) for item in trades)


async def aggregate_trades(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET aggTrades."""
    query = _AGGREGATES.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    if query.from_id is not None and (query.start_time is not None or query.end_time is not None):
        return BAD_COMBINATION
    unit = unit_us(call)
    aggregates = testnet.venue.market.aggregate_trades(
        query.symbol, query.from_id, query.start_time, query.end_time, min(query.limit, ROWS_LIMIT_MAX)
    )
    return array(render.aggregate_trade(item, unit) for item in aggregates)


async def klines(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET klines and GET uiKlines, which the testnet answers alike."""
    query = _KLINES.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    offset_us = parse_time_zone(query.time_zone)
    if offset_us is None:
        return invalid("timeZone")
    unit = unit_us(call)
    candles = testnet.venue.market.klines(
        query.symbol,
        query.interval,
        query.start_time,
        query.end_time,
        min(query.limit, ROWS_LIMIT_MAX),
        offset_us,
        testnet.clock.now_us(),
    )
    return array(render.kline(candle, unit) for candle in candles)


async def average_price(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET avgPrice."""
    query = _SYMBOL.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    average = testnet.venue.market.average_price(
        query.symbol, instrument.avg_price_mins, testnet.clock.now_us()
    )
    if average is None:
        return f'{{"mins":{instrument.avg_price_mins},"price":"0.00000000","closeTime":0}}'.encode()
    return render.average_price(average, unit_us(call))
