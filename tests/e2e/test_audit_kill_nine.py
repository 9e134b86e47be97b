"""kill -9 of a process that writes its trail, again and again on one home: nothing acknowledged is lost, nothing is torn.

The writer tells each row once `record_intent` returned. After every kill the next start must find all of those rows, name
the intents without an outcome, and go on with the same chain in both sinks.
"""

import asyncio
import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path

from watchword.adapters.audit.trail_files import open_reader
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.chain import read_line
from watchword.audit.compare import compare
from watchword.audit.event import Intent, Outcome, decode_event
from watchword.audit.verify import verify
from watchword.bootstrap.audit_trail import (
    SecondSink,
    audit_path,
    prepare_trail,
    public_key_path,
    public_trail_key,
)

KILLS = 6
WRITER = """
import asyncio, sys
from pathlib import Path
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.event import Intent, Outcome
from watchword.bootstrap.audit_trail import SecondSink, prepare_trail

async def one(trail, name):
    for number in range(1_000_000):
        row = await trail.record_intent(Intent(request=f"{name}-{number}", key="k", credential="c", upstream="testnet", endpoint="e"))
        sys.stdout.write(f"{row} {name}-{number}\\n")
        sys.stdout.flush()
        if number % 3:
            trail.record_outcome(Outcome(intent=row, result="answered", status=200))

async def main(home):
    trail = prepare_trail(home, SystemClock(), SystemEntropy(), SecondSink(file=home / "copy.log"))
    await trail.start()
    await asyncio.gather(*(one(trail, f"w{n}-{sys.argv[2]}") for n in range(8)))

asyncio.run(main(Path(sys.argv[1])))
"""


def run_and_kill(home: Path, life: int, after_s: float) -> dict[int, str]:
    """Let a writer live for a while after its first record; return what it told."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), str(life)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline()]
    time.sleep(after_s)
    process.kill()
    told += process.stdout.read().splitlines(keepends=True)
    process.wait()
    whole = [line.split() for line in told if line.endswith("\n")]
    return {int(row): name for row, name in whole}


def recorded(path: Path) -> tuple[dict[int, str], set[int]]:
    """Every intent in a sink, and the rows that have an outcome. A torn last line was never acknowledged."""
    intents: dict[int, str] = {}
    concluded: set[int] = set()
    with contextlib.closing(open_reader(path)) as reader:
        for line in reader.lines_after(0):
            row = read_line(line)
            if row is None:
                assert not line.endswith(b"\n")
                break
            event = decode_event(row.body)
            if isinstance(event, Intent):
                intents[row.number] = event.request
            elif isinstance(event, Outcome):
                concluded.add(event.intent)
    return intents, concluded


async def restart(home: Path) -> dict[int, Intent]:
    """Start and stop a trail on the home; return the intents it found open."""
    trail = prepare_trail(home, SystemClock(), SystemEntropy(), SecondSink(file=home / "copy.log"))
    await trail.start()
    found = trail.unconcluded
    for row in found:
        trail.record_outcome(Outcome(intent=row, result="not_sent", note="found at the restart"))
    await trail.stop()
    return found


def test_kills_lose_no_acknowledged_row_and_leave_the_chain_whole(tmp_path: Path) -> None:
    dice, acknowledged, open_rows = random.Random(4), 0, 0
    for life in range(KILLS):
        told = run_and_kill(tmp_path, life, dice.uniform(0.005, 0.15))
        sinks = [recorded(audit_path(tmp_path)), recorded(tmp_path / "copy.log")]
        for intents, _ in sinks:
            assert {row: intents.get(row) for row in told} == told, "an acknowledged intent is gone"
        intents, concluded = max(sinks, key=lambda sink: max(*sink[0], *sink[1]))
        found = asyncio.run(restart(tmp_path))
        assert {row: event.request for row, event in found.items()} == {
            row: name for row, name in intents.items() if row not in concluded
        }
        acknowledged += len(told)
        open_rows += len(found)
    verifier = public_trail_key(public_key_path(tmp_path)).verifier()
    with (
        contextlib.closing(open_reader(audit_path(tmp_path))) as reader,
        contextlib.closing(open_reader(tmp_path / "copy.log")) as copy,
    ):
        mark = reader.acknowledged()
        assert mark is not None
        report = verify(reader.lines_after(0), verifier, [mark])
        assert report.good, report.findings
        assert verify(copy.lines_after(0), verifier, [mark]).good
        assert compare(reader.lines_after(0), copy.lines_after(0), ("db", "copy"), report.head.row) == []
    print(f"{acknowledged} acknowledged, {open_rows} found open, {KILLS} kills, {report.rows} rows")
    assert acknowledged > KILLS * 5, "the kills came before anything happened"
    assert open_rows, "no kill met an open intent"
