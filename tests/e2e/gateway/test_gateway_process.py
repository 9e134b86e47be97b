"""A gateway as it is run: sealed and unsealed, stopped and killed, alone in its home, and a trail that stays true."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from binance.base_client import BaseClient
from binance.client import Client
from tests.support import programs
from tests.support.bot import ORDER, Bot
from tests.support.gateway_process import Bench, VirtualKey, running_bench
from tests.support.testnet_process import TestnetProcess

WAIT_S = 20.0


@pytest.fixture(scope="module")
def bench(quiet_testnet: TestnetProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_bench(tmp_path_factory.mktemp("gateway"), quiet_testnet, account="gateway-process") as made:
        yield made


@pytest.fixture(scope="module")
def key(bench: Bench) -> VirtualKey:
    return bench.issue("HMAC", label="shared")


@pytest.fixture
def bot(bench: Bench, key: VirtualKey) -> Bot:
    return Bot(bench.gateway.rest, key)


def _rows(bench: Bench) -> list[dict[str, Any]]:
    done = programs.command("audit", "tail", "--lines", "1000", "--json", "--home", bench.home)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.05)


def test_unmodified_client_trades_with_a_key_that_works_nowhere_else(
    bench: Bench, key: VirtualKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseClient, "API_URL", bench.gateway.rest + "/api")
    client = Client(key.api_key, key.secret)
    placed = client.create_order(**ORDER)
    assert [one["orderId"] for one in client.get_open_orders(symbol="BTCUSDT")] == [placed["orderId"]]
    assert client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "CANCELED"
    assert Bot(bench.testnet.rest, key).place().code == -2015
    assert bench.run("audit", "verify")["good"] is True


def test_sealed_gateway_signs_nothing_and_still_shows_the_market(bench: Bench, bot: Bot) -> None:
    bench.run("vault", "seal")
    try:
        refused = bot.place()
        assert (refused.status, refused.code) == (400, -1008)
        assert "vault" in refused.json["msg"]
        assert bot.ask("GET", "/api/v3/account").code == -1008
        assert bot.send("GET", "/api/v3/ping").json == {}
        assert bench.run("gateway", "status")["refuses"] == "the vault is sealed"
    finally:
        bench.run("vault", "unseal")
    placed = bot.place()
    assert placed.status == 200, placed
    assert bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed.json["orderId"]).status == 200


def test_revoked_key_fails_at_the_next_request(bench: Bench) -> None:
    key = bench.issue("HMAC", label="short-lived")
    bot = Bot(bench.gateway.rest, key)
    assert bot.ask("GET", "/api/v3/account").status == 200
    bench.run("key", "revoke", key.id)
    assert bot.ask("GET", "/api/v3/account").code == -2015


def test_captured_request_is_good_for_nothing_else(bench: Bench, bot: Bot) -> None:
    tested = bot.signed(**ORDER)
    assert bot.send("POST", "/api/v3/order/test", tested).json == {}
    replayed = bot.send("POST", "/api/v3/order", tested)
    assert (replayed.status, replayed.code) == (401, -1002)
    read = bot.signed(symbol="BTCUSDT")
    assert bot.send("GET", "/api/v3/openOrders", read).json == []
    assert bot.send("DELETE", "/api/v3/openOrders", read).code == -1002


def test_honest_retry_gets_the_recorded_answer_and_acts_once(bench: Bench, bot: Bot) -> None:
    query = bot.signed(**ORDER)
    first, second = (bot.send("POST", "/api/v3/order", query) for _ in range(2))
    assert first.status == 200, first
    assert second.raw == first.raw
    assert len(bot.ask("GET", "/api/v3/openOrders", symbol="BTCUSDT").json) == 1
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200


@pytest.mark.usefixtures("key")
def test_status_says_how_it_is(bench: Bench) -> None:
    # An account is followed once a key of it is there.
    _until(lambda: bench.run("gateway", "status")["accounts_steady"] == 1)
    state = bench.run("gateway", "status")
    assert (state["running"], state["sealed"], state["refuses"]) == (True, False, None)
    assert state["upstream_rest"] == bench.testnet.rest
    assert state["accounts_steady"] == state["accounts"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--port", "{taken}"), "cannot listen on 127.0.0.1:"),
        (("--tls",), "watchword tls init"),
        (("--tls-cert", "nothing.pem"), "both"),
        (("--upstream", "mars"), "upstream"),
        (("--local-address", "http://192.0.2.1:8702"), "without TLS"),
        (("--second-sink", "nonsense"), "second audit sink"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_start_that_cannot_be_is_one_plain_line_and_leaves_the_home_free(
    bench: Bench, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    taken = bench.gateway.rest.rpartition(":")[2]
    words = [word.format(taken=taken) for word in options]
    for _ in range(2):
        done = programs.command("gateway", "serve", "--port", "0", "--home", tmp_path / "home", *words)
        lines = done.stderr.decode().splitlines()
        assert done.returncode == 1, lines
        assert said in lines[-1], lines
        assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("command", [("gateway", "serve"), ("vault", "host")])
def test_second_process_is_refused(bench: Bench, command: tuple[str, str]) -> None:
    done = programs.command(*command, "--home", bench.home)
    assert done.returncode == 1
    assert f"process {bench.gateway.pid}" in done.stderr.decode()


def test_replay_is_refused_after_a_restart_too(bench: Bench, key: VirtualKey) -> None:
    bot = Bot(bench.gateway.rest, key)
    query = bot.signed(**ORDER, recvWindow=60_000)
    first = bot.send("POST", "/api/v3/order", query)
    assert first.status == 200, first
    assert bench.gateway.stop() == 0
    assert not (bench.home / "gateway" / "run.json").exists()
    bench.start()
    bot = Bot(bench.gateway.rest, key)
    elsewhere = bot.send("POST", "/api/v3/order/test", query)
    assert elsewhere.code == -1002, elsewhere
    again = bot.send("POST", "/api/v3/order", query)
    assert (again.status, again.code) == (504, -1007), again
    found = bot.ask("GET", "/api/v3/openOrders", symbol="BTCUSDT").json
    assert [one["orderId"] for one in found] == [first.json["orderId"]]
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200


@pytest.mark.long
def test_upstream_that_hangs_is_an_unknown_outcome_that_is_resolved_later(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    testnet = TestnetProcess.start(tmp_path / "testnet", liquidity=False)
    try:
        with running_bench(tmp_path, testnet, "--answer-timeout-s", "1") as bench:
            key = bench.issue("HMAC")
            bot = Bot(bench.gateway.rest, key)
            assert bot.place(newClientOrderId="before").status == 200
            os.kill(testnet.pid, signal.SIGSTOP)
            try:
                unknown = bot.place(newClientOrderId="hanging")
                assert (unknown.status, unknown.code) == (504, -1007)
            finally:
                os.kill(testnet.pid, signal.SIGCONT)
            _until(lambda: len(_outcomes(bench, "hanging")) == 2)
            first, second = _outcomes(bench, "hanging")
            assert (first["result"], second["result"]) == ("unknown", "answered")
            assert bench.run("audit", "verify")["good"] is True
    finally:
        testnet.stop()


@pytest.mark.long
def test_stop_with_a_request_in_flight_ends_in_time_and_says_what_is_unknown(tmp_path: Path) -> None:
    testnet = TestnetProcess.start(tmp_path / "testnet", liquidity=False)
    try:
        with running_bench(tmp_path, testnet, "--answer-timeout-s", "30") as bench:
            bot = Bot(bench.gateway.rest, bench.issue("HMAC"))
            assert bot.place(newClientOrderId="before").status == 200
            os.kill(testnet.pid, signal.SIGSTOP)
            try:
                sending = ThreadPoolExecutor(1).submit(bot.place, newClientOrderId="hanging")
                _until(lambda: any("hanging" in str(row) for row in _rows(bench)))
                assert bench.gateway.stop() == 0
            finally:
                os.kill(testnet.pid, signal.SIGCONT)
            error = sending.exception(timeout=10)
            assert isinstance(error, ConnectionError) or sending.result().code == -1007
            assert [outcome["result"] for outcome in _outcomes(bench, "hanging")] == ["unknown"]
            assert _rows(bench)[-2]["event"]["type"] == "trail:closed"
            assert bench.run("audit", "verify")["good"] is True
    finally:
        testnet.stop()


@pytest.mark.long
def test_killed_between_intent_and_outcome_tells_the_truth_after_restart(tmp_path: Path) -> None:
    testnet = TestnetProcess.start(tmp_path / "testnet", liquidity=False)
    try:
        with running_bench(tmp_path, testnet) as bench:
            key = bench.issue("HMAC")
            bot = Bot(bench.gateway.rest, key)
            assert bot.place(newClientOrderId="before").status == 200
            os.kill(testnet.pid, signal.SIGSTOP)
            query = bot.signed(**ORDER, newClientOrderId="in-flight", recvWindow=30_000)
            sending = ThreadPoolExecutor(1).submit(bot.send, "POST", "/api/v3/order", query)
            try:
                _until(lambda: any("in-flight" in str(row) for row in _rows(bench)))
                time.sleep(0.3)
                bench.gateway.kill()
            finally:
                os.kill(testnet.pid, signal.SIGCONT)
            assert isinstance(sending.exception(timeout=10), ConnectionError)
            bench.start()
            _until(lambda: _outcomes(bench, "in-flight"))
            concluded = _outcomes(bench, "in-flight")[-1]
            assert (concluded["result"], concluded["status"]) == ("answered", 200)
            bot = Bot(bench.gateway.rest, key)
            again = bot.send("POST", "/api/v3/order", query)
            assert (again.status, again.code) == (504, -1007)
            open_orders = bot.ask("GET", "/api/v3/openOrders", symbol="BTCUSDT").json
            assert [one["clientOrderId"] for one in open_orders] == ["before", "in-flight"]
    finally:
        testnet.stop()


def _outcomes(bench: Bench, client_order_id: str) -> list[dict[str, Any]]:
    """Outcome rows of the intent that placed an order."""
    events = [(row["row"], row["event"]) for row in _rows(bench)]
    intents = [
        number
        for number, event in events
        if event["type"] == "signature:intended"
        and event["client_order_id"] == client_order_id
        and event["endpoint"].startswith("POST")
    ]
    return [
        event for _, event in events
        if event["type"] == "signature:concluded" and event["intent"] in intents
    ]  # fmt: skip
