"""Payloads of market streams as JSON bytes. Pure: knows no subscriber, no clock and no exchange object to look up.

Source: web-socket-streams.md, "Detailed Stream information"; the letters and their order are the document's.
"""

from collections.abc import Iterable, Sequence

from watchword.exchange.events import OrderTraded
from watchword.exchange.market.averages import AveragePrice
from watchword.exchange.market.pieces import Candle
from watchword.exchange.market.tickers import Ticker, format_percent
from watchword.exchange.market.trades import AggregateTrade
from watchword.kernel.units import format_scaled as f

Row = tuple[int, int]


def moment(at_us: int, *, micros: bool) -> int:
    """Return a time in the subscriber's unit."""
    return at_us if micros else at_us // 1000


def trade(event: OrderTraded, now: int, at: int) -> bytes:
    """One trade. `now` and `at` are in the subscriber's unit."""
    maker = "true" if event.maker.side == "BUY" else "false"
    return (
        f'{{"e":"trade","E":{now},"s":"{event.symbol}","t":{event.trade_id},"p":"{f(event.price)}",'
        f'"q":"{f(event.quantity)}","T":{at},"m":{maker},"M":true}}'
    ).encode()


def aggregate_trade(symbol: str, made: AggregateTrade, now: int, at: int) -> bytes:
    """One taker order's trades at one price."""
    maker = "true" if made.buyer_is_maker else "false"
    return (
        f'{{"e":"aggTrade","E":{now},"s":"{symbol}","a":{made.aggregate_id},"p":"{f(made.price)}",'
        f'"q":"{f(made.quantity)}","f":{made.first_id},"l":{made.last_id},"T":{at},"m":{maker},"M":true}}'
    ).encode()


def book_ticker(symbol: str, update_id: int, bid: Row, ask: Row) -> bytes:
    """Best prices; zeros where a side is empty."""
    return (
        f'{{"u":{update_id},"s":"{symbol}","b":"{f(bid[0])}","B":"{f(bid[1])}",'
        f'"a":"{f(ask[0])}","A":"{f(ask[1])}"}}'
    ).encode()


def kline(symbol: str, interval: str, candle: Candle, now: int, *, closed: bool, micros: bool) -> bytes:
    """One candle."""
    return (
        f'{{"e":"kline","E":{now},"s":"{symbol}","k":{{"t":{moment(candle.open_us, micros=micros)},'
        f'"T":{moment(candle.close_us, micros=micros)},"s":"{symbol}","i":"{interval}","f":{candle.first_id},'
        f'"L":{candle.last_id},"o":"{f(candle.open)}","c":"{f(candle.close)}","h":"{f(candle.high)}",'
        f'"l":"{f(candle.low)}","v":"{f(candle.volume)}","n":{candle.trades},"x":{"true" if closed else "false"},'
        f'"q":"{f(candle.quote_volume)}","V":"{f(candle.taker_volume)}","Q":"{f(candle.taker_quote_volume)}",'
        f'"B":"0"}}}}'
    ).encode()


def mini_ticker(made: Ticker, now: int) -> bytes:
    """The rolling day in short."""
    return (
        f'{{"e":"24hrMiniTicker","E":{now},"s":"{made.symbol}","c":"{f(made.last)}","o":"{f(made.open)}",'
        f'"h":"{f(made.high)}","l":"{f(made.low)}","v":"{f(made.volume)}","q":"{f(made.quote_volume)}"}}'
    ).encode()


def ticker(made: Ticker, bid: Row, ask: Row, now: int, *, micros: bool) -> bytes:
    """The rolling day in full."""
    return (
        f'{{"e":"24hrTicker","E":{now},"s":"{made.symbol}","p":"{f(made.change)}",'
        f'"P":"{format_percent(made.change_percent_millis)}","w":"{f(made.weighted_average)}",'
        f'"x":"{f(made.previous_close)}","c":"{f(made.last)}","Q":"{f(made.last_quantity)}",'
        f'"b":"{f(bid[0])}","B":"{f(bid[1])}","a":"{f(ask[0])}","A":"{f(ask[1])}","o":"{f(made.open)}",'
        f'"h":"{f(made.high)}","l":"{f(made.low)}","v":"{f(made.volume)}","q":"{f(made.quote_volume)}",'
        f'"O":{moment(made.open_us, micros=micros)},"C":{moment(made.close_us, micros=micros)},'
        f'"F":{made.first_id},"L":{made.last_id},"n":{made.count}}}'
    ).encode()


def window_ticker(made: Ticker, window: str, now: int, *, micros: bool) -> bytes:
    """A rolling window of 1h, 4h or 1d."""
    return (
        f'{{"e":"{window}Ticker","E":{now},"s":"{made.symbol}","p":"{f(made.change)}",'
        f'"P":"{format_percent(made.change_percent_millis)}","o":"{f(made.open)}","h":"{f(made.high)}",'
        f'"l":"{f(made.low)}","c":"{f(made.last)}","w":"{f(made.weighted_average)}","v":"{f(made.volume)}",'
        f'"q":"{f(made.quote_volume)}","O":{moment(made.open_us, micros=micros)},'
        f'"C":{moment(made.close_us, micros=micros)},"F":{made.first_id},"L":{made.last_id},"n":{made.count}}}'
    ).encode()


def average_price(symbol: str, made: AveragePrice, now: int, *, micros: bool) -> bytes:
    """The average of the last minutes."""
    return (
        f'{{"e":"avgPrice","E":{now},"s":"{symbol}","i":"{made.minutes}m","w":"{f(made.price)}",'
        f'"T":{moment(made.close_us, micros=micros)}}}'
    ).encode()


def partial_depth(update_id: int, bids: Sequence[Row], asks: Sequence[Row]) -> bytes:
    """The best levels of a book."""
    return f'{{"lastUpdateId":{update_id},"bids":{rows(bids)},"asks":{rows(asks)}}}'.encode()


def depth_update(
    symbol: str, first: int, last: int, bids: Iterable[Row], asks: Iterable[Row], now: int
) -> bytes:
    """What changed in a book; a quantity of zero removes the level."""
    return (
        f'{{"e":"depthUpdate","E":{now},"s":"{symbol}","U":{first},"u":{last},"b":{rows(bids)},"a":{rows(asks)}}}'
    ).encode()


def rows(levels: Iterable[Row]) -> str:
    """Write price levels as `[["0.0024","10"],…]`."""
    return "[" + ",".join([f'["{f(price)}","{f(quantity)}"]' for price, quantity in levels]) + "]"
