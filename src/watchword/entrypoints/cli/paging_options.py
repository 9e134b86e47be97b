"""Options of lists that can be long, and the last line of a page. Decides nothing."""

from typing import Annotated

import typer

from watchword.entrypoints.cli.output import say
from watchword.entrypoints.sockets.paging import PAGE_ROWS_MAX

Query = Annotated[
    str,
    typer.Option(
        help="Only keys whose names (label, account, credential, policy) hold this, or that begin so."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, max=PAGE_ROWS_MAX, help="Show a page of at most so many.", show_default="all"),
]
Cursor = Annotated[str, typer.Option(help="Show the page after the one that named this.")]
Descending = Annotated[bool, typer.Option("--descending", help="The other way round.")]


def say_where(shown: int, total: int | None, cursor: str | None) -> None:
    """Say under a table how much there is, and how to go on."""
    if total is not None:
        say(f"{shown} of {total}" + (f"; the next page: --cursor {cursor}" if cursor else ""))
