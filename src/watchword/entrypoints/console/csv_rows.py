"""Rows of a CSV file that a spreadsheet may open: quoted as RFC 4180 says, and no cell is a formula. Knows no subject.

Source: OWASP, "CSV Injection": a cell that begins with one of a few characters is calculated by spreadsheets; an
apostrophe before it makes it a text.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

#: The last four are the full-width forms of the first, which spreadsheets of East Asia take for them.
_FORMULA_BEGINS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "|",
    "%",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
_QUOTED: Final = frozenset("\",;\r\n\t'")
SECOND_US: Final = 1_000_000


def csv_row(cells: Iterable[str]) -> str:
    """Write one row with its line end.

    Args:
        cells: Texts, wherever they are from.
    """
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def csv_time(at_us: int) -> str:
    """Write a moment as spreadsheets and tax programs read it: UTC, to the microsecond.

    Args:
        at_us: Epoch microseconds.
    """
    seconds, micros = divmod(at_us, SECOND_US)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{micros:06d}"


def _cell(text: str) -> str:
    # Spaces before it do not keep a spreadsheet from calculating.
    if text.lstrip(" ").startswith(_FORMULA_BEGINS):
        text = "'" + text
    if not _QUOTED.isdisjoint(text):
        return '"' + text.replace('"', '""') + '"'
    return text
