"""Lists in pages: how a page is asked for, and cut. Never sorts and never filters."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

PAGE_ROWS_MAX: Final = 200
PAGE_ROWS: Final = 50


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(max_length=128, description="`next` of the page before.")] = ""


def cut(
    rows: Sequence[T], key: Callable[[T], str], limit: int = PAGE_ROWS, after: str = ""
) -> tuple[list[T], str | None]:
    """Cut a page out of a list.

    Args:
        rows: All of it, in an order that lasts.
        key: A row's id.
        limit: Rows at most.
        after: Id of the last row of the page before; one that is gone begins again at the top.

    Returns:
        The page, and what to give as `after` for the next one; None at the end.
    """
    start = next((number + 1 for number, row in enumerate(rows) if after and key(row) == after), 0)
    page = list(rows[start : start + limit])
    return page, key(page[-1]) if page and start + limit < len(rows) else None
