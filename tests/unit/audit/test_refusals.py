"""Junk is counted within bounds, whatever arrives."""

from watchword.audit import refusals
from watchword.audit.event import REFUSAL_ROWS_MAX, RefusalCount, encode_event
from watchword.audit.refusals import KEYS_MAX, OTHER, PAIRS_MAX, REASONS_MAX, ROWS_PER_KEY_MAX, RefusalTally


def test_quiet_period_gives_no_row() -> None:
    tally = RefusalTally(5)
    assert tally.take(9) is None


def test_counts_are_told_by_reason_and_origin_most_frequent_first() -> None:
    tally = RefusalTally(5)
    for origin, times in (("10.0.0.1", 2), ("10.0.0.2", 5)):
        for _ in range(times):
            tally.count("unknown key", origin)
    tally.count("ip", "10.0.0.1")
    counted = tally.take(9)
    assert counted is not None
    assert (counted.since_us, counted.until_us, counted.total) == (5, 9, 8)
    assert counted.reasons == {"unknown key": 7, "ip": 1}
    assert counted.rows == [
        RefusalCount("unknown key", "10.0.0.2", 5),
        RefusalCount("unknown key", "10.0.0.1", 2),
        RefusalCount("ip", "10.0.0.1", 1),
    ]
    assert tally.take(12) is None


def test_a_million_origins_are_one_small_row() -> None:
    tally = RefusalTally(0)
    for number in range(20_000):
        tally.count(f"reason {number % 200}", f"2001:db8::{number:x}" + "x" * 500)
    assert len(tally._pairs) == PAIRS_MAX
    assert len(tally._reasons) <= REASONS_MAX + 1
    counted = tally.take(1)
    assert counted is not None
    assert counted.total == 20_000
    assert counted.reasons[OTHER] == sum(counted.reasons.values()) - (REASONS_MAX * 100)
    assert len(counted.rows) == REFUSAL_ROWS_MAX
    assert len(encode_event(counted)) < 10_000


def test_known_key_gets_so_many_rows_a_period() -> None:
    tally = RefusalTally(0)
    assert sum(tally.deserves_row("k") for _ in range(ROWS_PER_KEY_MAX + 50)) == ROWS_PER_KEY_MAX
    assert tally.deserves_row("other")
    tally.take(1)
    assert tally.deserves_row("k")


def test_keys_are_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(refusals, "KEYS_MAX", 3)
    tally = RefusalTally(0)
    assert [tally.deserves_row(f"k{number}") for number in range(5)] == [True] * 3 + [False] * 2
    assert tally.deserves_row("k1")
    assert KEYS_MAX > 3
