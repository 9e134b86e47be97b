"""Claim: the audit trail costs little more than the sync it waits for.

32 writers each record an intent, wait until it is durable, record its outcome, and begin again: one process, group
commit, hash chain, redaction, signed checkpoints. Beside it stands the least that anybody could do: one SQLite
connection with the same settings inserting ready-made records of the same batch size and committing each. Both are
measured in turn in the same folder, round after round, because a disk's sync time drifts; medians count.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from watchword.adapters.audit.durable_trail import DurableTrail
from watchword.adapters.audit.trail_files import open_reader
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.event import Intent, Outcome
from watchword.audit.verify import verify
from watchword.bootstrap.audit_trail import (
    SecondSink,
    audit_path,
    prepare_trail,
    public_key_path,
    public_trail_key,
)

WRITERS: Final = 32
ROUNDS: Final = 5
INTENTS_PER_ROUND: Final = 6_400
LONE_INTENTS: Final = 200
BARE_COMMITS: Final = 150
#: 4,500 requests a second, which is what the gateway aims at, with an intent and an outcome each.
RECORDS_PER_S_MIN: Final = 9_000


def run() -> dict[str, Any]:
    """Measure and print.

    Returns:
        Rates, waits and claims.
    """
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        one = asyncio.run(_measure(Path(folder) / "one", None))
        two = asyncio.run(_measure(Path(folder) / "two", SecondSink(file=Path(folder) / "copy.log")))
        proof = _prove(Path(folder) / "one")
    print(
        f"{'':22}{'records/s':>12}{'rows/sync':>12}{'p50 ms':>9}{'p99 ms':>9}{'lone p50 ms':>13}{'CPU us/request':>16}"
    )
    for name, row in (("one sink", one), ("two sinks", two)):
        print(
            f"{name:22}{row['records_per_s']:>12,.0f}{row['rows_per_sync']:>12.1f}{row['p50_ms']:>9.2f}"
            f"{row['p99_ms']:>9.2f}{row['lone_p50_ms']:>13.2f}{row['cpu_us_per_request']:>16.1f}"
        )
    print(f"{'bare insert + commit':22}{one['bare_records_per_s']:>12,.0f}{one['rows_per_sync']:>12.1f}")
    print(f"share of bare: {one['share_of_bare']:.2f}; verify: {proof['rows_per_s']:,.0f} rows/s")
    claims = {
        f"durable records/s with {WRITERS} writers >= {RECORDS_PER_S_MIN}": one["records_per_s"]
        >= RECORDS_PER_S_MIN,
        "what was written verifies": proof["good"],
    }
    return {"one_sink": one, "two_sinks": two, "verify": proof, "claims": claims}


async def _measure(home: Path, second: SecondSink | None) -> dict[str, float]:
    trail = prepare_trail(home, SystemClock(), SystemEntropy(), second)
    await trail.start()
    rates, bare_rates, waits, cpu = list[float](), list[float](), list[float](), list[float]()
    rows_per_sync = 0.0
    for _ in range(ROUNDS):
        syncs = _syncs(home)
        began_row, began, busy = trail.status().row, time.perf_counter(), time.process_time()
        for some in await asyncio.gather(
            *(_write(trail, INTENTS_PER_ROUND // WRITERS) for _ in range(WRITERS))
        ):
            waits += some
        spent, rows = time.perf_counter() - began, trail.status().row - began_row
        rates.append(rows / spent)
        cpu.append((time.process_time() - busy) / INTENTS_PER_ROUND * 1e6)
        rows_per_sync = rows / (_syncs(home) - syncs)
        bare_rates.append(await asyncio.to_thread(_bare, home.parent / "bare.db", round(rows_per_sync)))
    lone = await _write(trail, LONE_INTENTS)
    await trail.stop()
    rate, bare = statistics.median(rates), statistics.median(bare_rates)
    return {
        "records_per_s": rate,
        "bare_records_per_s": bare,
        "share_of_bare": statistics.median(one / other for one, other in zip(rates, bare_rates, strict=True)),
        "rows_per_sync": rows_per_sync,
        "cpu_us_per_request": statistics.median(cpu),
        "p50_ms": statistics.median(waits) * 1000,
        "p99_ms": statistics.quantiles(waits, n=100)[98] * 1000,
        "lone_p50_ms": statistics.median(lone) * 1000,
    }


async def _write(trail: DurableTrail, count: int) -> list[float]:
    """One writer; returns how long each intent waited, seconds."""
    waits: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        row = await trail.record_intent(_intent(number))
        waits.append(time.perf_counter() - began)
        trail.record_outcome(
            Outcome(intent=row, result="answered", status=200, order_id="123456789", elapsed_us=900)
        )
    return waits


def _intent(number: int) -> Intent:
    return Intent(
        request=f"01J9ZK3V7Q{number:06d}",
        key="WW" + "a" * 62,
        credential="main",
        upstream="live",
        endpoint="POST /api/v3/order",
        ip="10.0.0.5",
        client_order_id="x-TKT5PX2F1234567890abcd",
        parameters={
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
            "price": "52000.00", "recvWindow": "5000", "timestamp": "1700000000000", "signature": "ab" * 32,
        },
        policy="ab" * 32,
        reason="allow: orders on BTCUSDT",
        deadline_us=1_700_000_005_000_000,
    )  # fmt: skip


def _bare(path: Path, rows_per_commit: int) -> float:
    """Insert and commit ready-made records; returns rows per second."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS record (first INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT"
    )
    record = b"x" * (560 * rows_per_commit)  # the mean of an intent's and an outcome's row, bytes
    began = time.perf_counter()
    for _ in range(BARE_COMMITS):
        connection.execute("INSERT INTO record (bytes) VALUES (?)", (record,))
    spent = time.perf_counter() - began
    connection.close()
    return BARE_COMMITS * rows_per_commit / spent


def _syncs(home: Path) -> int:
    """Return how many records the trail's database has: one per sync."""
    connection = sqlite3.connect(audit_path(home))
    (count,) = connection.execute("SELECT count(*) FROM record").fetchone()
    connection.close()
    return int(count)


def _prove(home: Path) -> dict[str, Any]:
    verifier = public_trail_key(public_key_path(home)).verifier()
    reader = open_reader(audit_path(home))
    began = time.perf_counter()
    report = verify(reader.lines_after(0), verifier)
    spent = time.perf_counter() - began
    reader.close()
    return {"rows": report.rows, "rows_per_s": report.rows / spent, "good": report.good}


if __name__ == "__main__":
    run()
