"""The WebSocket API on the gateway's port: the session, subscriptions, what is in flight when something ends."""

import asyncio
import contextlib
import json
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.support.gateway_doors import API_KEY, OTHER_KEY, DoorBench, open_bench, until_true

from watchword.binance.errors import TIMEOUT, WireError
from watchword.credentials.restriction import Restrictions
from watchword.entrypoints.gateway.ws_api import IN_FLIGHT_MAX
from watchword.gateway.messages import Answer, Inbound, Refused, Reply
from watchword.gateway.ports import Link

Socket = aiohttp.ClientWebSocketResponse


async def _call(socket: Socket, method: str, params: Any = None, request_id: Any = 1) -> Any:
    await socket.send_json({"id": request_id, "method": method, "params": params or {}})
    return await socket.receive_json(timeout=5)


async def _logged_on(bench: DoorBench, socket: Socket, api_key: str = API_KEY) -> None:
    bench.pipeline.logon_reply = bench.add_key(api_key)
    reply = await _call(socket, "session.logon", {"apiKey": api_key, "timestamp": 1, "signature": "s"})
    assert reply["status"] == 200, reply


async def _subscribed(bench: DoorBench, socket: Socket, number: int = 0, **params: str) -> None:
    bench.pipeline.reply = Answer(status=200, body=b'{"subscriptionId":%d}' % number)
    method = "userDataStream.subscribe.signature" if params else "userDataStream.subscribe"
    assert (await _call(socket, method, params))["result"] == {"subscriptionId": number}


async def test_request_reaches_the_pipeline_and_its_answer_comes_back() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        bench.pipeline.reply = Answer(
            status=200, body=b'{"orderId":7}', rate_limits=b'[{"rateLimitType":"REQUEST_WEIGHT"}]'
        )
        params = {"apiKey": API_KEY, "symbol": "BTCUSDT", "price": 1.50, "signature": "s", "timestamp": 5}
        text = json.dumps({"id": "a-1", "method": "v3/order.place", "params": params}).replace("1.5", "1.50")
        await socket.send_str(text)
        reply = await socket.receive_json(timeout=5)
        assert reply == {
            "id": "a-1",
            "status": 200,
            "result": {"orderId": 7},
            "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT"}],
        }
        asked = bench.pipeline.asked[0]
        assert (asked.door, asked.path, asked.api_key, asked.signature, asked.logged_on) == (
            "ws", "order.place", API_KEY, "s", False,
        )  # fmt: skip
        assert asked.params["price"] == "1.50"
        assert "apiKey" not in asked.params
        assert asked.payloads == (f"apiKey={API_KEY}&price=1.50&symbol=BTCUSDT&timestamp=5".encode(),)
        assert bench.pipeline.links == bench.sessions


async def test_error_of_the_upstream_comes_back_untouched() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        bench.pipeline.reply = Answer(status=400, body=b'{"code":-2013,"msg":"Order does not exist."}')
        reply = await _call(socket, "order.status", request_id=None)
        assert reply == {
            "id": None,
            "status": 400,
            "error": {"code": -2013, "msg": "Order does not exist."},
            "rateLimits": [],
        }


async def test_refusal_carries_the_limits_the_upstream_said_last() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        bench.pipeline.reply = Answer(status=200, body=b"{}", rate_limits=b'[{"count":3}]')
        await _call(socket, "ping")
        bench.pipeline.reply = Refused(WireError(-2010, "Watchword rate: too many"), "rate")
        reply = await _call(socket, "order.place")
        assert reply["error"] == {"code": -2010, "msg": "Watchword rate: too many"}
        assert reply["rateLimits"] == [{"count": 3}]
        assert "rateLimits" not in await _call(socket, "order.place", {"returnRateLimits": False})


@pytest.mark.parametrize("request_id", ["6-f_A", 9223372036854775807, -3, None, 0])
async def test_id_is_echoed_to_the_letter(request_id: Any) -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        assert (await _call(socket, "ping", request_id=request_id))["id"] == request_id


async def test_logged_on_session_signs_for_its_requests() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _logged_on(bench, socket)
        await _call(socket, "order.place", {"symbol": "BTCUSDT", "timestamp": 5})
        asked = bench.pipeline.asked[-1]
        assert (asked.logged_on, asked.api_key, asked.payloads) == (True, API_KEY, ())
        own = {"apiKey": OTHER_KEY, "signature": "x", "timestamp": 5}
        await _call(socket, "order.place", own)
        assert (bench.pipeline.asked[-1].logged_on, bench.pipeline.asked[-1].api_key) == (False, OTHER_KEY)
        status = await _call(socket, "session.status")
        assert status["result"]["apiKey"] == API_KEY
        assert (await _call(socket, "session.logout"))["result"]["apiKey"] is None
        await _call(socket, "order.place", {"timestamp": 5})
        assert (bench.pipeline.asked[-1].logged_on, bench.pipeline.asked[-1].api_key) == (False, None)


async def test_refused_logon_leaves_the_session_out() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        bench.pipeline.logon_reply = Refused(WireError(-4056, "HMAC_SHA256 API key is not supported."), "x")
        reply = await _call(socket, "session.logon", {"apiKey": API_KEY, "signature": "s"})
        assert reply["error"]["code"] == -4056
        assert (await _call(socket, "session.status"))["result"]["apiKey"] is None


async def test_subscription_without_logon_is_refused_here() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        assert (await _call(socket, "userDataStream.subscribe"))["error"]["code"] == -1002
        assert bench.pipeline.asked == []


async def test_events_of_a_subscription_reach_the_client_but_not_those_of_others() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _logged_on(bench, socket)
        await _subscribed(bench, socket, 3)
        assert bench.pipeline.asked[-1].params["timestamp"]
        link = bench.sessions[0]
        link.event(3, b'{"e":"executionReport","c":"HIDDEN"}')
        link.event(9, b'{"e":"executionReport","c":"nobody asked"}')
        link.event(3, b'{"e":"executionReport","c":"mine"}')
        assert await socket.receive_json(timeout=5) == {
            "subscriptionId": 3,
            "event": {"e": "executionReport", "c": "mine"},
        }
        assert (await _call(socket, "session.subscriptions"))["result"] == [{"subscriptionId": 3}]


async def test_event_without_a_subscription_is_shown_only_if_it_is_about_the_connection() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _call(socket, "ping")
        link = bench.sessions[0]
        link.event(None, b'{"e":"executionReport","c":"somebody\'s"}')
        link.event(None, b'{"e":"serverShutdown","E":1}')
        assert await socket.receive_json(timeout=5) == {"event": {"e": "serverShutdown", "E": 1}}


async def test_event_that_comes_before_the_answer_is_shown_after_it() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _logged_on(bench, socket)

        async def early(_inbound: Inbound, _link: Link) -> Reply:
            bench.sessions[0].event(1, b'{"e":"balanceUpdate"}')
            await asyncio.sleep(0)
            return Answer(status=200, body=b'{"subscriptionId":1}')

        bench.pipeline.handling = early
        assert (await _call(socket, "userDataStream.subscribe"))["result"] == {"subscriptionId": 1}
        assert (await socket.receive_json(timeout=5))["event"] == {"e": "balanceUpdate"}


async def test_revoked_key_loses_session_and_subscriptions_at_once() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _logged_on(bench, socket)
        await _subscribed(bench, socket, 0)
        bench.keys.forget(API_KEY)
        ended = await socket.receive_json(timeout=5)
        assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
        link = bench.sessions[0]
        await until_true(lambda: link.sent)
        assert (link.sent[0].path, link.sent[0].params) == (
            "userDataStream.unsubscribe",
            {"subscriptionId": "0"},
        )
        link.event(0, b'{"e":"executionReport"}')
        refused = await _call(socket, "order.place", {"timestamp": 5}, request_id=8)
        assert (refused["id"], refused["error"]["code"]) == (None, -2015)
        assert (await _call(socket, "session.status"))["result"]["apiKey"] is None


async def test_key_that_expires_loses_its_subscription_at_the_next_sweep() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        bench.add_key(OTHER_KEY, restrictions=Restrictions(expires_us=bench.now_us() + 300_000))
        await _subscribed(bench, socket, 5, apiKey=OTHER_KEY, signature="s")
        ended = await socket.receive_json(timeout=5)
        assert (ended["subscriptionId"], ended["event"]["e"]) == (5, "eventStreamTerminated")


async def test_key_revoked_while_it_subscribes_gets_nothing() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        bench.add_key(OTHER_KEY)

        async def revoked_meanwhile(_inbound: Inbound, _link: Link) -> Reply:
            bench.keys.forget(OTHER_KEY)
            return Answer(status=200, body=b'{"subscriptionId":4}')

        bench.pipeline.handling = revoked_meanwhile
        await socket.send_json(
            {
                "id": 1,
                "method": "userDataStream.subscribe.signature",
                "params": {"apiKey": OTHER_KEY, "signature": "s"},
            }
        )
        told = [await socket.receive_json(timeout=5) for _ in range(2)]
        assert [one.get("error", {}).get("code") for one in told] == [None, -2015]
        await until_true(lambda: bench.sessions[0].sent)


async def test_logout_ends_what_the_session_opened_and_nothing_else() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _logged_on(bench, socket)
        await _subscribed(bench, socket, 0)
        bench.add_key(OTHER_KEY)
        await _subscribed(bench, socket, 1, apiKey=OTHER_KEY, signature="s")
        await socket.send_json({"id": 2, "method": "session.logout"})
        assert (await socket.receive_json(timeout=5))["event"]["e"] == "eventStreamTerminated"
        assert (await socket.receive_json(timeout=5))["result"]["userDataStream"] is True


async def test_broken_upstream_answers_what_is_in_flight_then_closes() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        release = asyncio.Event()

        async def broken(_inbound: Inbound, _link: Link) -> Reply:
            await release.wait()
            return Refused(TIMEOUT, "unknown")

        bench.pipeline.handling = broken
        await socket.send_json({"id": 1, "method": "order.place", "params": {}})
        await until_true(lambda: bench.pipeline.asked)
        bench.sessions[0].ended("reset")
        await asyncio.sleep(0.05)
        release.set()
        reply = await socket.receive_json(timeout=5)
        assert (reply["status"], reply["error"]["code"]) == (504, -1007)
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_connection_that_leaves_lets_its_requests_end_before_the_upstream_is_left() -> None:
    async with open_bench() as bench:
        release = asyncio.Event()

        async def slow(_inbound: Inbound, _link: Link) -> Reply:
            await release.wait()
            return Answer(status=200, body=b"{}")

        bench.pipeline.handling = slow
        socket = await bench.ws("/ws-api/v3")
        await socket.send_json({"id": 1, "method": "order.place", "params": {}})
        await until_true(lambda: bench.pipeline.asked)
        await socket.close()
        await asyncio.sleep(0.1)
        assert not bench.sessions[0].closed
        release.set()
        await until_true(lambda: bench.sessions[0].closed)
        assert bench.door.api_sessions == set()


async def test_more_requests_than_may_be_in_flight_wait_their_turn() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        release, most = asyncio.Event(), 0
        now = 0

        async def slow(_inbound: Inbound, _link: Link) -> Reply:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await release.wait()
            now -= 1
            return Answer(status=200, body=b"{}")

        bench.pipeline.handling = slow
        total = IN_FLIGHT_MAX + 200
        for number in range(total):
            await socket.send_json({"id": number, "method": "ping"})
        await until_true(lambda: now == IN_FLIGHT_MAX)
        release.set()
        seen = {(await socket.receive_json(timeout=5))["id"] for _ in range(total)}
        assert (most, seen) == (IN_FLIGHT_MAX, set(range(total)))


async def test_time_unit_of_the_connection_is_the_upstreams() -> None:
    async with open_bench() as bench:
        async with await bench.ws("/ws-api/v3?timeUnit=MICROSECOND&returnRateLimits=false") as socket:
            status = await _call(socket, "session.status")
            assert status["result"]["serverTime"] > 10**15
            assert "rateLimits" not in status
        assert bench.sessions[0].query == "timeUnit=MICROSECOND"
        async with await bench.ws("/ws-api/v3"):
            assert bench.sessions[1].query == ""


async def test_unreadable_request_is_refused_and_counted() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await socket.send_str("{")
        reply = await socket.receive_json(timeout=5)
        assert (reply["id"], reply["error"]["code"]) == (None, -1135)
        assert bench.refusals == [("unreadable request", "127.0.0.1")]


async def test_fault_of_ours_is_an_unknown_outcome() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:

        async def broken(_inbound: Inbound, _link: Link) -> Reply:
            raise RuntimeError("of ours")

        bench.pipeline.handling = broken
        reply = await _call(socket, "order.place")
        assert (reply["status"], reply["error"]["code"]) == (504, -1007)


async def test_end_of_the_process_is_announced() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _call(socket, "ping")
        bench.until.set()
        assert (await socket.receive_json(timeout=5))["event"]["e"] == "serverShutdown"
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/ws-api/v3", "evil.example", 403),
        ("/ws-api/v4", "localhost", 404),
        ("/ws-api/v3?timeUnit=x", "localhost", 400),
    ],
)
async def test_handshake_that_may_not_be_is_refused(path: str, host: str, status: int) -> None:
    async with open_bench() as bench:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await bench.ws(path, Host=host)
        assert refused.value.status == status
        assert bench.sessions == []


async def test_web_page_of_elsewhere_opens_no_socket() -> None:
    async with open_bench() as bench:
        for path in ("/ws-api/v3", "/ws/btcusdt@trade"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await bench.ws(path, Origin="https://evil.example")
            assert refused.value.status == 403
        assert bench.sessions == []
        async with await bench.ws("/ws-api/v3", Origin=bench.addresses["rest"]):
            pass


async def test_sockets_are_opened_no_faster_than_the_upstream_takes_them() -> None:
    async with open_bench(messages_per_second_max=5) as bench:
        assert 0 < bench.door.openings_max < 300
        bench.door.openings_max = 2
        for _ in range(2):
            await (await bench.ws("/ws-api/v3")).close()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await bench.ws("/ws-api/v3")
        assert refused.value.status == 429
        assert bench.refusals == [("too many websockets", "127.0.0.1")]


async def test_ids_of_a_subscription_are_what_the_upstream_says() -> None:
    async with open_bench() as bench, await bench.ws("/ws-api/v3") as socket:
        await _logged_on(bench, socket)
        bench.pipeline.reply = Answer(status=400, body=b'{"code":-2035,"msg":"active"}')
        assert (await _call(socket, "userDataStream.subscribe"))["error"]["code"] == -2035
        with contextlib.suppress(msgspec.DecodeError):
            bench.pipeline.reply = Answer(status=200, body=b"{}")
            assert (await _call(socket, "userDataStream.subscribe"))["result"] == {}
        assert (await _call(socket, "session.subscriptions"))["result"] == []
