import pytest

from watchword.exchange.market.candles import Candles
from watchword.exchange.market.intervals import DAY_US, HOUR_US, MINUTE_US
from watchword.exchange.market.market import Market, SymbolMarket
from watchword.exchange.market.tickers import format_percent, parse_window, ticker_of
from watchword.exchange.market.trades import Tape

ONE = 10**8
#: 2023-11-14T22:13:20Z.
AT_US = 1_700_000_000_000_000


def market_of(*trades: tuple[int, int]) -> Market:
    """Trades of one unit at (moment, price)."""
    tape, candles = Tape(), Candles()
    for at_us, price in trades:
        candles.add(at_us, price, ONE, price, True, tape.next_id)
        tape.add(tape.next_id, price, ONE, at_us, False, True)
    market = Market()
    market._symbols["AB"] = SymbolMarket(tape, candles)
    return market


@pytest.mark.parametrize(
    ("text", "window_us"),
    [("1m", MINUTE_US), ("59m", 59 * MINUTE_US), ("23h", 23 * HOUR_US), ("7d", 7 * DAY_US), ("1d", DAY_US)],
)
def test_window_in_range_is_read(text: str, window_us: int) -> None:
    assert parse_window(text) == window_us


@pytest.mark.parametrize(
    "text", ["", "0m", "60m", "24h", "8d", "1d2h", "1w", "1s", "01m", "1M", "m", "-1d", "100m"]
)
def test_window_out_of_range_or_unreadable_is_none(text: str) -> None:
    assert parse_window(text) is None


@pytest.mark.parametrize(
    ("millis", "text"),
    [(-95_960, "-95.960"), (0, "0.000"), (5, "0.005"), (-5, "-0.005"), (123_456, "123.456")],
)
def test_percent_is_written_with_three_decimals(millis: int, text: str) -> None:
    assert format_percent(millis) == text


def test_ticker_of_a_day_has_binances_figures() -> None:
    market = market_of(
        (AT_US - 25 * HOUR_US, 10 * ONE),
        (AT_US - 23 * HOUR_US, 99 * ONE),
        (AT_US - 5 * HOUR_US, 100 * ONE),
        (AT_US - 4 * HOUR_US, ONE // 10),
        (AT_US - 1, 400_000_200),
    )
    ticker = market.ticker_24h("AB", AT_US)
    assert (ticker.open_us, ticker.close_us) == (AT_US - DAY_US, AT_US)
    assert (ticker.open, ticker.high, ticker.low, ticker.last) == (
        99 * ONE,
        100 * ONE,
        ONE // 10,
        400_000_200,
    )
    assert ticker.previous_close == 10 * ONE
    assert ticker.change == -9_499_999_800
    assert format_percent(ticker.change_percent_millis) == "-95.960"
    assert ticker.volume == 4 * ONE
    assert ticker.weighted_average == ticker.quote_volume // 4
    assert (ticker.first_id, ticker.last_id, ticker.count, ticker.last_quantity) == (2, 5, 4, ONE)


def test_ticker_without_trades_in_its_window_shows_the_last_price_and_zeros() -> None:
    ticker = market_of((AT_US - 3 * DAY_US, 7 * ONE)).ticker_24h("AB", AT_US)
    assert (ticker.last, ticker.previous_close, ticker.open, ticker.volume, ticker.count) == (
        7 * ONE,
        7 * ONE,
        0,
        0,
        0,
    )
    assert (ticker.first_id, ticker.last_id) == (-1, -1)


def test_ticker_of_a_symbol_never_traded_is_all_zeros() -> None:
    ticker = Market().ticker_24h("AB", AT_US)
    assert (ticker.last, ticker.high, ticker.count, ticker.first_id) == (0, 0, 0, -1)


def test_ticker_window_opens_on_a_minute_and_counts_that_minute() -> None:
    market = market_of(
        (AT_US - HOUR_US - 19_000_000, 5 * ONE), (AT_US - HOUR_US + 1, 6 * ONE), (AT_US, 7 * ONE)
    )
    ticker = market.ticker_window("AB", HOUR_US, AT_US)
    assert ticker.open_us == AT_US - HOUR_US - 20_000_000
    assert (ticker.open, ticker.count, ticker.close_us) == (5 * ONE, 3, AT_US)


@pytest.mark.parametrize(("offset_h", "count"), [(0, 3), (8, 3), (2, 1)])
def test_ticker_day_begins_at_midnight_of_the_time_zone(offset_h: int, count: int) -> None:
    # 22:13 UTC; midnight of +02:00 was 13 minutes ago, of +08:00 six hours and 13 minutes ago.
    market = market_of(
        (AT_US - 23 * HOUR_US, ONE), (AT_US - 6 * HOUR_US, ONE), (AT_US - 3 * HOUR_US, ONE), (AT_US, ONE)
    )
    ticker = market.ticker_day("AB", offset_h * HOUR_US, AT_US)
    assert ticker.count == count
    assert ticker.close_us - ticker.open_us == DAY_US - 1
    assert ticker.open_us <= AT_US <= ticker.close_us


def test_ticker_asked_every_second_equals_one_asked_once() -> None:
    trades = [(AT_US + number * 7_300_000, (number * 37 % 100 + 1) * ONE) for number in range(2_000)]
    watched = market_of(*trades[:1])
    for number, (at_us, price) in enumerate(trades[1:], 2):
        symbol = watched._symbols["AB"]
        symbol.candles.add(at_us, price, ONE, price, True, number)
        symbol.tape.add(number, price, ONE, at_us, False, True)
        ticker = watched.ticker_window("AB", HOUR_US, at_us)
        if number % 250 == 0:
            assert ticker == market_of(*trades[:number]).ticker_window("AB", HOUR_US, at_us)


def test_average_price_weighs_by_quantity_and_falls_back_to_the_last_price() -> None:
    market = market_of((AT_US - 6 * MINUTE_US, 50 * ONE), (AT_US - MINUTE_US, 10 * ONE), (AT_US, 20 * ONE))
    average = market.average_price("AB", 5, AT_US)
    assert average is not None
    assert (average.minutes, average.price, average.close_us) == (5, 15 * ONE, AT_US)
    later = market.average_price("AB", 5, AT_US + HOUR_US)
    assert later is not None
    assert later.price == 20 * ONE


def test_ticker_percent_of_a_rise_rounds_half_away_from_zero() -> None:
    bar = [0, 8 * ONE, 9 * ONE, 8 * ONE, 8 * ONE + 4_000, ONE, 8 * ONE, 2, 0, 0, 2]
    assert ticker_of("AB", bar, 0, 1, None, None).change_percent_millis == 1
