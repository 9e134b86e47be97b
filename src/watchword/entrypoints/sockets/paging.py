"""Pages of a list that lives in memory: sorted, cut after a place, with a cursor that survives changes. Knows no keys.

A cursor names the last place shown, not a count, so that nothing is shown twice or passed over when rows come and go.
"""

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Annotated, Final, Generic, TypeVar

import msgspec

PAGE_ROWS_MAX: Final = 500
PAGE_ROWS: Final = 100
CURSOR_LENGTH_MAX: Final = 1_024

#: Rows of a page, as a request asks for them.
Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_ROWS_MAX)]
#: Where a row stands: what it is sorted by, and its own id.
Place = tuple[int | str, str]

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """Some rows of a list.

    Attributes:
        rows: In their order.
        total: Rows of all pages.
        cursor: Of the next page; empty on the last.
    """

    rows: list[Row]
    total: int
    cursor: str


class BadCursor(msgspec.Struct, frozen=True):
    """A cursor no page of this order gave out."""

    def __str__(self) -> str:
        return "this cursor is not one of this list in this order: begin again without it"


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    order: str
    by: int | str
    row: str


def cut(
    rows: Iterable[Row],
    place: Callable[[Row], Place],
    order: str,
    *,
    descending: bool = False,
    limit: int | None = None,
    cursor: str = "",
    in_order: bool = False,
) -> Page[Row] | BadCursor:
    """Sort rows and take a page of them.

    Args:
        rows: All that are asked for.
        place: Says where a row stands; values of one order are all of one type.
        order: Name of what they are sorted by.
        descending: The other way round.
        limit: Rows of the page; None for PAGE_ROWS.
        cursor: Of the page before; empty begins.
        in_order: The rows stand in this order already, ascending.
    """
    name = f"-{order}" if descending else order
    after = _read(cursor, name) if cursor else None
    if isinstance(after, BadCursor):
        return after
    # Sorting all of some thousand takes less than picking: most orders are nearly the one they come in.
    listed = list(rows) if in_order else sorted(rows, key=place)
    if after is not None and listed and type(place(listed[0])[0]) is not type(after[0]):
        return BadCursor()
    size = limit or PAGE_ROWS
    if descending:
        end = len(listed) if after is None else bisect_left(listed, after, key=place)
        taken, more = listed[max(0, end - size) : end][::-1], end > size
    else:
        first = 0 if after is None else bisect_right(listed, after, key=place)
        taken, more = listed[first : first + size], first + size < len(listed)
    return Page(taken, len(listed), _write(name, place(taken[-1])) if more else "")


def _write(order: str, place: Place) -> str:
    content = msgspec.json.encode(_Cursor(order, *place))
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _read(cursor: str, order: str) -> Place | BadCursor:
    if len(cursor) > CURSOR_LENGTH_MAX:
        return BadCursor()
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        read = msgspec.json.decode(content, type=_Cursor)
    except (ValueError, msgspec.MsgspecError):
        return BadCursor()
    return (read.by, read.row) if read.order == order else BadCursor()
