"""REST to the upstream over real sockets: sent once, as it was made, to nobody else; and what is said when it breaks."""

import asyncio
import gzip
from pathlib import Path

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
from watchword.adapters.upstream.http_link import HttpLink, retry_after_s
from watchword.adapters.upstream.session import UpstreamSession
from watchword.binance.upstreams import Addresses
from watchword.gateway.messages import Answer, Outbound, Unanswered

ORDER = Outbound(
    method="POST", path="/api/v3/order", query=b"symbol=%E8%BF%99&x=%2b%2B&signature=a%2Fb%3D", api_key="A" * 64, changes=True
)  # fmt: skip
READ = Outbound(method="GET", path="/api/v3/time")


async def test_request_arrives_byte_for_byte() -> None:
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Answer)
    [seen] = upstream.seen
    assert (seen.method, seen.target) == ("POST", "/api/v3/order?" + ORDER.query.decode())
    assert seen.body == b""
    assert seen.header("X-MBX-APIKEY") == "A" * 64
    assert seen.header("Content-Length") == "0"
    assert {name.lower() for name, _ in seen.headers} == {
        "host",
        "content-length",
        "x-mbx-apikey",
        "user-agent",
    }


async def test_unsigned_request_passes_with_body_and_headers() -> None:
    passing = ((b"Content-Type", b"application/x-www-form-urlencoded"), (b"X-MBX-TIME-UNIT", b"MICROSECOND"),
        (b"Accept-Encoding", b"gzip"), (b"User-Agent", b"bot/1"))  # fmt: skip
    request = Outbound(method="PUT", path="/api/v3/x", body=b"a=1", passing=passing)
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        await HttpLink(session).send(request)
    [seen] = upstream.seen
    assert seen.body == b"a=1"
    assert seen.header("content-type") == "application/x-www-form-urlencoded"
    assert seen.header("x-mbx-time-unit") == "MICROSECOND"
    assert [value for name, value in seen.headers if name.lower() == "user-agent"] == ["bot/1"]
    assert seen.header("X-MBX-APIKEY") is None


@pytest.mark.parametrize(
    "name", [b"Host", b"X-MBX-APIKEY", b"x-mbx-apikey", b"Connection", b"Content-Length", b"Cookie", b"Transfer-Encoding",
        b"Authorization"],
)  # fmt: skip
async def test_header_that_belongs_to_the_connection_does_not_pass(name: bytes) -> None:
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        await HttpLink(session).send(Outbound(method="GET", path="/api/v3/time", passing=((name, b"evil"),)))
    assert "evil" not in [value for _, value in upstream.seen[0].headers]


@pytest.mark.parametrize(
    "request_",
    [
        Outbound(method="GET", path="//evil.example/"),
        Outbound(method="GET", path="/api/v3/time", query=b"a=1 HTTP/1.1\r\nHost: evil"),
        Outbound(method="GET", path="/api/v3/time", query=b"a=1#b"),
        Outbound(method="GET", path="/api/v3/time", query="a=ä".encode()),
        Outbound(method="BREW", path="/api/v3/time"),
        Outbound(method="GET", path="/api/v3/time", api_key="a\r\nHost: evil"),
        Outbound(method="GET", path="/api/v3/time", passing=((b"X-A", b"b\r\nHost: evil"),)),
        Outbound(method="GET", path="/api/v3/time", passing=((b"X A", b"b"),)),
    ],
)
async def test_request_that_is_none_is_certainly_not_sent(request_: Outbound) -> None:
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        answer = await HttpLink(session).send(request_)
    assert isinstance(answer, Unanswered)
    assert not answer.sent
    assert upstream.connections == 0


async def test_answer_comes_back_untouched() -> None:
    body = gzip.compress(b'{"code":-1121,"msg":"Invalid symbol."}')

    async def script(seen: Seen) -> bytes:
        return http_answer(body, "400 Bad Request", (
            ("Content-Type", "application/json;charset=UTF-8"), ("Content-Encoding", "gzip"), ("x-mbx-used-weight-1m", "7"),
            ("Set-Cookie", "a=b"), ("Connection", "keep-alive"), ("Retry-After", "3")))  # fmt: skip

    async with http_upstream() as upstream, sessions(upstream.base) as session:
        upstream.script = script
        answer = await HttpLink(session).send(READ)
        await HttpLink(session).send(READ)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (400, body)
    assert [name.lower() for name, _ in answer.headers] == [
        b"content-type", b"content-encoding", b"x-mbx-used-weight-1m", b"retry-after"]  # fmt: skip
    assert answer.elapsed_us > 0
    assert upstream.seen[1].header("Cookie") is None
    assert upstream.connections == 1


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_redirect_is_an_answer_and_is_not_followed(status: str) -> None:
    async def script(seen: Seen) -> bytes:
        return http_answer(b"", status, (("Location", f"http://127.0.0.1:{other_port}/stolen"),))

    async with http_upstream() as other, http_upstream() as upstream, sessions(upstream.base) as session:
        other_port = int(other.base.rpartition(":")[2])
        upstream.script = script
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Answer)
    assert answer.status == int(status[:3])
    assert len(upstream.seen) == 1
    assert other.connections == 0


async def _drop_second(seen: Seen) -> bytes | None:
    """Answer the first request of the first connection, drop the next; a new connection would be answered."""
    return http_answer() if seen.connection > 1 or seen.target.endswith("first") else None


async def _delete_on_dropped_connection(
    session: UpstreamSession, upstream: HttpUpstream, method: str
) -> Answer | Unanswered:
    link = HttpLink(session)
    upstream.script = _drop_second
    await link.send(Outbound(method="GET", path="/api/v3/first"))
    return await link.send(Outbound(method=method, path="/api/v3/order", changes=True))


@pytest.mark.parametrize("method", ["DELETE", "PUT", "GET", "POST"])
async def test_request_on_a_dropped_kept_connection_is_sent_once(method: str) -> None:
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        answer = await _delete_on_dropped_connection(session, upstream, method)
    assert isinstance(answer, Unanswered)
    assert answer.sent
    assert [seen.target for seen in upstream.seen].count("/api/v3/order") == 1


async def test_kept_connection_closed_meanwhile_is_replaced() -> None:
    """The upstream closed an idle connection and we know: that is no reason to be in doubt."""

    async def script(seen: Seen) -> bytes:
        return http_answer()

    async with http_upstream() as upstream, sessions(upstream.base) as session:
        link = HttpLink(session)
        upstream.script = _drop_second
        await link.send(Outbound(method="GET", path="/api/v3/first"))
        await link.send(Outbound(method="GET", path="/api/v3/second"))
        upstream.script = script
        answer = await link.send(ORDER)
    assert isinstance(answer, Answer)


async def test_silence_after_sending_is_unknown_after_the_timeout() -> None:
    async def hang(seen: Seen) -> bytes | None:
        await asyncio.sleep(60)
        return None

    async with http_upstream() as upstream, sessions(upstream.base, answer_s=0.15) as session:
        upstream.script = hang
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Unanswered)
    assert answer.sent
    assert len(upstream.seen) == 1


async def test_answer_cut_off_half_way_is_unknown() -> None:
    async def half(seen: Seen) -> bytes | None:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{" if seen.target.endswith("order") else None

    async with http_upstream() as upstream, sessions(upstream.base, answer_s=0.3) as session:
        upstream.script = half
        answer = await HttpLink(session).send(Outbound(method="DELETE", path="/api/v3/order"))
    assert isinstance(answer, Unanswered)
    assert answer.sent


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100_000])
async def test_answer_that_is_no_http_is_unknown(garbage: bytes) -> None:
    async def script(seen: Seen) -> bytes:
        return garbage

    async with http_upstream() as upstream, sessions(upstream.base, answer_s=0.3) as session:
        upstream.script = script
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Unanswered)
    assert answer.sent


async def test_nobody_listening_means_certainly_not_sent() -> None:
    async with http_upstream() as upstream:
        base = upstream.base
    async with sessions(base) as session:
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Unanswered)
    assert not answer.sent


async def test_waiting_for_the_pool_in_vain_means_certainly_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(seen: Seen) -> bytes | None:
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr("watchword.adapters.upstream.session.HTTP_CONNECTIONS_MAX", 1)
    async with http_upstream() as upstream, sessions(upstream.base, answer_s=1.0, connect_s=0.1) as session:
        upstream.script = hang
        link = HttpLink(session)
        first = asyncio.create_task(link.send(READ))
        await until(lambda: upstream.seen)
        answer = await link.send(ORDER)
        first.cancel()
        await asyncio.wait((first,))
    assert isinstance(answer, Unanswered)
    assert not answer.sent
    assert link.in_flight == 0


async def test_too_many_in_flight_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_link, "IN_FLIGHT_MAX", 0)
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        answer = await HttpLink(session).send(ORDER)
    assert answer == Unanswered(sent=False, reason="too many requests are on their way")


async def test_answer_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(seen: Seen) -> bytes:
        return http_answer(b"x" * 400_000)

    monkeypatch.setattr(http_link, "ANSWER_BYTES_MAX", 100_000)
    async with http_upstream() as upstream, sessions(upstream.base) as session:
        upstream.script = script
        answer = await HttpLink(session).send(READ)
    assert isinstance(answer, Unanswered)
    assert answer.sent


async def test_chunked_answer_is_whole() -> None:
    async def script(seen: Seen) -> bytes:
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"

    async with http_upstream() as upstream, sessions(upstream.base) as session:
        upstream.script = script
        answer = await HttpLink(session).send(READ)
    assert isinstance(answer, Answer)
    assert answer.body == b"hello world"
    assert answer.headers == ()


async def test_futures_paths_go_to_their_own_host() -> None:
    async with http_upstream() as spot, http_upstream() as futures:
        addresses = Addresses(spot.base, "ws://127.0.0.1:1", "ws://127.0.0.1:1", futures.base, futures.base)
        async with sessions(addresses) as session:
            for path in ("/api/v3/time", "/fapi/v1/time", "/sapi/v1/x", "/dapi/v1/time"):
                await HttpLink(session).send(Outbound(method="GET", path=path))
    assert [seen.target for seen in spot.seen] == ["/api/v3/time", "/sapi/v1/x"]
    assert [seen.target for seen in futures.seen] == ["/fapi/v1/time", "/dapi/v1/time"]


async def test_environment_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_upstream() as proxy, http_upstream() as upstream:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)
        async with sessions(upstream.base) as session:
            await HttpLink(session).send(READ)
    assert proxy.connections == 0
    assert len(upstream.seen) == 1


async def test_certificate_nobody_vouches_for_means_certainly_not_sent(tmp_path: Path) -> None:
    _, tls = self_signed(tmp_path)
    async with http_upstream(tls) as upstream, sessions(upstream.base) as session:
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Unanswered)
    assert not answer.sent
    assert upstream.seen == []


async def test_certificate_of_a_trusted_authority_is_accepted(tmp_path: Path) -> None:
    authority, tls = self_signed(tmp_path)
    async with http_upstream(tls) as upstream, sessions(upstream.base, ca_file=authority) as session:
        assert isinstance(await HttpLink(session).send(ORDER), Answer)


async def test_certificate_for_another_address_is_refused(tmp_path: Path) -> None:
    authority, tls = self_signed(tmp_path, "127.0.0.2")
    async with http_upstream(tls) as upstream, sessions(upstream.base, ca_file=authority) as session:
        answer = await HttpLink(session).send(ORDER)
    assert isinstance(answer, Unanswered)
    assert not answer.sent


async def test_many_at_once_each_get_their_own_answer() -> None:
    async def echo(seen: Seen) -> bytes:
        await asyncio.sleep(0.001)
        return http_answer(seen.target.encode())

    async with http_upstream() as upstream, sessions(upstream.base) as session:
        upstream.script = echo
        link = HttpLink(session)
        paths = [f"/api/v3/{number}" for number in range(200)]
        answers = await asyncio.gather(*[link.send(Outbound(method="GET", path=path)) for path in paths])
    assert [answer.body for answer in answers if isinstance(answer, Answer)] == [
        path.encode() for path in paths
    ]
    assert upstream.connections <= 128


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(200, (), 0), (429, ((b"Retry-After", b"7"),), 7), (418, ((b"retry-after", b"120"),), 120), (429, (), 60),
     (418, ((b"Retry-After", b"soon"),), 60), (429, ((b"Retry-After", b"9" * 50),), 3 * 86_400), (500, (), 0)],
)  # fmt: skip
def test_retry_after_is_read(status: int, headers: tuple[tuple[bytes, bytes], ...], seconds: int) -> None:
    assert retry_after_s(Answer(status=status, body=b"", headers=headers)) == seconds
