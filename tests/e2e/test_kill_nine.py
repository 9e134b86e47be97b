"""kill -9 of a real server under load, at random moments, again and again on one home.

Clients keep signed orders and cancels in flight over several connections, keys are made and deleted meanwhile, and
snapshots are due every few hundred commands, so the kill meets every phase. After each restart: every acknowledged
order and cancel is there as it was told, every key change too, the ledger adds up, and the state hash of the living
server is the one a replay from the first command gives.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import random
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from tests.support.floor import FloorTrader, RefusedError
from tests.support.testnet_process import TestnetKey, TestnetProcess

from watchword.adapters.journal_archive import ArchiveFiles
from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.bootstrap.recovery import replay_everything

KILLS = 20
#: Replaying from the first command is compared after every so many kills, and after the last.
REPLAY_EVERY = 4
SNAPSHOT_EVERY = 1000
KEYS_EVERY = 3
SYMBOL = "BTCUSDT"
CONNECTIONS_PER_ACCOUNT = 3
LOAD_S = (0.02, 0.35)
RICH = {"BTC": "1000", "USDT": "50000000"}


class Told(msgspec.Struct):
    """What one account was told, since the last check. Order id → executed quantity; cancelled order ids."""

    placed: dict[int, str] = {}
    cancelled: set[int] = set()


class Load:
    """Signed orders and cancels of one account, over raw keep-alive connections."""

    def __init__(self, key: TestnetKey, dice: random.Random) -> None:
        self.key = key
        self.told = Told({}, set())
        self.open: list[int] = []
        self._dice = dice

    async def run(self, rest: str) -> None:
        """One connection, until it breaks."""
        address = urlsplit(rest)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            try:
                while True:
                    await self._one(reader, writer)
            finally:
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.open and (len(self.open) > 60 or self._dice.random() < 0.35):
            order_id = self.open.pop(self._dice.randrange(len(self.open)))
            done = await self._send(reader, writer, "DELETE", {"orderId": order_id})
            if done is not None:
                self.told.cancelled.add(done["orderId"])
            return
        price = 50_000 + self._dice.randint(-30, 30)
        terms = {
            "side": self._dice.choice(("BUY", "SELL")),
            "type": "LIMIT",
            "timeInForce": "GTC",
            "price": price,
        }
        done = await self._send(
            reader, writer, "POST", {**terms, "quantity": "0.01", "newOrderRespType": "RESULT"}
        )
        if done is not None:
            self.told.placed[done["orderId"]] = done["executedQty"]
            if done["status"] == "NEW":
                self.open.append(done["orderId"])

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, params: dict[str, Any]
    ) -> Any:
        query = urlencode(
            {"symbol": SYMBOL, **params, "recvWindow": 60_000, "timestamp": time.time_ns() // 1_000_000}
        )
        signature = hmac.new(self.key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        writer.write(
            f"{method} /api/v3/order?{query}&signature={signature} HTTP/1.1\r\n"
            f"Host: x\r\nX-MBX-APIKEY: {self.key.api_key}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        body = json.loads(await reader.readexactly(length))
        return body if b" 200 " in head[:20] else None


class KeyChanges:
    """A key made and one deleted per life, acknowledged before the kill."""

    def __init__(self) -> None:
        self.alive: list[TestnetKey] = []
        self.dead: list[TestnetKey] = []

    def change(self, testnet: TestnetProcess) -> None:
        self.alive.append(testnet.create_key("alice", "HMAC"))
        if len(self.alive) > 2:
            doomed = self.alive[0]
            testnet.delete_key(doomed)
            self.dead.append(self.alive.pop(0))

    def check(self, testnet: TestnetProcess) -> None:
        for key in self.alive:
            assert FloorTrader(testnet, key).request("GET", "/api/v3/account")["canTrade"]
        for key in self.dead[-2:]:
            with pytest.raises(RefusedError, match="-2015"):
                FloorTrader(testnet, key).request("GET", "/api/v3/account")


def check_told(testnet: TestnetProcess, load: Load) -> int:
    """Compare what a client was told with what the restarted server says; returns how much that was."""
    told, load.told = load.told, Told({}, set())
    load.open.clear()
    trader = FloorTrader(testnet, load.key)
    first = min((*told.placed, *told.cancelled), default=0)
    orders: dict[int, Any] = {}
    while first:
        page = trader.request("GET", "/api/v3/allOrders", symbol=SYMBOL, orderId=first, limit=1000)
        orders |= {order["orderId"]: order for order in page}
        first = page[-1]["orderId"] + 1 if len(page) == 1000 else 0
    for order_id, executed in told.placed.items():
        assert order_id in orders, f"order {order_id} was acknowledged and is gone"
        assert float(orders[order_id]["executedQty"]) >= float(executed)
    for order_id in told.cancelled:
        assert orders[order_id]["status"] == "CANCELED", (
            f"the cancel of {order_id} was acknowledged and is gone"
        )
    load.open += [order_id for order_id, order in orders.items() if order["status"] == "NEW"]
    trader.close()
    return len(told.placed) + len(told.cancelled)


def check_replay(testnet: TestnetProcess) -> None:
    """Replay everything from the first command and compare with the living server."""
    live = testnet.admin("hash")
    folder = testnet.home / "testnet"
    with contextlib.closing(SqliteJournal(folder / "journal.db", read_only=True)) as journal:
        recovered = replay_everything(journal, ArchiveFiles(folder / "archive"), live["sequence"])
    assert recovered.position.sequence == live["sequence"]
    assert recovered.venue.state_hash().hex() == live["state_hash"]
    assert recovered.venue.engine.ledger.imbalance() == {}


async def run_and_kill(
    testnet: TestnetProcess, loads: list[Load], keys: KeyChanges | None, seconds: float
) -> None:
    """Load the server from all connections, change keys meanwhile, kill it in the middle."""
    clients = [
        asyncio.create_task(load.run(testnet.rest)) for load in loads for _ in range(CONNECTIONS_PER_ACCOUNT)
    ]
    if keys is not None:
        await asyncio.to_thread(keys.change, testnet)
    await asyncio.sleep(seconds)
    assert not any(client.done() for client in clients), "a client ended before the kill"
    testnet.kill()
    await asyncio.wait_for(asyncio.gather(*clients), 10)


@pytest.mark.timeout(300)
def test_twenty_kills_under_load_lose_nothing_acknowledged(tmp_path: Path) -> None:
    dice = random.Random(20)
    home = tmp_path / "home"
    home.mkdir()
    (home / "watchword.toml").write_text(f"[testnet]\nsnapshot_every_commands = {SNAPSHOT_EVERY}\n")
    loads: list[Load] = []
    keys = KeyChanges()
    acknowledged = 0
    for number in range(KILLS + 1):
        testnet = TestnetProcess.start(home, liquidity=False)
        try:
            if number == 0:
                for name in ("alice", "bob"):
                    testnet.create_account(name, RICH)
                    loads.append(Load(testnet.create_key(name, "HMAC"), dice))
            acknowledged += sum(check_told(testnet, load) for load in loads)
            keys.check(testnet)
            if number % REPLAY_EVERY == 0:
                check_replay(testnet)
            if number < KILLS:
                changed = keys if number % KEYS_EVERY == 0 else None
                asyncio.run(run_and_kill(testnet, loads, changed, dice.uniform(*LOAD_S)))
        finally:
            testnet.kill()
    print(f"{acknowledged} acknowledged, {KILLS} kills")
    assert acknowledged > KILLS * 10, "the kills came before anything happened"
    assert list((home / "testnet" / "snapshots").glob("*.snapshot")), "no kill met a snapshot"
