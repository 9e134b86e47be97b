"""An upstream that hangs, fails, breaks off or steps its clock: nothing is sent twice or unrecorded, nobody waits for ever.

A real gateway process before an exchange that does what a test says. After all of it the trail is compared with what
the exchange received.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.support.bot import ORDER, Bot
from tests.support.gateway_process import VirtualKey
from tests.support.scripted_bench import ScriptedBench, scripted_bench
from tests.support.scripted_exchange import RETRY_AFTER_S, ScriptedExchange, Way, wait_until
from tests.support.ws_bot import WsBot, ws_bot

#: How long the gateway waits for an answer here, and what an answer may take in all.
ANSWER_S: Final = 0.6
BOUND_S: Final = 4.0
PLACE, CANCEL = "POST /api/v3/order", "DELETE /api/v3/order"


@pytest.fixture(scope="module")
def bench(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedBench]:
    folder = tmp_path_factory.mktemp("faults")
    with scripted_bench(vault_home, folder, "--answer-timeout-s", str(ANSWER_S)) as made:
        yield made
        assert made.unrecorded() == []


@pytest.fixture(scope="module")
def key(bench: ScriptedBench) -> VirtualKey:
    return bench.issue()


@pytest.fixture
def bot(bench: ScriptedBench, key: VirtualKey) -> Bot:
    return Bot(bench.gateway.rest, key)


@pytest.fixture
def exchange(bench: ScriptedBench) -> Iterator[ScriptedExchange]:
    bench.exchange.hold_again()
    yield bench.exchange
    bench.exchange.release()
    assert bench.unrecorded() == []


@pytest.fixture
def session(bench: ScriptedBench, bot: Bot) -> Iterator[WsBot]:
    with ws_bot(bench.gateway.ws_api, bot.key) as connected:
        yield connected


def _named(prefix: str) -> str:
    return f"{prefix}-{time.monotonic_ns()}"


def _timed(began_s: float) -> float:
    return time.monotonic() - began_s


def _assert_unknown(status: int, code: int, began_s: float) -> None:
    assert (status, code) == (504, -1007)
    assert _timed(began_s) < BOUND_S


class Case(msgspec.Struct, frozen=True):
    """One change that got no answer.

    Attributes:
        place: Where it goes; `way` is what happens to it there.
        done: Whether the exchange carried it out.
        before: Outcomes of the order before it.
    """

    place: str
    way: Way
    done: bool
    before: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Client order id."""
        return f"{self.place.split()[-1].strip('/').replace('/', '_').replace('.', '_')[-16:]}-{self.way}-{int(self.done)}-{len(self.before)}"


CASES: Final = [
    Case(PLACE, "hold", True), Case(PLACE, "hold", False), Case(PLACE, "reset", True), Case(PLACE, "reset", False),
    Case("order.place", "hold", True), Case("order.place", "reset", True), Case("order.place", "reset", False),
    Case(CANCEL, "hold", True, ("answered",)), Case(CANCEL, "reset", True, ("answered",)),
    Case("order.cancel", "reset", True, ("answered",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def unanswered(bench: ScriptedBench, key: VirtualKey) -> dict[str, tuple[int, int, float]]:
    """What the bot was told in each case, status and code, and after how long."""
    found, bot = {}, Bot(bench.gateway.rest, key)
    for case in CASES:
        if case.before:
            assert bot.place(newClientOrderId=case.name).status == 200
        bench.exchange.hold_again()
        bench.exchange.say(case.place, case.way, done=case.done)
        began_s = time.monotonic()
        status, code = _changed(bench, bot, case)
        found[case.name] = (status, code, time.monotonic() - began_s)
        bench.exchange.release()
    return found


def _changed(bench: ScriptedBench, bot: Bot, case: Case) -> tuple[int, int]:
    params = {**ORDER, "newClientOrderId": case.name}
    if case.before:
        params = {"symbol": "BTCUSDT", "origClientOrderId": case.name}
    if case.place in {PLACE, CANCEL}:
        reply = bot.ask(*case.place.split(), **params)
        return reply.status, reply.code
    with ws_bot(bench.gateway.ws_api, bot.key) as session:
        said = session.ask(case.place, **params)
        return said["status"], said["error"]["code"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place} {case.way} {case.done}")
def test_change_without_an_answer_is_unknown_sent_once_and_found_out(
    bench: ScriptedBench,
    exchange: ScriptedExchange,
    unanswered: dict[str, tuple[int, int, float]],
    case: Case,
) -> None:
    status, code, took_s = unanswered[case.name]
    assert (status, code) == (504, -1007)
    assert took_s < BOUND_S
    sent = [one for one in exchange.at(case.place) if case.name in one.params.values()]
    assert len(sent) == 1
    if case.done or case.way == "hold":  # what was held is carried out late
        # Found out by asking, and recorded beside what was known at first.
        assert bench.settled(case.name, len(case.before) + 2) == [*case.before, "unknown", "answered"]
        assert bench.outcomes(case.name)[-1]["order_id"] == str(exchange.orders[case.name]["orderId"])
    else:
        assert bench.settled(case.name) == ["unknown"]


def test_upstreams_503_passes_untouched_and_is_an_unknown_outcome(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot, session: WsBot
) -> None:
    name, over_ws = _named("busy"), _named("ws-busy")
    exchange.say(PLACE, "busy", done=True)
    exchange.say("order.place", "busy", done=True)
    reply = bot.place(newClientOrderId=name)
    assert (reply.status, reply.code) == (503, -1000)
    assert reply.headers["X-MBX-UUID"] == "scripted"
    said = session.ask("order.place", **ORDER, newClientOrderId=over_ws)
    assert (said["status"], said["error"]["code"]) == (503, -1000)
    for one in (name, over_ws):
        assert bench.settled(one, 2) == ["unknown", "answered"]
        assert [outcome["status"] for outcome in bench.outcomes(one)] == [503, 200]


def test_retry_of_an_unknown_order_is_not_sent_again(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot
) -> None:
    name = _named("retried")
    query = bot.signed(**ORDER, newClientOrderId=name)
    exchange.say(PLACE, "reset", done=True)
    replies = [bot.send("POST", "/api/v3/order", query) for _ in range(3)]
    assert [(reply.status, reply.code) for reply in replies] == [(504, -1007)] * 3
    bench.settled(name, 2)
    assert bot.send("POST", "/api/v3/order", query).code == -1007
    assert len([one for one in exchange.at(PLACE) if one.params["newClientOrderId"] == name]) == 1


def test_dropped_keep_alive_during_a_delete_is_not_resent(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot
) -> None:
    """The connection the DELETE goes out on was used before; clients of HTTP like to send it once more."""
    names = [_named("kept") for _ in range(3)]
    for name in names:
        assert bot.place(newClientOrderId=name).status == 200
    for name in names:
        exchange.say(CANCEL, "reset", done=False)
        reply = bot.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=name)
        assert (reply.status, reply.code) == (504, -1007)
        assert len([one for one in exchange.at(CANCEL) if one.params["origClientOrderId"] == name]) == 1
        assert exchange.orders[name]["status"] == "NEW"


def test_cancel_all_that_breaks_off_half_way_says_so(
    bench: ScriptedBench, exchange: ScriptedExchange
) -> None:
    bot, names = bench.bot(), [_named("all") for _ in range(3)]
    for name in names:
        assert bot.place(newClientOrderId=name, symbol="ETHUSDT").status == 200
    exchange.say(CANCEL, "answer", done=True)
    exchange.say(CANCEL, "hold", done=True)
    began_s = time.monotonic()
    reply = bot.ask("DELETE", "/api/v3/openOrders", symbol="ETHUSDT")
    _assert_unknown(reply.status, reply.code, began_s)
    (whole,) = [one for one in bench.intents() if one["endpoint"] == "DELETE /api/v3/openOrders"]
    wait_until(
        lambda: any(one["intent"] == whole["row"] for one in bench.trail("signature:concluded")), "outcome"
    )
    concluded = [one["result"] for one in bench.trail("signature:concluded") if one["intent"] == whole["row"]]
    assert concluded == ["unknown"], "half of it was sent: not_sent would be untrue"
    assert bench.refusals(bot.key) == [], "nobody refused it"  # type: ignore[arg-type]


def test_many_at_once_while_the_upstream_hangs_end_within_a_bound(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot
) -> None:
    names, began_s = [_named("many") for _ in range(24)], time.monotonic()
    exchange.say(PLACE, "hold", done=True, times=24)
    with ThreadPoolExecutor(24) as pool:
        replies = list(pool.map(lambda name: bot.place(newClientOrderId=name), names))
    assert _timed(began_s) < BOUND_S
    assert {(reply.status, reply.code) for reply in replies} == {(504, -1007)}
    exchange.release()
    assert bot.ask("GET", "/api/v3/account").status == 200
    for name in names:
        assert bench.settled(name, 2)[-1] == "answered"


def test_read_without_an_answer_is_no_lasting_question(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot
) -> None:
    exchange.say("GET /api/v3/account", "reset")
    assert bot.ask("GET", "/api/v3/account").code == -1007
    assert bot.ask("GET", "/api/v3/account").status == 200


def test_redirect_is_not_followed(bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot) -> None:
    with ScriptedExchange().running() as other:
        exchange.elsewhere = other.rest
        exchange.say(PLACE, "redirect")
        exchange.say("GET /api/v3/account", "redirect")
        name = _named("redirected")
        for reply in (bot.place(newClientOrderId=name), bot.ask("GET", "/api/v3/account")):
            assert reply.status == 307
            assert "location" not in {header.lower() for header in reply.headers}, "the bot would follow it"
        assert other.received == []
        assert len([one for one in exchange.at(PLACE) if one.params["newClientOrderId"] == name]) == 1


def test_upstreams_429_holds_everything_back_until_it_says(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot
) -> None:
    """More requests now would get this machine's address banned."""
    exchange.say("GET /api/v3/account", "limit")
    told = bot.ask("GET", "/api/v3/account")
    assert (told.status, told.code, told.headers["Retry-After"]) == (429, -1003, str(RETRY_AFTER_S))
    before = len(exchange.at(PLACE, CANCEL, "GET /api/v3/openOrders"))
    for reply in (bot.place(), bot.ask("GET", "/api/v3/openOrders"), bench.bot().place()):
        assert (reply.status, reply.code) == (429, -1003)
        assert 1 <= int(reply.headers["retry-after"]) <= RETRY_AFTER_S
    assert len(exchange.at(PLACE, CANCEL, "GET /api/v3/openOrders")) == before
    wait_until(lambda: bot.place().status == 200, "it goes on")


def test_every_record_was_durable_before_its_signature_arrived(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot, session: WsBot
) -> None:
    """Asked at the moment of arrival, in another process than the one that wrote it."""
    missing: list[str] = []

    def look(received: Any) -> None:
        name = received.params.get("newClientOrderId", "")
        if name and not bench.intents(name):
            missing.append(received.place)

    exchange.on_signed = look
    try:
        for number in range(5):
            assert bot.place(newClientOrderId=_named(f"first-{number}")).status == 200
            said = session.ask("order.place", **ORDER, newClientOrderId=_named(f"ws-first-{number}"))
            assert said["status"] == 200, said
    finally:
        exchange.on_signed = None
    assert missing == []


def test_trail_of_all_that_is_whole(bench: ScriptedBench) -> None:
    assert bench.verified()
    assert bench.unrecorded() == []


def test_exchange_that_hangs_at_the_start_does_not_hold_it_up(
    bench: ScriptedBench, exchange: ScriptedExchange, bot: Bot
) -> None:
    """Nobody knows what time it is there, so no change is signed; then it answers, and all is well."""
    exchange.say("GET /api/v3/time", "hold", times=1_000)
    bench.gateway.kill()
    bench.start()
    again, before = Bot(bench.gateway.rest, bot.key), len(exchange.at(PLACE))
    refused = again.place()
    assert (refused.status, refused.code) == (400, -1008)
    assert "clock" in refused.json["msg"]
    assert len(exchange.at(PLACE)) == before
    exchange.release()
    wait_until(lambda: again.place().status == 200, "it goes on", wait_s=8)


def test_unreachable_upstream_is_said_and_nothing_was_sent(vault_home: Path, tmp_path: Path) -> None:
    """Nothing left this machine, so it is no unknown outcome: the bot may simply send it again."""
    with scripted_bench(vault_home, tmp_path, "--answer-timeout-s", str(ANSWER_S)) as made:
        bot = made.bot()
        assert bot.place(newClientOrderId="before").status == 200
        made.exchange.stop_listening()
        began_s = time.monotonic()
        reply = bot.place(newClientOrderId="nobody-there")
        assert (reply.status, reply.code) == (400, -1008)
        assert "upstream" in reply.json["msg"]
        assert _timed(began_s) < BOUND_S
        assert made.settled("nobody-there") == ["not_sent"]
