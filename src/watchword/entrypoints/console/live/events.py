"""Stream payloads of the exchange as events of this API, ready to be sent. Pure: knows no connection and no viewer.

An event is named and carries one JSON document, in the words of the JSON routes. Times are epoch microseconds.

Source: web-socket-streams.md, user-data-stream.md; https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from typing import Any, Final

import msgspec

from watchword.entrypoints.console.trading_views import average_of, given_amount

#: What a stream's times are counted in.
MS_US: Final = 1_000
#: Candles that are relayed.
LIVE_INTERVALS: Final = ("1m", "5m", "15m", "1h", "4h", "1d")
LEVELS: Final = 20
_CANDLE_BEGIN: Final = "kline_"


class LiveCandle(msgspec.Struct, frozen=True):
    """`candle`: the current one as it stands, or the last state of one that is over."""

    interval: str
    open_us: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    over: bool


class LiveBook(msgspec.Struct, frozen=True):
    """`book`: the best levels."""

    update: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class LiveTrade(msgspec.Struct, frozen=True):
    """`trade`: of anybody's; `sold`: the taker sold."""

    trade: int
    price: str
    quantity: str
    time_us: int
    sold: bool


class LiveDay(msgspec.Struct, frozen=True):
    """`day`: the last 24 hours."""

    last: str
    open: str
    high: str
    low: str
    volume: str
    quote_volume: str


class LiveOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`order`: one of the account's, as it stands after something happened to it.

    Attributes:
        happened: NEW, TRADE, CANCELED, EXPIRED, …
        filled, filled_price: By this trade; None where it was none.
    """

    order: int
    client_order_id: str
    symbol: str
    side: str
    kind: str
    status: str
    happened: str
    price: str | None
    quantity: str
    executed: str
    average_price: str | None
    filled: str | None
    filled_price: str | None
    time_us: int


class LiveBalance(msgspec.Struct, frozen=True):
    """One asset of `balances`."""

    asset: str
    free: str
    locked: str


class LiveBalances(msgspec.Struct, frozen=True):
    """`balances`: those that may have changed."""

    items: list[LiveBalance]
    time_us: int


class _Kline(msgspec.Struct, frozen=True):
    t: int
    i: str
    o: str
    h: str
    l: str  # noqa: E741 - Binance's letter
    c: str
    v: str
    x: bool


class _Candle(msgspec.Struct, frozen=True):
    k: _Kline


class _Depth(msgspec.Struct, frozen=True, rename="camel"):
    last_update_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class _Trade(msgspec.Struct, frozen=True):
    t: int
    p: str
    q: str
    T: int
    m: bool


class _Day(msgspec.Struct, frozen=True):
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - Binance's letter
    v: str
    q: str


class _Report(msgspec.Struct, frozen=True):
    i: int
    c: str
    C: str
    s: str
    S: str
    o: str
    X: str
    x: str
    p: str
    q: str
    z: str
    Z: str
    l: str  # noqa: E741 - Binance's letter
    L: str
    T: int


class _Held(msgspec.Struct, frozen=True):
    a: str
    f: str
    l: str  # noqa: E741 - Binance's letter


class _Position(msgspec.Struct, frozen=True):
    B: list[_Held]
    u: int


def stream_names(symbol: str) -> list[str]:
    """Name the streams that a symbol's viewers are shown."""
    lowered = symbol.lower()
    candles = [f"{lowered}@{_CANDLE_BEGIN}{interval}" for interval in LIVE_INTERVALS]
    return [f"{lowered}@depth{LEVELS}@100ms", f"{lowered}@trade", f"{lowered}@miniTicker", *candles]


def market_event(stream: str, payload: msgspec.Raw) -> tuple[bytes, str]:
    """Turn a market stream's payload into an event.

    Args:
        stream: Its name.
        payload: As it came, times in milliseconds.

    Returns:
        The event, and the interval whose viewers want it; empty for all.

    Raises:
        msgspec.MsgspecError: It is none of these.
    """
    kind = stream.partition("@")[2]
    if kind.startswith(_CANDLE_BEGIN):
        k = msgspec.json.decode(payload, type=_Candle).k
        return event("candle", LiveCandle(k.i, k.t * MS_US, k.o, k.h, k.l, k.c, k.v, k.x)), k.i
    if kind == "trade":
        trade = msgspec.json.decode(payload, type=_Trade)
        return event("trade", LiveTrade(trade.t, trade.p, trade.q, trade.T * MS_US, trade.m)), ""
    if kind == "miniTicker":
        day = msgspec.json.decode(payload, type=_Day)
        return event("day", LiveDay(day.c, day.o, day.h, day.l, day.v, day.q)), ""
    depth = msgspec.json.decode(payload, type=_Depth)
    return event("book", LiveBook(depth.last_update_id, depth.bids, depth.asks)), ""


def account_event(told: dict[str, Any]) -> bytes:
    """Turn an event of a user data stream into one of ours; empty for those nobody is shown.

    Args:
        told: As `account.watch` has it, times in microseconds.

    Raises:
        msgspec.ValidationError: It is not what it says it is.
    """
    match told.get("e"):
        case "executionReport":
            return event("order", _order(msgspec.convert(told, _Report)))
        case "outboundAccountPosition":
            position = msgspec.convert(told, _Position)
            return event(
                "balances", LiveBalances([LiveBalance(one.a, one.f, one.l) for one in position.B], position.u)
            )
        case _:
            return b""


def event(name: str, content: msgspec.Struct) -> bytes:
    """Write one event; JSON has no line ends of its own."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(content))


def _order(report: _Report) -> LiveOrder:
    traded = given_amount(report.l)
    return LiveOrder(
        order=report.i, client_order_id=report.C or report.c, symbol=report.s, side=report.S, kind=report.o,
        status=report.X, happened=report.x, price=given_amount(report.p), quantity=report.q, executed=report.z,
        average_price=average_of(report.z, report.Z), filled=traded, filled_price=report.L if traded else None,
        time_us=report.T,
    )  # fmt: skip
