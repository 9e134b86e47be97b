"""Recorded trades from Binance's public dump: trades or aggTrades, CSV or the zip it comes in. Plays nothing itself.

Lines are read one at a time, so a month of trades needs no memory. Which of the two kinds a file is shows in where
its truth value stands; a header line may be there or not; times are milliseconds (13 digits) or microseconds (16).

Source: github.com/binance/binance-public-data, README: "Trades" and "AggTrades".
"""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

from watchword.binance.params import SCALED_MAX
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.units import TooPrecise, parse_scaled

#: A line of a recording is some 80 bytes; more than this is another kind of file.
LINE_BYTES_MAX: Final = 1_024
_MICROSECONDS_FROM: Final = 10**14
_TRUTH: Final = {"true": True, "false": False, "1": True, "0": False}
_TRUTH_WORDS: Final = frozenset(("true", "false"))
#: Column of the moment by kind; the truth value `isBuyerMaker` is in the next one.
_TRADES_TIME, _AGGREGATES_TIME = 4, 5
_PRICE, _QUANTITY = 1, 2
_SYMBOL = re.compile(r"(.+?)-(?:trades|aggTrades)(?:-.*)?\.(?:csv|zip)")
_HOW: Final = "a Binance trades or aggTrades CSV (data.binance.vision), or its zip, is needed"


class RecordedTrade(msgspec.Struct, frozen=True, gc=False):
    """One line of a recording. Price and quantity scaled (10^-8), the moment in epoch microseconds."""

    at_us: int
    price: int
    quantity: int
    buyer_is_maker: bool


def symbol_of(path: Path) -> str | None:
    """Read the symbol from a dump's file name (`BTCUSDT-aggTrades-2024-01-01.zip`), None where it is named otherwise."""
    match = _SYMBOL.fullmatch(path.name)
    return match[1] if match is not None else None


def read_trades(path: Path) -> Iterator[RecordedTrade]:
    """Read a recording, line by line.

    Args:
        path: The CSV, or a zip whose only CSV it is.

    Yields:
        Its trades, in the file's order.

    Raises:
        ConfigurationError: The file cannot be read or is something else; the text names file and line.
    """
    try:
        with _opened(path) as lines:
            time_column = -1
            for number, line in enumerate(_bounded(lines, path), 1):
                fields = [field.strip() for field in line.split(",")]
                if fields == [""] or (number == 1 and not fields[0].isdecimal()):
                    continue
                if time_column < 0:
                    time_column = _time_column(fields, path, number)
                yield _trade(fields, time_column, path, number)
    except (OSError, zipfile.BadZipFile, EOFError, UnicodeDecodeError) as fault:
        raise ConfigurationError(f"{path}: cannot be read ({fault}); {_HOW}") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as plain:
            yield plain
        return
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
        if len(names) != 1:
            raise ConfigurationError(f"{path}: holds {len(names)} CSV files; {_HOW}")
        with archive.open(names[0]) as packed:
            yield io.BufferedReader(packed)  # type: ignore[type-var]  # a ZipExtFile is a raw reader in all but name


def _bounded(lines: IO[bytes], path: Path) -> Iterator[str]:
    while line := lines.readline(LINE_BYTES_MAX + 1):
        if len(line) > LINE_BYTES_MAX:
            raise ConfigurationError(f"{path}: has a line of more than {LINE_BYTES_MAX} bytes; {_HOW}")
        yield line.decode("utf-8-sig").strip()


def _time_column(fields: list[str], path: Path, number: int) -> int:
    for column in (_TRADES_TIME, _AGGREGATES_TIME):
        if len(fields) > column + 1 and fields[column + 1].lower() in _TRUTH_WORDS:
            return column
    raise ConfigurationError(f"{path}: line {number} is no trade; {_HOW}")


def _trade(fields: list[str], time_column: int, path: Path, number: int) -> RecordedTrade:
    try:
        price, quantity = parse_scaled(fields[_PRICE]), parse_scaled(fields[_QUANTITY])
        moment, buyer_is_maker = fields[time_column], _TRUTH.get(fields[time_column + 1].lower())
    except (IndexError, TooPrecise):
        price = quantity = buyer_is_maker = None
        moment = ""
    if (
        not price
        or not quantity
        or max(price, quantity) > SCALED_MAX
        or buyer_is_maker is None
        or not re.fullmatch("[0-9]{13,16}", moment)
    ):
        raise ConfigurationError(f"{path}: line {number} is no trade; {_HOW}")
    at = int(moment)
    return RecordedTrade(at if at >= _MICROSECONDS_FROM else at * 1_000, price, quantity, buyer_is_maker)
