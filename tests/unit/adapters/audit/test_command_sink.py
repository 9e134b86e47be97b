"""The command sink against commands that end, hang, babble and lie; the receiver against senders that do."""

import io
import sys
from pathlib import Path

import pytest
from tests.support.trails import FaultySink, disk_full, resealed, small_trail

from watchword.adapters.audit.command_sink import CommandSink
from watchword.adapters.audit.receiver import ROWS_PER_REQUEST_MAX, receive
from watchword.adapters.memory.audit import MemorySink
from watchword.audit.chain import Head
from watchword.kernel.errors import StorageError

PYTHON = [sys.executable, "-S", "-E", "-c"]
ROWS = small_trail()


def talking(script: str, answer_ms: int = 10_000) -> CommandSink:
    return CommandSink([*PYTHON, "import sys, os, time\n" + script], {}, answer_ms)


def answering(answer: str) -> CommandSink:
    """A command that gives one fixed answer to everything."""
    return talking(f"for line in sys.stdin:\n    sys.stdout.write({answer!r}); sys.stdout.flush()")


def test_command_that_is_not_there_is_a_refusal() -> None:
    with pytest.raises(StorageError, match="cannot start /no/such/command"):
        CommandSink(["/no/such/command"], {})


def test_command_that_ends_is_a_refusal() -> None:
    sink = talking("pass")
    with pytest.raises(StorageError, match="has ended"):
        sink.head()
    sink._process.wait(10)
    with pytest.raises(StorageError, match="has ended"):
        sink.append(ROWS)
    sink.close()


def test_silent_command_is_killed_after_its_time() -> None:
    sink = talking("time.sleep(60)", answer_ms=100)
    with pytest.raises(StorageError, match="has not answered for 100 ms"):
        sink.append(ROWS[:1])
    assert sink._process.wait(10) < 0
    sink.close()


def test_command_that_reads_nothing_does_not_block_the_writer() -> None:
    sink = talking("time.sleep(60)", answer_ms=100)
    with pytest.raises(StorageError, match="takes nothing for 100 ms"):
        sink.append(ROWS * 400)
    sink.close()


def test_command_that_ignores_its_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.adapters.audit.command_sink.END_S_MAX", 0.1)
    sink = talking(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(60)"
    )
    assert sink._line() == b"x\n"
    sink.close()
    assert sink._process.returncode == -9


@pytest.mark.parametrize(
    "answer", ["stored 2\n", "stored\n", "ok\n", "failed disk is full\n", "stored x\n", "\n"]
)
def test_answer_other_than_stored_is_a_refusal(answer: str) -> None:
    sink = answering(answer)
    with pytest.raises(StorageError, match="said:"):
        sink.append(ROWS[:1])
    sink.close()


def test_strain_at_the_other_end_is_told() -> None:
    sink = answering("stored 1 the disk is full\n")
    assert sink.strained() is None
    sink.append(ROWS[:1])
    assert sink.strained() == "the disk is full"
    sink.close()


@pytest.mark.parametrize(
    "answer", ["head 1\n", "head x 00 1\n", "tail 1 00 1\n", "head 1 zz 1\n", "nonsense\n"]
)
def test_head_in_another_form_is_a_refusal(answer: str) -> None:
    sink = answering(answer)
    with pytest.raises(StorageError, match="said:"):
        sink.head()
    sink.close()


def test_lines_that_are_none_or_too_many_are_a_refusal() -> None:
    for answer in ("failed no\n", "1 x\n"):
        sink = answering(answer * 300)
        with pytest.raises(StorageError, match="said:"):
            list(sink.lines_after(0))
        sink.close()


def test_answer_without_an_end_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.adapters.audit.command_sink.END_S_MAX", 0.1)
    sink = talking("os.write(1, b'x' * 400_000); time.sleep(60)")
    with pytest.raises(StorageError, match="said: xxxx"):
        sink.head()
    sink.close()


def test_command_sees_no_environment_but_its_own() -> None:
    script = "for line in sys.stdin:\n    print('stored', 1, sorted(os.environ), flush=True)"
    sink = CommandSink([*PYTHON, "import sys, os\n" + script], {"ONLY": "this"})
    sink.append(ROWS[:1])
    assert set(eval(sink.strained() or "")) <= {"ONLY", "LC_CTYPE"}
    sink.close()


def spoken(requests: bytes, sink: FaultySink | MemorySink) -> bytes:
    answers = io.BytesIO()
    receive(sink, io.BytesIO(requests), answers)
    return answers.getvalue()


def test_receiver_answers_head_rows_and_lines() -> None:
    sink = MemorySink()
    head = ROWS[1].head
    requests = b"head\nrows 2\n" + ROWS[0].line + ROWS[1].line + b"head\nlines 0 1\nlines 2 9\n"
    assert spoken(requests, sink).decode().splitlines(keepends=True) == [
        f"head 0 {'00' * 32} 0\n",
        "stored 2\n",
        f"head 2 {head.digest.hex()} {head.now_us}\n",
        ROWS[0].line.decode(),
        "end\n",
        "end\n",
    ]
    assert sink.rows == ROWS[:2]


def test_receiver_tells_its_strain() -> None:
    sink = FaultySink()
    sink.strain = "nearly full"
    assert spoken(b"rows 1\n" + ROWS[0].line, sink) == b"stored 1 nearly full\n"


@pytest.mark.parametrize(
    "requests",
    [
        b"rows 1\n" + ROWS[1].line,
        b"rows 2\n" + ROWS[0].line,
        b"rows 2\n" + ROWS[0].line + ROWS[0].line,
        b"rows 1\n" + ROWS[0].line.replace(b"trail:opened", b"trail:opener"),
        b"rows 0\n",
        b"rows %d\n" % (ROWS_PER_REQUEST_MAX + 1),
        b"rows\n",
        b"rows x\n",
        b"lines 0\n",
        b"drop everything\n",
        b"\n",
    ],
)
def test_receiver_takes_nothing_but_rows_that_follow(requests: bytes) -> None:
    sink = MemorySink()
    answer = spoken(requests + b"rows 1\n" + ROWS[0].line, sink)
    assert answer.startswith(b"failed ")
    assert answer.count(b"\n") == 1, "it ends there"
    assert sink.rows == []


def test_receiver_refuses_a_chain_that_was_recomputed() -> None:
    sink = MemorySink()
    spoken(b"rows 3\n" + b"".join(row.line for row in ROWS[:3]), sink)
    forged = resealed(ROWS[2:5], Head(2, b"f" * 32))
    assert b"does not follow" in spoken(b"rows 2\n" + forged[1].line + forged[2].line, sink)


def test_receiver_tells_that_it_could_not_store() -> None:
    sink = FaultySink()
    sink.error = disk_full()
    assert spoken(b"rows 1\n" + ROWS[0].line, sink) == b"failed database or disk is full\n"


def test_rows_go_through_the_receiver_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "received.log"
    script = (
        "import sys; from pathlib import Path\n"
        "from watchword.adapters.audit.file_sink import FileSink\n"
        "from watchword.adapters.audit.receiver import receive\n"
        f"receive(FileSink(Path({str(path)!r}), 0), sys.stdin.buffer, sys.stdout.buffer)"
    )
    sink = CommandSink([sys.executable, "-c", script], {}, 20_000)
    sink.append(ROWS)
    assert sink.head() == ROWS[-1].head
    assert sink.place_name().startswith(sys.executable)
    sink.close()
    assert path.read_bytes() == b"".join(row.line for row in ROWS)
