"""The audit trails: the gateway's and the console's own, searched. Nothing here can change a row.

Proving them whole is `audit_proof`'s, and `watchword audit verify`'s, which needs no console. Files: `audit_export`.
"""

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.audit.search import Filter
from watchword.bootstrap.audit_search import (
    BEFORE_SEARCH_ROWS,
    PAGE_ROWS,
    PAGE_ROWS_MAX,
    AuditSearch,
    BadCursor,
    SearchPage,
)
from watchword.entrypoints.console.problem import REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.kernel.errors import StorageError

TAG: Final = "audit"
TEXT_LENGTH_MAX: Final = 128
MOMENT_US_MAX: Final = (1 << 53) - 1

Text = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)]
TrailName = Literal["gateway", "console"]


class AuditRow(msgspec.Struct, frozen=True):
    """One row of a trail, as it stands there.

    Attributes:
        trail: `gateway` or `console`.
        digest, previous: Hex; each row's digest covers the one before.
        event: What happened; its `type` says which members it has.
    """

    trail: str
    row: int
    time_us: int
    digest: str
    previous: str
    event: dict[str, Any]


class AuditPage(msgspec.Struct, frozen=True):
    """Rows, newest first; `next` is None on the last page. A page may be short and go on.

    Attributes:
        mismatched: Rows that are not as they were written; `watchword audit verify` names them.
        indexed: Whether an index was used; without one a search takes as long as it takes.
    """

    items: list[AuditRow]
    next: str | None
    mismatched: int
    indexed: bool


class AuditFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows."""

    trail: Annotated[TrailName | None, Meta(description="Only rows of this trail.")] = None
    kind: Annotated[Text, Meta(description="Type, such as `home:changed`, or its part before a colon.")] = ""
    key: Annotated[Text, Meta(description="Key or subject, or its beginning.")] = ""
    actor: Annotated[Text, Meta(description="Who did it.")] = ""
    endpoint: Annotated[Text, Meta(description="For example `POST /api/v3/order`.")] = ""
    symbol: Annotated[Text, Meta(description="Only requests for this symbol.")] = ""
    rule: Annotated[Text, Meta(description="What refused, such as `forbidden` or `max_order`.")] = ""
    request: Annotated[Text, Meta(description="Only the request with this id.")] = ""
    text: Annotated[Text, Meta(description="Words that stand in the row, such as `key:made`.")] = ""
    since_us: Annotated[int, Meta(ge=0, le=MOMENT_US_MAX, description="Not before; 0 for always.")] = 0
    until_us: Annotated[int, Meta(ge=0, le=MOMENT_US_MAX, description="Not after; 0 for always.")] = 0


class AuditQuery(AuditFilter, frozen=True, forbid_unknown_fields=True):
    """Which rows, and which part of the list."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[Text, Meta(description="`next` of the page before.")] = ""


async def search_audit(ask: Ask[None, AuditQuery]) -> AuditPage | Problem:
    """Search the trails."""
    query = ask.query
    page = await asyncio.to_thread(
        found_page, search_of(ask), wanted_of(query), query.limit, query.after, query.trail
    )
    if isinstance(page, BadCursor):
        return Problem(REFUSED, str(page))
    rows = [
        AuditRow(
            one.trail, one.row.number, one.row.now_us, one.row.digest.hex(), one.row.previous.hex(), one.event
        )
        for one in page.rows
    ]
    return AuditPage(rows, page.cursor or None, page.mismatched, page.indexed)


def wanted_of(query: AuditFilter) -> Filter:
    """Say what is searched for; an empty text asks for nothing."""
    return Filter(
        **{name: getattr(query, name) or None for name in _FILTERS},
        since_us=query.since_us or None,
        until_us=query.until_us or None,
    )


def found_page(
    search: AuditSearch, wanted: Filter, limit: int, after: str, trail: str | None
) -> SearchPage | BadCursor:
    """Index what was written a moment ago, so that whoever did something finds it; then search."""
    search.update(rows_max=BEFORE_SEARCH_ROWS)
    return search.find(wanted, limit, after, trail)


def search_of(ask: Ask[Any, Any]) -> AuditSearch:
    """Return the search over the home's trails, which the console began with.

    Raises:
        StorageError: It could not be opened then.
    """
    search: AuditSearch | None = ask.console.at_hand.get(AuditSearch)
    if search is None:
        raise StorageError("the audit trails cannot be searched; the console's log says why")
    return search


_FILTERS: Final = ("kind", "key", "actor", "endpoint", "symbol", "rule", "request", "text")

ROUTES: Final = (
    Route(
        method="GET", path="/audit", name="searchAudit", summary="Search the audit trails.", tag=TAG,
        action="audit.read", handler=search_audit, query=AuditQuery, answer=AuditPage,
    ),
)  # fmt: skip
