"""The connection to the upstream over real sockets: what is an answer, what is none, and when it is not used again."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.support.fake_upstreams import (
    HttpUpstream,
    Seen,
    http_answer,
    http_upstream,
    self_signed,
    sessions,
    until,
)

from watchword.adapters.upstream import http_link
from watchword.adapters.upstream.http_link import HttpLink
from watchword.adapters.upstream.http_pool import HttpPool, PoolBounds
from watchword.gateway.messages import Answer, Outbound, Unanswered

DELETE: Final = Outbound(method="DELETE", path="/api/v3/order", query=b"symbol=BTCUSDT", changes=True)
READ: Final = Outbound(method="GET", path="/api/v3/time")
OK: Final = b"HTTP/1.1 200 OK\r\n"
BOUNDS: Final = PoolBounds(connections_max=4, connect_s=1.0, answer_s=2.0)


@asynccontextmanager
async def answering(
    *pieces: bytes | float, answer_s: float = 1.0
) -> AsyncIterator[tuple[HttpUpstream, HttpLink]]:
    """An upstream that answers each request with these bytes, waiting where a number stands."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
                upstream.seen.append(Seen(upstream.connections, method, target, [], b""))
                for piece in pieces:
                    if isinstance(piece, float):
                        await asyncio.sleep(piece)
                    elif piece == b"FIN":
                        writer.close()
                    elif piece == b"RST":
                        await _reset(writer)
                    else:
                        writer.write(piece)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    upstream = HttpUpstream()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with sessions(base, answer_s=answer_s) as session:
        yield upstream, HttpLink(session)
    server.close()


async def _reset(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.02)
    # What was sent before must have been read: a reset throws away what was not.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "pieces",
    [
        (b"RST",),
        (b"FIN",),
        (OK + b"Content-Le", b"RST"),
        (OK + b"Content-Length: 5\r\n\r\nhel", b"FIN"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", b"FIN"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"FIN"),
        (OK + b"\r\nhello", b"RST"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"FIN"),
        (b"nonsense",),
        (b"\x16\x03\x01" * 100,),
        (b"HTTP/3.9 200 OK\r\nContent-Length: 0\r\n\r\n",),
        (b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",),
        (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",),
        (OK + b"Content-Length: -1\r\n\r\n",),
        (OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",),
        (OK + b"X: " + b"a" * 100_000,),
        (OK + b"X: " + b"a" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",),
        (OK + b"A: b\r\n" * 200 + b"Content-Length: 0\r\n\r\n",),
        (OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + OK + b"Content-Length: 0\r\n\r\n",),
        (5.0,),
    ],
)
async def test_what_is_no_whole_answer_is_unknown_and_sent_once(pieces: tuple[bytes | float, ...]) -> None:
    async with answering(*pieces, answer_s=0.4) as (upstream, link):
        answer = await link.send(DELETE)
        assert isinstance(answer, Unanswered)
        assert answer.sent
        assert link.in_flight == 0
        assert len(upstream.seen) == 1


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((OK + b"Content-Length: 5\r\n\r\nhello",), b"hello"),
        ((*[bytes([each]) for each in OK + b"Content-Length: 5\r\n\r\n"], 0.001, b"hel", 0.001, b"lo"), b"hello"),
        ((OK + b"Transfer-Encoding: Chunked \r\n\r\n5;a=b\r\nhello\r\n", 0.001, b"1\r\n!\r\n0\r\nLate: 1\r\n\r\n"), b"hello!"),
        ((b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 3, 0.001, OK + b"Content-Length: 1\r\n\r\na"), b"a"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b""),
        ((b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",), b""),
        ((OK + b"\r\nhel", 0.001, b"lo", b"FIN"), b"hello"),
        ((b"HTTP/1.0 200 OK\r\n\r\n", b"FIN"), b""),
        ((OK + b"Content-Length: 5\r\n\r\n", 0.05, b"h", 0.05, b"e", 0.05, b"l", 0.05, b"lo"), b"hello"),
    ],
)  # fmt: skip
async def test_answers_of_all_kinds_are_read_whole(pieces: tuple[bytes | float, ...], body: bytes) -> None:
    async with answering(*pieces) as (_, link):
        for _ in range(2):
            answer = await link.send(READ)
            assert isinstance(answer, Answer)
            assert answer.body == body
            assert answer.headers == ()


async def test_body_that_trickles_is_given_up_in_time() -> None:
    async with answering(OK + b"Content-Length: 99\r\n\r\n", *[b"x", 0.05] * 99, answer_s=0.3) as (_, link):
        began_s = asyncio.get_running_loop().time()
        answer = await link.send(READ)
        took_s = asyncio.get_running_loop().time() - began_s
    assert isinstance(answer, Unanswered)
    assert answer.sent
    assert 0.25 < took_s < 1.0


@pytest.mark.parametrize(
    "chunk",
    [b"1\r\nx\r\n" * 1_000, b"1000\r\n" + b"x" * 4_096 + b"\r\n", b"1;" + b"e" * 60_000 + b"\r\nx\r\n"],
)
async def test_endless_chunks_are_given_up(chunk: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_link, "ANSWER_BYTES_MAX", 30_000)
    pieces = [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 400]
    async with answering(*pieces, answer_s=5.0) as (_, link):
        answer = await link.send(READ)
    assert isinstance(answer, Unanswered)
    assert "large" in answer.reason


@pytest.mark.parametrize("tail", [b"garbage", b"H", OK + b"Content-Length: 4\r\n\r\nevil", b"\x00"])
@pytest.mark.parametrize("pause", [0.0, 0.02])
async def test_bytes_behind_an_answer_close_the_connection(tail: bytes, pause: float) -> None:
    """They would be taken for the answer to the next request."""
    async with answering(OK + b"Content-Length: 4\r\n\r\ngood", *([pause] if pause else []), tail) as (
        upstream,
        link,
    ):
        for number in range(3):
            answer = await link.send(READ)
            assert isinstance(answer, Answer)
            assert answer.body == b"good"
            assert upstream.connections == number + 1
            await asyncio.sleep(2 * pause)


@pytest.mark.parametrize("header", [b"Connection: close\r\n", b"connection: Close, x\r\n"])
async def test_connection_the_upstream_will_close_is_not_used_again(header: bytes) -> None:
    async with answering(OK + header + b"Content-Length: 0\r\n\r\n") as (upstream, link):
        for _ in range(3):
            assert isinstance(await link.send(READ), Answer)
    assert upstream.connections == 3


async def test_caller_who_gives_up_takes_the_connection_with_it() -> None:
    """Its answer must not become that of the next request."""

    async def late(seen: Seen) -> bytes:
        await asyncio.sleep(0.1 if seen.target.endswith("slow") else 0)
        return http_answer(seen.target.encode())

    async with http_upstream() as upstream, sessions(upstream.base) as session:
        upstream.script = late
        link = HttpLink(session)
        slow = asyncio.create_task(link.send(Outbound(method="GET", path="/api/v3/slow")))
        await until(lambda: upstream.seen)
        slow.cancel()
        await asyncio.wait((slow,))
        answer = await link.send(Outbound(method="GET", path="/api/v3/next"))
        await asyncio.sleep(0.12)
        again = await link.send(Outbound(method="GET", path="/api/v3/again"))
    assert isinstance(answer, Answer)
    assert isinstance(again, Answer)
    assert (answer.body, again.body) == (b"/api/v3/next", b"/api/v3/again")
    assert upstream.connections == 2


async def test_idle_and_old_connections_are_closed_by_us() -> None:
    async with http_upstream() as upstream:
        for idle_s, age_s in ((0.1, 60.0), (60.0, 0.1)):
            bounds = PoolBounds(connections_max=4, connect_s=1.0, answer_s=0.4, idle_s=idle_s, age_s=age_s)
            pool = HttpPool(upstream.base, ssl.create_default_context(), bounds)
            connection = await pool.connect()
            assert not isinstance(connection, Unanswered)
            loop = asyncio.get_running_loop()
            request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            assert isinstance(await connection.ask(request, loop.time() + 1, 1_000), Answer)
            assert pool.take(loop.time() + 0.2) is None
            assert not connection.usable
            another = await pool.connect()
            assert not isinstance(another, Unanswered)
            pool.idle(another)
            await until(lambda another=another: not another.usable, 2.0)
            pool.close()


async def test_places_of_a_full_pool_go_on_in_order_and_none_is_lost() -> None:
    async def slow(seen: Seen) -> bytes | None:
        await asyncio.sleep(0.002)
        return None if seen.target.endswith("7") else http_answer(seen.target.encode())

    async def ask(number: int) -> Answer | Unanswered:
        request = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number
        connection = pool.take(loop.time()) or await pool.connect()
        assert not isinstance(connection, Unanswered)
        return await connection.ask(request, loop.time() + 1, 1_000)

    loop = asyncio.get_running_loop()
    async with http_upstream() as upstream:
        upstream.script = slow
        pool = HttpPool(upstream.base, ssl.create_default_context(), BOUNDS)
        tasks = [asyncio.create_task(ask(number)) for number in range(300)]
        await asyncio.sleep(0.01)
        for task in tasks[200:250]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        pool.close()
    for number, answer in enumerate(answers):
        if 200 <= number < 250:
            assert isinstance(answer, asyncio.CancelledError)
        elif number % 10 == 7:
            assert isinstance(answer, Unanswered)
        else:
            assert isinstance(answer, Answer)
            assert answer.body == b"/%d" % number
    assert upstream.connections <= 4 + 30


async def test_end_of_the_session_ends_what_waits() -> None:
    async with answering(60.0) as (upstream, link):
        waiting = asyncio.create_task(link.send(DELETE))
        await until(lambda: upstream.seen)
        await link._session.close()
        answer, late = await waiting, await link.send(DELETE)
    assert isinstance(answer, Unanswered)
    assert answer.sent
    assert late == Unanswered(sent=False, reason="the gateway is stopping")


async def test_deaf_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_upstream() as upstream:
        pool = HttpPool(upstream.base, ssl.create_default_context(), BOUNDS)
        port = int(upstream.base.rpartition(":")[2])
        tried: list[str] = []
        open_one = pool._open_one

        async def names(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(0, 0, 0, "", ("192.0.2.1", port)), (0, 0, 0, "", ("127.0.0.1", port))]

        async def open_any(address: str) -> object:
            tried.append(address)
            return await (asyncio.sleep(60) if address == "192.0.2.1" else open_one(address))

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names)
        monkeypatch.setattr(pool, "_open_one", open_any)
        for _ in range(2):
            assert not isinstance(await pool.connect(), Unanswered)
        pool.close()
    assert tried == ["192.0.2.1", "127.0.0.1", "127.0.0.1"]


async def test_answer_without_a_length_over_tls_is_unknown(tmp_path: Path) -> None:
    """Anybody on the way can close a TCP connection; what was cut off must not pass for all there was."""
    authority, tls = self_signed(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with sessions(base, ca_file=authority) as session:
        answer = await HttpLink(session).send(READ)
    server.close()
    assert isinstance(answer, Unanswered)
    assert answer.sent


async def test_tls_offers_http_1_1_alone(tmp_path: Path) -> None:
    authority, tls = self_signed(tmp_path)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    async with http_upstream(tls) as upstream, sessions(upstream.base, ca_file=authority) as session:
        pool = session.pool(upstream.base)
        connection = await pool.connect()
        assert not isinstance(connection, Unanswered)
        assert connection._transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert connection._transport.get_extra_info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
