"""kill -9 between the record of an intent and its outcome, with the exchange holding the answer.

Afterwards the trail tells what became of every request, found out by asking; nothing is sent a second time; what is open
upstream and what the gateway keeps as open are the same.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.bot import ORDER, Bot
from tests.support.gateway_process import VirtualKey
from tests.support.scripted_bench import ScriptedBench, scripted_bench
from tests.support.scripted_exchange import wait_until
from tests.support.ws_bot import signed_params, ws_bot
from websockets.sync.client import connect

PLACE, CANCEL = "POST /api/v3/order", "DELETE /api/v3/order"
#: Past every deadline and the time an exchange may take over a request.
LATER_US: Final = 90_000_000


@pytest.fixture(scope="module")
def bench(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedBench]:
    with scripted_bench(vault_home, tmp_path_factory.mktemp("killed")) as made:
        yield made


@pytest.fixture(scope="module")
def key(bench: ScriptedBench) -> VirtualKey:
    return bench.issue()


@contextlib.contextmanager
def _under_way(what: Any, *arguments: Any, **named: Any) -> "Iterator[Future[Any]]":
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(what, *arguments, **named)


def _over_ws(bench: ScriptedBench, key: VirtualKey, name: str) -> None:
    with contextlib.suppress(Exception), ws_bot(bench.gateway.ws_api, key) as session:
        session.ask("order.place", **ORDER, newClientOrderId=name)


def test_requests_in_flight_are_accounted_for_after_a_restart(bench: ScriptedBench, key: VirtualKey) -> None:
    """Four at once: an order that was taken, one that never arrived, a cancel that was done, an order by WebSocket."""
    exchange, bot = bench.exchange, Bot(bench.gateway.rest, key)
    assert bot.place(newClientOrderId="to-cancel").status == 200
    exchange.say(PLACE, "hold", done=True)
    exchange.say(PLACE, "hold", done=False)
    exchange.say(CANCEL, "hold", done=True)
    exchange.say("order.place", "hold", done=True)
    taken_query = bot.signed(**ORDER, newClientOrderId="taken", recvWindow=60_000)
    with ThreadPoolExecutor(4) as pool:
        pool.submit(bot.send, "POST", "/api/v3/order", taken_query)
        exchange.wait_for(PLACE, 2)
        pool.submit(bot.place, newClientOrderId="lost")
        exchange.wait_for(PLACE, 3)
        pool.submit(bot.ask, "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="to-cancel")
        pool.submit(_over_ws, bench, key, "by-ws")
        exchange.wait_for(CANCEL)
        exchange.wait_for("order.place")
        bench.gateway.kill()
    sent = len(exchange.signed())
    assert bench.unrecorded() == []
    assert bench.outcomes("taken") == bench.outcomes("lost") == bench.outcomes("by-ws") == []

    # The one that was not taken is dead by now: its time is over at the exchange.
    exchange.forget_held()
    exchange.ahead_us = LATER_US
    bench.start()
    for name in ("taken", "by-ws", "lost"):
        bench.settled(name)
    told = {
        name: [(one["result"], one["status"], one["code"]) for one in bench.outcomes(name)]
        for name in ("taken", "by-ws", "lost")
    }
    assert told == {
        "taken": [("answered", 200, 0)],
        "by-ws": [("answered", 200, 0)],
        "lost": [("answered", 400, -2013)],
    }
    assert bench.settled("to-cancel", 2) == ["answered", "answered"]
    changes = [one for one in exchange.signed()[sent:] if one.place in {PLACE, CANCEL, "order.place"}]
    assert changes == [], "asked about, never sent again"
    assert {name: one["status"] for name, one in exchange.orders.items()} == {
        "to-cancel": "CANCELED", "taken": "NEW", "by-ws": "NEW",
    }  # fmt: skip
    wait_until(
        lambda: bench.ask("gateway", "gateway.status")["open_orders"] == 2, "the ledger agrees", wait_s=5
    )
    assert bench.unrecorded() == []


def test_retry_after_the_restart_does_not_place_it_again(bench: ScriptedBench, key: VirtualKey) -> None:
    exchange, bot = bench.exchange, Bot(bench.gateway.rest, key)
    query = bot.signed(**ORDER, newClientOrderId="again", recvWindow=60_000, timestamp=bench.now_ms())
    exchange.say(PLACE, "hold", done=True)
    with _under_way(bot.send, "POST", "/api/v3/order", query):
        exchange.wait_for_param("newClientOrderId", "again")
        bench.gateway.kill()
    exchange.forget_held()
    bench.start()
    bot = Bot(bench.gateway.rest, key)
    replies = [bot.send("POST", "/api/v3/order", query) for _ in range(2)]
    assert [(reply.status, reply.code) for reply in replies] == [(504, -1007)] * 2
    as_cancel = bot.send("DELETE", "/api/v3/order", query)
    assert (as_cancel.status, as_cancel.code) == (401, -1002)
    assert len([one for one in exchange.at(PLACE) if one.params["newClientOrderId"] == "again"]) == 1
    bench.settled("again")


def test_unknown_outcome_survives_a_kill_and_is_resolved_then(bench: ScriptedBench, key: VirtualKey) -> None:
    """The process that knew that it does not know is gone; the next one reads it in the trail and asks."""
    exchange, bot = bench.exchange, Bot(bench.gateway.rest, key)
    exchange.say(PLACE, "reset", done=True)
    exchange.say("GET /api/v3/order", "busy", times=1_000)
    assert bot.place(newClientOrderId="doubtful", timestamp=bench.now_ms()).code == -1007
    assert bench.settled("doubtful") == ["unknown"]
    bench.gateway.kill()
    exchange.forget_held()
    bench.start()
    assert bench.settled("doubtful", 2) == ["unknown", "answered"]


def test_read_that_was_under_way_is_concluded_once_however_often_it_starts(
    bench: ScriptedBench, key: VirtualKey
) -> None:
    exchange, bot = bench.exchange, Bot(bench.gateway.rest, key)
    exchange.say("GET /api/v3/account", "hold")
    with _under_way(bot.ask, "GET", "/api/v3/account", timestamp=bench.now_ms()):
        exchange.wait_for("GET /api/v3/account")
        bench.gateway.kill()
    exchange.forget_held()
    row = bench.intents()[-1]["row"]
    bench.start()
    bench.restart()
    concluded = [one for one in bench.trail("signature:concluded") if one["intent"] == row]
    assert [one["result"] for one in concluded] == ["unknown"]
    assert "a read changed nothing" in concluded[0]["note"]


@pytest.mark.parametrize("door", ["rest", "ws"])
def test_bot_that_leaves_meanwhile_leaves_no_doubt(bench: ScriptedBench, key: VirtualKey, door: str) -> None:
    exchange, name = bench.exchange, f"left-{door}"
    exchange.hold_again()
    exchange.say(PLACE, "hold", done=True)
    exchange.say("order.place", "hold", done=True)
    params = {**ORDER, "newClientOrderId": name, "timestamp": bench.now_ms()}
    if door == "ws":
        with connect(bench.gateway.ws_api) as socket:
            socket.send(
                json.dumps({"id": 1, "method": "order.place", "params": signed_params(key, **params)})
            )
            exchange.wait_for_param("newClientOrderId", name)
    else:
        host, _, port = bench.gateway.rest.removeprefix("http://").rpartition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port))) as connection:
            query = Bot(bench.gateway.rest, key).signed(**params)
            connection.request("POST", f"/api/v3/order?{query}", headers={"X-MBX-APIKEY": key.api_key})
            exchange.wait_for_param("newClientOrderId", name)
    time.sleep(0.2)
    exchange.release()
    assert bench.settled(name) == ["answered"]


def test_end_in_order_waits_for_what_is_under_way(bench: ScriptedBench, key: VirtualKey) -> None:
    exchange, bot = bench.exchange, Bot(bench.gateway.rest, key)
    exchange.hold_again()
    exchange.say(PLACE, "hold", done=True)
    with ThreadPoolExecutor(2) as pool:
        placing = pool.submit(bot.place, newClientOrderId="at-the-end", timestamp=bench.now_ms())
        exchange.wait_for_param("newClientOrderId", "at-the-end")
        ending = pool.submit(bench.gateway.stop)
        time.sleep(0.3)
        exchange.release()
        assert placing.result(10).status == 200
        assert ending.result(20) == 0
    bench.start()
    assert bench.settled("at-the-end") == ["answered"]


def test_kill_under_load_loses_and_doubles_nothing(bench: ScriptedBench) -> None:
    """Orders and cancels from many at once, then kill -9 at no particular moment."""
    exchange = bench.exchange
    bots = [bench.bot() for _ in range(4)]
    placed: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(_work, bench, bot, number, placed) for number, bot in enumerate(bots)]
        wait_until(lambda: len(placed) >= 60, "there is work")
        bench.gateway.kill()
        for one in working:
            one.result(10)
    assert bench.unrecorded() == []
    exchange.ahead_us += LATER_US
    bench.start()
    wait_until(lambda: bench.open_intents() == [], "every intent has its outcome", wait_s=9)
    names = [one.params["newClientOrderId"] for one in exchange.at(PLACE)]
    assert len(names) == len(set(names)), "nothing twice"
    assert set(placed) <= set(exchange.orders), "what was acknowledged is there"
    standing = sum(one["status"] == "NEW" for one in exchange.orders.values())
    wait_until(
        lambda: bench.ask("gateway", "gateway.status")["open_orders"] == standing,
        "the ledger agrees",
        wait_s=9,
    )
    assert bench.unrecorded() == []


def _work(bench: ScriptedBench, bot: Bot, number: int, placed: list[str]) -> None:
    """Place orders and cancel every other one until the gateway is gone."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        for turn in range(10_000):
            name = f"load-{number}-{turn}"
            if bot.place(newClientOrderId=name, timestamp=bench.now_ms()).status == 200:
                placed.append(name)
            if turn % 2:
                bot.ask(
                    "DELETE",
                    "/api/v3/order",
                    symbol="BTCUSDT",
                    origClientOrderId=name,
                    timestamp=bench.now_ms(),
                )


def test_trail_of_all_these_ends_is_whole(bench: ScriptedBench) -> None:
    assert bench.verified()
    assert bench.unrecorded() == []
