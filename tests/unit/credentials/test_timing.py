import pytest

from watchword.binance.errors import WireError
from watchword.credentials.timing import (
    RECV_WINDOW_US_DEFAULT,
    WINDOW_TOO_LONG,
    Ahead,
    Stale,
    judge,
    read_timestamp_us,
    read_window_us,
    still_fresh,
)

NOW_US = 1_700_000_000_123_456


@pytest.mark.parametrize(
    ("text", "timestamp_us"),
    [
        ("1700000000123", 1_700_000_000_123_000),
        ("1700000000123456", 1_700_000_000_123_456),
        ("99999999999999", 99_999_999_999_999_000),
        ("100000000000000", 100_000_000_000_000),
        ("0", 0),
        ("0001700000000123", 1_700_000_000_123_000),
    ],
)
def test_timestamp_in_milli_or_microseconds_is_told_apart(text: str, timestamp_us: int) -> None:
    assert read_timestamp_us(text) == timestamp_us


@pytest.mark.parametrize(
    "text", ["-1", "+1", "1.5", "1e12", " 1", "abc", "\uff11\uff12", "9" * 21, "9" * 5_000, "0x10", "1_000"]
)
def test_timestamp_that_is_no_number_is_illegal(text: str) -> None:
    refusal = read_timestamp_us(text)
    assert isinstance(refusal, WireError)
    assert (refusal.code, "'timestamp'" in refusal.text, "^[0-9]{1,20}$" in refusal.text) == (
        -1100,
        True,
        True,
    )


def test_timestamp_empty_is_missing() -> None:
    refusal = read_timestamp_us("")
    assert isinstance(refusal, WireError)
    assert refusal.code == -1102


@pytest.mark.parametrize(
    ("text", "window_us"),
    [
        (None, RECV_WINDOW_US_DEFAULT),
        ("5000", 5_000_000),
        ("0", 0),
        ("1", 1_000),
        ("6000.346", 6_000_346),
        ("6000.3", 6_000_300),
        ("0.001", 1),
        ("60000", 60_000_000),
        ("60000.000", 60_000_000),
        ("05000", 5_000_000),
    ],
)
def test_window_in_milliseconds_with_three_decimals_is_read(text: str | None, window_us: int) -> None:
    assert read_window_us(text) == window_us


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("60000.001", -1102),
        ("60001", -1102),
        ("9" * 20, -1102),
        ("", -1102),
        ("-1", -1100),
        ("5000.", -1100),
        (".5", -1100),
        ("5e3", -1100),
        ("abc", -1100),
        ("5,000", -1100),
        ("9" * 21, -1100),
        ("\uff15\uff10", -1100),
        ("5000.3461", -1111),
        ("5000.0000", -1111),
    ],
)
def test_window_that_cannot_stand_is_refused(text: str, code: int) -> None:
    refusal = read_window_us(text)
    assert isinstance(refusal, WireError)
    assert refusal.code == code


def test_window_too_long_says_the_limit() -> None:
    assert read_window_us("60000.001") == WINDOW_TOO_LONG
    assert WINDOW_TOO_LONG.text == "'recvWindow' contains unexpected value. Cannot be greater than 60000."


def test_request_at_the_edge_of_its_window_is_fresh_and_one_microsecond_later_stale() -> None:
    assert judge(NOW_US - 6_000_346, 6_000_346, NOW_US) is None
    assert judge(NOW_US - 6_000_347, 6_000_346, NOW_US) == Stale(6_000_347, 6_000_346)


def test_request_less_than_a_second_ahead_is_fresh_and_a_second_ahead_not() -> None:
    assert judge(NOW_US + 999_999, 5_000_000, NOW_US) is None
    assert judge(NOW_US + 1_000_000, 5_000_000, NOW_US) == Ahead(1_000_000)


def test_request_with_no_window_at_all_must_not_be_older_than_now() -> None:
    assert judge(NOW_US, 0, NOW_US) is None
    assert judge(NOW_US - 1, 0, NOW_US) == Stale(1, 0)


def test_second_check_holds_until_the_deadline() -> None:
    assert still_fresh(NOW_US, NOW_US)
    assert not still_fresh(NOW_US, NOW_US + 1)
