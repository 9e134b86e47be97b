"""Expiries as people write them."""

import pytest

from watchword.entrypoints.testnet.admin.expiry import LATEST_US, read_expiry, write_expiry

NOW_US = 1_795_000_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("never", 0),
        ("90s", NOW_US + 90_000_000),
        ("2h", NOW_US + 7_200_000_000),
        ("30d", NOW_US + 30 * 86_400_000_000),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T02:00:01+02:00", 1_000_000),
        ("1970-01-01T00:00:01.000001", 1_000_001),
    ],
)
def test_expiry_is_read(text: str, expected: int) -> None:
    assert read_expiry(text, NOW_US) == expected


@pytest.mark.parametrize("text", ["soon", "30", "30x", "-1d", "2027-13-01", "2027-01-01T25:00", "1d2h"])
def test_unreadable_expiry_is_named(text: str) -> None:
    assert repr(text) in str(read_expiry(text, NOW_US))


@pytest.mark.parametrize(
    "text", ["1970-01-01", "1969-12-31", "0001-01-01", "999999w", "9999-12-31T23:59:59-12:00"]
)
def test_moment_that_would_mean_never_or_cannot_be_written_is_refused(text: str) -> None:
    answer = read_expiry(text, NOW_US)
    assert isinstance(answer, str)
    assert text in answer


def test_latest_moment_can_be_written() -> None:
    assert write_expiry(LATEST_US) == "9999-12-31T00:00:00Z"


def test_moment_is_written_in_utc() -> None:
    assert write_expiry(0) is None
    assert write_expiry(1_000_000) == "1970-01-01T00:00:01Z"
    assert read_expiry(str(write_expiry(NOW_US)), 0) == NOW_US
