"""A disk that is really full: a small tmpfs in a mount namespace of its own, the real sinks, the real reserve."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NAMESPACE = ["unshare", "-Urm"]
DISK_BYTES = 12 * 1024 * 1024
SCRIPT = """
import asyncio, json, os, subprocess, sys
from pathlib import Path
from watchword.adapters.audit.durable_trail import Pace
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.event import Intent, Outcome
from watchword.audit.trail import AuditUnavailable
from watchword.bootstrap.audit_trail import SecondSink, prepare_trail

folder, size, kind = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
home = folder / "home"
elsewhere = Path(sys.argv[4])

def intent(number, cancels=False):
    return Intent(request=f"r-{number}", key="k", credential="c", upstream="testnet", endpoint="e",
                  only_cancels=cancels, parameters={str(n): "filler " * 30 for n in range(20)})

def fill(keep):
    # Pages, not bytes: what is left is what the sinks may use.
    with (folder / "filler").open("wb") as file:
        room = os.statvfs(folder)
        os.posix_fallocate(file.fileno(), 0, max(room.f_bavail * room.f_frsize - keep, 4096))

async def main():
    told = {"signed": 0, "refused_at": None, "cancels": 0}
    second = SecondSink(file=elsewhere / "copy.log") if kind == "two" else None
    trail = prepare_trail(home, SystemClock(), SystemEntropy(), second, pace=Pace(retry_ms=50))
    await trail.start()
    fill(keep=300_000)
    signed = []
    for number in range(2_000):
        try:
            signed.append(await trail.record_intent(intent(number)))
        except AuditUnavailable as error:
            told["refused_at"], told["why"] = number, str(error)
            break
    told["signed"] = len(signed)
    try:
        await trail.record_intent(intent(9_999, cancels=True))
        told["cancels"] = 1
    except AuditUnavailable:
        pass
    for row in signed[-20:]:
        trail.record_outcome(Outcome(intent=row, result="answered", status=200))
    await asyncio.sleep(0.3)
    (folder / "filler").unlink()
    for _ in range(100):
        if trail.unavailable(only_cancels=False) is None:
            break
        await asyncio.sleep(0.05)
    told["afterwards"] = await trail.record_intent(intent(10_000))
    await trail.stop()
    run = subprocess.run([sys.executable, "-m", "watchword", "audit", "verify", "--home", str(home), "--json"], capture_output=True, text=True)
    told["verify"] = json.loads(run.stdout)
    run = subprocess.run([sys.executable, "-m", "watchword", "audit", "tail", "-n", "100000", "--home", str(home), "--json"], capture_output=True, text=True)
    told["rows"] = [json.loads(line)["event"] | {"row": json.loads(line)["row"]} for line in run.stdout.splitlines()]
    told["last_signed"] = signed[-20:]
    print(json.dumps(told))

asyncio.run(main())
"""


def namespaces_work() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not namespaces_work(), reason="no mount namespaces here; fault injection covers the same"
)


@pytest.mark.parametrize("kind", ["one", "two"])
def test_full_disk_stops_signing_says_why_and_goes_on_when_there_is_room(tmp_path: Path, kind: str) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "elsewhere").mkdir()
    arguments = [str(tmp_path / "small"), str(DISK_BYTES), kind, str(tmp_path / "elsewhere")]
    run = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    told = json.loads(run.stdout)
    assert told["refused_at"] is not None
    assert "full" in told["why"]
    assert told["signed"] > 5
    assert told["verify"]["good"], told["verify"]["findings"]
    rows = told["rows"]
    intents = {event["row"] for event in rows if event["type"] == "signature:intended"}
    concluded = {event["intent"]: event["result"] for event in rows if event["type"] == "signature:concluded"}
    assert all(concluded.get(row) == "answered" for row in told["last_signed"]), "outcomes found room"
    assert len(intents) >= told["signed"] + 1 + told["cancels"]
    stopped = [event["reason"] for event in rows if event["type"] == "trail:stopped"]
    assert any("full" in reason for reason in stopped), "the trail says why it stopped"
    assert any(event["type"] == "trail:resumed" for event in rows)
    assert told["cancels"] == (1 if kind == "two" else 0)
