"""Cells that a spreadsheet must not calculate, and rows that any reader reads back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.entrypoints.console.csv_rows import csv_row, csv_time


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "|x",
        "%x",
        " =1",
        "\uff1d1",
        '=HYPERLINK("http://x","y")',
    ],
)
def test_formula_becomes_a_text(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_row([text, "x"]), newline=""))
    assert row == ["'" + text, "x"]


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "1.5", "a=b", "a-b", "这是测试币456", "", "2026-01-01 00:00:00.000000"]
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert csv_row([text, "x"]) == f"{text},x\r\n"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=2, max_size=6))
def test_row_is_read_back_as_written(cells: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(csv_row(cells), newline=""))
    assert [cell.removeprefix("'") for cell in row] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@")) for cell in row)


def test_moment_is_written_to_the_microsecond_in_utc() -> None:
    assert csv_time(1_767_225_600_000_001) == "2026-01-01 00:00:00.000001"
