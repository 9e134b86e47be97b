"""The WebSocket API towards the upstream: own ids, matched answers, events, and what is said when it breaks."""

import asyncio
import json

import pytest
from tests.support.fake_upstreams import WsUpstream, sessions, until, ws_upstream
from websockets.asyncio.server import ServerConnection

from watchword.adapters.upstream import ws_link
from watchword.adapters.upstream.ws_link import WsApiLink
from watchword.gateway.messages import Answer, Outbound, Unanswered

PLACE = Outbound(method="", path="order.place", params={"symbol": "BTCUSDT", "price": "0.10"}, changes=True)


def _handle(upstream: WsUpstream, *replies: str) -> None:
    """Answer each request with texts in which ID stands for its id; no text at all closes the connection."""

    async def handler(connection: ServerConnection) -> None:
        async for text in connection:
            request = json.loads(text)
            upstream.requests.append(request)
            for reply in replies:
                await connection.send(reply.replace("ID", str(request["id"])))
            if not replies:
                await connection.close(1012)

    upstream.handler = handler  # type: ignore[method-assign]


async def test_request_and_answer_pass_as_they_are() -> None:
    answer_text = '{"id":ID,"status":200,"result":{"orderId": 1,  "x":"\\u00e9"},"rateLimits":[{"count": 1}]}'
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        _handle(upstream, answer_text)
        link = WsApiLink(session, query="timeUnit=MICROSECOND")
        answer = await link.send(PLACE)
        await link.close()
    assert upstream.requests == [
        {"id": 1, "method": "order.place", "params": {"symbol": "BTCUSDT", "price": "0.10"}}
    ]
    assert upstream.paths == ["/ws-api/v3?timeUnit=MICROSECOND"]
    assert isinstance(answer, Answer)
    assert answer.body == b'{"orderId": 1,  "x":"\\u00e9"}'
    assert (answer.status, answer.rate_limits) == (200, b'[{"count": 1}]')
    assert answer.elapsed_us > 0


async def test_error_is_an_answer() -> None:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        _handle(upstream, '{"id":ID,"status":400,"error":{"code":-2010,"msg":"no"}}')
        link = WsApiLink(session)
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.rate_limits) == (400, b'{"code":-2010,"msg":"no"}', b"")


async def test_answers_out_of_order_find_their_requests() -> None:
    async def handler(connection: ServerConnection) -> None:
        texts = [json.loads(await connection.recv()) for _ in range(3)]
        for request in reversed(texts):
            await connection.send(
                json.dumps({"id": request["id"], "status": 200, "result": request["params"]["n"]})
            )
        await connection.wait_closed()

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session)
        asked = [Outbound(method="", path="ping", params={"n": str(number)}) for number in range(3)]
        answers = await asyncio.gather(*[link.send(each) for each in asked])
        await link.close()
    assert [answer.body for answer in answers if isinstance(answer, Answer)] == [b'"0"', b'"1"', b'"2"']
    assert len(upstream.connections) == 1


async def test_events_are_handed_on_and_noise_is_not() -> None:
    events: list[tuple[int | None, bytes]] = []
    noise = ("nonsense", "[]", '{"id":999,"status":200,"result":1}', '{"id":null,"status":401,"error":{"code":-2015}}',
        '{"id":"1","status":200,"result":"not ours"}')  # fmt: skip
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        _handle(
            upstream, *noise, '{"subscriptionId":3,"event":{"e":"executionReport"}}', '{"event":{"e":"serverShutdown"}}',
            '{"id":ID,"status":200,"result":{"subscriptionId":3}}',
        )  # fmt: skip
        link = WsApiLink(session, on_event=lambda number, event: events.append((number, event)))
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(answer, Answer)
    assert answer.body == b'{"subscriptionId":3}'
    assert events == [(3, b'{"e":"executionReport"}'), (None, b'{"e":"serverShutdown"}')]


async def test_broken_connection_leaves_everything_in_flight_unknown() -> None:
    reasons: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        for _ in range(2):
            await connection.recv()
        await connection.close(1012)

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session, on_closed=reasons.append)
        answers = await asyncio.gather(link.send(PLACE), link.send(PLACE))
        after = await link.send(PLACE)
        await link.close()
    assert [isinstance(answer, Unanswered) and answer.sent for answer in answers] == [True, True]
    assert isinstance(after, Unanswered)
    assert not after.sent
    assert reasons == ["the upstream closed the connection with 1012"]
    assert len(upstream.connections) == 1


async def test_connection_torn_down_is_unknown_too() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session)
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(answer, Unanswered)
    assert answer.sent


async def test_no_answer_in_time_is_unknown_and_the_connection_goes_on() -> None:
    async def handler(connection: ServerConnection) -> None:
        first = json.loads(await connection.recv())
        second = json.loads(await connection.recv())
        for request in (first, second):
            await connection.send(
                json.dumps({"id": request["id"], "status": 200, "result": request["method"]})
            )
        await connection.wait_closed()

    async with ws_upstream() as upstream, sessions(upstream.addresses, answer_s=0.1) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session)
        late = await link.send(PLACE)
        answer = await link.send(Outbound(method="", path="ping"))
        await link.close()
    assert isinstance(late, Unanswered)
    assert late.sent
    assert isinstance(answer, Answer)
    assert answer.body == b'"ping"'


async def test_no_connection_means_certainly_not_sent_and_the_next_call_tries_again() -> None:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.refusal = (503, {})
        link = WsApiLink(session)
        refused = await link.send(PLACE)
        upstream.refusal = None
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(refused, Unanswered)
    assert not refused.sent
    assert "503" in refused.reason
    assert isinstance(answer, Answer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_handshake_follows_no_redirect(status: int) -> None:
    async with ws_upstream() as other, ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.refusal = (status, {"Location": other.addresses.ws_api.replace("ws://", "http://")})
        link = WsApiLink(session)
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(answer, Unanswered)
    assert not answer.sent
    assert other.paths == []


async def test_many_first_requests_share_one_connection() -> None:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        link = WsApiLink(session)
        answers = await asyncio.gather(*[link.send(PLACE) for _ in range(50)])
        await link.close()
    assert all(isinstance(answer, Answer) for answer in answers)
    assert len(upstream.connections) == 1
    assert len({request["id"] for request in upstream.requests}) == 50


async def test_caller_that_goes_away_does_not_take_the_connection_along() -> None:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        link = WsApiLink(session)
        gone = asyncio.create_task(link.send(PLACE))
        staying = asyncio.create_task(link.send(PLACE))
        await asyncio.sleep(0)
        gone.cancel()
        answer = await staying
        await link.close()
    assert isinstance(answer, Answer)
    assert gone.cancelled() or gone.cancelling()


async def test_requests_in_flight_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws_link, "PENDING_MAX", 2)

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session)
        await link.open()
        waiting = [asyncio.create_task(link.send(PLACE)) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await link.send(PLACE)
        await link.close()
        answers = await asyncio.gather(*waiting)
    assert refused == Unanswered(sent=False, reason="too many requests are on their way")
    assert all(isinstance(answer, Unanswered) and answer.sent for answer in answers)


async def test_close_before_the_connection_stands_opens_none() -> None:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        link = WsApiLink(session)
        sending = asyncio.create_task(link.send(PLACE))
        await asyncio.sleep(0)
        await link.close()
        answer = (await asyncio.gather(sending, return_exceptions=True))[0]
    assert link.closed
    assert isinstance(answer, Unanswered)
    assert not answer.sent


async def test_pings_of_the_upstream_are_answered() -> None:
    latencies: list[float] = []

    async def handler(connection: ServerConnection) -> None:
        request = json.loads(await connection.recv())
        latencies.append(await (await connection.ping()))
        await connection.send(json.dumps({"id": request["id"], "status": 200, "result": {}}))
        await connection.wait_closed()

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session)
        assert isinstance(await link.send(PLACE), Answer)
        await link.close()
    assert latencies


async def test_silent_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws_link, "HEARTBEAT_S", 0.1)
    reasons: list[str] = []
    ended = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()  # type: ignore[attr-defined]  # a selector transport has it
        await ended.wait()

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = WsApiLink(session, on_closed=reasons.append)
        assert await link.open() is None
        await until(lambda: reasons)
        await link.close()
        ended.set()
    assert link.closed


async def test_event_callback_that_fails_ends_the_connection_and_says_so() -> None:
    reasons: list[str] = []

    def fail(number: int | None, event: bytes) -> None:
        raise ValueError("a fault of ours")

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        _handle(upstream, '{"subscriptionId":0,"event":{}}')
        link = WsApiLink(session, on_event=fail, on_closed=reasons.append)
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(answer, Unanswered)
    assert answer.sent
    assert len(reasons) == 1


@pytest.mark.parametrize("query", ["a b", "a\r\nHost: evil", "a#b", "\u00e9"])
async def test_query_that_cannot_be_written_opens_nothing(query: str) -> None:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        link = WsApiLink(session, query=query)
        answer = await link.send(PLACE)
        await link.close()
    assert isinstance(answer, Unanswered)
    assert not answer.sent
    assert upstream.paths == []
