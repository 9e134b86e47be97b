"""The index against the plain search: the same rows, whatever is asked, however it was built, whatever was done to the trail."""

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.trails import NOW_US, intent, resealed

from watchword.adapters.audit.sqlite_sink import SqliteReader, SqliteSink
from watchword.adapters.audit_index import building, finding
from watchword.adapters.audit_index.building import IndexBuilder, Progress
from watchword.adapters.audit_index.finding import FoundPage, IndexFinder
from watchword.adapters.audit_index.index_file import TIME_US_MAX, next_id
from watchword.audit.chain import Head, Row, seal
from watchword.audit.event import AnyEvent, Change, Outcome, Refusal, encode_event
from watchword.audit.search import Filter, search
from watchword.kernel.errors import ConfigurationError, StorageError

SYMBOLS = ("BTCUSDT", "ETHUSDT", "THINUSDT")
KEYS = ("vk-aaaa1", "vk-aaaa2", "vk-aaab1", "vk-b", "v")


class Lines:
    """A trail in memory that can be tampered with."""

    def __init__(self, rows: list[Row]) -> None:
        self.lines = [row.line for row in rows]

    def lines_after(self, row: int) -> Iterator[bytes]:
        yield from self.lines[row:]

    def lines_back(self) -> Iterator[bytes]:
        yield from reversed(self.lines)

    def acknowledged(self) -> Head | None:
        return None

    def place_name(self) -> str:
        return "memory"

    def close(self) -> None:
        pass


def made(count: int, seed: int = 1, step_us: int = 1_000) -> list[Row]:
    """Rows of all kinds; some of one microsecond."""
    dice, head, rows, now_us = random.Random(seed), Head(), list[Row](), NOW_US
    for number in range(1, count + 1):
        now_us += dice.choice((0, step_us))
        rows.append(seal(encode_event(_event(dice, number)), head, now_us))
        head = rows[-1].head
    return rows


def _event(dice: random.Random, number: int) -> AnyEvent:
    key, symbol = dice.choice(KEYS), dice.choice(SYMBOLS)
    match dice.randrange(4):
        case 0:
            return intent(f"r-{number}", key=key, parameters={"symbol": symbol, "side": "BUY"})
        case 1:
            return Outcome(intent=max(1, number - 1), result="answered", code=dice.choice((0, -2011)))
        case 2:
            return Refusal(
                key=key, endpoint="POST /api/v3/order", rule=dice.choice(("max_order", "hours")),
                reason=f"{symbol} above cap", code=-2010, parameters={"symbol": symbol},
            )  # fmt: skip
        case _:
            return Change(
                action="person:role", actor=dice.choice(("ada", "ben")), subject=key, values={"to": "Prüfer"}
            )


FILTERS = [
    Filter(),
    Filter(kind="signature"),
    Filter(kind="request:refused", symbol="BTCUSDT"),
    Filter(kind="sign"),
    Filter(key="vk-aaaa1"),
    Filter(key="vk-aaa"),
    Filter(key="vk-"),
    Filter(key="v"),
    Filter(key="nobody"),
    Filter(symbol="ETHUSDT", rule="hours"),
    Filter(actor="ada"),
    Filter(actor="ada", symbol="ETHUSDT"),
    Filter(code=-2011),
    Filter(code=0),
    Filter(request="r-7"),
    Filter(endpoint="POST /api/v3/order", code=-2010),
    Filter(text="above THINUSDT"),
    Filter(text="prüfer"),
    Filter(text="above prüfer"),
    Filter(text="-- "),
    Filter(intent=5),
    Filter(since_us=NOW_US + 20_000, until_us=NOW_US + 40_000),
    Filter(since_us=NOW_US + 40_000, until_us=NOW_US + 20_000),
    Filter(until_us=NOW_US + 33_000, kind="home:changed"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit_index.db"


def build(path: Path, trails: dict[str, Any], **options: Any) -> int:
    with contextlib.closing(IndexBuilder(path)) as builder:
        return builder.update(trails, **options)


def walked(
    path: Path, trails: dict[str, Any], wanted: Filter, limit: int = 7, **options: Any
) -> list[tuple[str, int]]:
    """All pages: trail and row of each."""
    found: list[tuple[str, int]] = []
    cursor: int | None = None
    with contextlib.closing(IndexFinder(path, lambda: 0)) as finder:
        for _ in range(500):
            page = finder.find(trails, wanted, limit, cursor, **options)
            assert not page.mismatched
            assert len(page.rows) <= limit
            found += [(one.trail, one.row.number) for one in page.rows]
            cursor = page.cursor
            if cursor is None:
                return found
    raise AssertionError("pages without end")


def change(path: Path, statement: str, *values: object) -> list[Any]:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def plainly(trail: Lines, wanted: Filter, name: str = "gateway") -> list[tuple[str, int]]:
    return [(name, row.number) for row, _ in search(trail.lines_back(), wanted)]


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_index_finds_what_the_plain_search_finds(
    path: Path, wanted: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "MARK_ROWS", 8)
    monkeypatch.setattr(building, "BATCH_ROWS", 9)
    monkeypatch.setattr(finding, "SUBJECTS_MAX", 2)
    trail = Lines(made(120))
    build(path, {"gateway": trail})
    assert walked(path, {"gateway": trail}, wanted) == plainly(trail, wanted)


@pytest.mark.parametrize("wanted", [Filter(), Filter(kind="home"), Filter(key="vk-aaaa1")], ids=repr)
def test_two_trails_come_together_by_time_and_apart_by_name(path: Path, wanted: Filter) -> None:
    trails = {"gateway": Lines(made(80)), "console": Lines(made(40, seed=2, step_us=1_700))}
    build(path, trails)
    times = {
        name: {number: row.now_us for number, row in enumerate(made_rows, start=1)}
        for name, made_rows in (("gateway", made(80)), ("console", made(40, seed=2, step_us=1_700)))
    }
    found = walked(path, trails, wanted)
    assert [times[name][row] for name, row in found] == sorted((times[n][r] for n, r in found), reverse=True)
    for name, trail in trails.items():
        alone = walked(path, trails, wanted, trail=name)
        assert alone == [one for one in found if one[0] == name] == plainly(trail, wanted, name)
    assert not walked(path, trails, wanted, trail="other")


def test_build_that_stops_goes_on_where_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "BATCH_ROWS", 10)
    trail = Lines(made(95))

    def stop(progress: Progress) -> None:
        if progress.row == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(path, {"gateway": trail}, progress=stop)
    assert build(path, {"gateway": trail}, rows_max=20) == 20
    assert build(path, {"gateway": trail}) == 45
    assert build(path, {"gateway": trail}) == 0
    assert walked(path, {"gateway": trail}, Filter()) == plainly(trail, Filter())


def test_fault_in_the_middle_of_a_batch_leaves_no_part_of_it(path: Path) -> None:
    rows = made(50)
    trail, taken = Lines(rows), next_id(rows[29].now_us + 1_000_000, 0, 0)
    build(path, {"gateway": Lines([])})
    late = [*rows[:29], seal(rows[29].body, rows[28].head, rows[29].now_us + 1_000_000)]
    change(path, "INSERT INTO entry VALUES (?, 0, 99, x'00')", taken)
    with pytest.raises(StorageError):
        build(path, {"gateway": Lines(late)})
    assert change(path, "SELECT row FROM entry") == [(99,)]
    change(path, "DELETE FROM entry")
    assert build(path, {"gateway": trail}) == 50
    assert walked(path, {"gateway": trail}, Filter()) == plainly(trail, Filter())


@pytest.mark.parametrize("change", ["other trail", "shorter", "last row rewritten"])
def test_replaced_trail_is_indexed_anew(path: Path, change: str) -> None:
    trail = Lines(made(30))
    build(path, {"gateway": trail})
    rows = {
        "other trail": made(60, seed=9),
        "shorter": made(30)[:20],
        "last row rewritten": [*made(30)[:29], seal(b'{"type":"x"}', made(30)[28].head, NOW_US + 90_000)],
    }[change]
    other = Lines(rows)
    assert build(path, {"gateway": other}) == len(rows)
    assert walked(path, {"gateway": other}, Filter()) == plainly(other, Filter())


def test_trail_that_only_grew_is_not_indexed_anew(path: Path) -> None:
    build(path, {"gateway": Lines(made(30))})
    assert build(path, {"gateway": Lines(made(45))}) == 15


def shown(path: Path, trail: Lines, **wanted: Any) -> FoundPage:
    with contextlib.closing(IndexFinder(path, lambda: 0)) as finder:
        return finder.find({"gateway": trail}, Filter(**wanted), 100)


@pytest.mark.parametrize("resigned", [False, True])
def test_row_rewritten_after_indexing_is_not_shown_but_counted(path: Path, resigned: bool) -> None:
    rows = made(30)
    trail = Lines(rows)
    build(path, {"gateway": trail})
    assert not shown(path, trail).mismatched
    assert len(shown(path, trail).rows) == 30
    if resigned:
        trail.lines[9] = resealed([rows[8], rows[10]], rows[8].head)[0].line
    else:
        trail.lines[9] = (
            rows[9].line.replace(b"0", b"1", 1) if rows[9].line[:1] == b"0" else rows[9].line[:-3] + b" }\n"
        )
    page = shown(path, trail)
    assert page.mismatched == 1
    assert [one.row.number for one in page.rows] == [number for number in range(30, 0, -1) if number != 10]


def test_index_that_lies_about_a_row_shows_nothing_of_it(path: Path) -> None:
    trail = Lines(made(30))
    build(path, {"gateway": trail})
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entry SET row = row + 1 WHERE row = 5")
    connection.execute("INSERT INTO term (rowid, terms) SELECT id, 'wplanted' FROM entry WHERE row = 9")
    connection.commit()
    connection.close()
    assert shown(path, trail).mismatched == 1
    planted = shown(path, trail, text="planted")
    assert (planted.rows, planted.mismatched) == ([], 0), "the filter decides on the row itself"


def test_lines_that_are_no_rows_are_counted_and_passed_over(path: Path) -> None:
    rows = made(10)
    trail = Lines(rows)
    trail.lines[4] = b"garbage\n"
    trail.lines[6] = rows[2].line
    told: list[Progress] = []
    build(path, {"gateway": trail}, progress=told.append)
    assert told[-1] == Progress("gateway", 10, 10, 2)
    assert [row for _, row in walked(path, {"gateway": trail}, Filter())] == [10, 9, 8, 6, 4, 3, 2, 1]


@pytest.mark.parametrize("batch", [2_000, 7])
def test_rows_after_missing_ones_are_found(path: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "BATCH_ROWS", batch)
    rows, database = made(30), path.with_name("audit.db")
    with contextlib.closing(SqliteSink(database, 4096)) as sink:
        for first in (0, 10, 20):
            sink.append(rows[first : first + 10])
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM record WHERE first = 11")
        connection.commit()
    with contextlib.closing(SqliteReader(database)) as reader:
        assert build(path, {"gateway": reader}) == 20
        assert build(path, {"gateway": reader}) == 0
        found = walked(path, {"gateway": reader}, Filter())
    assert [row for _, row in found] == [*range(30, 20, -1), *range(10, 0, -1)]


def test_call_that_takes_long_answers_with_what_it_has_and_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "MARK_ROWS", 8)
    trail, passed = Lines(made(200)), iter(range(0, 10**12, 10**9))
    build(path, {"gateway": trail})
    wanted, found, cursor, pages = Filter(kind="home:changed", symbol="BTCUSDT"), 0, None, 0
    with contextlib.closing(IndexFinder(path, lambda: next(passed))) as finder:
        while True:
            page = finder.find({"gateway": trail}, wanted, 10, cursor)
            pages += 1
            found += len(page.rows)
            cursor = page.cursor
            if cursor is None:
                break
    assert found == 0
    assert pages > 3


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 20, b""])
def test_damaged_index_is_built_again(path: Path, content: bytes) -> None:
    trail = Lines(made(30))
    build(path, {"gateway": trail})
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(content)
    assert build(path, {"gateway": trail}) == 30
    assert walked(path, {"gateway": trail}, Filter()) == plainly(trail, Filter())


def test_index_is_private_and_finding_makes_none(path: Path) -> None:
    with pytest.raises(StorageError):
        IndexFinder(path, lambda: 0)
    assert not path.exists()
    build(path, {"gateway": Lines(made(3))})
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_fifth_trail_is_refused(path: Path) -> None:
    trails = {str(number): Lines(made(2, seed=number)) for number in range(5)}
    with pytest.raises(ConfigurationError):
        build(path, trails)
    build(path, dict(list(trails.items())[:4]))
    with pytest.raises(ConfigurationError):
        build(path, {"4": trails["4"]})


def test_ids_follow_time_and_never_meet() -> None:
    ids, last = set(), {0: 0, 1: 0}
    for now_us in [5, 5, 5, 6, 6, TIME_US_MAX + 9, 7]:
        for lane in (0, 1):
            last[lane], before = next_id(now_us, last[lane], lane), last[lane]
            assert last[lane] > before or not before
            ids.add(last[lane])
    assert len(ids) == 14
    assert max(ids) < 1 << 63
