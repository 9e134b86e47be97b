"""The back-filled past: long enough, the same for a seed, and exact wherever intervals overlap, live trades included."""

from functools import cache
from itertools import pairwise

import pytest

from watchword.exchange.commands import LiquidityTick, OpenVenue
from watchword.exchange.listings import THIN_SYMBOL, default_instruments
from watchword.exchange.market.history import BEGINNING_US
from watchword.exchange.market.intervals import DAY_US, INTERVALS, MINUTE_US, SECOND_US
from watchword.exchange.market.market import Market
from watchword.exchange.market.pieces import Candle
from watchword.exchange.market.trades import PublicTrade
from watchword.exchange.venue import Venue

#: Friday, 2026-11-20T04:16:07.123456Z: no boundary of anything.
NOW_US = 1_795_148_167_123_456
TICKS = 1_200
SYMBOLS = tuple(instrument.symbol for instrument in default_instruments())
#: (longer, shorter): every pair of neighbouring intervals of which one divides the other.
PAIRS = (
    ("1m", "1s"), ("3m", "1m"), ("5m", "1m"), ("15m", "5m"), ("30m", "15m"), ("1h", "30m"), ("2h", "1h"), ("4h", "2h"),
    ("6h", "2h"), ("8h", "4h"), ("12h", "6h"), ("1d", "12h"), ("3d", "1d"), ("1w", "1d"), ("1M", "1d"), ("1h", "1m"),
    ("1d", "1h"), ("1d", "15m"),
)  # fmt: skip


@cache
def opened() -> Market:
    market = Market()
    market.fold(OpenVenue(1, NOW_US, 7, True, default_instruments()), [])
    return market


@cache
def traded() -> tuple[Venue, int]:
    """A venue that lived for five minutes after its past was made up."""
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, 7, True, default_instruments()))
    now_us = NOW_US
    for number in range(TICKS):
        now_us += 250_000
        venue.apply(LiquidityTick(number + 2, now_us))
    return venue, now_us


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_history_of_a_new_venue_is_long_enough_on_every_interval(symbol: str, interval: str) -> None:
    candles = opened().klines(symbol, interval, None, None, 1_000, 0, NOW_US)
    if interval in {"3d", "1w", "1M"}:
        oldest = opened().klines(symbol, interval, 0, None, 1, 0, NOW_US)[0]
        assert oldest.open_us <= BEGINNING_US <= oldest.close_us
    else:
        assert len(candles) == 1_000
    assert candles[-1].open_us <= NOW_US <= candles[-1].close_us
    for before, after in pairwise(candles):
        assert after.open_us == before.close_us + 1


@pytest.mark.parametrize(("longer", "shorter"), PAIRS)
@pytest.mark.parametrize("symbol", ["BTCUSDT", "LTCBTC", THIN_SYMBOL])
def test_history_longer_candles_aggregate_shorter_ones_across_the_seam(
    symbol: str, longer: str, shorter: str
) -> None:
    venue, now_us = traded()
    shorts = klines(venue.market, symbol, shorter, now_us)
    longs = [
        candle
        for candle in klines(venue.market, symbol, longer, now_us)
        if candle.open_us >= shorts[0].open_us
    ]
    assert longs[-1].close_us >= now_us
    for whole in longs:
        inside = [one for one in shorts if whole.open_us <= one.open_us <= whole.close_us]
        assert aggregate(inside) == figures(whole)


@pytest.mark.parametrize(
    "offset_us", [-12 * 3600 * SECOND_US, 345 * MINUTE_US, 8 * 3600 * SECOND_US, 14 * 3600 * SECOND_US]
)
def test_history_days_of_a_time_zone_aggregate_its_quarters(offset_us: int) -> None:
    venue, now_us = traded()
    shorts = venue.market.klines("BTCUSDT", "15m", None, None, 1_000, offset_us, now_us)
    days = venue.market.klines("BTCUSDT", "1d", shorts[0].open_us, None, 1_000, offset_us, now_us)
    assert len(days) >= 9
    for day in days:
        assert (day.open_us + offset_us) % DAY_US == 0
        inside = [one for one in shorts if day.open_us <= one.open_us <= day.close_us]
        assert aggregate(inside) == figures(day)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_history_candles_equal_the_trades_on_the_tape_across_the_seam(symbol: str) -> None:
    venue, now_us = traded()
    tape = venue.market.trades_from(symbol, 0, 10**6)
    assert [trade.trade_id for trade in tape] == list(range(tape[0].trade_id, tape[0].trade_id + len(tape)))
    assert tape[0].at_us < NOW_US < tape[-1].at_us
    whole_from = tape[0].at_us // MINUTE_US * MINUTE_US
    for interval in ("1s", "1m", "5m"):
        candles = venue.market.klines(symbol, interval, whole_from + 5 * MINUTE_US, None, 1_000, 0, now_us)
        assert len(candles) > 5
        for candle in candles:
            inside = [trade for trade in tape if candle.open_us <= trade.at_us <= candle.close_us]
            if inside:
                assert figures(candle) == of_trades(inside)
            else:
                assert (candle.trades, candle.first_id) == (0, -1)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("interval", INTERVALS)
def test_history_candles_make_sense(symbol: str, interval: str) -> None:
    instrument = next(one for one in default_instruments() if one.symbol == symbol)
    last_id = None
    for candle in opened().klines(symbol, interval, None, None, 1_000, 0, NOW_US):
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
        assert candle.low > 0
        assert candle.high % instrument.tick_size == candle.low % instrument.tick_size == 0
        assert candle.volume % instrument.step_size == 0
        assert 0 <= candle.taker_volume <= candle.volume
        assert 0 <= candle.taker_quote_volume <= candle.quote_volume
        if not candle.trades:
            continue
        # Each trade's quote amount is floored, so the sum may be a little short.
        assert candle.low * candle.volume <= (candle.quote_volume + candle.trades + 1) * 10**8
        assert candle.quote_volume * 10**8 <= candle.high * candle.volume
        assert last_id is None or candle.first_id == last_id + 1
        last_id = candle.last_id


def test_history_of_the_same_seed_is_the_same_and_of_another_is_not() -> None:
    again, other = Market(), Market()
    again.fold(OpenVenue(1, NOW_US, 7, True, default_instruments()), [])
    other.fold(OpenVenue(1, NOW_US, 8, True, default_instruments()), [])
    assert again.encode() == opened().encode()
    assert other.encode() != opened().encode()


def test_history_written_and_read_back_is_the_same() -> None:
    restored = Market()
    restored.restore(opened().encode())
    assert restored.encode() == opened().encode()
    assert restored.klines("BTCUSDT", "1w", None, None, 1_000, 0, NOW_US) == klines(
        opened(), "BTCUSDT", "1w", NOW_US
    )


def test_history_without_liquidity_is_empty() -> None:
    market = Market()
    market.fold(OpenVenue(1, NOW_US, 7, False, default_instruments()), [])
    assert market.last_trade("BTCUSDT") is None
    assert market.klines("BTCUSDT", "1d", None, None, 1_000, 0, NOW_US) == []
    assert market.next_trade_id("BTCUSDT") == 1
    assert market.average_price("BTCUSDT", 5, NOW_US) is None


@pytest.mark.parametrize(
    "now_us", [0, 1, DAY_US, BEGINNING_US, BEGINNING_US + 5 * DAY_US, 4_102_444_800 * SECOND_US]
)
def test_history_at_any_clock_neither_fails_nor_reaches_into_the_future(now_us: int) -> None:
    market = Market()
    market.fold(OpenVenue(1, now_us, 7, True, default_instruments()[:1]), [])
    for interval in INTERVALS:
        for candle in market.klines("BTCUSDT", interval, None, None, 1_000, 0, now_us):
            assert candle.close_us >= 0
            assert candle.open_us <= now_us
    trade = market.last_trade("BTCUSDT")
    assert trade is None or trade.at_us <= now_us


def klines(market: Market, symbol: str, interval: str, now_us: int) -> list[Candle]:
    return market.klines(symbol, interval, None, None, 1_000, 0, now_us)


def figures(candle: Candle) -> tuple[int, ...]:
    return (
        candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume, candle.trades,
        candle.taker_volume, candle.taker_quote_volume, candle.first_id, candle.last_id,
    )  # fmt: skip


def aggregate(candles: list[Candle]) -> tuple[int, ...]:
    traded_in = [candle for candle in candles if candle.trades]
    if not traded_in:
        return figures(candles[-1])
    return (
        traded_in[0].open, max(one.high for one in traded_in), min(one.low for one in traded_in), traded_in[-1].close,
        sum(one.volume for one in traded_in), sum(one.quote_volume for one in traded_in),
        sum(one.trades for one in traded_in), sum(one.taker_volume for one in traded_in),
        sum(one.taker_quote_volume for one in traded_in), traded_in[0].first_id, traded_in[-1].last_id,
    )  # fmt: skip


def of_trades(trades: list[PublicTrade]) -> tuple[int, ...]:
    prices = [trade.price for trade in trades]
    bought = [trade for trade in trades if not trade.buyer_is_maker]
    return (
        prices[0], max(prices), min(prices), prices[-1], sum(trade.quantity for trade in trades),
        sum(trade.quote for trade in trades), len(trades), sum(trade.quantity for trade in bought),
        sum(trade.quote for trade in bought), trades[0].trade_id, trades[-1].trade_id,
    )  # fmt: skip
