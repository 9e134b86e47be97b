"""What the upstream says about its market, read: assets, books, last prices, candles. Pure; what cannot be read is None."""

from typing import Any, Final

import msgspec

from watchword.gateway.market_view import Candle, read_amount, read_levels
from watchword.policy.references import Level

_MS_US: Final = 1_000
#: Where a candle has its first moment and its closing price. Source: rest-api.md, "Kline/Candlestick data".
_OPENED, _CLOSE = 0, 4

SideText = list[tuple[str, str]]


class Book(msgspec.Struct, frozen=True):
    """The best levels of both sides.

    Attributes:
        update_id: Rises with every change of the book; shared by REST and streams.
        bids: From the best down.
        asks: From the best up.
    """

    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class _Depth(msgspec.Struct):
    lastUpdateId: int  # noqa: N815 - Binance's name
    bids: SideText
    asks: SideText


class _Symbol(msgspec.Struct):
    symbol: str
    baseAsset: str  # noqa: N815 - Binance's name
    quoteAsset: str  # noqa: N815 - Binance's name


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


class _MiniTicker(msgspec.Struct):
    c: str


_DEPTH: Final = msgspec.json.Decoder(_Depth)
_EXCHANGE_INFO: Final = msgspec.json.Decoder(_ExchangeInfo)
_MINI_TICKER: Final = msgspec.json.Decoder(_MiniTicker)
_CANDLES: Final = msgspec.json.Decoder(list[list[Any]])


def read_book(body: bytes | msgspec.Raw) -> Book | None:
    """Read a depth snapshot or a partial-depth message."""
    try:
        depth = _DEPTH.decode(body)
    except msgspec.DecodeError:
        return None
    bids, asks = read_levels(depth.bids), read_levels(depth.asks)
    return None if bids is None or asks is None else Book(depth.lastUpdateId, bids, asks)


def read_last(body: bytes | msgspec.Raw) -> int:
    """Read the last price of a mini ticker; 0 where there is none."""
    try:
        return read_amount(_MINI_TICKER.decode(body).c) or 0
    except msgspec.DecodeError:
        return 0


def read_assets(body: bytes, symbol: str) -> tuple[str, str] | None:
    """Read a symbol's base and quote asset from `exchangeInfo`."""
    try:
        listed = _EXCHANGE_INFO.decode(body).symbols
    except msgspec.DecodeError:
        return None
    return next(((each.baseAsset, each.quoteAsset) for each in listed if each.symbol == symbol), None)


def read_candles(body: bytes) -> tuple[Candle, ...]:
    """Read one-minute candles; those that cannot be read are left out."""
    try:
        rows = _CANDLES.decode(body)
    except msgspec.DecodeError:
        return ()
    candles = []
    for row in rows:
        if len(row) > _CLOSE and isinstance(row[_OPENED], int) and isinstance(row[_CLOSE], str):
            price = read_amount(row[_CLOSE])
            if price:
                candles.append(Candle(row[_OPENED] * _MS_US, price))
    return tuple(candles)
