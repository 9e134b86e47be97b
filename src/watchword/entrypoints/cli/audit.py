"""`watchword audit …`: read the trail, prove it, receive it. Never writes the trail of a home.

Only parses and prints: what a trail must be like is decided in `audit`.
"""

import sys
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli import audit_search, audit_verify
from watchword.entrypoints.cli.output import say, show_json
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True, help="The tamper-evident record of what was asked, signed and refused."
)
app.command("verify")(audit_verify.verify)
app.command("search")(audit_search.search)

FileOption = Annotated[
    Path | None, typer.Option("--file", help="Read this trail, for example the copy of a second sink.")
]
_POLL_S = 0.25


@app.command()
def tail(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many rows.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new rows until Ctrl-C.")] = False,
    kind: Annotated[str | None, typer.Option(help="Only rows of this type, for example signature.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this virtual key, or keys that begin so.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only this, for example 'POST /api/v3/order'.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only requests for this symbol.")] = None,
    request: Annotated[str | None, typer.Option(help="Only the request with this id.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Not before: 2026-11-21T10:00:00Z, or 10m, 2h, 1d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Not after, written likewise.")] = None,
    file: FileOption = None,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show the last rows that match, oldest first.

    Example: watchword audit tail --follow --kind request:refused
    """
    from watchword.audit.search import search
    from watchword.entrypoints.cli.audit_rows import find_reader, read_filter, row_json, row_line

    write = row_json if as_json else row_line
    with faults_shown(as_json=as_json):
        wanted = read_filter(kind, key, endpoint, symbol, request, since, until)
        reader = find_reader(read_settings(home=home).home, file)
        newest = next(search(reader.lines_back(), read_filter(*[None] * 7)), None)
        reached = newest[0].number if newest is not None else 0
        found = list(islice(search(reader.lines_back(), wanted), lines))
        for row, event in reversed(found):
            say(write(row, event))
        try:
            while follow:
                sys.stdout.flush()
                Event().wait(_POLL_S)
                for row, event in search(reader.lines_after(reached), read_filter(*[None] * 7)):
                    reached = row.number
                    if wanted.takes(row, event):
                        say(write(row, event))
        except KeyboardInterrupt:
            pass
        finally:
            reader.close()


@app.command()
def show(
    row: Annotated[int, typer.Argument(min=1, help="Number of the row.")],
    file: FileOption = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one row whole, and what belongs to it: an intent's outcomes, an outcome's intent."""
    from watchword.audit.chain import holds
    from watchword.audit.search import UNCONCLUDED_ROWS_MAX, Filter, search
    from watchword.entrypoints.cli.audit_rows import find_reader, row_fields, row_line

    with faults_shown(as_json=as_json):
        reader = find_reader(read_settings(home=home).home, file)
        found = next(search(reader.lines_after(row - 1), Filter()), None)
        if found is None or found[0].number != row:
            raise ConfigurationError(f"there is no row {row} in {reader.place_name()}")
        asked, event = found
        concluded = event.get("intent")
        intent = concluded if isinstance(concluded, int) and concluded > 0 else row
        near = islice(reader.lines_after(intent - 1), UNCONCLUDED_ROWS_MAX)
        related = [pair for pair in search(near, Filter(intent=intent)) if pair[0].number != row]
        if as_json:
            fields = row_fields(asked, event)
            show_json({**fields, "sound": holds(asked), "related": [row_fields(*pair) for pair in related]})
            return
        say(row_line(asked, {"type": event.get("type", "?")}))
        for name, value in row_fields(asked, event).items():
            if name != "event":
                say(f"  {name:<16} {value}")
        for name, value in event.items():
            say(row_field_line(name, value))
        say(f"  {'sound':<16} {'yes' if holds(asked) else 'NO: its digest is not the one of what it says'}")
        for pair in related:
            say(row_line(*pair))


@app.command()
def receive(
    file: Annotated[
        Path, typer.Argument(help="Where the rows go. Made if it is not there.", show_default=False)
    ],
) -> None:
    """Be the other end of a second sink: rows come in, are checked, synced and acknowledged.

    The sending side names it as its second sink, for example
    command:ssh safe watchword audit receive /var/lib/watchword/trail.log

    It speaks on standard input and output and ends with its input. What a
    machine holds that only receives cannot be rewritten from the sending one.
    """
    from watchword.adapters.audit.file_sink import FileSink
    from watchword.adapters.audit.receiver import receive as serve

    with faults_shown(as_json=False):
        sink = FileSink(file.expanduser().absolute())
        try:
            serve(sink, sys.stdin.buffer, sys.stdout.buffer)
        finally:
            sink.close()


def row_field_line(name: str, value: object) -> str:
    """Write one field of an event below the others."""
    from watchword.entrypoints.cli.audit_rows import harmless

    if not isinstance(value, dict):
        return harmless(f"  {name:<16} {value}")
    return "\n".join([f"  {name}", *(harmless(f"    {inner:<14} {given}") for inner, given in value.items())])
