"""Trades into candles: every interval, any time zone, equals what a naive reader of the trades computes."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples

from watchword.exchange.market.candles import Candles
from watchword.exchange.market.intervals import DAY_US, HOUR_US, INTERVALS, LENGTH_US, MINUTE_US, SECOND_US
from watchword.exchange.market.pieces import Candle

#: Tuesday, 2023-11-14T22:13:20Z.
BEGINNING_US = 1_700_000_000 * SECOND_US
Trade = tuple[int, int, int, int, bool]

gaps = st.one_of(
    st.integers(0, 3 * SECOND_US),
    st.integers(0, 10 * MINUTE_US),
    st.integers(0, 40 * HOUR_US),
    st.integers(0, 45 * DAY_US),
)
rows = st.lists(
    st.tuples(gaps, st.integers(1, 10**13), st.integers(1, 10**16), st.booleans()), min_size=1, max_size=60
)
offsets = st.one_of(st.just(0), st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 15 * MINUTE_US))


def test_candles_of_any_trades_equal_naive_aggregation_on_every_interval() -> None:
    for interval in INTERVALS:
        _check_interval(interval)


def _check_interval(interval: str) -> None:
    @settings(max_examples=examples(25), deadline=None)
    @given(rows, offsets)
    def check(rows: list[tuple[int, int, int, bool]], offset_us: int) -> None:
        trades, candles = fed(rows)
        now_us = trades[-1][0]
        start_us = now_us - 900 * LENGTH_US.get(interval, 30 * DAY_US)
        read = candles.read(interval, start_us, None, 1_000, offset_us, now_us)
        assert read == naive(trades, interval, offset_us, now_us, start_us)

    check()


@settings(max_examples=examples(40), deadline=None)
@given(rows, st.integers(0, 10**9))
def test_candles_written_and_read_back_at_any_moment_go_on_alike(
    rows: list[tuple[int, int, int, bool]], cut: int
) -> None:
    trades, whole = fed(rows)
    cut %= len(trades)
    _, first = fed(rows[:cut])
    restored = Candles()
    restored.restore(first.encode())
    for trade_id, trade in enumerate(trades[cut:], cut + 1):
        add(restored, trade, trade_id)
    assert restored.encode() == whole.encode()


@pytest.mark.parametrize("beyond", [2**63, 10**28])
def test_candles_amounts_beyond_64_bits_are_kept_exactly(beyond: int) -> None:
    candles = Candles()
    for number in range(5):
        add(candles, (BEGINNING_US + number * 90 * SECOND_US, 7, beyond, beyond * 7, True), number + 1)
    restored = Candles()
    restored.restore(candles.encode())
    for read_from in (candles, restored):
        (month,) = read_from.read("1M", None, None, 10, 0, BEGINNING_US + DAY_US)
        assert (month.volume, month.taker_quote_volume) == (5 * beyond, 35 * beyond)
        minutes = read_from.read("1m", None, None, 10, 0, BEGINNING_US + 4 * 90 * SECOND_US)
        assert [minute.volume for minute in minutes] == [beyond, beyond, 0, beyond, beyond, 0, beyond]


def fed(rows: list[tuple[int, int, int, bool]]) -> tuple[list[Trade], Candles]:
    """Trades at rising moments, and the candles that saw them."""
    at_us, trades, candles = BEGINNING_US, [], Candles()
    for trade_id, (gap_us, price, quantity, taker_buys) in enumerate(rows, 1):
        at_us += gap_us
        trade = (at_us, price, quantity, price * quantity // 10**8, taker_buys)
        trades.append(trade)
        add(candles, trade, trade_id)
    return trades, candles


def add(candles: Candles, trade: Trade, trade_id: int) -> None:
    candles.add(*trade, trade_id)


def naive(trades: list[Trade], interval: str, offset_us: int, now_us: int, start_us: int) -> list[Candle]:
    """Sort trades into buckets found with calendar arithmetic, fill the gaps, cut to what was asked."""
    buckets: dict[tuple[int, int], list[tuple[int, Trade]]] = {}
    for trade_id, trade in enumerate(trades, 1):
        buckets.setdefault(bucket(trade[0], interval, offset_us), []).append((trade_id, trade))
    candles: list[Candle] = []
    at_us, close = trades[0][0], 0
    while True:
        open_us, until_us = bucket(at_us, interval, offset_us)
        if open_us > now_us:
            break
        inside = buckets.get((open_us, until_us))
        if inside:
            prices = [trade[1] for _, trade in inside]
            close = prices[-1]
            candle = Candle(
                open_us, until_us - 1, prices[0], max(prices), min(prices), close,
                sum(trade[2] for _, trade in inside), sum(trade[3] for _, trade in inside), len(inside),
                sum(trade[2] for _, trade in inside if trade[4]), sum(trade[3] for _, trade in inside if trade[4]),
                inside[0][0], inside[-1][0],
            )  # fmt: skip
        else:
            candle = Candle(open_us, until_us - 1, close, close, close, close, 0, 0, 0, 0, 0, -1, -1)
        if open_us >= start_us:
            candles.append(candle)
        elif inside is None and until_us < start_us:
            # A long gap: go on in the last bucket before what was asked.
            at_us = max(at_us, min(start_us - 1, next_trade_us(trades, at_us)))
            if bucket(at_us, interval, offset_us)[0] > open_us:
                continue
        at_us = until_us
    return candles[:1_000]


def next_trade_us(trades: list[Trade], at_us: int) -> int:
    return min((trade[0] for trade in trades if trade[0] > at_us), default=2**62)


def bucket(at_us: int, interval: str, offset_us: int) -> tuple[int, int]:
    zone = timezone(timedelta(microseconds=offset_us))
    local = datetime.fromtimestamp(at_us // SECOND_US, UTC).astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0)
    number, unit = int(interval[:-1]), interval[-1]
    if unit == "M":
        begin = midnight.replace(day=1)
        end = (begin + timedelta(days=32)).replace(day=1)
    elif unit == "w":
        begin = midnight - timedelta(days=midnight.weekday())
        end = begin + timedelta(days=7)
    elif unit == "d":
        begin = midnight - timedelta(days=(midnight.date() - date(1970, 1, 1)).days % number)
        end = begin + timedelta(days=number)
    else:
        length = number * {"s": 1, "m": 60, "h": 3600}[unit]
        begin = midnight + timedelta(seconds=int((local - midnight).total_seconds()) // length * length)
        end = begin + timedelta(seconds=length)
    return int(begin.timestamp()) * SECOND_US, int(end.timestamp()) * SECOND_US
