"""Pages of a list: every row once, in order, whatever comes and goes between two pages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.entrypoints.sockets.paging import PAGE_ROWS, BadCursor, Page, cut

Row = tuple[int, str]


def place(row: Row) -> Row:
    return row


def page(rows: list[Row], order: str = "age", **options: Any) -> Page[Row]:
    found = cut(rows, place, order, **options)
    assert isinstance(found, Page)
    return found


def walked(rows: list[Row], **options: Any) -> list[Row]:
    """All pages, one after the other."""
    found: list[Row] = []
    cursor = ""
    for _ in range(len(rows) + 1):
        one = page(rows, cursor=cursor, **options)
        assert one.total == len(rows)
        found += one.rows
        cursor = one.cursor
        if not cursor:
            break
    return found


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.text("abc", max_size=2)), unique=True, max_size=12),
    limit=st.integers(1, 5),
    descending=st.booleans(),
    in_order=st.booleans(),
)
def test_pages_show_every_row_once_in_order(
    rows: list[Row], limit: int, descending: bool, in_order: bool
) -> None:
    given = sorted(rows) if in_order else rows
    assert walked(given, limit=limit, descending=descending, in_order=in_order) == sorted(
        rows, reverse=descending
    )


def test_row_that_comes_or_goes_between_pages_moves_no_other() -> None:
    first = page([(1, "a"), (2, "b"), (3, "c")], limit=2)
    assert page([(0, "new"), (1, "a"), (3, "c")], limit=2, cursor=first.cursor).rows == [(3, "c")]


def test_page_without_a_limit_is_bounded() -> None:
    found = page([(number, "") for number in range(PAGE_ROWS + 1)])
    assert len(found.rows) == PAGE_ROWS
    assert found.cursor


def test_last_page_has_no_cursor_and_one_row_more_has() -> None:
    assert not page([(1, "a"), (2, "b")], limit=2).cursor
    assert page([(1, "a"), (2, "b"), (3, "c")], limit=2).cursor


def test_cursor_holds_for_its_own_order_only() -> None:
    cursor = page([(1, "a"), (2, "b")], limit=1).cursor
    assert isinstance(cut([(1, "a")], place, "name", cursor=cursor), BadCursor)
    assert isinstance(cut([(1, "a")], place, "age", cursor=cursor, descending=True), BadCursor)
    texts = [("x", "a"), ("y", "b")]
    assert isinstance(cut(texts, lambda row: row, "age", cursor=cursor), BadCursor)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "é", "A" * 2_000, "eyJvcmRlciI6ImFnZSJ9"])
def test_cursor_nobody_gave_out_is_refused(cursor: str) -> None:
    assert isinstance(cut([(1, "a")], place, "age", cursor=cursor), BadCursor)
