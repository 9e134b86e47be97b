"""Stream names against the documented forms, and against what only looks like one."""

import pytest

from watchword.binance.enums import KLINE_INTERVALS
from watchword.entrypoints.testnet.stream_names import HOUR_US, Stream, lower_symbols, read_stream

SYMBOLS = lower_symbols(("BTCUSDT", "这是测试币456"))

CASES = {
    "btcusdt@trade": Stream("trade", "BTCUSDT", every_ms=0),
    "btcusdt@aggTrade": Stream("aggTrade", "BTCUSDT", every_ms=0),
    "btcusdt@bookTicker": Stream("bookTicker", "BTCUSDT", every_ms=0),
    "btcusdt@miniTicker": Stream("miniTicker", "BTCUSDT"),
    "btcusdt@ticker": Stream("ticker", "BTCUSDT"),
    "btcusdt@ticker_4h": Stream("window", "BTCUSDT", "4h"),
    "btcusdt@avgPrice": Stream("avgPrice", "BTCUSDT"),
    "btcusdt@kline_1s": Stream("kline", "BTCUSDT", "1s"),
    "btcusdt@kline_1m": Stream("kline", "BTCUSDT", "1m", every_ms=2_000),
    "btcusdt@kline_1d@+08:00": Stream("kline", "BTCUSDT", "1d", offset_us=8 * HOUR_US, every_ms=2_000),
    "btcusdt@depth": Stream("depth", "BTCUSDT"),
    "btcusdt@depth@100ms": Stream("depth", "BTCUSDT", every_ms=100),
    "btcusdt@depth@1000ms": Stream("depth", "BTCUSDT"),
    "btcusdt@depth5": Stream("partial", "BTCUSDT", levels=5),
    "btcusdt@depth20@100ms": Stream("partial", "BTCUSDT", levels=20, every_ms=100),
    "!miniTicker@arr": Stream("allMiniTickers", ""),
    "!ticker_1h@arr": Stream("allWindows", "", "1h"),
    "这是测试币456@trade": Stream("trade", "这是测试币456", every_ms=0),
}


@pytest.mark.parametrize("name", CASES)
def test_stream_name_documented_is_read(name: str) -> None:
    assert read_stream(name, SYMBOLS) == CASES[name]


@pytest.mark.parametrize("interval", KLINE_INTERVALS)
def test_stream_name_every_interval_is_read(interval: str) -> None:
    stream = read_stream(f"btcusdt@kline_{interval}", SYMBOLS)
    assert stream is not None
    assert stream.argument == interval


@pytest.mark.parametrize(
    "name",
    ["", "0", "btcusdt", "btcusdt@", "BTCUSDT@trade", "nosuch@trade", "btcusdt@Trade", "btcusdt@depth7",
     "btcusdt@depth5@250ms", "btcusdt@kline_7m", "btcusdt@kline_1m@+09:00", "btcusdt@ticker_2h", "!ticker@arr",
     "!ticker_2h@arr", "!bookTicker", "btcusdt@depth@100ms@", "@trade"],
)  # fmt: skip
def test_stream_name_unknown_is_no_stream(name: str) -> None:
    assert read_stream(name, SYMBOLS) is None
