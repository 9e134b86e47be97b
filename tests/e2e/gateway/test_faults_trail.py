"""A record that cannot be made: full disk, read-only home, a sink or a ledger that hangs. Nothing is signed then.

A real gateway process; the faults are those of a kernel: no file may grow, a file system is full or read-only, a sink's
process is stopped, a database is held by somebody else. What the exchange received is compared with the trail, or with
its copy where that is all there is.
"""

import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from tests.support.bot import ORDER, Bot, Reply
from tests.support.gateway_process import TRADER_POLICY
from tests.support.programs import PROGRAM
from tests.support.scripted_bench import ScriptedBench, scripted_bench
from tests.support.scripted_exchange import Received, wait_until
from tests.support.ws_bot import ws_bot

from watchword.adapters.audit.file_sink import FileReader
from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.audit.search import Filter, search
from watchword.audit.trail import AuditReader
from watchword.bootstrap.audit_trail import audit_path

#: A record must be durable in 1.5 s, or its request is refused; the rest is for a busy machine.
REFUSED_S: Final = 3.5
#: A user who may write nothing here.
NOBODY: Final = 65_534
NO_LIMIT: Final = resource.RLIM_INFINITY
CAPPED_POLICY: Final = f"{TRADER_POLICY}max_day: {{USDT: 2500}}\n"
SMALL_DISK_BYTES: Final = 16 << 20


@pytest.fixture(scope="module")
def alone(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedBench]:
    """A gateway with one sink."""
    with scripted_bench(vault_home, tmp_path_factory.mktemp("alone")) as made:
        yield made
        assert made.unrecorded() == []
        assert made.verified()


@pytest.fixture(scope="module")
def copied(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedBench]:
    """A gateway whose trail is also sent to a command."""
    folder = tmp_path_factory.mktemp("copied")
    command = f"command:{sys.executable} -m watchword audit receive {folder / 'copy.log'}"
    with scripted_bench(vault_home, folder, "--second-sink", command) as made:
        yield made
        assert made.unrecorded() == []
        assert made.verified()


@pytest.fixture
def single(alone: ScriptedBench) -> Iterator[tuple[ScriptedBench, Bot]]:
    yield alone, alone.bot()
    _recovered(alone)


@pytest.fixture
def double(copied: ScriptedBench) -> Iterator[tuple[ScriptedBench, Bot]]:
    yield copied, copied.bot()
    _recovered(copied)


def test_full_disk_signs_nothing_until_there_is_room(single: tuple[ScriptedBench, Bot]) -> None:
    bench, bot = single
    assert bot.place(newClientOrderId="before").status == 200
    bench.settled("before")
    sent = len(_sent(bench))
    with _no_file_grows(bench):
        replies = [_timed(lambda: bot.place(newClientOrderId="full")) for _ in range(3)]
        replies.append(_timed(lambda: bot.ask("GET", "/api/v3/account")))
        replies.append(
            _timed(lambda: bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="before"))
        )
        with ws_bot(bench.gateway.ws_api, bot.key) as session:
            said = session.ask("order.place", **ORDER, newClientOrderId="full-ws")
            assert (said["status"], said["error"]["code"]) == (400, -1008)
        assert {(reply.status, reply.code) for reply in replies} == {(400, -1008)}
        assert "Watchword audit" in replies[-1].json["msg"], "the ledger may have said it first, of orders"
        assert len(_sent(bench)) == sent
        # What needs no signature goes on.
        assert bot.send("GET", "/api/v3/ping").status == 200
    _recovered(bench)
    assert bot.place(newClientOrderId="after").status == 200
    stopped = bench.trail("trail:stopped")
    assert stopped
    assert bench.trail("trail:resumed")[-1]["refused"] >= 2
    assert bench.outcomes("full") == [] or {one["result"] for one in bench.outcomes("full")} == {"not_sent"}


def test_hung_disk_refuses_within_a_bound_and_says_later_that_nothing_was_sent(
    single: tuple[ScriptedBench, Bot],
) -> None:
    bench, bot = single
    sent = len(_sent(bench))
    with _held(bench.home / "audit" / "audit.db"), ThreadPoolExecutor(6) as pool:
        names = [f"hung-{number}" for number in range(6)]
        replies = list(pool.map(lambda name: _timed(lambda: bot.place(newClientOrderId=name)), names))
        assert {(reply.status, reply.code) for reply in replies} == {(400, -1008)}
        assert len(_sent(bench)) == sent
    _recovered(bench)
    assert bot.place(newClientOrderId="let-go").status == 200
    assert bench.settled("let-go") == ["answered"]
    for name in names:
        assert {one["result"] for one in bench.outcomes(name)} <= {"not_sent"}
        assert len(bench.outcomes(name)) == len(bench.intents(name)), (
            "an intent without an end would be asked about"
        )


def test_hung_ledger_refuses_orders_and_cancels_go_on(single: tuple[ScriptedBench, Bot]) -> None:
    """What is used up is in the intents, too; but once the ledger hangs, nothing more is made to depend on that."""
    bench, bot = single
    assert bot.place(newClientOrderId="to-cancel").status == 200
    with _held(bench.home / "gateway" / "ledger.db"):
        wait_until(lambda: bot.place().status != 200, "orders are refused", wait_s=4)
        refused = _timed(lambda: bot.place(newClientOrderId="unkept"))
        assert (refused.status, refused.code) == (400, -1008)
        assert "ledger" in refused.json["msg"]
        cancelled = _timed(
            lambda: bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="to-cancel")
        )
        assert cancelled.status == 200, cancelled
    assert not [one for one in bench.exchange.signed() if one.params.get("newClientOrderId") == "unkept"]


def test_what_only_the_trail_knew_at_a_kill_counts_afterwards(single: tuple[ScriptedBench, Bot]) -> None:
    """Caps stay used up, orders stay whose they were, though the ledger never wrote them."""
    bench, other = single
    bot = bench.bot(policy=CAPPED_POLICY)
    thousand = {**ORDER, "price": "50000", "quantity": "0.02"}
    with _held(bench.home / "gateway" / "ledger.db"):
        for name in ("capped-1", "capped-2"):
            assert bot.place(**{**thousand, "newClientOrderId": name}).status == 200
        assert "max_day" in bot.place(**thousand).json["msg"]
        bench.gateway.kill()
    bench.start()
    bot, other = Bot(bench.gateway.rest, bot.key), Bot(bench.gateway.rest, other.key)
    assert "max_day" in bot.place(**thousand).json["msg"]
    foreign = other.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="capped-1")
    assert (foreign.status, foreign.code) == (400, -2011)
    assert bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="capped-1").status == 200
    assert bot.place(**thousand).status == 200, "what was cancelled is given back"
    assert "max_day" in bot.place(**thousand).json["msg"]


def test_sink_that_stops_answering_refuses_orders_and_cancels_go_on(
    double: tuple[ScriptedBench, Bot],
) -> None:
    bench, bot = double
    for name in ("by-rest", "by-ws"):
        assert bot.place(newClientOrderId=name).status == 200
    sent = len(_sent(bench))
    with _stopped(bench):
        refused = [_timed(lambda: bot.place(newClientOrderId="unheard")) for _ in range(2)]
        assert {(reply.status, reply.code) for reply in refused} == {(400, -1008)}
        assert "audit receive" in refused[1].json["msg"]
        assert len(_sent(bench)) == sent
        done = _timed(
            lambda: bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="by-rest")
        )
        assert done.status == 200, done
        with ws_bot(bench.gateway.ws_api, bot.key) as session:
            said = session.ask("order.cancel", symbol="BTCUSDT", origClientOrderId="by-ws")
            assert said["status"] == 200, said
            held = session.ask("order.place", **ORDER)
            assert (held["status"], held["error"]["code"]) == (400, -1008)
        assert bench.exchange.orders["by-rest"]["status"] == "CANCELED"
        assert bench.exchange.orders["by-ws"]["status"] == "CANCELED"
    _recovered(bench)
    assert bot.place(newClientOrderId="heard").status == 200
    wait_until(lambda: _copy(bench) == _own(bench), "the copy is as long as the trail")


def test_cancels_go_on_by_the_second_sink_while_the_disk_is_full(double: tuple[ScriptedBench, Bot]) -> None:
    bench, bot = double
    for name in ("first", "second", "third"):
        assert bot.place(newClientOrderId=name).status == 200
        bench.settled(name)
    with _no_file_grows(bench):
        refused = [_timed(lambda: bot.place(newClientOrderId="no-room")) for _ in range(2)]
        assert {(reply.status, reply.code) for reply in refused} == {(400, -1008)}
        done = bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="first")
        assert done.status == 200, done
        rest = bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        assert rest.status == 200, rest
        assert {bench.exchange.orders[name]["status"] for name in ("first", "second", "third")} == {
            "CANCELED"
        }
        recorded = [row for row in _copy(bench) if row.endswith("DELETE /api/v3/order")]
        assert len(recorded) >= 3, "the copy is the record now"
    assert not [one for one in bench.exchange.signed() if one.params.get("newClientOrderId") == "no-room"]
    _recovered(bench)
    assert bot.place(newClientOrderId="room").status == 200
    wait_until(lambda: _copy(bench) == _own(bench), "what the trail lacked came from its copy")


def test_what_only_the_second_sink_has_counts_after_a_kill(double: tuple[ScriptedBench, Bot]) -> None:
    """The trail goes on where the longer of both ends: no row is lost, no captured cancel is good again."""
    bench, bot = double
    names = [f"copied-{number}" for number in range(3)]
    for name in names:
        assert bot.place(newClientOrderId=name).status == 200
    query = bot.signed(symbol="BTCUSDT", origClientOrderId=names[0], recvWindow=60_000)
    with _no_file_grows(bench):
        assert bot.place().code == -1008
        assert bot.send("DELETE", "/api/v3/order", query).status == 200
        bench.gateway.kill()
        rows = _copy(bench)
        assert len(rows) > len(_own(bench))
    bench.start()
    bot = Bot(bench.gateway.rest, bot.key)
    asked = bot.send("GET", "/api/v3/order", query)
    assert (asked.status, asked.code) == (401, -1002), "a captured cancel is no read"
    again = bot.send("DELETE", "/api/v3/order", query)
    assert (again.status, again.code) == (504, -1007)
    _recovered(bench)
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200
    wait_until(lambda: _own(bench)[: len(rows)] == rows, "the trail has all rows again")


def test_sink_that_dies_is_started_again(double: tuple[ScriptedBench, Bot]) -> None:
    bench, bot = double
    for pid in _children(bench):
        os.kill(pid, signal.SIGKILL)
    reply = _timed(lambda: bot.place(newClientOrderId="at-the-death"))
    assert (reply.status, reply.code) in {(200, 0), (400, -1008)}
    _recovered(bench)
    assert bot.place(newClientOrderId="after-the-death").status == 200


def test_file_system_that_is_really_full(vault_home: Path, tmp_path: Path) -> None:
    with _small_disk(tmp_path) as disk, scripted_bench(vault_home, disk) as bench:
        bot = bench.bot()
        assert bot.place(newClientOrderId="before").status == 200
        bench.settled("before")
        with _full(disk, bench):
            wait_until(lambda: _timed(bot.place).status != 200, "the end of the disk", wait_s=6)
            refused = _timed(bot.place)
            assert (refused.status, refused.code) == (400, -1008)
            assert bench.unrecorded() == []
        _recovered(bench)
        assert bot.place(newClientOrderId="after").status == 200
        bench.settled("after")
        assert bench.unrecorded() == []
        assert bench.verified()


def test_home_that_is_read_only_starts_nothing(vault_home: Path, tmp_path: Path) -> None:
    """It says why, names the place, and ends."""
    home = tmp_path / "home"
    shutil.copytree(vault_home, home)
    words = [*PROGRAM, "gateway", "serve", "--home", str(home), "--port", "0", "--unseal"]
    user: int | None = None
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0:
        script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        words = ["unshare", "-m", "sh", "-c", script, str(home), *words]
    else:
        user = NOBODY if os.geteuid() == 0 else None
        for folder in (home, *(one for one in home.rglob("*") if one.is_dir())):
            folder.chmod(0o500)
    began_s = time.monotonic()
    done = subprocess.run(words, check=False, capture_output=True, timeout=30, text=True, user=user)
    assert done.returncode != 0
    assert time.monotonic() - began_s < 10
    assert str(home) in done.stdout + done.stderr
    assert (
        "read-only" in (done.stdout + done.stderr).lower()
        or "permission" in (done.stdout + done.stderr).lower()
    )
    assert "Traceback" not in done.stdout + done.stderr


# Hands.


def _timed(ask: Callable[[], Reply]) -> Reply:
    began_s = time.monotonic()
    reply = ask()
    assert time.monotonic() - began_s < REFUSED_S
    return reply


def _sent(bench: ScriptedBench) -> list[Received]:
    """What was signed for bots; the gateway's own subscription may come at any time while it can be recorded."""
    own = "userDataStream.subscribe.signature"
    return [one for one in bench.exchange.signed() if one.place != own]


def _recovered(bench: ScriptedBench) -> None:
    wait_until(
        lambda: bench.ask("gateway", "gateway.status")["refuses"] is None,
        "changes are signed again",
        wait_s=9,
    )


@contextlib.contextmanager
def _no_file_grows(bench: ScriptedBench) -> Iterator[None]:
    """As on a full disk: no write of the process to a file succeeds."""
    pid = bench.gateway.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, NO_LIMIT))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))


@contextlib.contextmanager
def _held(database: Path) -> Iterator[None]:
    """Hold a database's lock, so that its writer waits."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=5)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holding.execute("ROLLBACK")


@contextlib.contextmanager
def _stopped(bench: ScriptedBench) -> Iterator[None]:
    """Stop the sink's process, as a machine that hangs."""
    pids = _children(bench)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _children(bench: ScriptedBench) -> list[int]:
    tasks = Path(f"/proc/{bench.gateway.pid}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes, or a plain folder where none may be mounted."""
    place = folder / "small"
    place.mkdir()
    size = f"size={SMALL_DISK_BYTES}"
    mounting = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(mounting, check=False, capture_output=True).returncode == 0
    try:
        yield place
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


@contextlib.contextmanager
def _full(disk: Path, bench: ScriptedBench) -> Iterator[None]:
    """Fill a file system; where none could be mounted, keep the gateway's files from growing."""
    if not disk.is_mount():
        with _no_file_grows(bench):
            yield
        return
    with contextlib.suppress(OSError), (disk / "filling").open("wb", buffering=0) as filling:
        while filling.write(bytes(1 << 16)):
            pass
    try:
        yield
    finally:
        (disk / "filling").unlink()


def _own(bench: ScriptedBench) -> list[str]:
    with contextlib.closing(SqliteReader(audit_path(bench.home))) as reader:
        return _rows(reader)


def _copy(bench: ScriptedBench) -> list[str]:
    with contextlib.closing(FileReader(bench.folder / "copy.log")) as reader:
        return _rows(reader)


def _rows(reader: AuditReader) -> list[str]:
    return [
        f"{row.number} {event.get('endpoint', '')}" for row, event in search(reader.lines_after(0), Filter())
    ]
