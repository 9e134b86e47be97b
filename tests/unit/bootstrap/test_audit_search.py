"""Searching a home's trails, with the index and without: the same rows, page by page."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.trails import NOW_US, resealed, small_trail, until

from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.audit.chain import Head, Row, seal
from watchword.audit.event import Change, encode_event
from watchword.audit.search import Filter
from watchword.bootstrap.audit_search import (
    CONSOLE,
    GATEWAY,
    PAGE_ROWS_MAX,
    AuditSearch,
    BadCursor,
    SearchPage,
    index_path,
    trail_paths,
)
from watchword.kernel.errors import ConfigurationError, StorageError


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(SqliteSink(path, 4096)) as sink:
        for row in rows:
            sink.append([row])


def people(count: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(count):
        event = Change(action="person:added", actor="ada", subject=f"person-{number}")
        head = rows[-1].head if rows else Head()
        rows.append(seal(encode_event(event), head, NOW_US + number * 2_500))
    return rows


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(trail_paths(tmp_path)[GATEWAY], small_trail())
    write(trail_paths(tmp_path)[CONSOLE], people(6))
    return tmp_path


@pytest.fixture(params=[True, False], ids=["index", "scan"])
def search(home: Path, request: pytest.FixtureRequest) -> Iterator[AuditSearch]:
    with contextlib.closing(AuditSearch.open(home, build=request.param)) as opened:
        opened.update()
        yield opened


def page(search: AuditSearch, wanted: Filter | None = None, limit: int = 50, cursor: str = "") -> SearchPage:
    found = search.find(wanted or Filter(), limit, cursor)
    assert isinstance(found, SearchPage)
    return found


def rows(found: SearchPage) -> list[tuple[str, int]]:
    return [(one.trail, one.row.number) for one in found.rows]


def test_trails_come_together_newest_first(search: AuditSearch) -> None:
    found = page(search)
    times = [one.row.now_us for one in found.rows]
    assert len(times) == 18
    assert times == sorted(times, reverse=True)
    assert {one.trail for one in found.rows} == {GATEWAY, CONSOLE}
    assert not found.cursor


@pytest.mark.parametrize("limit", [1, 4, 17, 18])
def test_pages_hold_every_row_once(search: AuditSearch, limit: int) -> None:
    found, cursor = [], ""
    for _ in range(20):
        one = page(search, limit=limit, cursor=cursor)
        found += rows(one)
        cursor = one.cursor
        if not cursor:
            break
    assert found == rows(page(search))


def test_filter_and_trail_narrow(search: AuditSearch) -> None:
    assert rows(page(search, Filter(actor="ada", key="person-3"))) == [(CONSOLE, 4)]
    only = search.find(Filter(kind="home"), trail=GATEWAY)
    assert isinstance(only, SearchPage)
    assert rows(only) == [(GATEWAY, 9)]


@pytest.mark.parametrize(
    "cursor", ["x", "i", "i1x", "i" + "9" * 30, "s1.2", "s1.2.x", "é", "s" + "9" * 30 + ".1.1"]
)
def test_cursor_nobody_gave_out_is_refused(search: AuditSearch, cursor: str) -> None:
    assert isinstance(search.find(Filter(), cursor=cursor), BadCursor)


def test_cursor_of_the_other_way_is_refused(home: Path) -> None:
    with contextlib.closing(AuditSearch.open(home)) as scan:
        cursor = page(scan, limit=1).cursor
    with contextlib.closing(AuditSearch.open(home, build=True)) as indexed:
        indexed.update()
        assert isinstance(indexed.find(Filter(), cursor=cursor), BadCursor)
        assert isinstance(indexed.find(Filter(), cursor=page(indexed, limit=1).cursor), SearchPage)


def test_page_is_bounded(home: Path) -> None:
    write(trail_paths(home / "other")[CONSOLE], people(PAGE_ROWS_MAX + 1))
    with contextlib.closing(AuditSearch.open(home / "other")) as search:
        assert len(page(search, limit=10**9).rows) == PAGE_ROWS_MAX
        assert len(page(search, limit=0).rows) == 1


def test_rewritten_row_is_counted_and_not_shown(home: Path) -> None:
    path = trail_paths(home)[GATEWAY]
    for file in path.parent.glob("audit.*"):
        file.unlink()
    whole = small_trail()
    bad = whole[4].line.replace(b"r-2", b"r-9")
    assert bad != whole[4].line
    with contextlib.closing(SqliteSink(path, 4096)) as sink:
        sink._insert((1, b"".join([*(row.line for row in whole[:4]), bad, *(row.line for row in whole[5:])])))
    for build in (False, True):
        with contextlib.closing(AuditSearch.open(home, build=build)) as search:
            search.update()
            found = page(search)
            assert found.mismatched == 1
            assert (GATEWAY, 5) not in rows(found)
            assert len(found.rows) == 17


def test_trail_put_in_another_ones_place_is_read_and_indexed_anew(home: Path) -> None:
    path = trail_paths(home)[GATEWAY]
    with contextlib.closing(AuditSearch.open(home, build=True)) as search:
        search.update()
        page(search)
        for file in path.parent.glob("audit.*"):
            file.unlink()
        write(path, resealed(small_trail()[2:6], Head()))
        search.update()
        found = page(search)
        assert not found.mismatched
        assert sum(one.trail == GATEWAY for one in found.rows) == 4
        assert sum(one.trail == CONSOLE for one in found.rows) == 6


def test_search_without_build_makes_no_index_and_uses_one_that_is_there(home: Path) -> None:
    with contextlib.closing(AuditSearch.open(home)) as search:
        assert search.update() == 0
        assert not page(search).indexed
    assert not index_path(home).exists()
    AuditSearch.open(home, build=True).close()
    with contextlib.closing(AuditSearch.open(home)) as search:
        assert search.update() == 18
        assert page(search).indexed


def test_trail_that_comes_later_is_found(tmp_path: Path) -> None:
    write(trail_paths(tmp_path)[CONSOLE], people(2))
    with contextlib.closing(AuditSearch.open(tmp_path, build=True)) as search:
        search.update()
        assert search.trails == [CONSOLE]
        write(trail_paths(tmp_path)[GATEWAY], small_trail())
        assert search.update() == 12
        assert len(page(search).rows) == 14


async def test_running_console_keeps_up_and_leaves(home: Path) -> None:
    search = AuditSearch.open(home, build=True)
    async with search.keeping_up(0.01):
        await until(lambda: len(page(search).rows) == 18)
        with contextlib.closing(SqliteSink(trail_paths(home)[CONSOLE], 4096)) as sink:
            sink.append(people(7)[6:])
        await until(lambda: len(page(search).rows) == 19)
    search.close()


async def test_fault_while_keeping_up_is_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search, failed = AuditSearch.open(home, build=True), threading.Event()
    whole = AuditSearch.update

    def faulty(self: AuditSearch, *arguments: object, **options: int) -> int:
        if not failed.is_set():
            failed.set()
            raise StorageError("the disk is full")
        return whole(self, rows_max=options["rows_max"])

    monkeypatch.setattr(AuditSearch, "update", faulty)
    async with search.keeping_up(0.01):
        await asyncio.to_thread(failed.wait, 5)
        await until(lambda: len(page(search).rows) == 18)
    search.close()


def test_index_that_cannot_be_made_is_a_fault(home: Path) -> None:
    index_path(home).mkdir()
    with pytest.raises((StorageError, ConfigurationError)):
        AuditSearch.open(home, build=True)
