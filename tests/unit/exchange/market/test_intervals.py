from datetime import UTC, datetime

import pytest

from watchword.exchange.market.intervals import (
    HOUR_US,
    INTERVALS,
    MINUTE_US,
    next_open,
    open_of,
    parse_time_zone,
    shifted_open,
)


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "offset_us"),
    [
        ("0", 0),
        ("8", 8 * HOUR_US),
        ("-4", -4 * HOUR_US),
        ("+4", 4 * HOUR_US),
        ("-1:00", -HOUR_US),
        ("05:45", 5 * HOUR_US + 45 * MINUTE_US),
        ("-12:00", -12 * HOUR_US),
        ("14:00", 14 * HOUR_US),
        ("-0:30", -30 * MINUTE_US),
    ],
)
def test_time_zone_in_range_is_read(text: str, offset_us: int) -> None:
    assert parse_time_zone(text) == offset_us


@pytest.mark.parametrize(
    "text",
    ["", "14:01", "-12:01", "15", "-13", "1:60", "1:5", "1.5", "UTC", "+", "٣", "1:00:00", " 1", "100"],
)
def test_time_zone_out_of_range_or_unreadable_is_none(text: str) -> None:
    assert parse_time_zone(text) is None


@pytest.mark.parametrize(
    ("interval", "offset_h", "opens", "next_opens"),
    [
        ("1s", 0, "2024-02-29T13:47:11", "2024-02-29T13:47:12"),
        ("15m", 0, "2024-02-29T13:45:00", "2024-02-29T14:00:00"),
        ("8h", 0, "2024-02-29T08:00:00", "2024-02-29T16:00:00"),
        ("1d", 0, "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("1d", 8, "2024-02-28T16:00:00", "2024-02-29T16:00:00"),
        ("3d", 0, "2024-02-29T00:00:00", "2024-03-03T00:00:00"),
        ("1w", 0, "2024-02-26T00:00:00", "2024-03-04T00:00:00"),
        ("1w", -11, "2024-02-26T11:00:00", "2024-03-04T11:00:00"),
        ("1M", 0, "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("1M", 14, "2024-02-29T10:00:00", "2024-03-31T10:00:00"),
    ],
)
def test_bucket_of_a_moment_opens_where_the_calendar_says(
    interval: str, offset_h: int, opens: str, next_opens: str
) -> None:
    at_us, offset_us = us("2024-02-29T13:47:11") + 345_678, offset_h * HOUR_US
    assert open_of(interval, at_us, offset_us) == us(opens)
    assert next_open(interval, us(opens), offset_us) == us(next_opens)


@pytest.mark.parametrize("interval", INTERVALS)
def test_bucket_shifted_there_and_back_is_the_same(interval: str) -> None:
    open_us = open_of(interval, us("2024-01-31T23:59:59"), -4 * HOUR_US)
    there = shifted_open(interval, open_us, -13, -4 * HOUR_US)
    assert there < open_us
    assert shifted_open(interval, there, 13, -4 * HOUR_US) == open_us
    assert open_of(interval, there, -4 * HOUR_US) == there
