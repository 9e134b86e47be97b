"""A real server whose disk is full: it stops without an answer, says why, and loses nothing when it starts again."""

import http.client
import resource
import time
from pathlib import Path

import pytest
from tests.support.floor import FloorTrader
from tests.support.testnet_process import TestnetProcess

EXIT_HALTED = 74
HALT_WAIT_S = 20.0


def place_until_it_breaks(trader: FloorTrader, acknowledged: list[int]) -> None:
    acknowledged.extend(trader.limit("BUY", 20_000 + n, "0.001")["orderId"] for n in range(1000))


def test_full_disk_halts_the_server_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    home = tmp_path / "home"
    testnet = TestnetProcess.start(home, liquidity=False)
    testnet.create_account("alice", {"USDT": "100000"})
    key = testnet.create_key("alice", "HMAC")
    trader = FloorTrader(testnet, key)
    acknowledged = [trader.limit("BUY", 20_000 + n, "0.001")["orderId"] for n in range(10)]
    # No file of this process may grow any more: every write that extends one fails, as on a full disk.
    size = (home / "testnet" / "journal.db-wal").stat().st_size
    resource.prlimit(testnet.pid, resource.RLIMIT_FSIZE, (size, size))
    with pytest.raises((http.client.HTTPException, OSError)):
        place_until_it_breaks(trader, acknowledged)
    deadline = time.monotonic() + HALT_WAIT_S
    while testnet._process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert testnet._process.returncode == EXIT_HALTED
    assert "halted" in testnet.log()
    assert "journal.db at sequence" in testnet.log()

    again = TestnetProcess.start(home, liquidity=False)
    try:
        found = {
            o["orderId"]
            for o in FloorTrader(again, key).request("GET", "/api/v3/openOrders", symbol="BTCUSDT")
        }
        assert set(acknowledged) <= found
        assert len(found) <= len(acknowledged) + 1, "at most the one that was never answered"
    finally:
        again.stop()
