"""Price tickers: rolling day, rolling window, trading day, last price, best prices. Reads only."""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.params import StatusFilter, Symbol, Symbols, Text, TickerType, invalid
from watchword.entrypoints.testnet import render_market as render
from watchword.entrypoints.testnet.operations.market import unit_us
from watchword.entrypoints.testnet.operations.symbols import select
from watchword.entrypoints.testnet.render_orders import array
from watchword.exchange.market.intervals import parse_time_zone
from watchword.exchange.market.tickers import parse_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call

NO_WINDOW: Final = WireError(
    -2016, "No trading window could be found for the symbol. Try ticker/24hrs instead."
)


class PriceQuery(Query, frozen=True):
    """GET ticker/price, GET ticker/bookTicker."""

    symbol: Symbol = ""
    symbols: Symbols = ()
    symbol_status: StatusFilter = ""


class DayQuery(PriceQuery, frozen=True):
    """GET ticker/24hr."""

    type: TickerType = "FULL"


class WindowQuery(DayQuery, frozen=True):
    """GET ticker."""

    window_size: Text = "1d"


class TradingDayQuery(DayQuery, frozen=True):
    """GET ticker/tradingDay."""

    time_zone: Text = "0"


_PRICE: Final = Form(PriceQuery, "NONE")
_DAY: Final = Form(DayQuery, "NONE")
_WINDOW: Final = Form(WindowQuery, "NONE")
_TRADING_DAY: Final = Form(TradingDayQuery, "NONE")


async def ticker_24h(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET ticker/24hr."""
    query = _DAY.read(call.params)
    if isinstance(query, WireError):
        return query
    instruments = select(testnet, query.symbol, query.symbols, query.symbol_status)
    if isinstance(instruments, WireError):
        return instruments
    now_us, unit, venue = testnet.clock.now_us(), unit_us(call), testnet.venue
    rows = []
    for instrument in instruments:
        ticker = venue.market.ticker_24h(instrument.symbol, now_us)
        if query.type == "MINI":
            rows.append(render.ticker_mini(ticker, unit))
        else:
            book = venue.engine.book(instrument.symbol)
            rows.append(render.ticker_24h(ticker, book.best_bid(), book.best_ask(), unit))
    return _one_or_all(query, rows)


async def ticker_window(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET ticker: a rolling window of any size."""
    query = _WINDOW.read(call.params)
    if isinstance(query, WireError):
        return query
    window_us = parse_window(query.window_size)
    if window_us is None:
        return invalid("windowSize")
    instruments = select(testnet, query.symbol, query.symbols, query.symbol_status, all_if_none=False)
    if isinstance(instruments, WireError):
        return instruments
    now_us, market = testnet.clock.now_us(), testnet.venue.market
    if query.symbol and market.last_price(query.symbol) is None:
        return NO_WINDOW
    tickers = [market.ticker_window(instrument.symbol, window_us, now_us) for instrument in instruments]
    write = render.ticker_mini if query.type == "MINI" else render.ticker_window
    return _one_or_all(query, [write(ticker, unit_us(call)) for ticker in tickers])


async def ticker_trading_day(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET ticker/tradingDay."""
    query = _TRADING_DAY.read(call.params)
    if isinstance(query, WireError):
        return query
    offset_us = parse_time_zone(query.time_zone)
    if offset_us is None:
        return invalid("timeZone")
    instruments = select(testnet, query.symbol, query.symbols, query.symbol_status, all_if_none=False)
    if isinstance(instruments, WireError):
        return instruments
    now_us, market = testnet.clock.now_us(), testnet.venue.market
    tickers = [market.ticker_day(instrument.symbol, offset_us, now_us) for instrument in instruments]
    write = render.ticker_mini if query.type == "MINI" else render.ticker_window
    return _one_or_all(query, [write(ticker, unit_us(call)) for ticker in tickers])


async def ticker_price(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET ticker/price."""
    query = _PRICE.read(call.params)
    if isinstance(query, WireError):
        return query
    instruments = select(testnet, query.symbol, query.symbols, query.symbol_status)
    if isinstance(instruments, WireError):
        return instruments
    market = testnet.venue.market
    rows = [
        render.last_price(instrument.symbol, market.last_price(instrument.symbol) or 0)
        for instrument in instruments
    ]
    return _one_or_all(query, rows)


async def ticker_book(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET ticker/bookTicker."""
    query = _PRICE.read(call.params)
    if isinstance(query, WireError):
        return query
    instruments = select(testnet, query.symbol, query.symbols, query.symbol_status)
    if isinstance(instruments, WireError):
        return instruments
    rows = []
    for instrument in instruments:
        book = testnet.venue.engine.book(instrument.symbol)
        rows.append(render.book_ticker(instrument.symbol, book.best_bid(), book.best_ask()))
    return _one_or_all(query, rows)


def _one_or_all(query: PriceQuery, rows: "Sequence[str]") -> bytes:
    """`symbol` gives an object, everything else an array."""
    return rows[0].encode() if query.symbol else array(rows)
