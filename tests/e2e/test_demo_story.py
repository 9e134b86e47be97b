"""`make demo` as a newcomer meets it: it ends by itself, says what happened, leaves nothing behind, and fails loudly."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from watchword.entrypoints.demo import story

MINUTE_S = 60
#: Runs the command with other steps: an exchange is really started, then something is not as told.
FAILING = """
from watchword.entrypoints.cli.app import app
from watchword.entrypoints.demo import story
def and_then(told):
    "It goes wrong."
    raise story.StoryError("the order was not refused")
def never(told):
    "This is not reached."
story.STEPS = (story.an_exchange, and_then, never)
app(["demo", "story"])
"""


def start(words: Sequence[str], scratch: Path) -> "subprocess.Popen[str]":
    scratch.mkdir()
    return subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )  # fmt: skip


def processes_of(scratch: Path) -> list[str]:
    """Command lines of what still runs in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(scratch) in line:
            found.append(line)
    return found


@pytest.mark.client
def test_story_ends_by_itself_as_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    begun = time.monotonic()
    with start(["-m", "watchword", "demo", "story"], scratch) as process:
        told, _ = process.communicate(timeout=2 * MINUTE_S)
    assert process.returncode == 0, told
    assert time.monotonic() - begun < MINUTE_S
    headings = re.findall(r"^(\d+)\. (.+)$", told, re.MULTILINE)
    assert [int(number) for number, _ in headings] == list(range(1, len(story.STEPS) + 1))
    for said in (
        r"^   \$ watchword vault init --passphrase-file -$",
        r"^   Unsealed: 0 secrets\.$",
        r"^   the exchange confirms: ",
        r"BUY 0\.00100000 BTCUSDT FILLED$",
        r"^   -2010 Watchword policy price_band: ",
        r"^   -1008 Watchword vault: it is sealed",
        r"^   \d+ requests, none failed$",
        r"^   -2015 ",
        r"^   \d+ rows, unbroken$",
        r"^   row 5 was altered",
        r"^All 11 steps ended as told, in \d+ s\.$",
    ):
        assert re.search(said, told, re.MULTILINE), f"{said}\n{told}"
    assert "WWs1" not in told, "no virtual secret in the transcript"
    assert str(tmp_path) not in told
    assert list(scratch.iterdir()) == []
    assert processes_of(scratch) == []


@pytest.mark.long
def test_step_that_is_not_as_told_ends_the_story_with_a_failure(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with start(["-c", FAILING], scratch) as process:
        said, _ = process.communicate(timeout=MINUTE_S)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "NOT as told: step 2: the order was not refused"
    assert "not reached" not in said
    assert "steps ended as told" not in said
    assert list(scratch.iterdir()) == []
    assert processes_of(scratch) == []


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (lambda told: told.run("key", "revoke", "nobody"), "key revoke nobody ended with 1:"),
        (lambda told: {}["status"], "KeyError('status')"),
        (lambda told: story.clients.buy("http://127.0.0.1:9", {"api_key": "k", "secret_key": "s"}, "", ""), "Connection"),
    ],
    ids=["a command", "an answer", "a client"],
)  # fmt: skip
def test_whatever_goes_wrong_in_a_step_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[story.Story], object], told: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr(story, "STEPS", (step,))
    assert story.tell(said.append) == 1
    assert said[-1].startswith("\nNOT as told: step 1: ")
    assert told in said[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_story_that_is_stopped_ends_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    scratch = tmp_path / "scratch"
    with start(["-m", "watchword", "demo", "story"], scratch) as process:
        deadline = time.monotonic() + MINUTE_S
        while not processes_of(scratch) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate(timeout=MINUTE_S)
    assert process.returncode not in {0, None}
    assert processes_of(scratch) == []
    assert list(scratch.iterdir()) == []
