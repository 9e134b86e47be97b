"""Filters, and the intents nobody concluded."""

import pytest
from tests.support.trails import NOW_US, intent, small_trail

from watchword.audit.chain import Head, seal
from watchword.audit.event import Outcome, encode_event
from watchword.audit.search import Filter, event_fields, search, unconcluded


def rows_of(wanted: Filter) -> list[int]:
    return [row.number for row, _ in search([row.line for row in small_trail()], wanted)]


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (Filter(), list(range(1, 13))),
        (Filter(kind="signature"), [3, 4, 5, 8]),
        (Filter(kind="signature:concluded"), [4, 8]),
        (Filter(kind="sign"), []),
        (Filter(key="WWk"), [3, 5, 9]),
        (Filter(key="k"), [6]),
        (Filter(endpoint="POST /api/v3/order"), [3, 5, 6]),
        (Filter(symbol="BTCUSDT"), [3, 5]),
        (Filter(request="r-2"), [5]),
        (Filter(intent=5), [5, 8]),
        (Filter(since_us=NOW_US + 11_000), [11, 12]),
        (Filter(until_us=NOW_US + 2_000), [1, 2]),
        (Filter(kind="signature", until_us=NOW_US + 4_000), [3, 4]),
    ],
)
def test_filter_takes_what_was_asked_for(wanted: Filter, rows: list[int]) -> None:
    assert rows_of(wanted) == rows


def test_lines_that_are_no_rows_are_passed_over() -> None:
    lines = [b"garbage\n", small_trail()[0].line]
    assert [row.number for row, _ in search(lines, Filter())] == [1]


@pytest.mark.parametrize("body", [b"{not json}", b'{"a":\xff}'])
def test_damaged_body_is_shown_as_it_is(body: bytes) -> None:
    row = seal(body, Head(), 1)
    assert set(event_fields(row)) == {"damaged"}
    assert not list(search([row.line], Filter(kind="signature")))


def test_unconcluded_are_intents_without_or_with_unknown_outcome() -> None:
    assert unconcluded([row.line for row in small_trail()]) == {5: intent("r-2")}
    assert unconcluded([b"garbage\n"]) == {}


def test_unknown_outcome_resolved_later_is_concluded() -> None:
    rows = small_trail()
    later = seal(encode_event(Outcome(intent=5, result="answered", status=200)), rows[-1].head, NOW_US)
    assert unconcluded([*(row.line for row in rows), later.line]) == {}
