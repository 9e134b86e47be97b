"""`watchword audit search`: find rows among many, newest first. Only parses and prints; never writes a trail."""

import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli.output import say, show_json
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.adapters.audit_index.building import Progress
    from watchword.adapters.audit_index.finding import Found
    from watchword.audit.search import Filter
    from watchword.bootstrap.audit_search import AuditSearch, SearchPage

PROGRESS_ROWS = 50_000
_LIMIT_MAX = 200


def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="Words, all of them in the row; whole, without case.", metavar="[WORD]..."),
    ] = None,
    trail: Annotated[str | None, typer.Option(help="Only this trail: gateway or console.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only rows of this type, for example signature.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Only this virtual key or subject, or what begins so.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only changes this person or user made.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only this, for example 'POST /api/v3/order'.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only requests for this symbol.")] = None,
    request: Annotated[str | None, typer.Option(help="Only the request with this id.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only what this rule refused.")] = None,
    code: Annotated[int | None, typer.Option(help="Only rows with this code, for example -2010.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Not before: 2026-11-21T10:00:00Z, or 10m, 2h, 1d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Not after, written likewise.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_LIMIT_MAX, help="Rows of a page.")] = 50,
    cursor: Annotated[str, typer.Option(help="Show the page after the one that named this.")] = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Find rows of the gateway's and the console's trails, newest first.

    Where a console has built its index, this takes milliseconds also among
    millions of rows; without one the trails are read from their ends. Rows
    are shown from the trails themselves either way, and only if whole.

    Example: watchword audit search cap --kind request:refused --symbol BTCUSDT --since 1d
    """
    import msgspec

    from watchword.entrypoints.cli.audit_rows import read_filter

    with faults_shown(as_json=as_json):
        wanted = msgspec.structs.replace(
            read_filter(kind, key, endpoint, symbol, request, since, until),
            actor=actor,
            rule=rule,
            code=code,
            text=" ".join(text) if text else None,
        )
        with _opened(home) as found:
            if trail is not None and trail not in found.trails:
                raise ConfigurationError(f"there is no trail {trail!r} here, but {', '.join(found.trails)}")
            _show(_page(found, wanted, limit, cursor, trail), as_json=as_json)


@contextmanager
def _opened(home: "Path | None") -> "Iterator[AuditSearch]":
    """Open a home's trails, and bring an index that is there up to date.

    Raises:
        ConfigurationError: There is no trail.
    """
    from watchword.bootstrap.audit_search import AuditSearch

    def told(progress: "Progress") -> None:
        if progress.added % PROGRESS_ROWS == 0 and sys.stderr.isatty():
            sys.stderr.write(f"indexing the {progress.trail}'s trail: row {progress.row:,}\n")

    folder = read_settings(home=home).home
    with closing(AuditSearch.open(folder)) as found:
        if not found.trails:
            raise ConfigurationError(f"there is no audit trail in {folder}")
        try:
            found.update(told)
        except StorageError as error:
            # What is indexed can be searched all the same.
            sys.stderr.write(f"watchword: the newest rows are not searched: {error}\n")
        yield found


def _page(found: "AuditSearch", wanted: "Filter", limit: int, cursor: str, trail: str | None) -> "SearchPage":
    """Fill a page: one that came back short because of its time is gone on with."""
    from watchword.bootstrap.audit_search import BadCursor, SearchPage

    rows: list[Found] = []
    mismatched = 0
    while True:
        page = found.find(wanted, limit - len(rows), cursor, trail)
        if isinstance(page, BadCursor):
            raise ConfigurationError(str(page))
        rows += page.rows
        mismatched += page.mismatched
        cursor = page.cursor
        if len(rows) >= limit or not cursor:
            return SearchPage(rows, cursor, mismatched, page.indexed)


def _show(page: "SearchPage", *, as_json: bool) -> None:
    from watchword.entrypoints.cli.audit_rows import row_fields, row_line

    if as_json:
        rows = [{"trail": one.trail, **row_fields(one.row, one.event)} for one in page.rows]
        show_json(
            {
                "rows": rows,
                "next": page.cursor or None,
                "mismatched": page.mismatched,
                "indexed": page.indexed,
            }
        )
        return
    for one in page.rows:
        say(f"{one.trail:<8}{row_line(one.row, one.event)}")
    if page.cursor:
        say(f"There is more: --cursor {page.cursor}")
    if page.mismatched:
        sys.stderr.write(
            f"watchword: {page.mismatched} rows are not as they were written and are not shown: watchword audit verify\n"
        )
