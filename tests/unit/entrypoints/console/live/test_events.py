"""Payloads of streams as events: in the API's words, microseconds, one line of JSON."""

import json
from typing import Any

import msgspec
import pytest

from watchword.entrypoints.console.live.events import account_event, market_event, stream_names

KLINE = {"e": "kline", "E": 1, "s": "BTCUSDT", "k": {"t": 60_000, "T": 119_999, "s": "BTCUSDT", "i": "1m", "o": "1", "c": "2", "h": "3", "l": "0.5", "v": "9", "n": 1, "x": True}}  # fmt: skip
REPORT = {"e": "executionReport", "E": 5, "s": "BTCUSDT", "c": "mine", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "2.00000000", "p": "10.00000000", "C": "", "x": "TRADE", "X": "PARTIALLY_FILLED", "i": 7, "l": "1.00000000", "z": "1.00000000", "L": "9.00000000", "T": 5, "Z": "9.00000000"}  # fmt: skip


def read(event: bytes) -> tuple[str, Any]:
    head, line, *rest = event.decode().split("\n")
    assert rest == ["", ""]
    return head.removeprefix("event: "), json.loads(line.removeprefix("data: "))


def made(stream: str, payload: Any) -> tuple[bytes, str]:
    return market_event(stream, msgspec.Raw(json.dumps(payload).encode()))


def test_candle_is_for_viewers_of_its_interval() -> None:
    event, interval = made("btcusdt@kline_1m", KLINE)
    name, candle = read(event)
    assert (name, interval) == ("candle", "1m")
    assert (candle["open_us"], candle["close"], candle["over"]) == (60_000_000, "2", True)


def test_trade_day_and_book_are_for_all() -> None:
    event, interval = made("btcusdt@trade", {"t": 1, "p": "1", "q": "2", "T": 3, "m": True})
    assert (read(event), interval) == (
        ("trade", {"trade": 1, "price": "1", "quantity": "2", "time_us": 3_000, "sold": True}), "",
    )  # fmt: skip
    event, _ = made("btcusdt@miniTicker", {"c": "1", "o": "2", "h": "3", "l": "4", "v": "5", "q": "6"})
    assert read(event)[0] == "day"
    event, _ = made("btcusdt@depth20@100ms", {"lastUpdateId": 4, "bids": [["1", "2"]], "asks": []})
    assert read(event) == ("book", {"update": 4, "bids": [["1", "2"]], "asks": []})


def test_every_stream_that_is_asked_for_is_read() -> None:
    kinds = {name.partition("@")[2].partition("_")[0] for name in stream_names("BTCUSDT")}
    assert kinds == {"depth20@100ms", "trade", "miniTicker", "kline"}


@pytest.mark.parametrize("payload", [{}, [], {"k": {}}, {"t": "x"}])
def test_payload_of_another_shape_is_an_error(payload: Any) -> None:
    with pytest.raises(msgspec.MsgspecError):
        made("btcusdt@kline_1m", payload)


def test_order_says_what_happened_and_what_was_filled() -> None:
    name, order = read(account_event(REPORT))
    assert name == "order"
    assert (order["client_order_id"], order["status"], order["filled"], order["filled_price"]) == (
        "mine", "PARTIALLY_FILLED", "1.00000000", "9.00000000",
    )  # fmt: skip
    assert order["average_price"] == "9.00000000"
    _, order = read(
        account_event({**REPORT, "x": "CANCELED", "C": "mine", "c": "cancel-1", "l": "0.00000000"})
    )
    assert (order["client_order_id"], order["filled"], order["filled_price"]) == ("mine", None, None)


def test_balances_are_told_and_other_events_are_not() -> None:
    told = {"e": "outboundAccountPosition", "E": 1, "u": 2, "B": [{"a": "BTC", "f": "1", "l": "2"}]}
    assert read(account_event(told)) == (
        "balances", {"items": [{"asset": "BTC", "free": "1", "locked": "2"}], "time_us": 2},
    )  # fmt: skip
    assert account_event({"e": "listStatus"}) == b""
    assert account_event({}) == b""
