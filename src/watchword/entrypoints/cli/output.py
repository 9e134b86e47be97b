"""What commands print: JSON when asked for, a small table otherwise, refusals on the error stream. Decides nothing."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

import typer

EXIT_REFUSED: Final = 1


def show_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console(highlight=False).print(table)


def show_fields(fields: dict[str, Any]) -> None:
    """Print names and values below each other."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name.replace("_", " "), _cell(value))
    Console(highlight=False).print(table)


def say(text: str) -> None:
    """Print one line for people."""
    sys.stdout.write(text + "\n")


def refuse(reason: str) -> NoReturn:
    """Print why not, and end with status 1."""
    sys.stderr.write(f"watchword: {reason}\n")
    raise typer.Exit(EXIT_REFUSED)


def _cell(value: object) -> str:
    """Write a value without markup: what users typed must not become formatting."""
    from rich.markup import escape

    if value is None or value in ([], {}, ""):
        return "-"
    if isinstance(value, list):
        return escape(" ".join(str(part) for part in value))
    return escape(str(value))
