"""Writes public market data as Binance's JSON. Knows no requests and changes nothing.

`unit_us` is 1000 for millisecond timestamps and 1 for microseconds.

Source: rest-api.md, "Market Data endpoints".
"""

from collections.abc import Iterable

from watchword.exchange.market.averages import AveragePrice
from watchword.exchange.market.pieces import Candle
from watchword.exchange.market.tickers import Ticker, format_percent
from watchword.exchange.market.trades import AggregateTrade, PublicTrade
from watchword.kernel.units import format_scaled


def depth(update_id: int, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> bytes:
    """Write an order book's best levels."""
    return f'{{"lastUpdateId":{update_id},"bids":{levels(bids)},"asks":{levels(asks)}}}'.encode()


def levels(side: Iterable[tuple[int, int]]) -> str:
    """Write one side of a book: price and quantity, best first."""
    rows = [f'["{format_scaled(price)}","{format_scaled(quantity)}"]' for price, quantity in side]
    return f"[{','.join(rows)}]"


def trade(item: PublicTrade, unit_us: int) -> str:
    """Write a public trade. `isBestMatch` is always true: there is one book."""
    return (
        f'{{"id":{item.trade_id},"price":"{format_scaled(item.price)}","qty":"{format_scaled(item.quantity)}",'
        f'"quoteQty":"{format_scaled(item.quote)}","time":{item.at_us // unit_us},'
        f'"isBuyerMaker":{_boolean(item.buyer_is_maker)},"isBestMatch":true}}'
    )


def aggregate_trade(item: AggregateTrade, unit_us: int) -> str:
    """Write an aggregate trade."""
    return (
        f'{{"a":{item.aggregate_id},"p":"{format_scaled(item.price)}","q":"{format_scaled(item.quantity)}",'
        f'"f":{item.first_id},"l":{item.last_id},"T":{item.at_us // unit_us},'
        f'"m":{_boolean(item.buyer_is_maker)},"M":true}}'
    )


def kline(candle: Candle, unit_us: int) -> str:
    """Write a candle as Binance's row of twelve."""
    return (
        f'[{candle.open_us // unit_us},"{format_scaled(candle.open)}","{format_scaled(candle.high)}",'
        f'"{format_scaled(candle.low)}","{format_scaled(candle.close)}","{format_scaled(candle.volume)}",'
        f'{candle.close_us // unit_us},"{format_scaled(candle.quote_volume)}",{candle.trades},'
        f'"{format_scaled(candle.taker_volume)}","{format_scaled(candle.taker_quote_volume)}","0"]'
    )


def average_price(average: AveragePrice, unit_us: int) -> bytes:
    """Write the current average price."""
    return (
        f'{{"mins":{average.minutes},"price":"{format_scaled(average.price)}",'
        f'"closeTime":{average.close_us // unit_us}}}'
    ).encode()


def ticker_24h(ticker: Ticker, bid: tuple[int, int] | None, ask: tuple[int, int] | None, unit_us: int) -> str:
    """Write the full day ticker; `bid` and `ask` are (price, quantity) of the best levels."""
    bid_price, bid_quantity = bid or (0, 0)
    ask_price, ask_quantity = ask or (0, 0)
    return (
        f'{{{_change(ticker)},"prevClosePrice":"{format_scaled(ticker.previous_close)}",'
        f'"lastPrice":"{format_scaled(ticker.last)}","lastQty":"{format_scaled(ticker.last_quantity)}",'
        f'"bidPrice":"{format_scaled(bid_price)}","bidQty":"{format_scaled(bid_quantity)}",'
        f'"askPrice":"{format_scaled(ask_price)}","askQty":"{format_scaled(ask_quantity)}",'
        f"{_range(ticker)},{_window(ticker, unit_us)}}}"
    )


def ticker_window(ticker: Ticker, unit_us: int) -> str:
    """Write a rolling-window or trading-day ticker in full."""
    return (
        f'{{{_change(ticker)},{_range(ticker)},"lastPrice":"{format_scaled(ticker.last)}",'
        f"{_window(ticker, unit_us)}}}"
    )


def ticker_mini(ticker: Ticker, unit_us: int) -> str:
    """Write any ticker's MINI form."""
    return (
        f'{{"symbol":"{ticker.symbol}",{_range(ticker)},"lastPrice":"{format_scaled(ticker.last)}",'
        f"{_window(ticker, unit_us)}}}"
    )


def last_price(symbol: str, last: int) -> str:
    """Write a last price."""
    return f'{{"symbol":"{symbol}","price":"{format_scaled(last)}"}}'


def book_ticker(symbol: str, bid: tuple[int, int] | None, ask: tuple[int, int] | None) -> str:
    """Write the best levels; a missing side is zero."""
    bid_price, bid_quantity = bid or (0, 0)
    ask_price, ask_quantity = ask or (0, 0)
    return (
        f'{{"symbol":"{symbol}","bidPrice":"{format_scaled(bid_price)}","bidQty":"{format_scaled(bid_quantity)}",'
        f'"askPrice":"{format_scaled(ask_price)}","askQty":"{format_scaled(ask_quantity)}"}}'
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _change(ticker: Ticker) -> str:
    return (
        f'"symbol":"{ticker.symbol}","priceChange":"{format_scaled(ticker.change)}",'
        f'"priceChangePercent":"{format_percent(ticker.change_percent_millis)}",'
        f'"weightedAvgPrice":"{format_scaled(ticker.weighted_average)}"'
    )


def _range(ticker: Ticker) -> str:
    return (
        f'"openPrice":"{format_scaled(ticker.open)}","highPrice":"{format_scaled(ticker.high)}",'
        f'"lowPrice":"{format_scaled(ticker.low)}"'
    )


def _window(ticker: Ticker, unit_us: int) -> str:
    return (
        f'"volume":"{format_scaled(ticker.volume)}","quoteVolume":"{format_scaled(ticker.quote_volume)}",'
        f'"openTime":{ticker.open_us // unit_us},"closeTime":{ticker.close_us // unit_us},'
        f'"firstId":{ticker.first_id},"lastId":{ticker.last_id},"count":{ticker.count}'
    )
