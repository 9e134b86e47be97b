"""Composition root of searching: a home's trails, and the index beside them where a console has built one.

    search = AuditSearch.open(home)
    page = search.find(Filter(symbol="BTCUSDT"), limit=50)

The console builds (`build=True`) and keeps it up (`keeping_up`); a command only uses what is there. Without an index the
trails are read from their ends, which takes as long as it takes. Never writes a trail.
"""

import asyncio
import contextlib
import heapq
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final, Self, final

import msgspec

from watchword.adapters.audit.trail_files import open_reader
from watchword.adapters.audit_index.building import IndexBuilder, Progress
from watchword.adapters.audit_index.finding import Found, IndexFinder
from watchword.adapters.audit_index.index_file import FILE_NAME
from watchword.adapters.console_home import console_folder
from watchword.adapters.system import work_ns
from watchword.audit.chain import holds, read_line
from watchword.audit.search import Filter, event_fields
from watchword.audit.trail import AuditReader
from watchword.bootstrap.audit_trail import audit_path
from watchword.kernel.errors import StorageError

LOG = logging.getLogger("watchword.audit.search")

PAGE_ROWS_MAX: Final = 200
PAGE_ROWS: Final = 50
#: How often a running console indexes what is new.
KEEP_UP_S: Final = 1.0
#: Rows indexed before a search, at most; a console that runs leaves fewer.
BEFORE_SEARCH_ROWS: Final = 2_000

GATEWAY: Final = "gateway"
CONSOLE: Final = "console"


class BadCursor(msgspec.Struct, frozen=True):
    """A cursor that no page gave out."""

    def __str__(self) -> str:
        return "this cursor is not one of this search: begin again without it"


class SearchPage(msgspec.Struct, frozen=True):
    """Some rows, newest first.

    Attributes:
        rows: What was found, each read from its trail and whole.
        cursor: For the next page; empty where nothing more is there. A page may be short and go on.
        mismatched: Places where a trail has not what it should: see `watchword audit verify`.
        indexed: Whether the index was used.
    """

    rows: list[Found]
    cursor: str
    mismatched: int
    indexed: bool


def index_path(home: Path) -> Path:
    """Say where a home's index is."""
    return console_folder(home) / FILE_NAME


def trail_paths(home: Path) -> dict[str, Path]:
    """Say which trails a home can have, by the names they are searched by."""
    return {GATEWAY: audit_path(home), CONSOLE: audit_path(console_folder(home))}


@final
class AuditSearch:
    """Searches the trails of one home. Any thread may call; one is served at a time.

    When unavailable: say so; nothing else waits for it.
    """

    def __init__(self, trails: dict[str, Path], index: Path | None) -> None:
        """Search these trails.

        Args:
            trails: By name; those without a file are left out until they have one.
            index: Made where it is new; None searches without.

        Raises:
            StorageError: A file cannot be read.
        """
        self._paths = trails
        self._readers: dict[str, AuditReader] = {}
        self._files: dict[str, tuple[int, int]] = {}
        self._turn = threading.Lock()
        self._building = threading.Lock()
        self._builder = IndexBuilder(index) if index is not None else None
        try:
            self._finder = IndexFinder(index, work_ns) if index is not None else None
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, home: Path, *, build: bool = False) -> Self:
        """Search the trails of a home.

        Args:
            home: The home, absolute.
            build: Make the index where there is none: the console's.
        """
        path = index_path(home)
        return cls(trail_paths(home), path if build or path.exists() else None)

    @property
    def trails(self) -> list[str]:
        """Names of the trails that are there."""
        return [name for name, path in self._paths.items() if path.exists()]

    def update(
        self, progress: Callable[[Progress], None] | None = None, *, rows_max: int | None = None
    ) -> int:
        """Index what is new; see `IndexBuilder.update`. Searches go on meanwhile."""
        if self._builder is None:
            return 0
        with self._building, contextlib.ExitStack() as opened:
            # Readers of its own: a search must not wait for a whole build.
            readers = {name: open_reader(self._paths[name]) for name in self.trails}
            for reader in readers.values():
                opened.callback(reader.close)
            return self._builder.update(readers, progress, rows_max=rows_max)

    def find(
        self, wanted: Filter, limit: int = PAGE_ROWS, cursor: str = "", trail: str | None = None
    ) -> SearchPage | BadCursor:
        """Find the newest rows that are asked for.

        Args:
            wanted: What they are like.
            limit: Rows of the page; at most PAGE_ROWS_MAX.
            cursor: Of the page before; empty begins.
            trail: Only rows of this one.

        Raises:
            StorageError: A file cannot be read.
        """
        limit = max(1, min(limit, PAGE_ROWS_MAX))
        with self._turn:
            self._open_readers()
            if self._finder is None:
                return self._scan(wanted, limit, cursor, trail)
            if cursor and not (cursor.startswith("i") and cursor[1:].isdecimal() and len(cursor) <= 20):
                return BadCursor()
            page = self._finder.find(self._readers, wanted, limit, int(cursor[1:]) if cursor else None, trail)
        return SearchPage(
            page.rows, "" if page.cursor is None else f"i{page.cursor}", page.mismatched, indexed=True
        )

    def row(self, trail: str, number: int) -> Found | None:
        """Return one row; None where there is no such row, or one that is not whole.

        Args:
            trail: Name of the trail.
            number: Of the row, from 1.

        Raises:
            StorageError: A file cannot be read.
        """
        with self._turn:
            self._open_readers()
            reader = self._readers.get(trail)
            line = next(iter(reader.lines_after(number - 1)), None) if reader is not None else None
        row = read_line(line) if line is not None else None
        if row is None or row.number != number or not holds(row):
            return None
        return Found(trail, row, event_fields(row))

    def rows(self) -> int:
        """Count the rows of all trails, by the number of each trail's last one.

        Raises:
            StorageError: A file cannot be read.
        """
        with self._turn:
            self._open_readers()
            lasts = [next(reader.lines_back(), None) for reader in self._readers.values()]
        rows = [read_line(line) for line in lasts if line is not None]
        return sum(row.number for row in rows if row is not None)

    @contextlib.asynccontextmanager
    async def keeping_up(self, interval_s: float = KEEP_UP_S) -> AsyncIterator[None]:
        """Index what is new until left; a service of the console."""
        task = asyncio.create_task(self._keep_up(interval_s))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def close(self) -> None:
        """Let everything go."""
        with self._turn, self._building:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()
            if self._builder is not None:
                self._builder.close()
            if (finder := getattr(self, "_finder", None)) is not None:
                finder.close()

    async def _keep_up(self, interval_s: float) -> None:
        while True:
            try:
                # Some at a time, so that leaving need not wait for a whole build.
                while await asyncio.to_thread(self.update, rows_max=BEFORE_SEARCH_ROWS):
                    pass
            except StorageError as error:
                LOG.warning("the audit index is not kept up: %s", error)
            await asyncio.sleep(interval_s)

    def _open_readers(self) -> None:
        """Open what is there, and anew what another file has taken the place of."""
        for name in self.trails:
            state = self._paths[name].stat()
            if self._files.get(name) != (state.st_dev, state.st_ino):
                if name in self._readers:
                    self._readers.pop(name).close()
                self._readers[name] = open_reader(self._paths[name])
                self._files[name] = (state.st_dev, state.st_ino)

    def _scan(self, wanted: Filter, limit: int, cursor: str, trail: str | None) -> SearchPage | BadCursor:
        """Read the trails from their ends, by time; a place is a time, a trail and a row."""
        before = _read_place(cursor) if cursor else None
        if cursor and before is None:
            return BadCursor()
        names = [name for name in self._readers if trail in {None, name}]
        streams = [_backwards(lane, name, self._readers[name]) for lane, name in enumerate(names)]
        found: list[Found] = []
        mismatched, last = 0, (0, 0, 0)
        for place, one in heapq.merge(*streams, key=lambda each: each[0], reverse=True):
            if before is not None and place >= before:
                continue
            if one is None:
                mismatched += 1
            elif wanted.takes(one.row, one.event):
                if len(found) == limit:
                    return SearchPage(found, "s{}.{}.{}".format(*last), mismatched, indexed=False)
                found.append(one)
                last = place
        return SearchPage(found, "", mismatched, indexed=False)


def _backwards(
    lane: int, name: str, reader: AuditReader
) -> Iterator[tuple[tuple[int, int, int], Found | None]]:
    """Yield a trail's rows from its end with their places; None for a line that is not whole."""
    place = (1 << 62, lane, 0)
    for line in reader.lines_back():
        row = read_line(line)
        if row is None or not holds(row):
            yield place, None
            continue
        # In its trail a row stays in its place, whatever time it claims.
        place = min(place, (row.now_us, lane, row.number))
        yield place, Found(name, row, event_fields(row))


def _read_place(cursor: str) -> tuple[int, int, int] | None:
    parts = cursor[1:].split(".")
    if cursor[0] != "s" or len(parts) != 3 or not all(part.isdecimal() and len(part) < 19 for part in parts):
        return None
    now_us, lane, row = (int(part) for part in parts)
    return now_us, lane, row
