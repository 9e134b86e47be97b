"""kill -9 right after an order, before the ledger was written: its cap is used up all the same, since the trail knows."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.bot import ORDER, Bot
from tests.support.gateway_process import TRADER_POLICY, VirtualKey
from tests.support.scripted_bench import ScriptedBench, scripted_bench
from tests.support.scripted_exchange import wait_until

from watchword.adapters.gateway_home import ledger_path

PLACE = "POST /api/v3/order"
CAPPED = TRADER_POLICY + "max_day: {USDT: 100}\n"


@pytest.fixture(scope="module")
def bench(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedBench]:
    with scripted_bench(vault_home, tmp_path_factory.mktemp("lazy")) as made:
        yield made


@pytest.fixture
def key(bench: ScriptedBench) -> VirtualKey:
    return bench.issue(policy=CAPPED)


def sixty(name: str) -> dict[str, Any]:
    """An order of 60 USDT."""
    return {**ORDER, "quantity": "0.002", "price": "30000", "newClientOrderId": name}


class KeptLedger:
    """The ledger's files as they were; `put_back` makes what was written since unwritten."""

    def __init__(self, bench: ScriptedBench) -> None:
        self._path = ledger_path(bench.home)
        self._files = {file.name: file.read_bytes() for file in self._path.parent.glob("ledger.db*")}

    def put_back(self) -> None:
        for file in self._path.parent.glob("ledger.db*"):
            file.unlink()
        for name, content in self._files.items():
            (self._path.parent / name).write_bytes(content)
            (self._path.parent / name).chmod(0o600)


def open_orders(bench: ScriptedBench) -> int:
    return int(bench.ask("gateway", "gateway.status")["open_orders"])


@pytest.mark.parametrize("ledger", ["as it happened to be", "not written since before the order"])
def test_day_cap_holds_after_a_kill_though_the_ledger_was_not_written(
    bench: ScriptedBench, key: VirtualKey, ledger: str
) -> None:
    bot, name = Bot(bench.gateway.rest, key), f"sixty-{len(ledger)}"
    kept, before = KeptLedger(bench), open_orders(bench)
    reply = bot.place(**sixty(name))
    bench.gateway.kill()
    assert reply.status == 200
    if "not written" in ledger:
        kept.put_back()
    bench.start()
    bot = Bot(bench.gateway.rest, key)
    refused = bot.place(**sixty(f"{name}-again"), timestamp=bench.now_ms())
    assert (refused.status, refused.code) == (400, -2010)
    assert "max_day" in refused.json["msg"]
    assert open_orders(bench) == before + 1
    small = bot.place(**{**sixty(f"{name}-small"), "quantity": "0.001"})
    assert small.status == 200, "what is left of the cap can be used"


def test_order_whose_answer_never_came_is_counted_and_then_found_out(
    bench: ScriptedBench, key: VirtualKey
) -> None:
    """Killed while the exchange still held it; nobody has placed it when the next process asks."""
    exchange, kept = bench.exchange, KeptLedger(bench)
    before = open_orders(bench)
    exchange.say(PLACE, "hold", done=False)
    query = Bot(bench.gateway.rest, key).signed(**sixty("held"))
    host, port = bench.gateway.rest.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = (
            f"POST /api/v3/order?{query} HTTP/1.1\r\nHost: {host}:{port}\r\nX-MBX-APIKEY: {key.api_key}\r\n"
        )
        connection.sendall(head.encode() + b"Content-Length: 0\r\n\r\n")
        exchange.wait_for_param("newClientOrderId", "held")
        bench.gateway.kill()
    kept.put_back()
    exchange.forget_held()
    bench.start()
    bot = Bot(bench.gateway.rest, key)
    refused = bot.place(**sixty("meanwhile"), timestamp=bench.now_ms())
    assert refused.code == -2010
    # Past its deadline and the time an exchange may take: it is not there, and the cap is free again.
    exchange.ahead_us += 90_000_000
    bench.gateway.kill()
    bench.start()
    wait_until(lambda: open_orders(bench) == before, "the reconciler gives it back", wait_s=10)
    taken = Bot(bench.gateway.rest, key).place(**sixty("afterwards"), timestamp=bench.now_ms())
    assert taken.status == 200, taken


def test_trail_that_was_moved_away_does_not_keep_it_from_starting(
    bench: ScriptedBench, key: VirtualKey
) -> None:
    bot = Bot(bench.gateway.rest, key)
    assert bot.place(**sixty("first"), timestamp=bench.now_ms()).status == 200
    before = open_orders(bench)
    bench.gateway.stop()
    shutil.move(bench.home / "audit", bench.home / "audit-of-before")
    bench.start()
    assert open_orders(bench) == before
    assert "goes with another trail" in bench.gateway.log()
    refused = Bot(bench.gateway.rest, key).place(**sixty("second"), timestamp=bench.now_ms())
    assert refused.code == -2010
