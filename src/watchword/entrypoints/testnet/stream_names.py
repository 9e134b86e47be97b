"""Stream names, read into what they ask for. Knows no subscriber and builds no payload.

Source: web-socket-streams.md, "Detailed Stream information". Symbols are in lower case; an upper-case name is
accepted by the server and never produces anything, so it is no stream here either.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from watchword.binance.enums import KLINE_INTERVALS

Kind = Literal[
    "trade", "aggTrade", "bookTicker", "kline", "miniTicker", "ticker", "window", "avgPrice", "depth", "partial",
    "allMiniTickers", "allWindows",
]  # fmt: skip

HOUR_US: Final = 3_600_000_000
WINDOWS_US: Final = {"1h": HOUR_US, "4h": 4 * HOUR_US, "1d": 24 * HOUR_US}
KLINE_OFFSET: Final = "@+08:00"
FAST_MS: Final = 100
SLOW_MS: Final = 1_000
KLINE_MS: Final = 2_000

_DEPTH = re.compile(r"depth(5|10|20)?(?:@(100|1000)ms)?", re.ASCII)
_SIMPLE: Final[dict[str, Kind]] = {
    "trade": "trade",
    "aggTrade": "aggTrade",
    "bookTicker": "bookTicker",
    "miniTicker": "miniTicker",
    "ticker": "ticker",
    "avgPrice": "avgPrice",
}


class Stream(msgspec.Struct, frozen=True):
    """What a stream name asks for.

    Attributes:
        kind: Which payload.
        symbol: As listed, upper case; empty for the all-market streams.
        argument: Kline interval or ticker window.
        levels: Of a partial book.
        offset_us: Time zone of the klines, microseconds east of UTC.
        every_ms: How often it is looked at; 0: whenever something happens.
    """

    kind: Kind
    symbol: str
    argument: str = ""
    levels: int = 0
    offset_us: int = 0
    every_ms: int = SLOW_MS


def lower_symbols(symbols: Iterable[str]) -> dict[str, str]:
    """Map the lower-case spelling of stream names to the listed symbol."""
    return {symbol.lower(): symbol for symbol in symbols}


def read_stream(name: str, symbols: dict[str, str]) -> Stream | None:
    """Read a stream name.

    Args:
        name: For example `btcusdt@depth@100ms`.
        symbols: From `lower_symbols`.

    Returns:
        What it asks for, or None where nothing will ever come.
    """
    if name.startswith("!"):
        if name == "!miniTicker@arr":
            return Stream("allMiniTickers", "")
        window = name.removeprefix("!ticker_").removesuffix("@arr")
        return (
            Stream("allWindows", "", window)
            if name == f"!ticker_{window}@arr" and window in WINDOWS_US
            else None
        )
    lowered, _, rest = name.partition("@")
    symbol = symbols.get(lowered)
    if symbol is None:
        return None
    kind = _SIMPLE.get(rest)
    if kind is not None:
        return Stream(kind, symbol, every_ms=0 if kind in {"trade", "aggTrade", "bookTicker"} else SLOW_MS)
    if rest.startswith("kline_"):
        interval = rest[6:].removesuffix(KLINE_OFFSET)
        if interval not in KLINE_INTERVALS:
            return None
        offset_us = 8 * HOUR_US if rest.endswith(KLINE_OFFSET) else 0
        return Stream("kline", symbol, interval, 0, offset_us, SLOW_MS if interval == "1s" else KLINE_MS)
    if rest.startswith("ticker_") and rest[7:] in WINDOWS_US:
        return Stream("window", symbol, rest[7:])
    match = _DEPTH.fullmatch(rest)
    if match is None:
        return None
    levels, speed = match.groups()
    every_ms = int(speed) if speed else SLOW_MS
    return Stream("partial" if levels else "depth", symbol, "", int(levels or 0), 0, every_ms)
