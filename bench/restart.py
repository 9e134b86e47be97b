"""Claim: a testnet with 100,000 open orders, killed just before its next snapshot, serves again within 3 seconds.

A process fills a home, makes a snapshot, works on until the next one is nearly due, and is killed with SIGKILL. Then
`watchword testnet serve` is started on that home, with market makers; the time runs from the start of the process
to its first answer to GET /api/v3/ping. The state hash must be the one the killed process had.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

OPEN_ORDERS: Final = 100_000
RESTART_S_MAX: Final = 3.0
ROUNDS: Final = 3
READY_S_MAX: Final = 60.0


def run() -> dict[str, Any]:
    """Fill, kill, restart; print the figures.

    Returns:
        Seconds to the first answer (best and all rounds), what was recovered, and the claim.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        filled = fill_and_kill(home, OPEN_ORDERS)
        folder_bytes = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        rounds = [restart_once(home, filled if number == 0 else None) for number in range(ROUNDS)]
    seconds = [round(each["seconds"], 3) for each in rounds]
    result = {
        "open_orders": filled["open_orders"],
        "commands_after_snapshot": filled["commands_after_snapshot"],
        "home_mb": round(folder_bytes / 1e6, 1),
        "seconds": seconds,
        "same_state_hash": rounds[0]["same_hash"],
        "memory_mb": rounds[0]["memory_mb"],
        "claims": {
            f"restart <= {RESTART_S_MAX} s with {OPEN_ORDERS:,} open orders": max(seconds) <= RESTART_S_MAX,
            "state hash as before the kill": rounds[0]["same_hash"],
        },
    }
    print(
        f"{filled['open_orders']:,} open orders, {filled['commands_after_snapshot']:,} commands after the snapshot: "
        f"restarts {', '.join(f'{s:.2f}' for s in seconds)} s, state hash equal: {result['same_state_hash']}"
    )
    return result


def fill_and_kill(
    home: Path, open_orders: int, market: str = "liquid", work: str = "churn"
) -> dict[str, Any]:
    """Fill a home in a process of its own and kill it; returns what it reported."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench._fill", str(home), str(open_orders), market, work],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.kill()
    process.communicate()
    report: dict[str, Any] = json.loads(line)
    return report


def restart_once(home: Path, at_kill: dict[str, Any] | None) -> dict[str, Any]:
    """Start the server on a home, time it, compare, kill it again."""
    (home / "run.json").unlink(missing_ok=True)
    began = time.perf_counter()
    process = start(home)
    try:
        answered = wait_for_ping(home, process)
        seconds = answered - began
        memory_mb = resident_mb(process.pid)
        # Ticks go on while the state is compared, so replay to what the killed process had is the comparison.
        same = at_kill is None or _hash_at_kill(home, at_kill["sequence"], at_kill["state_hash"])
    finally:
        process.kill()
        process.communicate()
    return {"seconds": seconds, "memory_mb": memory_mb, "same_hash": same}


def start(home: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Start `watchword testnet serve`."""
    return subprocess.Popen(
        [sys.executable, "-m", "watchword", "testnet", "serve", "--home", str(home), "--port", "0", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def wait_for_ping(home: Path, process: "subprocess.Popen[bytes]") -> float:
    """Wait for the first answer; returns the moment (perf_counter)."""
    deadline = time.perf_counter() + READY_S_MAX
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {process.communicate()[1].decode()[-500:]}")
        try:
            address = urlsplit(json.loads((home / "run.json").read_bytes())["testnet"]["rest"])
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
            connection.request("GET", "/api/v3/ping")
            if connection.getresponse().status == 200:
                connection.close()
                return time.perf_counter()
        except (FileNotFoundError, ValueError, KeyError, OSError):
            pass
        time.sleep(0.005)
    raise RuntimeError("the server did not answer")


def resident_mb(pid: int) -> float:
    """Resident memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise RuntimeError("no VmRSS")


def _hash_at_kill(home: Path, sequence: int, state_hash: str) -> bool:
    """Rebuild from snapshot and journal up to the kill, in this process, and compare."""
    from watchword.adapters.journal_sqlite import SqliteJournal
    from watchword.adapters.snapshot_files import SnapshotFiles
    from watchword.bootstrap.recovery import recover

    journal = SqliteJournal(home / "testnet" / "journal.db", read_only=True)
    snapshots = SnapshotFiles(home / "testnet" / "snapshots")
    recovered = recover(journal, snapshots, sequence)
    journal.close()
    return recovered.venue.state_hash().hex() == state_hash


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
