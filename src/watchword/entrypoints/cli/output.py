"""What commands print: JSON when asked for, a small table otherwise, refusals on the error stream. Decides nothing."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer

if TYPE_CHECKING:
    from rich.table import Table

EXIT_REFUSED: Final = 1
LINE_LENGTH_MAX: Final = 2_000


def show_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings."""
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _print_whole(table)


def show_fields(fields: dict[str, Any]) -> None:
    """Print names and values below each other."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in fields.items():
        table.add_row(name.replace("_", " "), _cell(value))
    _print_whole(table)


def say(text: str) -> None:
    """Print one line for people."""
    sys.stdout.write(text + "\n")


def refuse(reason: str) -> NoReturn:
    """Print why not, and end with status 1."""
    sys.stderr.write(f"watchword: {reason}\n")
    raise typer.Exit(EXIT_REFUSED)


def _print_whole(table: "Table") -> None:
    """Print without folding: a key cut in two cannot be copied."""
    from rich.console import Console

    whole = Console(width=LINE_LENGTH_MAX, emoji=False).measure(table).maximum
    console = Console(highlight=False, emoji=False)
    console.width = max(console.width, whole)
    console.print(table)


def _cell(value: object) -> str:
    """Write a value without markup: what users typed must not become formatting."""
    from rich.markup import escape

    if value is None or value in ([], {}, ""):
        return "-"
    if isinstance(value, list):
        return escape(" ".join(str(part) for part in value))
    return escape(str(value))
