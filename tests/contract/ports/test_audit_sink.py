"""One suite for everything that calls itself an audit sink."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.trails import NOW_US, FaultySink, small_trail

from watchword.adapters.audit.command_sink import CommandSink
from watchword.adapters.audit.file_sink import FileSink
from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.adapters.memory.audit import MemorySink
from watchword.audit.chain import Head, Row, seal
from watchword.audit.trail import AuditSink

ROOT = Path(__file__).resolve().parents[3]
RECEIVE = "import sys; from watchword.__main__ import main; sys.argv = ['watchword', *sys.argv[1:]]; main()"
Opener = Callable[[], AuditSink]


def many_rows(count: int) -> list[Row]:
    """A long chain of small rows."""
    head, rows = Head(), []
    for number in range(count):
        rows.append(seal(b'{"n":%d}' % number, head, NOW_US + number))
        head = rows[-1].head
    return rows


@pytest.fixture(params=["memory", "sqlite", "file", "command", "faulty"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same sink again and again."""
    kept = MemorySink()
    command = [sys.executable, "-c", RECEIVE, "audit", "receive", str(tmp_path / "received.log")]
    openers: dict[str, Opener] = {
        "memory": lambda: kept,
        "sqlite": lambda: SqliteSink(tmp_path / "audit.db"),
        "file": lambda: FileSink(tmp_path / "trail.log"),
        "command": lambda: CommandSink(command, {"PATH": "/usr/bin:/bin"}, 20_000),
        "faulty": FaultySink(kept).opener,
    }
    opened: list[AuditSink] = []

    def open_sink() -> AuditSink:
        opened.append(openers[request.param]())
        return opened[-1]

    yield open_sink
    for sink in opened:
        sink.close()


def test_new_sink_is_empty(opener: Opener) -> None:
    sink = opener()
    assert sink.head() == Head()
    assert list(sink.lines_after(0)) == []
    assert sink.strained() is None
    assert sink.place_name()


def test_rows_come_back_in_order_and_whole(opener: Opener) -> None:
    sink, rows = opener(), small_trail()
    for first, last in ((0, 1), (1, 7), (7, 12)):
        sink.append(rows[first:last])
    assert list(sink.lines_after(0)) == [row.line for row in rows]
    assert sink.head() == rows[-1].head
    for after in range(13):
        assert list(sink.lines_after(after)) == [row.line for row in rows[after:]]
    assert list(sink.lines_after(99)) == []


def test_rows_are_there_after_opening_anew_and_go_on(opener: Opener) -> None:
    sink, rows = opener(), small_trail()
    sink.append(rows[:5])
    sink.close()
    sink = opener()
    assert sink.head() == rows[4].head
    sink.append(rows[5:])
    assert list(sink.lines_after(3)) == [row.line for row in rows[3:]]


def test_many_rows_in_large_appends(opener: Opener) -> None:
    sink, rows = opener(), many_rows(9_000)
    for at in range(0, len(rows), 4_000):
        sink.append(rows[at : at + 4_000])
    assert sink.head() == rows[-1].head
    assert list(sink.lines_after(8_500)) == [row.line for row in rows[8_500:]]
    assert sum(1 for _ in sink.lines_after(0)) == 9_000


def test_many_small_appends(opener: Opener) -> None:
    sink, rows = opener(), many_rows(150)
    for row in rows:
        sink.append([row])
    assert list(sink.lines_after(70)) == [row.line for row in rows[70:]]


def test_closing_twice_is_no_fault(opener: Opener) -> None:
    sink = opener()
    sink.close()
    sink.close()
