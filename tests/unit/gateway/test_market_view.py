"""What policies judge by: one absurd price moves nothing, quiet is not unknown, old is old."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.gateway.market_view import (
    CANDLES_COUNT,
    MINUTE_US,
    SAMPLES_COUNT_MIN,
    SECOND_US,
    WINDOW_US,
    Candle,
    SymbolView,
    read_levels,
)
from watchword.kernel.units import SCALE

NOW_US = 1_700_000_040_000_000
PRICE = 100 * SCALE
ONE = SCALE
WINDOW_S = WINDOW_US // SECOND_US


def book(view: SymbolView, bid: int, ask: int, at_us: int) -> None:
    view.set_book(((bid, ONE),), ((ask, ONE),), at_us)


def candles(price: int = PRICE, now_us: int = NOW_US) -> tuple[Candle, ...]:
    minute = now_us // MINUTE_US * MINUTE_US
    return tuple(Candle(minute - back * MINUTE_US, price) for back in reversed(range(CANDLES_COUNT)))


def run(view: SymbolView, bid: int, ask: int, last: int, seconds: int, from_us: int = NOW_US) -> int:
    """Let a market stand still for some seconds; the moment after them."""
    for second in range(seconds):
        at_us = from_us + second * SECOND_US
        book(view, bid, ask, at_us)
        view.set_last(last)
        view.sample(at_us)
    return from_us + seconds * SECOND_US


def seeded() -> SymbolView:
    view = SymbolView("BTC", "USDT")
    book(view, PRICE - 1, PRICE + 1, NOW_US)
    view.seed(candles(), NOW_US)
    return view


def test_new_symbol_has_assets_and_no_reference() -> None:
    market = SymbolView("BTC", "USDT").market(NOW_US)
    assert (market.base, market.quote, market.median, market.book_at_us) == ("BTC", "USDT", 0, 0)


def test_candles_give_a_reference_at_once() -> None:
    market = seeded().market(NOW_US)
    assert market.median == PRICE
    assert NOW_US - 2 * SECOND_US <= market.median_at_us <= NOW_US
    assert (market.bids, market.asks, market.book_at_us) == (((PRICE - 1, ONE),), ((PRICE + 1, ONE),), NOW_US)


def test_one_candle_is_just_enough() -> None:
    minute = NOW_US // MINUTE_US * MINUTE_US - MINUTE_US
    view = SymbolView("BTC", "USDT")
    view.seed((Candle(minute, PRICE),), NOW_US)
    assert view.market(NOW_US).median == PRICE
    assert SAMPLES_COUNT_MIN == MINUTE_US // SECOND_US
    fewer = SymbolView("BTC", "USDT")
    fewer.seed((Candle(NOW_US - 59 * SECOND_US, PRICE),), NOW_US)
    assert fewer.market(NOW_US).median == 0


def test_drain_on_a_quiet_pair_does_not_move_the_median() -> None:
    """The thief trades with himself at a hundredth of the price, and quotes there, for two minutes."""
    view = seeded()
    now_us = run(view, PRICE // 100, PRICE // 100 + 2, PRICE // 100, seconds=120)
    assert view.market(now_us).median == PRICE


def test_market_that_really_moves_is_followed() -> None:
    view = seeded()
    now_us = run(view, 2 * PRICE, 2 * PRICE + 2, 2 * PRICE + 1, seconds=WINDOW_S)
    assert view.market(now_us).median == 2 * PRICE + 1


def test_last_trade_outside_the_book_counts_as_its_edge() -> None:
    for last, expected in ((PRICE * 50, PRICE + 1), (1, PRICE - 1), (PRICE, PRICE)):
        view = SymbolView("BTC", "USDT")
        now_us = run(view, PRICE - 1, PRICE + 1, last, seconds=SAMPLES_COUNT_MIN)
        assert view.market(now_us).median == expected


def test_book_alone_gives_its_middle_before_the_first_trade() -> None:
    view = SymbolView("BTC", "USDT")
    now_us = run(view, PRICE, PRICE + 4, 0, seconds=SAMPLES_COUNT_MIN)
    assert view.market(now_us).median == PRICE + 2


def test_one_sample_a_second_however_often_it_is_asked() -> None:
    view = SymbolView("BTC", "USDT")
    for step in range(SAMPLES_COUNT_MIN * 10 - 10):
        at_us = NOW_US + step * SECOND_US // 10
        book(view, PRICE, PRICE + 2, at_us)
        view.sample(at_us)
    assert view.market(NOW_US + 59 * SECOND_US).median == 0


def test_quiet_market_on_a_living_connection_stays_fresh() -> None:
    view = seeded()
    for second in range(1, 200):
        at_us = NOW_US + second * SECOND_US
        view.still_holds(at_us - 100)
        view.sample(at_us)
    now_us = NOW_US + 199 * SECOND_US
    market = view.market(now_us)
    assert market.median == PRICE
    assert now_us - market.median_at_us <= SECOND_US
    assert now_us - market.book_at_us <= SECOND_US


def test_silence_ages_and_takes_no_samples() -> None:
    view = seeded()
    for second in range(1, 200):
        view.sample(NOW_US + second * SECOND_US)
    market = view.market(NOW_US + 199 * SECOND_US)
    assert market.book_at_us == NOW_US
    assert market.median_at_us <= NOW_US + 2 * SECOND_US


def test_reference_ends_when_its_window_has_passed() -> None:
    view = seeded()
    assert view.market(NOW_US + WINDOW_US // 2).median == PRICE
    assert view.market(NOW_US + WINDOW_US + 2 * SECOND_US).median == 0


def test_connection_alive_before_the_first_book_says_nothing() -> None:
    view = SymbolView("BTC", "USDT")
    view.still_holds(NOW_US)
    assert view.market(NOW_US).book_at_us == 0


def test_what_came_just_after_the_request_is_not_from_its_future() -> None:
    view = seeded()
    book(view, PRICE, PRICE + 2, NOW_US + SECOND_US // 2)
    market = view.market(NOW_US)
    assert market.book_at_us == NOW_US
    book(view, PRICE, PRICE + 2, NOW_US + SECOND_US + 1)
    assert view.market(NOW_US).book_at_us == NOW_US + SECOND_US + 1


def test_seed_after_a_break_fills_only_the_gap() -> None:
    view = SymbolView("BTC", "USDT")
    before_us = run(view, PRICE, PRICE + 2, PRICE, seconds=60)
    after_us = before_us + 60 * SECOND_US
    view.seed(candles(3 * PRICE, after_us), after_us)
    samples = view._samples
    assert list(samples) == sorted(samples)
    assert samples[before_us // SECOND_US - 1] == PRICE
    assert samples[before_us // SECOND_US + 30] == 3 * PRICE
    assert len(samples) <= WINDOW_S + 2


@given(st.lists(st.tuples(st.integers(1, 10**14), st.integers(0, 400)), max_size=40))
def test_memory_is_bounded_and_median_is_one_of_the_prices(steps: list[tuple[int, int]]) -> None:
    view, now_us, prices = SymbolView("BTC", "USDT"), NOW_US, set()
    for price, pause_s in steps:
        now_us += pause_s * SECOND_US
        book(view, price, price, now_us)
        view.sample(now_us)
        view.seed(candles(price, now_us), now_us)
        prices.add(price)
    assert len(view._samples) <= WINDOW_S + 2
    assert view.market(now_us).median in prices | {0}


def test_market_is_made_once_while_nothing_changes() -> None:
    view = seeded()
    first = view.market(NOW_US)
    assert view.market(NOW_US + 10) is first
    book(view, PRICE, PRICE + 2, NOW_US + 20)
    assert view.market(NOW_US + 30).bids == ((PRICE, ONE),)


@pytest.mark.parametrize(
    "pairs", [[("x", "1")], [("0", "1")], [("1", "x")], [("-1", "1")], [("1e5", "1")], [("0.000000001", "1")]]
)
def test_levels_that_are_none_are_refused(pairs: list[tuple[str, str]]) -> None:
    assert read_levels(pairs) is None


def test_levels_are_read_and_bounded() -> None:
    assert read_levels([("1.5", "2")] * 100) == ((150_000_000, 200_000_000),) * 20
