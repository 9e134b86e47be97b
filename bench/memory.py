"""Claim: an idle testnet with all its markets and history stays within 150 MB; and what one open order costs.

Idle: `watchword testnet serve` on a new home (history is made up at this start) and again on the same home after a
restart, each left alone with its market makers for a while. Per order: resident memory of a server restarted on a
home with 100,000 open orders and no market makers, less that of one with none.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.restart import fill_and_kill, resident_mb, start, wait_for_ping

IDLE_MB_MAX: Final = 150.0
IDLE_S: Final = 12.0
OPEN_ORDERS: Final = 100_000


def run() -> dict[str, Any]:
    """Measure and print.

    Returns:
        Idle memory in MB (first start, after a restart), bytes per open order, and the claim.
    """
    with tempfile.TemporaryDirectory() as folder:
        idle_home = Path(folder) / "idle"
        first_mb = _resident_when_idle(idle_home, IDLE_S)
        restarted_mb = _resident_when_idle(idle_home, IDLE_S)
        none_mb = _resident_when_idle(Path(folder) / "none", 1.0, "--no-liquidity")
        full_home = Path(folder) / "full"
        filled = fill_and_kill(full_home, OPEN_ORDERS, "quiet", "churn")
        full_mb = _resident_when_idle(full_home, 1.0)
    per_order_bytes = round((full_mb - none_mb) * 1024 * 1024 / filled["open_orders"])
    worst_mb = max(first_mb, restarted_mb)
    print(
        f"idle: {first_mb} MB at the first start, {restarted_mb} MB after a restart; "
        f"one open order: {per_order_bytes} bytes ({filled['open_orders']:,} orders: {full_mb} MB, none: {none_mb} MB)"
    )
    return {
        "idle_first_start_mb": first_mb,
        "idle_after_restart_mb": restarted_mb,
        "open_orders": filled["open_orders"],
        "bytes_per_open_order": per_order_bytes,
        "claims": {f"idle memory <= {IDLE_MB_MAX:.0f} MB": worst_mb <= IDLE_MB_MAX},
    }


def _resident_when_idle(home: Path, seconds: float, *options: str) -> float:
    """Start a server, leave it alone, read its resident memory (MB), kill it."""
    home.mkdir(exist_ok=True)
    (home / "run.json").unlink(missing_ok=True)
    process = start(home, *options)
    try:
        wait_for_ping(home, process)
        time.sleep(seconds)
        return resident_mb(process.pid)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
