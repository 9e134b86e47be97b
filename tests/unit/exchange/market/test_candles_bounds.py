"""Long runs: what is dropped, and that nothing left is told wrongly because of it."""

from functools import cache

import pytest

from watchword.exchange.market.candles import BASES, HOURS, MINUTES, SECONDS, Candles
from watchword.exchange.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from watchword.exchange.market.series import SLACK_DIVISOR, Series

#: Midnight, 2023-11-15.
MIDNIGHT_US = 1_700_006_400 * SECOND_US
SECONDS_TRADED = 12_000


@cache
def long_run() -> tuple[Candles, int]:
    """A trade of one unit every second, at price = seconds since midnight."""
    candles = Candles()
    for second in range(1, SECONDS_TRADED + 1):
        candles.add(MIDNIGHT_US + second * SECOND_US, second, 1, second, second % 2 == 0, second)
    return candles, MIDNIGHT_US + SECONDS_TRADED * SECOND_US


def test_series_of_a_long_run_keeps_its_bound() -> None:
    candles, _ = long_run()
    kept = len(candles.series[SECONDS])
    bound = BASES[SECONDS][1]
    assert bound <= kept <= bound + bound // SLACK_DIVISOR
    assert len(candles.series[MINUTES]) == SECONDS_TRADED // 60 - 1


def test_candles_dropped_from_the_seconds_are_still_in_the_minutes() -> None:
    candles, now_us = long_run()
    minutes = candles.read("1m", None, None, 1_000, 0, now_us)
    assert len(minutes) == SECONDS_TRADED // 60 + 1
    assert [minute.trades for minute in minutes] == [59, *[60] * (SECONDS_TRADED // 60 - 1), 1]
    (day,) = candles.read("1d", None, None, 1_000, 0, now_us)
    assert (day.trades, day.open, day.close, day.first_id) == (SECONDS_TRADED, 1, SECONDS_TRADED, 1)


def test_candles_asked_from_before_what_is_kept_begin_where_it_does() -> None:
    candles, now_us = long_run()
    seconds = candles.read("1s", MIDNIGHT_US, None, 1_000, 0, now_us)
    assert len(seconds) == 1_000
    assert seconds[0].open_us == candles.series[SECONDS].complete_from * SECOND_US
    assert all(second.trades == 1 for second in seconds)


def test_candles_cut_by_retention_are_left_out_rather_than_told_in_part() -> None:
    candles = Candles()
    minutes = BASES[MINUTES][1] + BASES[MINUTES][1] // SLACK_DIVISOR + 10
    for minute in range(minutes):
        candles.add(MIDNIGHT_US + minute * MINUTE_US, 5, 1, 5, True, minute + 1)
    now_us = MIDNIGHT_US + minutes * MINUTE_US
    assert candles.series[MINUTES].complete_from > MIDNIGHT_US // MINUTE_US
    first = candles.read("5m", 0, None, 1, 0, now_us)[0]
    assert first.trades == 5
    assert first.open_us >= candles.series[MINUTES].complete_from * MINUTE_US
    # The hours know the whole time; half-hour time zones join both.
    assert sum(hour.trades for hour in candles.read("1h", None, None, 1_000, 0, now_us)) == minutes
    shifted = candles.read("1h", None, None, 1_000, 30 * MINUTE_US, now_us)
    assert sum(hour.trades for hour in shifted) == minutes
    assert all((hour.open_us + 30 * MINUTE_US) % HOUR_US == 0 for hour in shifted)


@pytest.mark.parametrize("quiet_us", [90 * SECOND_US, 3 * HOUR_US, 40 * DAY_US])
def test_candles_after_a_pause_are_flat_up_to_now(quiet_us: int) -> None:
    candles, last_us = Candles(), MIDNIGHT_US + 7 * HOUR_US
    candles.add(last_us, 42, 3, 126, True, 1)
    for interval in ("1s", "1m", "1h", "1d", "1w", "1M"):
        read = candles.read(interval, None, None, 1_000, 0, last_us + quiet_us)
        assert read[-1].open_us <= last_us + quiet_us <= read[-1].close_us
        for flat in read[1:] if read[0].trades else read:
            assert (flat.open, flat.high, flat.low, flat.close) == (42, 42, 42, 42)
            assert (flat.volume, flat.trades, flat.first_id, flat.last_id) == (0, 0, -1, -1)


@pytest.mark.parametrize(
    ("start_us", "end_us", "limit"),
    [
        (-(10**18), None, 5),
        (10**18, None, 5),
        (None, -(10**18), 5),
        (None, 10**18, 5),
        (MIDNIGHT_US + 50, MIDNIGHT_US, 5),
        (None, None, 0),
    ],
)
def test_candles_of_absurd_ranges_neither_fail_nor_exceed_the_limit(
    start_us: int | None, end_us: int | None, limit: int
) -> None:
    candles, now_us = long_run()
    for interval in ("1s", "3m", "1d", "1w", "1M"):
        assert len(candles.read(interval, start_us, end_us, limit, 0, now_us)) <= limit


def test_candles_range_is_inclusive_at_both_ends() -> None:
    candles, now_us = long_run()
    start_us, end_us = MIDNIGHT_US + 600 * SECOND_US, MIDNIGHT_US + 660 * SECOND_US
    opens = [one.open_us for one in candles.read("1m", start_us, end_us, 500, 0, now_us)]
    assert opens == [start_us, end_us]
    assert [one.open_us for one in candles.read("1m", start_us + 1, end_us - 1, 500, 0, now_us)] == []
    assert [one.open_us for one in candles.read("1m", start_us, start_us, 500, 0, now_us)] == [start_us]


def test_window_of_hours_sums_whole_hours() -> None:
    candles, now_us = long_run()
    bar = candles.window(HOURS, MIDNIGHT_US, now_us)
    assert bar is not None
    assert bar[7] == SECONDS_TRADED


def test_series_written_and_read_back_is_the_same() -> None:
    series = Series(SECOND_US, 10)
    for slot in range(25):
        series.append([slot, 1, 2, 1, 2, 2**70 + slot, 5, 1, 0, 0, slot])
    restored = Series(1, 10)
    restored.restore(series.encode())
    assert restored.encode() == series.encode()
    assert len(restored) == len(series) == 10
    assert restored.bar(3)[5] == 2**70 + 18
    assert len(series.wide) == 10
