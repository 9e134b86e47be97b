import zipfile
from pathlib import Path

import pytest

from watchword.adapters.trade_csv import LINE_BYTES_MAX, RecordedTrade, read_trades, symbol_of
from watchword.kernel.errors import ConfigurationError

SPOT_TRADES = "3283453920,42288.57000000,0.00100000,42.28857000,1703980800012,True,True"
FUTURES_TRADES = "3283453920,42288.57,0.001,42.28857,1703980800012,true"
SPOT_AGGREGATES = "2814353420,42288.57000000,0.00100000,3283453920,3283453920,1703980800012,True,True"
FUTURES_AGGREGATES = "2814353420,42288.57,0.001,3283453920,3283453920,1703980800012,true"
TRADES_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match"
AGGREGATES_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
EXPECTED = RecordedTrade(1_703_980_800_012_000, 4_228_857_000_000, 100_000, True)


def written(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / "BTCUSDT-trades-2024-01-01.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize("header", [(), (TRADES_HEADER,), (AGGREGATES_HEADER,)])
@pytest.mark.parametrize("line", [SPOT_TRADES, FUTURES_TRADES, SPOT_AGGREGATES, FUTURES_AGGREGATES])
def test_recording_of_any_kind_is_read(tmp_path: Path, header: tuple[str, ...], line: str) -> None:
    assert list(read_trades(written(tmp_path, *header, line, line))) == [EXPECTED, EXPECTED]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_recording_in_microseconds_and_with_either_line_end_is_read(tmp_path: Path, end: str) -> None:
    line = SPOT_TRADES.replace("1703980800012", "1735689600012345").replace("True,True", "False,True")
    (trade,) = read_trades(written(tmp_path, line, "", end=end))
    assert (trade.at_us, trade.buyer_is_maker) == (1_735_689_600_012_345, False)


def test_recording_in_a_zip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-aggTrades-2024-01.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-aggTrades-2024-01.csv", "\n".join([SPOT_AGGREGATES] * 10_000))
    assert sum(trade == EXPECTED for trade in read_trades(path)) == 10_000


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("1703980800000,1,2,3,4,5,6,7,8,9,10,0", "line 2 is no trade"),
        ("hello", "line 2 is no trade"),
        (SPOT_TRADES.replace("42288.57", "-1"), "line 2 is no trade"),
        (SPOT_TRADES.replace("42288.57", "99999999999999999999.57"), "line 2 is no trade"),
        (SPOT_TRADES.replace("42288.57000000", "0"), "line 2 is no trade"),
        (SPOT_TRADES.replace("0.00100000", "0.001000001"), "line 2 is no trade"),
        (SPOT_TRADES.replace("1703980800012", "yesterday"), "line 2 is no trade"),
        (SPOT_TRADES.replace("1703980800012", "17"), "line 2 is no trade"),
        ("1," * LINE_BYTES_MAX, "line of more than"),
        ("\udcff", "cannot be read"),
    ],
)
def test_recording_that_is_something_else_is_refused_by_line(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(f"{TRADES_HEADER}\n{line}\n".encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationError, match=named):
        list(read_trades(path))


def test_recording_that_goes_wrong_later_gives_what_came_before(tmp_path: Path) -> None:
    trades = read_trades(written(tmp_path, SPOT_TRADES, SPOT_TRADES, "1,2"))
    assert [next(trades), next(trades)] == [EXPECTED, EXPECTED]
    with pytest.raises(ConfigurationError, match="line 3"):
        next(trades)


def test_recording_missing_or_a_folder_or_an_empty_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / "empty.zip"):
        with pytest.raises(ConfigurationError):
            list(read_trades(path))


def test_recording_of_nothing_gives_nothing(tmp_path: Path) -> None:
    assert list(read_trades(written(tmp_path, TRADES_HEADER))) == []


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-trades-2024-01-01.csv", "BTCUSDT"),
        ("BTCUSDT-aggTrades-2024-01.zip", "BTCUSDT"),
        ("这是测试币456-trades-2024-01.zip", "这是测试币456"),
        ("BTCUSDT-1m-2024-01.csv", None),
        ("trades.csv", None),
        ("BTCUSDT-trades-2024-01.parquet", None),
    ],
)
def test_symbol_is_read_from_the_dumps_file_name(name: str, symbol: str | None) -> None:
    assert symbol_of(Path("/somewhere") / name) == symbol
