"""Audit: real trails searched, shown, proved and exported through the pages; each altered twin is found out."""

import asyncio
import contextlib
import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole
from tests.support.trails import NOW_US, TRAIL_KEY, replaced, resealed, small_trail

from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.adapters.audit_index import finding
from watchword.audit.chain import Head, Row, seal
from watchword.audit.event import Change, encode_event
from watchword.bootstrap.audit_search import CONSOLE, GATEWAY, AuditSearch, trail_paths
from watchword.bootstrap.audit_trail import public_key_path
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes import audit_export, audit_proof

FORMULA = '=HYPERLINK("http://example.org","click")'
NASTY = "<script>alert(1)</script>"


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(SqliteSink(path, 4096)) as sink:
        for row in rows:
            sink.append([row])


def people(*actors: str) -> list[Row]:
    """Rows of the console's own trail."""
    rows: list[Row] = []
    for number, actor in enumerate(actors):
        event = Change(
            action="person:invited", actor=actor, subject=f"person-{number}", values={"mail": actor}
        )
        rows.append(seal(encode_event(event), rows[-1].head if rows else Head(), NOW_US + number * 2_500))
    return rows


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def opened(home: Path, gateway: list[Row], console: list[Row]) -> PagesConsole:
    """A console over trails."""
    write(trail_paths(home)[GATEWAY], gateway)
    public_key_path(home).write_text(TRAIL_KEY.public.pem())
    if console:
        write(trail_paths(home)[CONSOLE], console)
    made = PagesConsole(home)
    made.at_hand[AuditSearch] = AuditSearch.open(home, build=bool(console))
    return made


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search is bounded by its work, and a collection of garbage in the middle of one counts as such."""
    monkeypatch.setattr(finding, "FIND_NS_MAX", 10_000_000_000)


@pytest.fixture
def console(home: Path) -> Iterator[PagesConsole]:
    made = opened(home, small_trail(), people("ada", FORMULA, NASTY))
    yield made
    made.at_hand[AuditSearch].close()


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_list_shows_both_trails_newest_first(olga: FakeBrowser) -> None:
    page = (await olga.get("/audit")).text
    for part in (
        "credential:virtual:issued",
        "symbols · POST /api/v3/order",
        "person:invited",
        "Gateway 12",
        "Console 3",
    ):
        assert part in page
    assert page.index("Gateway 12") < page.index("Gateway 11") < page.index("Gateway 1<")


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("trail=console", "Console 1", "Gateway"),
        ("kind=request:refused", "symbols ·", "person:invited"),
        ("actor=ada", "Console 1", "Console 2"),
        ("key=WWk", "credential:virtual:issued", "person:invited"),
        ("text=person:invited", "Console 1", "Gateway 9<"),
        ("rule=symbols", "symbols ·", "Console 1"),
    ],
)
async def test_filter_narrows(olga: FakeBrowser, query: str, there: str, gone: str) -> None:
    page = (await olga.get(f"/audit?{query}")).text.partition('id="list"')[2]
    assert there in page
    assert gone not in page


async def test_days_are_whole_and_nonsense_is_left_out(olga: FakeBrowser) -> None:
    day = (await olga.get("/audit?trail=console")).text.partition('<time datetime="')[2][:10]
    assert "Console 1" in (await olga.get(f"/audit?since={day}&until={day}")).text
    assert "Nothing found" in (await olga.get("/audit?until=2001-01-01")).text
    wrong = (await olga.get("/audit?since=yesterday")).text
    assert "this one was left out" in wrong
    assert "Console 1" in wrong


async def test_failed_search_says_why(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["searchAudit"] = Problem(told.UNAVAILABLE, "the trail is on another planet")
    failed = await olga.get("/audit")
    assert failed.status_code == told.UNAVAILABLE.status
    assert "another planet" in failed.text


async def test_row_shows_all_it_says_and_its_digest(olga: FakeBrowser) -> None:
    row = small_trail()[8]
    page = (await olga.get("/audit/gateway/9")).text
    for part in ("credential:virtual:issued", "uid 1000", "WWkey", row.digest.hex(), row.previous.hex()):
        assert part in page
    assert "/audit/gateway/5" in (await olga.get("/audit/gateway/8")).text, "an outcome leads to its intent"
    for path in ("/audit/gateway/13", "/audit/gateway/0", "/audit/nowhere/1", "/audit/gateway/x"):
        assert (await olga.get(path)).status_code == 404, path


async def test_free_texts_stay_texts(olga: FakeBrowser) -> None:
    for path in ("/audit", "/audit/console/3", "/audit?actor=%3Cscript%3Ealert(1)%3C/script%3E"):
        page = (await olga.get(path)).text
        assert NASTY not in page
        assert "&lt;script&gt;alert(1)" in page


async def test_csv_has_every_row_and_no_formula(olga: FakeBrowser) -> None:
    answer = await olga.get("/audit/export.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="audit.csv"' in answer.headers["content-disposition"]
    rows = table(answer.text)
    assert len(rows) == 15
    assert tuple(rows[0]) == audit_export.HEADER
    (formula,) = [row for row in rows if "HYPERLINK" in row["actor"]]
    assert formula["actor"] == "'" + FORMULA
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {row["digest"] for row in rows if row["trail"] == "gateway"} == {
        row.digest.hex() for row in small_trail()
    }


async def test_files_have_what_was_searched_for(olga: FakeBrowser) -> None:
    assert {row["actor"] for row in table((await olga.get("/audit/export.csv?actor=ada")).text)} == {"ada"}
    found = msgspec.json.decode((await olga.get("/audit/export.json?trail=console")).content)
    assert [row["row"] for row in found] == [3, 2, 1]
    assert found[1]["event"]["actor"] == FORMULA
    nothing = await olga.get("/audit/export.json?actor=nobody")
    assert msgspec.json.decode(nothing.content) == []


async def test_file_of_several_pages_is_one(olga: FakeBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "PAGE_ROWS_MAX", 4)
    rows = table((await olga.get("/audit/export.csv")).text)
    assert len(rows) == 15
    assert len({(row["trail"], row["row"]) for row in rows}) == 15
    assert len(msgspec.json.decode((await olga.get("/audit/export.json")).content)) == 15


@pytest.mark.parametrize(("rows_max", "is_all"), [(15, True), (14, False)])
async def test_file_that_is_not_all_says_so_in_its_last_row(
    olga: FakeBrowser, monkeypatch: pytest.MonkeyPatch, rows_max: int, is_all: bool
) -> None:
    monkeypatch.setattr(audit_export, "PAGE_ROWS_MAX", 4)
    monkeypatch.setattr(audit_export, "EXPORT_ROWS_MAX", rows_max)
    rows = table((await olga.get("/audit/export.csv")).text)
    assert (rows[-1]["type"] != audit_export.NOT_ALL) is is_all
    assert len(rows) == 15
    found = msgspec.json.decode((await olga.get("/audit/export.json")).content)
    assert (found[-1].get("type") != audit_export.NOT_ALL) is is_all


async def test_trader_sees_nothing_of_it(console: PagesConsole) -> None:
    tom = console.signed_in("tom", "trader")
    for path in ("/audit", "/audit/verify", "/audit/export.csv", "/audit/export.json", "/audit/gateway/1"):
        assert (await tom.get(path)).status_code == 403, path
    assert 'href="/audit"' not in (await tom.get("/security")).text


async def test_whole_trails_are_proved(console: PagesConsole, olga: FakeBrowser) -> None:
    page = (await olga.get("/audit/verify")).text
    assert "Both trails are whole" in page
    assert f"12:{small_trail()[-1].digest.hex()}" in page
    assert "Not checked: no public key" in page, "the console's trail here has no key"


@pytest.mark.parametrize("number", [4, 9])
async def test_altered_row_is_named(home: Path, number: int) -> None:
    rows = small_trail()
    row = rows[number - 1]
    changed = bytearray(row.body)
    changed[-3] ^= 1
    rows[number - 1] = replaced(row, bytes(changed))
    console = opened(home, rows, [])
    with contextlib.closing(console.at_hand[AuditSearch]):
        page = (await console.signed_in().get("/audit/verify")).text
    assert "Not whole" in page
    assert f"row {number} was altered" in page or f"row {number} was rewritten" in page


async def test_recomputed_rows_are_found_by_the_signed_checkpoint(home: Path) -> None:
    rows = small_trail()
    first = Change(action="credential:virtual:issued", actor="nobody", subject="WWkey")
    forged = seal(encode_event(first), rows[7].head, rows[8].now_us)
    console = opened(home, [*rows[:8], *resealed([forged, *rows[9:]], rows[7].head)], [])
    with contextlib.closing(console.at_hand[AuditSearch]):
        page = (await console.signed_in().get("/audit/verify")).text
    assert "Not whole" in page


async def test_trails_are_proved_for_one_at_a_time(
    console: PagesConsole, olga: FakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: Path) -> list[Any]:
        begun.set()
        go_on.wait(5)
        return []

    monkeypatch.setattr(audit_proof, "prove_trails", slow)
    first = asyncio.create_task(olga.get("/audit/verify"))
    await asyncio.to_thread(begun.wait, 5)
    second = await console.signed_in("uma", "auditor").get("/audit/verify")
    go_on.set()
    assert second.status_code == told.TOO_MANY.status
    assert "There is no trail yet" in (await first).text
    assert (await olga.get("/audit/verify")).status_code == 200, "and then again"


async def test_only_so_many_exports_are_on_their_way(console: PagesConsole, olga: FakeBrowser) -> None:
    assert (await olga.get("/audit/export.json")).status_code == 200
    console.at_hand[audit_export._Exports].count = audit_export.EXPORTS_AT_ONCE_MAX
    assert (await olga.get("/audit/export.csv")).status_code == told.TOO_MANY.status
    console.at_hand[audit_export._Exports].count -= 1
    assert (await olga.get("/audit/export.csv")).status_code == 200
    assert console.at_hand[audit_export._Exports].count == audit_export.EXPORTS_AT_ONCE_MAX - 1, "given back"
