"""Market streams passed through: frames as they are, bounded both ways, ends that are told."""

import asyncio

import pytest
from tests.support.fake_upstreams import sessions, until, ws_upstream
from websockets.asyncio.server import ServerConnection

from watchword.adapters.upstream import streams
from watchword.adapters.upstream.streams import StreamLink, is_stream_target
from watchword.gateway.messages import Unanswered


class Client:
    """What a client would see."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.ends: list[tuple[int, str]] = []

    def closed(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))


async def test_frames_pass_both_ways_untouched() -> None:
    received: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"a" : 1,\n"\\u00e9":"é"}')
        received.extend([await connection.recv(), await connection.recv()])
        await connection.wait_closed()

    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = StreamLink(
            session, "/stream?streams=btcusdt@trade/bnb@depth&timeUnit=x", client.texts.append, client.closed
        )
        assert await link.open() is None
        assert link.forward(b'{"method": "SUBSCRIBE"}')
        assert link.forward("é".encode())
        await until(lambda: len(received) == 2 and client.texts)
        await link.close()
    assert upstream.paths == ["/stream?streams=btcusdt@trade/bnb@depth&timeUnit=x"]
    assert client.texts == ['{"a" : 1,\n"\\u00e9":"é"}'.encode()]
    assert received == ['{"method": "SUBSCRIBE"}', "é"]
    assert client.ends == []


@pytest.mark.parametrize(("sent", "told"), [(1008, 1008), (1001, 1001), (1000, 1000)])
async def test_end_is_told_with_the_upstreams_code(sent: int, told: int) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(sent)

    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = StreamLink(session, "/ws/btcusdt@trade", client.texts.append, client.closed)
        assert await link.open() is None
        await until(lambda: client.ends)
        await link.close()
    assert [code for code, _ in client.ends] == [told]


async def test_torn_connection_is_told_with_a_code_that_may_be_sent() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = StreamLink(session, "/ws", client.texts.append, client.closed)
        assert await link.open() is None
        await until(lambda: client.ends)
        await link.close()
    assert [code for code, _ in client.ends] == [1011]


async def test_reader_that_pauses_gets_no_more_and_the_upstream_must_wait() -> None:
    sent = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal sent
        for _ in range(100_000):
            await connection.send("x" * 10_000)
            sent += 1

    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]

        def take(text: bytes) -> None:
            client.texts.append(text)
            link.pause()

        link = StreamLink(session, "/ws", take, client.closed)
        assert await link.open() is None
        await until(lambda: client.texts)
        await asyncio.sleep(0.2)
        held = sent
        await asyncio.sleep(0.2)
        assert len(client.texts) == 1
        assert sent == held < 10_000
        link.resume()
        await until(lambda: len(client.texts) > 1)
        await link.close()


async def test_client_faster_than_the_upstream_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        link = StreamLink(session, "/ws", client.texts.append, client.closed)
        assert await link.open() is None
        taken = sum(link.forward(b"x") for _ in range(1_000))
        await link.close()
    assert taken == streams.OUTGOING_MAX


async def test_connection_refused_is_said() -> None:
    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.refusal = (429, {})
        link = StreamLink(session, "/ws/secret-token", client.texts.append, client.closed)
        failed = await link.open()
    assert isinstance(failed, Unanswered)
    assert "429" in failed.reason
    assert "secret" not in failed.reason
    assert client.ends == []


async def test_redirect_is_not_followed() -> None:
    client = Client()
    async with ws_upstream() as other, ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.refusal = (302, {"Location": other.addresses.streams.replace("ws://", "http://") + "/ws"})
        failed = await StreamLink(session, "/ws", client.texts.append, client.closed).open()
    assert isinstance(failed, Unanswered)
    assert other.paths == []


async def test_fault_of_the_receiver_ends_the_stream() -> None:
    client = Client()

    def fail(text: bytes) -> None:
        raise ValueError("a fault of ours")

    async def handler(connection: ServerConnection) -> None:
        await connection.send("x")
        await connection.wait_closed()

    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        upstream.handler = handler  # type: ignore[method-assign]
        link = StreamLink(session, "/ws", fail, client.closed)
        assert await link.open() is None
        await until(lambda: client.ends)
        await link.close()
    assert [code for code, _ in client.ends] == [1011]


@pytest.mark.parametrize(
    "target", ["/ws", "/ws/", "/ws/btcusdt@trade", "/stream", "/stream?streams=a/b", "/ws/%E8%BF%99@trade"]
)
def test_target_of_streams_is_one(target: str) -> None:
    assert is_stream_target(target)


@pytest.mark.parametrize(
    "target",
    ["", "ws", "/", "/wsx", "/streams", "/ws-api/v3", "//evil/ws", "@evil/ws", "/ws/../ws-api/v3", "/ws a", "/ws\r\nx",
     "/ws#x", "/ws/\\x", "/ws/\u00e9", "/ws\x00"],
)  # fmt: skip
async def test_target_that_leads_elsewhere_is_refused(target: str) -> None:
    client = Client()
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        failed = await StreamLink(session, target, client.texts.append, client.closed).open()
    assert isinstance(failed, Unanswered)
    assert upstream.paths == []
