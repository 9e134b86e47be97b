"""The testnet's market: symbols, candles, book and trades. Public at the exchange; here for whoever may read accounts."""

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.exchange_calls import called
from watchword.entrypoints.console.routes.trading import SYMBOL_LENGTH_MAX

TAG: Final = "market"
CANDLES_MAX: Final = 1_000
LEVELS_MAX: Final = 500
TRADES_MAX: Final = 500
MOMENT_US_MAX: Final = (1 << 53) - 1
#: How long what the exchange lists counts as known. Prices in it are asked for every time.
LISTING_S_MAX: Final = 60.0

Interval = Literal[
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"
]
SymbolName = Annotated[str, Meta(min_length=1, max_length=SYMBOL_LENGTH_MAX, description="Such as BTCUSDT.")]


class SymbolView(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol, what its filters want, and its last day. Decimal texts.

    Attributes:
        price_step, quantity_step: Prices and quantities are multiples of these.
        quantity_min, worth_min: Of an order; the latter in the quote asset.
        change_percent: Of 24 hours, like volume and quote_volume.
    """

    symbol: str
    base: str
    quote: str
    status: str
    price_step: str
    quantity_step: str
    quantity_min: str
    worth_min: str
    last: str
    change_percent: str
    high: str
    low: str
    volume: str
    quote_volume: str


class SymbolList(msgspec.Struct, frozen=True):
    """All symbols, as the exchange lists them."""

    items: list[SymbolView]


class CandleView(msgspec.Struct, frozen=True):
    """One candle; `close_us` is its last microsecond."""

    open_us: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_us: int


class CandleList(msgspec.Struct, frozen=True):
    """Candles, oldest first, the current one last."""

    symbol: str
    interval: Interval
    items: list[CandleView]


class Book(msgspec.Struct, frozen=True):
    """The best levels of a book: price and quantity, best first."""

    symbol: str
    update: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class MarketTrade(msgspec.Struct, frozen=True):
    """A trade of anybody's; `sold`: the taker sold."""

    trade: int
    price: str
    quantity: str
    time_us: int
    sold: bool


class MarketTradeList(msgspec.Struct, frozen=True):
    """Trades, newest first."""

    symbol: str
    items: list[MarketTrade]


class CandleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which candles."""

    symbol: SymbolName
    interval: Annotated[Interval, Meta(description="Of one candle.")] = "1m"
    limit: Annotated[int, Meta(ge=1, le=CANDLES_MAX, description="Candles at most.")] = 300
    end_us: Annotated[int, Meta(ge=0, le=MOMENT_US_MAX, description="Opening at or before it; 0: now.")] = 0


class BookQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which book, and how deep."""

    symbol: SymbolName
    limit: Annotated[int, Meta(ge=1, le=LEVELS_MAX, description="Levels of a side at most.")] = 20


class MarketTradeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose trades, and how many."""

    symbol: SymbolName
    limit: Annotated[int, Meta(ge=1, le=TRADES_MAX, description="Trades at most.")] = 50


class _WireFilter(msgspec.Struct, frozen=True, rename="camel"):
    filter_type: str
    tick_size: str = ""
    step_size: str = ""
    min_qty: str = ""
    min_notional: str = ""


class _WireSymbol(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[_WireFilter]


class _WireListing(msgspec.Struct, frozen=True):
    symbols: list[_WireSymbol]


class _WireTicker(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    last_price: str
    price_change_percent: str
    high_price: str
    low_price: str
    volume: str
    quote_volume: str


class _WireBook(msgspec.Struct, frozen=True, rename="camel"):
    last_update_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class _WireMarketTrade(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    price: str
    qty: str
    time: int
    is_buyer_maker: bool


class _WireCandle(msgspec.Struct, frozen=True, array_like=True):
    open_us: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_us: int


class _Listing(msgspec.Struct):
    """What the exchange lists, and until when that counts."""

    symbols: list[_WireSymbol]
    until_s: float


async def list_symbols(ask: Ask[None, None]) -> SymbolList | Problem:
    """List symbols."""
    listed = await listing_of(ask)
    if isinstance(listed, Problem):
        return listed
    tickers = await called(ask, list[_WireTicker], "ticker.24hr")
    if isinstance(tickers, Problem):
        return tickers
    days = {ticker.symbol: ticker for ticker in tickers}
    return SymbolList([_symbol_view(one, days[one.symbol]) for one in listed if one.symbol in days])


async def list_candles(ask: Ask[None, CandleQuery]) -> CandleList | Problem:
    """List candles."""
    query = ask.query
    candles = await candles_of(ask, query.symbol, query.interval, query.limit, query.end_us)
    return candles if isinstance(candles, Problem) else CandleList(query.symbol, query.interval, candles)


async def show_book(ask: Ask[None, BookQuery]) -> Book | Problem:
    """Show the best levels."""
    found = await called(ask, _WireBook, "depth", symbol=ask.query.symbol, limit=ask.query.limit)
    if isinstance(found, Problem):
        return found
    return Book(ask.query.symbol, found.last_update_id, found.bids, found.asks)


async def list_market_trades(ask: Ask[None, MarketTradeQuery]) -> MarketTradeList | Problem:
    """List the newest trades."""
    query = ask.query
    rows = await called(ask, list[_WireMarketTrade], "trades.recent", symbol=query.symbol, limit=query.limit)
    if isinstance(rows, Problem):
        return rows
    trades = [MarketTrade(row.id, row.price, row.qty, row.time, row.is_buyer_maker) for row in reversed(rows)]
    return MarketTradeList(query.symbol, trades)


async def listing_of(ask: Ask[Any, Any]) -> list[_WireSymbol] | Problem:
    """Say what the exchange lists; asked for once a minute."""
    now_s = asyncio.get_running_loop().time()
    known: _Listing | None = ask.console.at_hand.get(_Listing)
    if known is not None and now_s < known.until_s:
        return known.symbols
    found = await called(ask, _WireListing, "exchangeInfo")
    if isinstance(found, Problem):
        return found
    ask.console.at_hand[_Listing] = _Listing(found.symbols, now_s + LISTING_S_MAX)
    return found.symbols


async def candles_of(
    ask: Ask[Any, Any], symbol: str, interval: str, limit: int, end_us: int = 0
) -> list[CandleView] | Problem:
    """Ask for candles.

    Args:
        ask: The question.
        symbol: Whose.
        interval: Of one candle.
        limit: At most.
        end_us: The last one opens then or before; 0: now.
    """
    rows = await called(
        ask,
        list[_WireCandle],
        "klines",
        symbol=symbol,
        interval=interval,
        limit=limit,
        endTime=end_us or None,
    )
    if isinstance(rows, Problem):
        return rows
    return [CandleView(*msgspec.structs.astuple(row)) for row in rows]


def _symbol_view(one: _WireSymbol, day: _WireTicker) -> SymbolView:
    filters = {rule.filter_type: rule for rule in one.filters}
    none = _WireFilter("")
    price, lot = filters.get("PRICE_FILTER", none), filters.get("LOT_SIZE", none)
    worth = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", none))
    return SymbolView(
        symbol=one.symbol, base=one.base_asset, quote=one.quote_asset, status=one.status, price_step=price.tick_size,
        quantity_step=lot.step_size, quantity_min=lot.min_qty, worth_min=worth.min_notional, last=day.last_price,
        change_percent=day.price_change_percent, high=day.high_price, low=day.low_price, volume=day.volume,
        quote_volume=day.quote_volume,
    )  # fmt: skip


_READ: Final[dict[str, Any]] = {"method": "GET", "tag": TAG, "action": "account.read"}

ROUTES: Final = (
    Route(
        path="/market/symbols", name="listSymbols", summary="List the testnet's symbols with their last day.",
        handler=list_symbols, answer=SymbolList, **_READ,
    ),
    Route(
        path="/market/candles", name="listCandles", summary="List candles of a symbol.", handler=list_candles,
        query=CandleQuery, answer=CandleList, **_READ,
    ),
    Route(
        path="/market/book", name="showBook", summary="Show the best levels of a symbol's order book.",
        handler=show_book, query=BookQuery, answer=Book, **_READ,
    ),
    Route(
        path="/market/trades", name="listMarketTrades", summary="List the newest trades of a symbol.",
        handler=list_market_trades, query=MarketTradeQuery, answer=MarketTradeList, **_READ,
    ),
)  # fmt: skip
