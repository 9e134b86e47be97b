"""watchword audit tail, show, verify, receive: run in process on small trails, whole and tampered with."""

import contextlib
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.trails import NOW_US, OTHER_KEY, TRAIL_KEY, resealed, small_trail
from typer.testing import CliRunner, Result

from watchword.adapters.audit.file_sink import FileSink
from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.audit.chain import Head, Row, seal
from watchword.audit.event import Change, TrailOpened, encode_event
from watchword.bootstrap.audit_search import AuditSearch
from watchword.entrypoints.cli import audit, audit_rows, audit_verify

ROWS = small_trail()


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(audit.app, list(arguments), input=stdin)


def reply(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def write_copy(path: Path, rows: list[Row]) -> None:
    path.write_bytes(b"".join(row.line for row in rows))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "audit"
    folder.mkdir(parents=True)
    sink = SqliteSink(folder / "audit.db", 4096)
    for at in range(0, 12, 3):
        sink.append(ROWS[at : at + 3])
    sink.close()
    (folder / "checkpoint.pub").write_text(TRAIL_KEY.public.pem())
    write_copy(tmp_path / "copy.log", ROWS)
    return tmp_path / "home"


def rewrite(home: Path, rows: list[Row]) -> None:
    """Put other rows in the database, as somebody with write access to it would, the mark included."""
    for file in (home / "audit").glob("audit.*"):
        file.unlink()
    sink = SqliteSink(home / "audit" / "audit.db", 4096)
    sink.append(rows)
    sink.close()


def test_tail_shows_the_last_rows_oldest_first(home: Path) -> None:
    lines = run("tail", "-n", "3", "--home", str(home)).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["10", "11", "12"]
    assert "trail:closed" in lines[1]
    assert "signature" not in lines[2], "a checkpoint is one short line"


def test_tail_as_json_is_one_object_per_line(home: Path) -> None:
    lines = run("tail", "--json", "--home", str(home)).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["row"] for row in rows] == list(range(1, 13))
    assert rows[2]["event"]["parameters"]["symbol"] == "BTCUSDT"
    assert rows[2]["time"] == "2026-09-21T14:13:20.003000Z"
    assert rows[3]["previous"] == rows[2]["digest"] == ROWS[2].digest.hex()


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--kind", "signature"], [3, 4, 5, 8]),
        (["--kind", "signature", "-n", "2"], [5, 8]),
        (["--key", "WWk", "--symbol", "BTCUSDT"], [3, 5]),
        (["--endpoint", "POST /api/v3/order", "--request", "r-2"], [5]),
        (["--since", "2026-09-21T14:13:20.011Z"], [11, 12]),
        (["--until", "2026-09-21T14:13:20.002"], [1, 2]),
        (["--since", "2026-09-21T16:13:20.011+02:00", "-n", "1"], [12]),
        (["-n", "0"], []),
    ],
)
def test_tail_filters(home: Path, options: list[str], rows: list[int]) -> None:
    lines = run("tail", "--json", "--home", str(home), *options).stdout.splitlines()
    assert [json.loads(line)["row"] for line in lines] == rows


def test_span_back_from_now_is_understood(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_rows.SystemClock, "now_us", lambda self: NOW_US + 3_600_000_000 + 5_500)
    lines = run("tail", "--json", "--home", str(home), "--since", "60m").stdout.splitlines()
    assert json.loads(lines[0])["row"] == 6
    assert run("tail", "--home", str(home), "--since", "yesterday").exit_code == 1


def test_tail_follows_new_rows_until_interrupted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = SqliteSink(home / "audit" / "audit.db", 4096)
    turns: list[float | None] = []

    class Turn(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            turns.append(timeout)
            if len(turns) == 2:
                more = resealed(ROWS[2:4], ROWS[-1].head)
                sink.append(more)
            if len(turns) == 4:
                raise KeyboardInterrupt
            return False

    monkeypatch.setattr(audit, "Event", Turn)
    result = run("tail", "-f", "-n", "1", "--kind", "signature", "--json", "--home", str(home))
    sink.close()
    assert result.exit_code == 0
    assert [json.loads(line)["row"] for line in result.stdout.splitlines()] == [8, 13, 14]


def test_tail_reads_the_copy_of_a_second_sink(home: Path, tmp_path: Path) -> None:
    shown = run("tail", "--home", str(home)).stdout
    assert run("tail", "--file", str(tmp_path / "copy.log")).stdout == shown


def test_terminal_is_not_obeyed(home: Path, tmp_path: Path) -> None:
    nasty = seal(
        b'{"type":"x\xc2\x9b31m","a":"\\u001b[2J","b":{"c":[1]},"d e":"f g"}', Head(), 99_999_999_999_999_999
    )
    write_copy(tmp_path / "nasty.log", [nasty])
    for arguments in (["tail"], ["show", "1"], ["tail", "--json"]):
        result = run(*arguments, "--file", str(tmp_path / "nasty.log"))
        assert result.exit_code == 0
        assert "\x1b" not in result.stdout
        assert "\x9b" not in result.stdout
        assert "\\u001b[2J" in result.stdout


def test_show_tells_a_row_and_what_belongs_to_it(home: Path) -> None:
    shown = reply(run("show", "5", "--json", "--home", str(home)))
    assert (shown["row"], shown["sound"]) == (5, True)
    assert [row["row"] for row in shown["related"]] == [8]
    shown = reply(run("show", "8", "--json", "--home", str(home)))
    assert [row["row"] for row in shown["related"]] == [5]
    text = run("show", "5", "--home", str(home)).stdout
    assert "BTCUSDT" in text
    assert "no answer within 10 s" in text
    assert "sound            yes" in text


def test_show_of_a_row_that_is_not_there_is_refused(home: Path) -> None:
    result = run("show", "13", "--home", str(home))
    assert result.exit_code == 1
    assert "there is no row 13" in result.stderr


def test_show_says_that_a_row_is_not_sound(home: Path, tmp_path: Path) -> None:
    write_copy(tmp_path / "bad.log", ROWS)
    (tmp_path / "bad.log").write_bytes((tmp_path / "bad.log").read_bytes().replace(b"r-2", b"r-9"))
    assert "sound            NO" in run("show", "5", "--file", str(tmp_path / "bad.log")).stdout


def test_home_without_a_trail_is_refused(tmp_path: Path) -> None:
    for command in (["tail"], ["show", "1"], ["verify"]):
        result = run(*command, "--home", str(tmp_path))
        assert result.exit_code == 1
        assert "there is no audit trail at" in result.stderr


def test_whole_trail_verifies(home: Path, tmp_path: Path) -> None:
    facts = reply(run("verify", "--home", str(home), "--json", "--against", str(tmp_path / "copy.log")))
    assert facts["good"]
    assert (facts["rows"], facts["last_row"], facts["checkpoints"], facts["signed_row"]) == (12, 12, 4, 11)
    assert facts["public_key"] == TRAIL_KEY.public.fingerprint
    assert facts["unconcluded"] == [5]
    text = run("verify", "--home", str(home), "--against", str(tmp_path / "copy.log")).stdout
    assert "result        whole" in text
    assert "rows 5" in text
    assert "copy.log" in text


@pytest.mark.parametrize("row", [1, 4, 7, 12])
def test_flipped_byte_is_named(home: Path, row: int) -> None:
    connection = sqlite3.connect(home / "audit" / "audit.db")
    first = (row - 1) // 3 * 3 + 1
    (content,) = connection.execute("SELECT bytes FROM record WHERE first = ?", (first,)).fetchone()
    at = content.index(ROWS[row - 1].line) + len(ROWS[row - 1].line) - 3
    twin = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    connection.execute("UPDATE record SET bytes = ? WHERE first = ?", (twin, first))
    connection.commit()
    connection.close()
    result = run("verify", "--home", str(home))
    assert result.exit_code == 1
    assert f"row {row} was altered" in result.stdout
    assert "NOT WHOLE" in result.stdout


def test_cut_trail_is_named_by_its_mark(home: Path) -> None:
    connection = sqlite3.connect(home / "audit" / "audit.db")
    connection.execute("DELETE FROM record WHERE first = 10")
    connection.commit()
    connection.close()
    facts = reply(run("verify", "--home", str(home), "--json"), 1)
    assert facts["findings"] == [
        {"row": 10, "kind": "cut", "text": "rows 10 to 12 are missing at the end: row 12 was stored"}
    ]


def test_cut_trail_whose_mark_was_rewritten_is_named_by_the_copy_and_by_a_noted_row(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_verify, "IN_FLIGHT_S_MAX", 0.1)
    rewrite(home, ROWS[:7])
    assert reply(run("verify", "--home", str(home), "--json"))["good"], "nothing on this disk can tell"
    copy = reply(run("verify", "--home", str(home), "--json", "--against", str(tmp_path / "copy.log")), 1)
    assert [(one["row"], one["kind"]) for one in copy["findings"]] == [(8, "missing")]
    noted = f"12:{ROWS[-1].digest.hex()[:16]}"
    facts = reply(run("verify", "--home", str(home), "--json", "--expect", noted), 1)
    assert [(one["row"], one["kind"]) for one in facts["findings"]] == [(8, "cut")]


def test_recomputed_trail_is_named_by_the_key_and_exactly_by_the_copy(home: Path, tmp_path: Path) -> None:
    forged = resealed([*ROWS[:3], ROWS[5], *ROWS[4:]], Head())
    rewrite(home, [*ROWS[:3], *resealed([ROWS[5], *ROWS[4:]], ROWS[2].head)])
    assert forged[2] == ROWS[2]
    facts = reply(run("verify", "--home", str(home), "--json", "--against", str(tmp_path / "copy.log")), 1)
    assert (2, "rewritten") in [(one["row"], one["kind"]) for one in facts["findings"]]
    assert (4, "differs") in [(one["row"], one["kind"]) for one in facts["findings"]]


def test_first_row_rewritten_is_named(home: Path) -> None:
    first = seal(encode_event(TrailOpened(trail="ff" * 16, format=1, fingerprint="x")), Head(), NOW_US)
    rewrite(home, [first, *ROWS[1:]])
    facts = reply(run("verify", "--home", str(home), "--json"), 1)
    assert {one["row"] for one in facts["findings"]} >= {1}


def test_trail_replaced_together_with_its_key_is_named_by_a_key_kept_elsewhere(
    home: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.pub"
    kept.write_text(OTHER_KEY.public.pem())
    facts = reply(run("verify", "--home", str(home), "--json", "--public-key", str(kept)), 1)
    assert {one["kind"] for one in facts["findings"]} == {"unsigned"}


def test_tampered_copy_is_named_as_the_copy(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.log"
    copy.write_bytes(copy.read_bytes().replace(b"THINUSDT", b"BTCUSDTX"))
    result = run("verify", "--home", str(home), "--against", str(copy))
    assert result.exit_code == 1
    assert f"in {copy}: row 6 was altered" in result.stdout


def test_copy_that_lags_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_verify, "IN_FLIGHT_S_MAX", 0.1)
    write_copy(tmp_path / "copy.log", ROWS[:10])
    result = run("verify", "--home", str(home), "--against", str(tmp_path / "copy.log"))
    assert result.exit_code == 1
    assert f"rows 11 to 12 are missing in {tmp_path / 'copy.log'}" in result.stdout


def test_rows_on_their_way_to_the_copy_are_waited_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_copy(tmp_path / "copy.log", ROWS[:10])

    class Turn(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            write_copy(tmp_path / "copy.log", ROWS)
            return False

    monkeypatch.setattr(audit_verify, "Event", Turn)
    assert run("verify", "--home", str(home), "--against", str(tmp_path / "copy.log")).exit_code == 0


def test_trail_without_a_public_key_says_that_checkpoints_are_unchecked(home: Path) -> None:
    (home / "audit" / "checkpoint.pub").unlink()
    result = run("verify", "--home", str(home))
    assert result.exit_code == 0
    assert "checkpoints   not checked" in result.stdout


def test_damaged_mark_is_a_finding(home: Path) -> None:
    (home / "audit" / "audit.mark").write_bytes(b"garbage")
    result = run("verify", "--home", str(home))
    assert result.exit_code == 1
    assert "audit.mark is damaged" in result.stdout


def test_rows_after_the_last_checkpoint_are_told(home: Path) -> None:
    rewrite(home, ROWS[:9])
    assert "for rows up to 6; 2 rows after it wait for theirs" in run("verify", "--home", str(home)).stdout


def test_many_findings_are_counted(home: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.log").write_bytes(b"garbage\n" * 150)
    result = run("verify", "--file", str(tmp_path / "copy.log"), "--home", str(home))
    assert "… and 50 more" in result.stdout


@pytest.mark.parametrize("text", ["12", "x:00112233", "12:0011", "12:zz", "0:00112233", "12:001122334"])
def test_noted_row_in_another_form_is_refused(home: Path, text: str) -> None:
    result = run("verify", "--home", str(home), "--expect", text)
    assert result.exit_code == 1
    assert "write ROW:DIGEST" in result.stderr


def test_many_open_intents_are_shortened() -> None:
    assert audit_verify._some(list(range(12))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 …"


def test_receive_stores_what_follows(tmp_path: Path) -> None:
    stdin = b"rows 12\n" + b"".join(row.line for row in ROWS) + b"head\n"
    result = run("receive", str(tmp_path / "received.log"), stdin=stdin)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "stored 12"
    assert (tmp_path / "received.log").read_bytes() == b"".join(row.line for row in ROWS)


def test_receive_into_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("my notes\n")
    result = run("receive", str(tmp_path / "notes"))
    assert result.exit_code == 1
    assert "it is another file" in result.stderr
    FileSink(tmp_path / "fresh", 0).close()


def console_of(home: Path) -> None:
    """Give the home a console's trail: two changes, between the gateway's rows."""
    folder = home / "console" / "audit"
    folder.mkdir(parents=True)
    sink, head = SqliteSink(folder / "audit.db", 4096), Head()
    for number, actor in enumerate(("ada", "ben"), start=1):
        event = Change(action="person:added", actor=actor, subject="person-1", values={"factor": "totp"})
        row = seal(encode_event(event), head, NOW_US + number * 4_500)
        sink.append([row])
        head = row.head
    sink.close()


@pytest.mark.parametrize("indexed", [False, True], ids=["scan", "index"])
@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ([], "g12 g11 g10 c2 g9 g8 g7 g6 g5 c1 g4 g3 g2 g1"),
        (["--kind", "home:changed"], "c2 g9 c1"),
        (["--kind", "home:changed", "--trail", "console"], "c2 c1"),
        (["TOTP", "--actor", "ben"], "c2"),
        (["no", "answer"], "g8"),
        (["--rule", "symbols", "--code", "0"], "g6"),
        (["--key", "person-", "--until", "2026-09-21T14:13:20.005Z"], "c1"),
        (["--request", "r-2", "--symbol", "BTCUSDT", "--endpoint", "POST /api/v3/order"], "g5"),
        (["nowhere"], ""),
    ],
)
def test_search_finds_rows_of_both_trails_newest_first(
    home: Path, words: list[str], rows: str, indexed: bool
) -> None:
    console_of(home)
    if indexed:
        AuditSearch.open(home, build=True).close()
    found = reply(run("search", *words, "--home", str(home), "--json"))
    assert " ".join(f"{row['trail'][0]}{row['row']}" for row in found["rows"]) == rows
    assert (found["next"], found["mismatched"], found["indexed"]) == (None, 0, indexed)


def test_search_goes_on_by_cursor_and_prints_lines(home: Path) -> None:
    first = run("search", "--limit", "2", "--home", str(home))
    assert [line.split()[:2] for line in first.stdout.splitlines()[:2]] == [
        ["gateway", "12"],
        ["gateway", "11"],
    ]
    cursor = first.stdout.split("--cursor ")[1].strip()
    rest = reply(run("search", "--limit", "99", "--cursor", cursor, "--home", str(home), "--json"))
    assert [row["row"] for row in rest["rows"]] == list(range(10, 0, -1))


def test_search_says_which_rows_it_does_not_show(home: Path) -> None:
    with contextlib.closing(sqlite3.connect(home / "audit" / "audit.db")) as connection:
        (record,) = connection.execute("SELECT bytes FROM record WHERE first = 4").fetchone()
        connection.execute("UPDATE record SET bytes = ? WHERE first = 4", (record.replace(b"r-2", b"r-3"),))
        connection.commit()
    result = run("search", "--home", str(home))
    assert "1 rows are not as they were written" in result.stderr
    assert len(result.stdout.splitlines()) == 11


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--trail", "console"], "no trail 'console'"),
        (["--cursor", "i1"], "begin again"),
        (["--since", "x"], "no time"),
    ],
)
def test_search_refuses_what_it_cannot_do(home: Path, words: list[str], told: str) -> None:
    assert told in reply(run("search", *words, "--home", str(home), "--json"), 1)["error"]


def test_search_of_a_home_without_trails_says_so(tmp_path: Path) -> None:
    assert "no audit trail" in reply(run("search", "--home", str(tmp_path), "--json"), 1)["error"]
