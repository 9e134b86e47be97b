"""`watchword api`: call any route of the management API. Everything the console can do, for scripts. Only parses and prints."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watchword.entrypoints.cli.output import say, show_json, show_table
from watchword.entrypoints.cli.signing_in import management
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError

BODY_BYTES_MAX: Final = 65_536


def api(
    operation: Annotated[
        str, typer.Argument(help="Name of a route, for example listPeople. Without one they are listed.")
    ] = "",
    given: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Parts of the path, and parameters of the query."),
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option(help="File with the JSON body; - is standard input. Secrets only go this way."),
    ] = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Call any route of the management API, as whoever signed in or with the token in WATCHWORD_TOKEN.

    Answers are JSON. docs/openapi.json says what each route takes and gives.

    Example: watchword api listKeys query=grid limit=10
    """
    from watchword.entrypoints.console.routes.table import ROUTES

    with faults_shown(as_json=as_json):
        if not operation:
            _list(as_json=as_json)
            return
        route = next((one for one in ROUTES if one.name == operation), None)
        if route is None:
            raise ConfigurationError(f"there is no route {operation}; list them with: watchword api")
        values = _values(given or [])
        path = _path(route.path, values)
        content = _body(body) if body is not None else None
        show_json(management(home).call(route.method, path, content, values))


def _list(*, as_json: bool) -> None:
    from watchword.entrypoints.console.routes.table import ROUTES

    if as_json:
        show_json(
            [
                {"operation": one.name, "method": one.method, "path": one.path, "summary": one.summary}
                for one in ROUTES
            ]
        )
        return
    show_table(
        "",
        ("operation", "route", "what it does"),
        [(one.name, f"{one.method} {one.path}", one.summary) for one in ROUTES],
    )
    say("docs/openapi.json says what each takes and gives.")


def _values(given: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or name in values:
            raise ConfigurationError(f"{text!r}: write NAME=VALUE, each name once")
        values[name] = value
    return values


def _path(pattern: str, values: dict[str, Any]) -> str:
    """Fill in the path; what is used goes out of `values`."""
    from watchword.entrypoints.cli.management_client import at

    parts: list[str] = []
    for part in pattern.split("{"):
        name, brace, rest = part.partition("}")
        if not brace:
            parts.append(part)
        elif name not in values:
            raise ConfigurationError(f"this route needs {name}=…")
        else:
            parts += [str(values.pop(name)), rest]
    return at(*parts)


def _body(file: Path) -> Any:
    import msgspec

    from watchword.adapters.key_files import read_bounded

    raw = sys.stdin.buffer.read(BODY_BYTES_MAX + 1) if str(file) == "-" else read_bounded(file)
    try:
        return msgspec.json.decode(raw)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{file} is no JSON document") from error
