"""The WebSocket API over real sockets: sessions, signatures, events, many requests in flight, revoked keys."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from tests.support.doors import TRADER, Doors, call, open_doors

from watchword.credentials.key_directory import KeyTerms
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.entrypoints.sockets.connection import Connection
from watchword.exchange.commands import PlaceOrder

ORDER = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "60000",
}


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


async def test_reply_echoes_the_id_and_shows_limits(doors: Doors) -> None:
    socket = await doors.ws("/ws-api/v3")
    reply = await call(socket, "time", request_id="abc-1")
    assert reply["id"] == "abc-1"
    assert reply["status"] == 200
    # Connecting cost 2.
    assert reply["rateLimits"] == [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 3}
    ]
    assert "rateLimits" not in await call(socket, "time", {"returnRateLimits": False})


async def test_rate_limits_can_be_hidden_for_the_whole_connection(doors: Doors) -> None:
    socket = await doors.ws("/ws-api/v3?returnRateLimits=false")
    assert "rateLimits" not in await call(socket, "ping")
    assert "rateLimits" in await call(socket, "ping", {"returnRateLimits": True})


async def test_time_unit_of_the_url_is_used(doors: Doors) -> None:
    socket = await doors.ws("/ws-api/v3?timeUnit=MICROSECOND")
    assert len(str((await call(socket, "v3/time"))["result"]["serverTime"])) == 16
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await doors.ws("/ws-api/v3?timeUnit=fortnight")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "code"),
    [("nonsense", -1135), ("[]", -1135), ('{"id":1}', -1135), ('{"id":1,"method":"no.such"}', -1020),
     ('{"id":1,"method":"userDataStream.start"}', -1020), ('{"id":1,"method":"order.place"}', -1102)],
)  # fmt: skip
async def test_request_unusable_is_refused_and_the_connection_lives(
    doors: Doors, text: str, code: int
) -> None:
    socket = await doors.ws("/ws-api/v3")
    await socket.send_str(text)
    reply = await socket.receive_json(timeout=5)
    assert (reply["status"], reply["error"]["code"]) == (400, code)
    assert "rateLimits" in reply
    assert (await call(socket, "ping"))["status"] == 200


async def test_signed_request_needs_its_signature(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    socket = await doors.ws("/ws-api/v3")
    good = doors.ws_params(key, **ORDER, recvWindow=10_000.5)
    assert (await call(socket, "order.place", good))["status"] == 200
    flipped = {**good, "signature": ("0" if good["signature"][0] != "0" else "1") + good["signature"][1:]}
    reply = await call(socket, "order.place", flipped)
    assert (reply["status"], reply["error"]["code"]) == (400, -1022)


async def test_session_logon_is_for_ed25519_only(doors: Doors) -> None:
    account_id = await doors.account("alice")
    socket = await doors.ws("/ws-api/v3")
    reply = await call(socket, "session.logon", doors.ws_params(doors.key(account_id)))
    assert (reply["status"], reply["error"]["code"]) == (400, -4056)
    assert reply["error"]["msg"] == "HMAC_SHA256 API key is not supported."
    key = doors.key(account_id, "ED25519")
    status = (await call(socket, "session.logon", doors.ws_params(key)))["result"]
    assert status["apiKey"] == key.api_key
    assert status["userDataStream"] is False
    placed = await call(socket, "order.place", {**ORDER, "timestamp": doors.now_ms()})
    assert placed["status"] == 200
    assert [row["rateLimitType"] for row in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
    assert (await call(socket, "order.place", ORDER))["error"]["code"] == -1102
    status = (await call(socket, "session.logout"))["result"]
    assert (status["apiKey"], status["authorizedSince"]) == (None, None)
    reply = await call(socket, "order.place", {**ORDER, "timestamp": doors.now_ms()})
    assert reply["error"]["code"] == -1102


async def test_own_key_on_one_request_overrides_the_session(doors: Doors) -> None:
    alice, bob = await doors.account("alice"), await doors.account("bob")
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "session.logon", doors.ws_params(doors.key(alice, "ED25519")))
    reply = await call(socket, "account.status", doors.ws_params(doors.key(bob)))
    assert reply["result"]["uid"] == bob


async def test_many_requests_in_flight_reach_the_engine_in_order(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"), "ED25519")
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "session.logon", doors.ws_params(key))
    seen: list[str] = []
    doors.testnet.sequencer.listeners.append(
        lambda command, _applied: (
            seen.append(command.client_order_id) if isinstance(command, PlaceOrder) else None
        )
    )
    names = [f"n{number}" for number in range(150)]
    for name in names:
        order = {**ORDER, "quantity": "0.01", "newClientOrderId": name, "timestamp": doors.now_ms()}
        await socket.send_json({"id": name, "method": "order.place", "params": order})
    replies = [await socket.receive_json(timeout=5) for _ in names]
    assert {reply["status"] for reply in replies} == {200}
    assert seen == names
    assert sorted(reply["id"] for reply in replies) == sorted(names)


async def test_user_data_of_taker_and_maker_arrive_in_order(doors: Doors) -> None:
    maker, taker = await doors.account("maker"), await doors.account("taker")
    maker_key, taker_key = doors.key(maker), doors.key(taker)
    socket = await doors.ws("/ws-api/v3")
    for number, key in enumerate((maker_key, taker_key)):
        reply = await call(socket, "userDataStream.subscribe.signature", doors.ws_params(key))
        assert reply["result"] == {"subscriptionId": number}
    await doors.signed(maker_key, "POST", "/api/v3/order", **ORDER)
    assert [_short(await _event(socket)) for _ in range(2)] == [
        (0, "executionReport", "NEW", "NEW"), (0, "outboundAccountPosition", None, None),
    ]  # fmt: skip
    await doors.signed(
        taker_key, "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="IOC",
        quantity="1.5", price="60000",
    )  # fmt: skip
    events = [await _event(socket) for _ in range(6)]
    assert [_short(event) for event in events if event["subscriptionId"] == 1] == [
        (1, "executionReport", "NEW", "NEW"),
        (1, "executionReport", "TRADE", "PARTIALLY_FILLED"),
        (1, "executionReport", "EXPIRED", "EXPIRED"),
        (1, "outboundAccountPosition", None, None),
    ]
    assert [_short(event) for event in events if event["subscriptionId"] == 0] == [
        (0, "executionReport", "TRADE", "FILLED"), (0, "outboundAccountPosition", None, None),
    ]  # fmt: skip
    ids = [event["event"]["I"] for event in events if event["event"]["e"] == "executionReport"]
    assert len(set(ids)) == len(ids)
    expired = next(event["event"] for event in events if event["event"].get("x") == "EXPIRED")
    assert expired["eR"] == "UNFILLED_IOC_QUANTITY_EXPIRED"
    assert (expired["z"], expired["w"]) == ("1.00000000", False)


async def test_cancel_report_carries_both_ids(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "userDataStream.subscribe.signature", doors.ws_params(key))
    await doors.signed(key, "POST", "/api/v3/order", **ORDER, newClientOrderId="mine")
    await doors.signed(
        key, "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="gone"
    )
    events = [(await _event(socket))["event"] for _ in range(4)]
    canceled = events[2]
    assert (canceled["x"], canceled["c"], canceled["C"]) == ("CANCELED", "gone", "mine")


async def test_deposit_is_told_as_balance_update(doors: Doors) -> None:
    account_id = await doors.account("alice")
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "userDataStream.subscribe.signature", doors.ws_params(doors.key(account_id)))
    await doors.deposit(account_id, "BTC", 2)
    first, second = (await _event(socket))["event"], (await _event(socket))["event"]
    assert (first["e"], first["a"], first["d"]) == ("balanceUpdate", "BTC", "2.00000000")
    assert second["B"] == [{"a": "BTC", "f": "1002.00000000", "l": "0.00000000"}]


async def test_order_list_is_told_as_list_status(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    other = doors.key(await doors.account("bob"))
    await doors.signed(key, "POST", "/api/v3/order", **{**ORDER, "quantity": "0.1", "price": "50000"})
    await doors.signed(
        other, "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1"
    )
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "userDataStream.subscribe.signature", doors.ws_params(key))
    status, _, body = await doors.signed(
        key, "POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="1", aboveType="LIMIT_MAKER",
        abovePrice="60000", belowType="STOP_LOSS", belowStopPrice="40000",
    )  # fmt: skip
    assert status == 200, body
    events = [(await _event(socket))["event"] for _ in range(4)]
    told = [event for event in events if event["e"] == "listStatus"]
    assert len(told) == 1
    assert (told[0]["c"], told[0]["l"], told[0]["L"]) == ("OCO", "EXEC_STARTED", "EXECUTING")
    assert [leg["i"] for leg in told[0]["O"]] == [order["orderId"] for order in body["orders"]]


async def test_subscription_ends_with_a_last_event(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"), "ED25519")
    socket = await doors.ws("/ws-api/v3")
    assert (await call(socket, "userDataStream.subscribe"))["status"] == 401
    await call(socket, "session.logon", doors.ws_params(key))
    assert (await call(socket, "userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    assert (await call(socket, "userDataStream.subscribe"))["error"]["code"] == -2035
    assert (await call(socket, "session.subscriptions"))["result"] == [{"subscriptionId": 0}]
    assert (await call(socket, "session.status"))["result"]["userDataStream"] is True
    await socket.send_json({"id": 1, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}})
    ended = await socket.receive_json(timeout=5)
    assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
    assert (await socket.receive_json(timeout=5))["result"] == {}
    assert (await call(socket, "userDataStream.unsubscribe", {"subscriptionId": 0}))["result"] == {}
    assert (await call(socket, "userDataStream.unsubscribe", {"subscriptionId": "x"}))["error"][
        "code"
    ] == -1100
    assert (await call(socket, "userDataStream.unsubscribe"))["error"]["code"] == -2036
    assert (await call(socket, "userDataStream.subscribe"))["result"] == {"subscriptionId": 1}
    await socket.send_json({"id": 1, "method": "session.logout"})
    assert (await socket.receive_json(timeout=5))["event"]["e"] == "eventStreamTerminated"


async def test_key_revoked_ends_session_and_subscriptions(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"), "ED25519", TRADER)
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "session.logon", doors.ws_params(key))
    await call(socket, "userDataStream.subscribe")
    doors.testnet.directory.delete(key.api_key)
    ended = await socket.receive_json(timeout=5)
    assert ended["event"]["e"] == "eventStreamTerminated"
    refused = await call(socket, "account.status", {"timestamp": doors.now_ms()}, request_id=7)
    assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 401, -2015)
    assert (await call(socket, "session.status"))["result"]["apiKey"] is None


@pytest.mark.parametrize("change", ["address", "expiry"])
async def test_key_narrowed_or_expired_ends_session_and_subscriptions(doors: Doors, change: str) -> None:
    directory = doors.testnet.directory
    key = doors.key(await doors.account("alice"), "ED25519", TRADER)
    other = doors.key(await doors.account("bob"), "HMAC", TRADER)
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "session.logon", doors.ws_params(key))
    await call(socket, "userDataStream.subscribe")
    await call(socket, "userDataStream.subscribe.signature", doors.ws_params(other))
    now_us = doors.clock.now_us()
    if change == "address":
        elsewhere = read_networks(["192.0.2.0/24"])
        assert isinstance(elsewhere, tuple)
        directory.edit(key.api_key, KeyTerms("", TRADER, Restrictions(elsewhere)), now_us)
    else:
        directory.edit(
            key.api_key, KeyTerms("", TRADER, Restrictions(expires_us=now_us + 60_000_000)), now_us
        )
        doors.clock.move(61)
    ended = await socket.receive_json(timeout=5)
    assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
    refused = await call(socket, "account.status", {"timestamp": doors.now_ms()}, request_id=7)
    assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 401, -2015)
    assert (await call(socket, "session.subscriptions"))["result"] == [{"subscriptionId": 1}]


async def test_limit_reached_says_when_to_come_back() -> None:
    async with open_doors(limits_scale=0.01) as doors:
        doors.clock.move(61 - doors.clock.now_us() % 60_000_000 / 1_000_000)
        socket = await doors.ws("/ws-api/v3")
        reply: Any = None
        for _ in range(59):
            reply = await call(socket, "ping")
        assert reply["status"] == 429
        assert reply["error"]["code"] == -1003
        assert reply["error"]["data"]["retryAfter"] % 60_000 == 0
        assert reply["error"]["data"]["retryAfter"] > reply["error"]["data"]["serverTime"]


async def test_binary_frame_closes_the_connection(doors: Doors) -> None:
    socket = await doors.ws("/ws-api/v3")
    await socket.send_bytes(b"{}")
    assert (await socket.receive(timeout=5)).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    assert socket.close_code == 1003


async def test_empty_fragments_are_not_kept(doors: Doors) -> None:
    socket = await doors.ws("/ws-api/v3")
    writer = socket._writer
    await writer.send_frame(b'{"id":1,"me', aiohttp.WSMsgType.TEXT)
    assert (await socket.receive_json(timeout=5))["error"]["code"] == -1135
    connection = next(c for c in doors.door.sockets if isinstance(c, Connection))
    # Raw frames: aiohttp sends whole messages only. A first fragment, many empty ones, the last.
    transport = writer.transport
    transport.write(b"\x01\x82\0\0\0\0{}" + b"\x00\x80\0\0\0\0" * 5_000)
    await call_later_turns()
    assert len(connection._fragments) == 1
    transport.write(b"\x80\x80\0\0\0\0")
    assert (await socket.receive_json(timeout=5))["error"]["code"] == -1135


async def call_later_turns() -> None:
    """Let the server take what was written."""
    await asyncio.sleep(0.2)


async def test_shutdown_is_announced(doors: Doors) -> None:
    api, raw, combined = await doors.ws("/ws-api/v3"), await doors.ws("/ws"), await doors.ws("/stream")
    await asyncio.sleep(0.05)
    doors.until.set()
    assert (await api.receive_json(timeout=5))["event"]["e"] == "serverShutdown"
    assert (await raw.receive_json(timeout=5))["e"] == "serverShutdown"
    wrapped = await combined.receive_json(timeout=5)
    assert (wrapped["stream"], wrapped["data"]["e"]) == ("!serverShutdown", "serverShutdown")
    assert (await api.receive(timeout=5)).type == aiohttp.WSMsgType.CLOSE


async def _event(socket: aiohttp.ClientWebSocketResponse) -> Any:
    while True:
        message = await socket.receive_json(timeout=5)
        if "event" in message:
            return message


def _short(message: Any) -> tuple[Any, ...]:
    event = message["event"]
    return message["subscriptionId"], event["e"], event.get("x"), event.get("X")


async def test_prevented_match_is_told_once_with_its_letters(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "userDataStream.subscribe.signature", doors.ws_params(key))
    await doors.signed(key, "POST", "/api/v3/order", **ORDER)
    for _ in range(2):
        await _event(socket)
    status, _, body = await doors.signed(
        key, "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.4",
        price="60000", selfTradePreventionMode="EXPIRE_TAKER",
    )  # fmt: skip
    assert (status, body["status"]) == (200, "EXPIRED_IN_MATCH")
    new, prevented, position = [(await _event(socket))["event"] for _ in range(3)]
    assert (new["x"], position["e"]) == ("NEW", "outboundAccountPosition")
    assert (prevented["x"], prevented["X"], prevented["w"]) == ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", False)
    assert (prevented["A"], prevented["B"], prevented["pL"]) == ("0.40000000", "0.40000000", "60000.00000000")
    assert (prevented["Cs"], prevented["v"]) == ("BTCUSDT", body["preventedMatchId"])
    assert {"u", "U", "pl", "pY"} <= prevented.keys()


async def test_triggered_stop_is_told_as_new_on_the_book(doors: Doors) -> None:
    alice, bob = doors.key(await doors.account("alice")), doors.key(await doors.account("bob"))
    limit = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    for side, key in (("SELL", alice), ("BUY", bob)):
        await doors.signed(key, "POST", "/api/v3/order", side=side, price="50000", **limit)
    socket = await doors.ws("/ws-api/v3")
    await call(socket, "userDataStream.subscribe.signature", doors.ws_params(alice))
    status, _, body = await doors.signed(
        alice, "POST", "/api/v3/order", symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC",
        quantity="1", price="48000", stopPrice="49000",
    )  # fmt: skip
    assert status == 200, body
    waiting = (await _event(socket))["event"]
    assert (waiting["x"], waiting["w"], waiting["P"]) == ("NEW", False, "49000.00000000")
    assert "W" not in waiting
    await _event(socket)
    for side, key in (("BUY", bob), ("SELL", bob)):
        price = {"price": "48500", "selfTradePreventionMode": "NONE"}
        status, _, body = await doors.signed(key, "POST", "/api/v3/order", side=side, **price, **limit)
        assert status == 200, body
    triggered = (await _event(socket))["event"]
    assert (triggered["x"], triggered["w"], triggered["i"]) == ("NEW", True, waiting["i"])
    assert triggered["W"] >= waiting["T"]
    assert triggered["I"] > waiting["I"]
