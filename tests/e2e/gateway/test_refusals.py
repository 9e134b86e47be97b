"""What a real gateway process refuses: replayed, stale, altered, from elsewhere, expired, revoked, too much, out of policy.

Each with the code and status that clients know, the reason in the trail, and nothing at the exchange: it remembers
everything it was sent.
"""

import base64
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.support.bot import ORDER, Bot, Reply, next_ms
from tests.support.gateway_process import VirtualKey
from tests.support.scripted_bench import ScriptedBench, scripted_bench
from tests.support.scripted_exchange import Received, wait_until
from tests.support.ws_bot import signed_params, ws_bot

from watchword.gateway.replay import TOGETHER_US

NARROW_POLICY: Final = """\
version: 1
name: narrow
permissions: [read, trade]
symbols: [BTCUSDT]
sides: [BUY]
order_types: [LIMIT, MARKET]
price_band: {worse: 1%, better: 50%}
max_order: {USDT: 1000}
max_day: {USDT: 2500}
"""
READ_POLICY: Final = "version: 1\nname: reader\npermissions: [read]\n"
PLACE, CANCEL = "/api/v3/order", "/api/v3/order"
SMALL: Final = {**ORDER, "price": "50000", "quantity": "0.01"}


@pytest.fixture(scope="module")
def bench(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedBench]:
    with scripted_bench(vault_home, tmp_path_factory.mktemp("refusals")) as made:
        yield made
        assert made.unrecorded() == []


@pytest.fixture(scope="module")
def key(bench: ScriptedBench) -> VirtualKey:
    return bench.issue()


@pytest.fixture
def bot(bench: ScriptedBench, key: VirtualKey) -> Bot:
    return Bot(bench.gateway.rest, key)


@pytest.fixture
def narrow(bench: ScriptedBench) -> Bot:
    return bench.bot(policy=NARROW_POLICY)


@contextlib.contextmanager
def _nothing_sent(bench: ScriptedBench) -> Iterator[None]:
    """Nothing that a bot asked for reaches the exchange."""
    before = len(_asked(bench))
    yield
    assert _asked(bench)[before:] == []


def _asked(bench: ScriptedBench) -> list[Received]:
    """What came to the exchange for bots."""
    return bench.asked_for_bots()


def _said(reply: Reply) -> tuple[int, int]:
    return reply.status, reply.code


def _recorded(bench: ScriptedBench, bot: Bot, place: str, rule: str, code: int) -> dict[str, Any]:
    """The refusal in the trail, once it is there."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        rows = bench.refusals(bot.key)  # type: ignore[arg-type]  # all bots here have virtual keys
        found[:] = [one for one in rows if (one["endpoint"], one["rule"], one["code"]) == (place, rule, code)]
        return bool(found)

    wait_until(look, f"refusal of {place} by {rule} with {code} in the trail", wait_s=3)
    return found[-1]


def _counted(bench: ScriptedBench, reason: str) -> int:
    """How often a reason was counted, of those before somebody is known. They are written at the end of a process."""
    return sum(one["reasons"].get(reason, 0) for one in bench.trail("requests:refused"))


# Replay.


def test_replay_of_an_order_gets_the_first_answer_and_is_sent_once(bench: ScriptedBench, bot: Bot) -> None:
    query = bot.signed(**SMALL, newClientOrderId="once")
    first, *more = [bot.send("POST", PLACE, query) for _ in range(3)]
    assert first.status == 200
    assert {one.raw for one in more} == {first.raw}
    assert (
        len(
            [
                one
                for one in bench.exchange.at("POST /api/v3/order")
                if one.params["newClientOrderId"] == "once"
            ]
        )
        == 1
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/api/v3/order"), ("POST", "/api/v3/order"), ("GET", "/api/v3/allOrders"), ("DELETE", "/api/v3/openOrders")],
)  # fmt: skip
def test_captured_read_is_no_other_request(bench: ScriptedBench, bot: Bot, method: str, path: str) -> None:
    query = bot.signed(symbol="BTCUSDT", origClientOrderId="once")
    bot.send("GET", "/api/v3/order", query)
    if method == "GET":
        time.sleep(TOGETHER_US / 1e6 + 0.1)
    with _nothing_sent(bench):
        assert _said(bot.send(method, path, query)) == (401, -1002)
    assert "sent before" in _recorded(bench, bot, f"{method} {path}", "replay", -1002)["reason"]


def test_reads_signed_in_the_same_moment_are_all_answered(bench: ScriptedBench, bot: Bot) -> None:
    """What asyncio.gather(get_account(), get_open_orders()) sends: the same bytes to two places."""
    query, before = bot.signed(), len(_asked(bench))
    assert bot.send("GET", "/api/v3/account", query).status == 200
    assert bot.send("GET", "/api/v3/openOrders", query).status == 200
    places = [one.place for one in _asked(bench)[before:]]
    assert places == ["GET /api/v3/account", "GET /api/v3/openOrders"]
    with _nothing_sent(bench):
        assert _said(bot.send("DELETE", "/api/v3/openOrders", query)) == (401, -1002)


def test_captured_test_order_is_no_order(bench: ScriptedBench, bot: Bot) -> None:
    query = bot.signed(**SMALL)
    assert bot.send("POST", "/api/v3/order/test", query).status == 200
    with _nothing_sent(bench):
        assert _said(bot.send("POST", PLACE, query)) == (401, -1002)
        # The same bytes, part of them in the body: Binance signs the two joined.
        head, _, tail = query.partition("&side=")
        assert _said(_with_body(bench, bot, f"{head}&", f"side={tail}")) == (401, -1002)


def test_refused_request_cannot_come_back_as_another(bench: ScriptedBench, narrow: Bot) -> None:
    """An order that policy refused was signed by the bot all the same."""
    query = narrow.signed(**{**SMALL, "symbol": "ETHUSDT"})
    assert narrow.send("POST", PLACE, query).code == -2010
    with _nothing_sent(bench):
        assert _said(narrow.send("POST", "/api/v3/order/test", query)) == (401, -1002)


def test_replay_is_refused_after_a_restart_and_a_kill(bench: ScriptedBench, bot: Bot) -> None:
    placed, read = (bot.signed(**SMALL, recvWindow=60_000), bot.signed(symbol="BTCUSDT", recvWindow=60_000))
    refused = bot.signed(**{**SMALL, "side": "NEITHER"}, recvWindow=60_000)
    assert bot.send("POST", PLACE, placed).status == 200
    assert bot.send("GET", "/api/v3/openOrders", read).status == 200
    assert bot.send("POST", PLACE, refused).status == 400
    _recorded(bench, bot, "POST /api/v3/order", "meaning", -2010)
    bench.gateway.kill()
    bench.start()
    again = Bot(bench.gateway.rest, bot.key)
    with _nothing_sent(bench):
        assert _said(again.send("POST", PLACE, placed)) == (504, -1007)
        assert _said(again.send("POST", "/api/v3/order/test", placed)) == (401, -1002)
        assert _said(again.send("DELETE", "/api/v3/openOrders", read)) == (401, -1002)
        assert _said(again.send("DELETE", "/api/v3/openOrders", refused)) == (401, -1002)


def test_websocket_payload_is_good_for_one_request_on_any_connection(
    bench: ScriptedBench, key: VirtualKey, bot: Bot
) -> None:
    params = signed_params(key, **SMALL, newClientOrderId="ws-once")
    with ws_bot(bench.gateway.ws_api, key) as one, ws_bot(bench.gateway.ws_api, key) as other:
        assert one.send("order.place", params)["status"] == 200
        with _nothing_sent(bench):
            retried = other.send("order.place", params)
            assert (retried["status"], retried["result"]["clientOrderId"]) == (200, "ws-once")
            for method in ("order.test", "order.cancel", "order.status", "account.status"):
                said = other.send(method, params)
                assert (said["status"], said["error"]["code"]) == (401, -1002), method
            # The sorted parameters are what REST would sign, if they were a query string.
            signature = params["signature"]
            pairs = sorted((name, value) for name, value in params.items() if name != "signature")
            by_rest = bot.send("POST", PLACE, f"{urlencode(pairs)}&signature={signature}")
            assert _said(by_rest) == (401, -1002)


def test_captured_logon_opens_no_second_session(bench: ScriptedBench) -> None:
    key = bench.issue("ED25519")
    params = _ed25519_params(key)
    with ws_bot(bench.gateway.ws_api, key) as one, ws_bot(bench.gateway.ws_api, key) as other:
        assert one.send("session.logon", params)["status"] == 200
        said = other.send("session.logon", params)
        assert said["status"] != 200
        assert other.send("session.status", {})["result"]["apiKey"] is None
        with _nothing_sent(bench):
            assert other.send("account.status", params)["status"] == 401


def test_same_order_from_many_at_once_is_sent_once(bench: ScriptedBench, bot: Bot) -> None:
    query = bot.signed(**SMALL, newClientOrderId="at-once")
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: bot.send("POST", PLACE, query), range(16)))
    assert {_said(one) for one in replies} <= {(200, 0), (504, -1007)}
    assert (200, 0) in {_said(one) for one in replies}
    sent = [
        one for one in bench.exchange.at("POST /api/v3/order") if one.params["newClientOrderId"] == "at-once"
    ]
    assert len(sent) == 1


def test_same_bytes_as_order_and_cancel_at_once_are_one_of_them(bench: ScriptedBench, bot: Bot) -> None:
    before = len(_asked(bench))
    query = bot.signed(symbol="BTCUSDT", orderId=1)
    ways = [("GET", PLACE), ("DELETE", CANCEL), ("GET", "/api/v3/allOrders"), ("GET", "/api/v3/myTrades")] * 4
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda way: bot.send(*way, query), ways))
    places = [one.place for one in _asked(bench)[before:]]
    # Reads may share their bytes for a moment; a cancel shares with nothing, and each is sent once.
    assert len(places) == len(set(places))
    assert not any(place.startswith("DELETE") for place in places) or len(places) == 1


# Stale, altered, from elsewhere, over.


@pytest.mark.parametrize(
    ("aside_ms", "more"),
    [(-5_500, {}), (-1_500, {"recvWindow": 1_000}), (2_000, {}), (-70_000, {"recvWindow": 60_000})],
)
def test_stale_and_early_requests_are_refused(
    bench: ScriptedBench, bot: Bot, aside_ms: int, more: dict[str, int]
) -> None:
    with _nothing_sent(bench):
        reply = bot.place(timestamp=next_ms() + aside_ms, **more)
        assert _said(reply) == (400, -1021)


def test_one_bit_makes_an_order_nobodys(bench: ScriptedBench, bot: Bot) -> None:
    """Every character of a signature, of a payload, of a key, with its lowest bit turned."""
    query = bot.signed(**SMALL)
    payload, _, signature = query.rpartition("&signature=")
    with _nothing_sent(bench):
        for at in range(len(signature)):
            reply = bot.send("POST", PLACE, f"{payload}&signature={_turned(signature, at)}")
            assert reply.status in {400, 401}, (at, reply)
            assert reply.code in {-1022, -1100}, (at, reply)
        for at in range(len(payload)):
            twin = quote(_turned(payload, at), safe="=&%_.~-")
            reply = bot.send("POST", PLACE, f"{twin}&signature={signature}")
            assert reply.status in {400, 401}, (at, reply)
    assert bot.send("POST", PLACE, query).status == 200, "none of them used it up"


def test_one_bit_makes_a_key_nobodys(bench: ScriptedBench, bot: Bot, key: VirtualKey) -> None:
    query = bot.signed(**SMALL)
    with _nothing_sent(bench):
        for at in range(len(key.api_key)):
            twin = VirtualKey("HMAC", key.id, _turned(key.api_key, at), key.secret)
            reply = Bot(bench.gateway.rest, twin).send("POST", PLACE, query)
            assert _said(reply) in {(401, -2015), (400, -2014), (401, -2014)}, (at, reply)


def test_one_bit_of_an_ed25519_signature(bench: ScriptedBench) -> None:
    key = bench.issue("ED25519")
    bot, query = Bot(bench.gateway.rest, key), urlencode({**SMALL, "timestamp": next_ms()})
    signature = _ed25519(key).sign(query.encode())
    with _nothing_sent(bench):
        for bit in range(0, 512, 7):
            twin = bytearray(signature)
            twin[bit // 8] ^= 1 << bit % 8
            text = quote(base64.b64encode(bytes(twin)).decode(), safe="")
            reply = bot.send("POST", PLACE, f"{query}&signature={text}")
            assert _said(reply) == (400, -1022), (bit, reply)
    text = quote(base64.b64encode(signature).decode(), safe="")
    assert bot.send("POST", PLACE, f"{query}&signature={text}").status == 200


def test_key_from_elsewhere_expired_revoked_or_unknown_is_refused(bench: ScriptedBench) -> None:
    elsewhere, short = bench.bot(ips=["192.0.2.0/24"]), bench.bot(expires="1s")
    parent = bench.issue()
    child = bench.ask("gateway", "key.issue", label="child", key_type="HMAC", parent=parent.id)
    orphan = Bot(
        bench.gateway.rest, VirtualKey("HMAC", child["key"]["id"], child["api_key"], child["secret_key"])
    )
    assert orphan.place().status == 200
    bench.ask("gateway", "key.revoke", key=parent.id)
    unknown = Bot(bench.gateway.rest, VirtualKey("HMAC", "", "W" * 64, "x" * 64))
    time.sleep(1.1)
    with _nothing_sent(bench):
        for bot in (elsewhere, short, orphan, Bot(bench.gateway.rest, parent), unknown):
            for reply in (
                bot.place(),
                bot.ask("GET", "/api/v3/account"),
                bot.ask("DELETE", CANCEL, symbol="BTCUSDT", orderId=1),
            ):
                assert _said(reply) in {(401, -2015), (401, -2014)}, reply
            with ws_bot(bench.gateway.ws_api, bot.key) as session:
                assert session.ask("order.place", **SMALL)["error"]["code"] == -2015


def test_revoked_key_ends_its_session(bench: ScriptedBench) -> None:
    key = bench.issue("ED25519")
    with ws_bot(bench.gateway.ws_api, key) as session:
        assert session.send("session.logon", _ed25519_params(key))["status"] == 200
        assert session.send("account.status", {"timestamp": str(next_ms())})["status"] == 200
        bench.ask("gateway", "key.revoke", key=key.id)
        with _nothing_sent(bench):
            said = session.send("order.place", {**SMALL, "timestamp": str(next_ms())})
            assert (said["status"], said["error"]["code"]) == (401, -2015)


# Too much.


def test_weight_over_the_keys_budget_is_refused_with_a_time_to_come_back(bench: ScriptedBench) -> None:
    _not_at_the_end_of(60)
    bot = bench.bot(weight_per_minute_max=50)
    placed = bot.place(newClientOrderId="before-the-budget")
    assert placed.status == 200
    replies = [bot.ask("GET", "/api/v3/account") for _ in range(3)]
    assert [one.status for one in replies] == [200, 200, 429]
    with _nothing_sent(bench):
        assert _said(bot.ask("GET", "/api/v3/account")) == (429, -1003)
    assert 1 <= int(replies[2].headers["retry-after"]) <= 60
    assert "Watchword budget" in replies[2].json["msg"]
    _recorded(bench, bot, "GET /api/v3/account", "budget", -1003)
    # A cancel has a reserve of its own.
    assert bot.ask("DELETE", CANCEL, symbol="BTCUSDT", origClientOrderId="before-the-budget").status == 200


def test_orders_over_the_keys_budget_are_refused(bench: ScriptedBench) -> None:
    _not_at_the_end_of(10)
    bot = bench.bot(orders_per_10s_max=2)
    assert [bot.place().status for _ in range(2)] == [200, 200]
    with _nothing_sent(bench):
        reply = bot.place()
        assert _said(reply) == (429, -1003)
        assert 1 <= int(reply.headers["retry-after"]) <= 10
    _recorded(bench, bot, "POST /api/v3/order", "budget", -1003)


# Out of policy.


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("symbols", {"symbol": "ETHUSDT"}),
        ("sides", {"side": "SELL"}),
        ("order_types", {"type": "LIMIT_MAKER", "timeInForce": None}),
        ("max_order", {"quantity": "0.0201"}),
        ("price_band", {"price": "50501", "quantity": "0.001"}),
        ("price_band", {"price": "24999", "quantity": "0.001"}),
        ("price_band", {"type": "MARKET", "quantity": "1000", "price": None, "timeInForce": None}),
        ("meaning", {"someNewParameter": "1"}),
        ("meaning", {"pegPriceType": "PRIMARY_PEG"}),
        ("meaning", {"quantity": "0"}),
    ],
)
def test_order_out_of_policy_is_refused(
    bench: ScriptedBench, narrow: Bot, rule: str, changed: dict[str, str | None]
) -> None:
    order = {name: value for name, value in {**SMALL, **changed}.items() if value is not None}
    with _nothing_sent(bench):
        reply = narrow.ask("POST", PLACE, **order)
        assert _said(reply) == (400, -2010), reply
        assert f"policy {rule}" in reply.json["msg"]
        with ws_bot(bench.gateway.ws_api, narrow.key) as session:
            said = session.ask("order.place", **order)
            assert (said["status"], said["error"]["code"]) == (400, -2010), said
    for place in ("POST /api/v3/order", "order.place"):
        row = _recorded(bench, narrow, place, rule, -2010)
        assert row["reason"].startswith(f"Watchword policy {rule}: ")
        assert row["parameters"]["symbol"] == order["symbol"]


def test_order_within_policy_is_not_refused_until_the_day_is_used_up(
    bench: ScriptedBench, narrow: Bot
) -> None:
    """Open orders count too: their worst case is reserved."""
    replies = [narrow.ask("POST", PLACE, **{**SMALL, "quantity": "0.02"}) for _ in range(3)]
    assert [one.status for one in replies] == [200, 200, 400], replies
    assert "policy max_day" in replies[2].json["msg"]
    _recorded(bench, narrow, "POST /api/v3/order", "max_day", -2010)
    with _nothing_sent(bench):
        assert narrow.ask("POST", PLACE, **{**SMALL, "quantity": "0.011"}).code == -2010
    # What is cancelled is given back.
    name = replies[0].json["clientOrderId"]
    assert narrow.ask("DELETE", CANCEL, symbol="BTCUSDT", origClientOrderId=name).status == 200
    assert narrow.ask("POST", PLACE, **{**SMALL, "quantity": "0.02"}).status == 200


def test_many_at_once_cannot_share_the_last_of_a_cap(bench: ScriptedBench, narrow: Bot) -> None:
    before = len(_asked(bench))
    assert narrow.ask("POST", PLACE, **{**SMALL, "quantity": "0.0001"}).status == 200, "the market is known"
    with ThreadPoolExecutor(16) as pool:
        replies = list(
            pool.map(lambda _: narrow.ask("POST", PLACE, **{**SMALL, "quantity": "0.015"}), range(16))
        )
    assert sorted(one.status for one in replies) == [200] * 3 + [400] * 13, "three times 750 of 2500"
    assert len(_asked(bench)[before:]) == 1 + 3


def test_cancel_out_of_policy_is_refused_as_cancels_are(bench: ScriptedBench, narrow: Bot) -> None:
    reader = bench.bot(policy=READ_POLICY)
    with _nothing_sent(bench):
        reply = reader.ask("DELETE", CANCEL, symbol="BTCUSDT", orderId=1)
        assert reply.status in {400, 401}, reply
        other = narrow.ask("DELETE", "/api/v3/openOrders", symbol="ETHUSDT")
        assert _said(other) == (400, -2011), other
    _recorded(bench, narrow, "DELETE /api/v3/openOrders", "symbols", -2011)


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        (
            "POST",
            "/sapi/v1/capital/withdraw/apply",
            {"coin": "BTC", "network": "BTC", "address": "bc1q", "amount": "1"},
        ),
        ("POST", "/sapi/v1/asset/transfer", {"type": "MAIN_MARGIN", "asset": "BTC", "amount": "1"}),
        ("POST", "/sapi/v1/convert/acceptQuote", {"quoteId": "1"}),
        ("POST", "/sapi/v1/sub-account/universalTransfer", {"amount": "1"}),
        ("DELETE", "/sapi/v1/margin/order", {"symbol": "BTCUSDT"}),
        ("PUT", "/api/v3/something/new", {"symbol": "BTCUSDT"}),
        ("POST", "/fapi/v1/order", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}),
        ("DELETE", "/fapi/v1/allOpenOrders", {"symbol": "BTCUSDT"}),
        ("POST", "/dapi/v1/order", {"symbol": "BTCUSD_PERP"}),
    ],
)
def test_change_no_policy_reads_is_refused(
    bench: ScriptedBench, bot: Bot, method: str, path: str, params: dict[str, str]
) -> None:
    with _nothing_sent(bench):
        reply = bot.ask(method, path, **params)
        assert _said(reply) == (401, -1002), reply
        unsigned = bot.send(method, path, urlencode(params))
        assert unsigned.status in {400, 401}, unsigned
    if path.startswith(("/sapi", "/api")):
        _recorded(bench, bot, f"{method} {path}", "permissions" if "withdraw" in path else "meaning", -1002)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/order/",
        "//api/v3/order",
        "/api/v3//order",
        "/api/v3/%6frder",
        "/api/v3/order;x",
        "/API/v3/order",
        "/api/v3/../v3/order",
        "/wapi/v3/withdraw.html",
    ],
)
def test_path_that_could_be_read_as_another_goes_nowhere(bench: ScriptedBench, bot: Bot, path: str) -> None:
    with _nothing_sent(bench):
        reply = bot.ask("POST", path, **SMALL)
        assert reply.status in {400, 401, 404}, reply


def test_reasons_of_those_nobody_knew_are_in_the_trail_after_the_end(bench: ScriptedBench, bot: Bot) -> None:
    """Counted while the process runs, so that junk cannot fill the disk; written when it ends, or each minute."""
    query = bot.signed(**SMALL)
    for changed in (
        _turned(query, len(query) - 1),
        bot.signed(**SMALL, timestamp=next_ms() - 6_000),
        bot.signed(**SMALL, timestamp=next_ms() + 3_000),
    ):
        assert bot.send("POST", PLACE, changed).status == 400
    bot.ask("POST", "/fapi/v1/order", **SMALL)
    gone = bench.bot()
    bench.ask("gateway", "key.revoke", key=gone.key.id)  # type: ignore[attr-defined]
    for one in (
        bench.bot(ips=["192.0.2.1"]),
        gone,
        Bot(bench.gateway.rest, VirtualKey("HMAC", "", "W" * 64, "x")),
    ):
        assert one.place().status == 401
    short = bench.bot(expires="1s")
    time.sleep(1.1)
    assert short.place().status == 401
    bench.restart()
    missing = [
        reason
        for reason in (
            "bad signature",
            "stale",
            "ahead",
            "address refused",
            "key expired",
            "revoked",
            "unknown key",
            "route",
        )
        if not _counted(bench, reason)
    ]
    assert missing == []
    assert bench.verified()


def test_nothing_of_the_virtual_key_reached_the_exchange(bench: ScriptedBench, key: VirtualKey) -> None:
    texts = "\n".join(one.text for one in bench.exchange.received)
    assert key.api_key not in texts
    assert key.secret not in texts
    assert "WWk1" not in texts


# Hands.


def _turned(text: str, at: int) -> str:
    return f"{text[:at]}{chr(ord(text[at]) ^ 1)}{text[at + 1 :]}"


def _ed25519(key: VirtualKey) -> Ed25519PrivateKey:
    found = load_pem_private_key(key.pem.encode(), None)
    assert isinstance(found, Ed25519PrivateKey)
    return found


def _ed25519_params(key: VirtualKey) -> dict[str, str]:
    params = {"apiKey": key.api_key, "timestamp": str(next_ms())}
    payload = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    return {**params, "signature": base64.b64encode(_ed25519(key).sign(payload.encode())).decode()}


def _with_body(bench: ScriptedBench, bot: Bot, query: str, body: str) -> Reply:
    import http.client

    host, _, port = bench.gateway.rest.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    with contextlib.closing(connection):
        connection.request(
            "POST",
            f"{PLACE}?{query}",
            body,
            headers={"X-MBX-APIKEY": bot.key.api_key, "Content-Type": "application/x-www-form-urlencoded"},
        )
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read())


def _not_at_the_end_of(window_s: int) -> None:
    """Wait for the next window where this one is nearly over: what is counted must stay in one."""
    left_s = window_s - time.time() % window_s
    if left_s < 3:
        time.sleep(left_s + 0.05)
