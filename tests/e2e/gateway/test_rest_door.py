"""REST on the gateway's port: what the pipeline is told, what of its answers comes back, and who is not let in."""

import asyncio
import contextlib
from typing import Any

import pytest
from tests.support.gateway_doors import API_KEY, OK, DoorBench, open_bench, until_true
from tests.support.raw_sockets import RawSocket
from yarl import URL

from watchword.binance.errors import WireError
from watchword.gateway.messages import Answer, Inbound, Refused, Reply
from watchword.gateway.ports import Link


async def _get(bench: DoorBench, target: str, method: str = "GET", **more: Any) -> tuple[int, Any, bytes]:
    url = URL(bench.addresses["rest"] + target, encoded=True)
    async with bench.client.request(method, url, **more) as reply:
        return reply.status, reply.headers, await reply.read()


async def test_request_reaches_the_pipeline_as_it_was_received() -> None:
    async with open_bench() as bench:
        await _get(
            bench,
            "/api/v3/order?symbol=BTCUSDT&signature=a%2Bb%3D",
            "POST",
            data=b"side=BUY&x=%20y",
            headers={"X-MBX-APIKEY": API_KEY, "X-MBX-TIME-UNIT": "MICROSECOND", "Accept": "text/plain"},
        )
        asked = bench.pipeline.asked[0]
        assert (asked.door, asked.method, asked.path, asked.ip) == (
            "rest",
            "POST",
            "/api/v3/order",
            "127.0.0.1",
        )
        assert asked.params == {"symbol": "BTCUSDT", "signature": "a+b=", "side": "BUY", "x": " y"}
        assert (asked.raw_query, asked.raw_body) == (
            b"symbol=BTCUSDT&signature=a%2Bb%3D",
            b"side=BUY&x=%20y",
        )
        assert asked.payloads == (b"symbol=BTCUSDTside=BUY&x=%20y",)
        assert (asked.signature, asked.api_key, asked.logged_on) == ("a+b=", API_KEY, False)
        assert bench.pipeline.links == [bench.rest_link]


async def test_only_headers_about_the_answer_go_upstream() -> None:
    async with open_bench() as bench:
        headers = {
            "X-MBX-APIKEY": API_KEY,
            "X-MBX-TIME-UNIT": "MICROSECOND",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, br, zstd",
            "Authorization": "Bearer x",
            "Cookie": "a=b",
            "X-Forwarded-For": "192.0.2.1",
        }
        await _get(bench, "/api/v3/ping", headers=headers)
        passed = dict(bench.pipeline.asked[0].passing)
        # One packing only: what Watchword cannot open it could not narrow.
        assert passed == {
            b"accept": b"application/json",
            b"x-mbx-time-unit": b"MICROSECOND",
            b"accept-encoding": b"gzip",
        }
        await _get(bench, "/api/v3/ping", headers={"Accept-Encoding": "br"}, skip_auto_headers=["Accept"])
        assert b"accept-encoding" not in dict(bench.pipeline.asked[1].passing)


async def test_answer_comes_back_with_its_status_body_and_own_headers() -> None:
    async with open_bench() as bench:
        bench.pipeline.reply = Answer(
            status=418,
            body=b'{"code":-1003,"msg":"banned"}',
            headers=(
                (b"Content-Type", b"application/json;charset=UTF-8"),
                (b"X-MBX-USED-WEIGHT-1M", b"6001"),
                (b"x-sapi-used-uid-weight-1m", b"7"),
                (b"Retry-After", b"120"),
                (b"Set-Cookie", b"id=1"),
                (b"Strict-Transport-Security", b"max-age=1"),
                (b"Server", b"nginx"),
                (b"Transfer-Encoding", b"chunked"),
                (b"Connection", b"close"),
                (b"Content-Length", b"9999"),
            ),
        )
        status, headers, body = await _get(bench, "/api/v3/order")
        assert (status, body) == (418, b'{"code":-1003,"msg":"banned"}')
        assert headers["Retry-After"] == "120"
        assert headers["x-mbx-used-weight-1m"] == "6001"
        assert headers["x-sapi-used-uid-weight-1m"] == "7"
        assert headers["Content-Length"] == str(len(body))
        assert not {"Set-Cookie", "Strict-Transport-Security", "Server", "Transfer-Encoding"} & set(headers)


async def test_packed_answer_stays_packed() -> None:
    async with open_bench() as bench:
        bench.pipeline.reply = Answer(
            status=200, body=b"\x1f\x8bnot opened here", headers=((b"Content-Encoding", b"x-test"),)
        )
        _, headers, body = await _get(bench, "/api/v3/exchangeInfo")
        assert (headers["Content-Encoding"], body) == ("x-test", b"\x1f\x8bnot opened here")


async def test_refusal_is_written_as_binance_writes_one() -> None:
    async with open_bench() as bench:
        later_us = bench.now_us() + 12_300_000
        bench.pipeline.reply = Refused(
            WireError(-1003, "Watchword budget: too much", 429, later_us), "budget"
        )
        status, headers, body = await _get(bench, "/api/v3/order")
        assert (status, body) == (429, b'{"code":-1003,"msg":"Watchword budget: too much"}')
        assert headers["Retry-After"] in {"12", "13"}
        assert headers["Content-Type"] == "application/json;charset=UTF-8"


async def test_parameters_nobody_can_read_are_refused_and_counted() -> None:
    async with open_bench() as bench:
        status, _, body = await _get(bench, "/api/v3/order?a=1&a=2")
        assert (status, b"-1101" in body) == (400, True)
        assert bench.refusals == [("unreadable parameters", "127.0.0.1")]
        assert bench.pipeline.asked == []


async def test_fault_of_ours_is_an_unknown_outcome() -> None:
    async with open_bench() as bench:

        async def broken(_inbound: Inbound, _link: Link) -> Reply:
            raise RuntimeError("of ours")

        bench.pipeline.handling = broken
        status, _, body = await _get(bench, "/api/v3/order", "POST")
        assert (status, b'"code":-1007' in body) == (504, True)
        bench.pipeline.handling = None
        assert (await _get(bench, "/api/v3/ping"))[0] == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8701", 200),
        ("[::1]:1", 200),
        ("gateway.lan", 200),
        ("GATEWAY.LAN.:80", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("192.0.2.1", 403),
        ("localhost@evil.example", 403),
        ("localhost:80:80", 403),
        ("", 403),
        ("[::1", 403),
    ],
)
async def test_only_own_names_are_answered(host: str, status: int) -> None:
    async with open_bench("gateway.lan") as bench:
        found, _, body = await _get(bench, "/api/v3/ping", headers={"Host": host})
        assert found == status
        assert bool(bench.pipeline.asked) is (status == 200)
        if status != 200:
            assert b"-1002" in body
            assert bench.refusals == [("wrong host", "127.0.0.1")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "http://127.0.0.1:8701", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
)
async def test_web_pages_of_elsewhere_are_not_answered(headers: dict[str, str], status: int) -> None:
    async with open_bench() as bench:
        assert (await _get(bench, "/api/v3/exchangeInfo", headers=headers))[0] == status
        assert bool(bench.pipeline.asked) is (status == 200)
        assert bench.refusals == ([] if status == 200 else [("web page", "127.0.0.1")])


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_behind_an_offer_to_upgrade_is_no_request_of_its_own(*, chunked: bool) -> None:
    inner = b"DELETE /api/v3/order?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    offer = b"POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    if chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
        whole = b"%sTransfer-Encoding: chunked\r\n\r\n%s" % (offer, body)
    else:
        whole = b"%sContent-Length: %d\r\n\r\n%s" % (offer, len(inner), inner)
    async with open_bench() as bench:
        for raw in (whole, b"GET /api/v3/time HTTP/1.1\r\nHost: localhost\r\n\r\n" + whole):
            bench.pipeline.asked.clear()
            assert (
                await asyncio.to_thread(
                    _raw, bench, raw + b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
                )
            )[0] == 200
            await until_true(
                lambda: bench.pipeline.asked[-1:] and bench.pipeline.asked[-1].path == "/api/v3/ping"
            )
            asked = [(one.method, one.path, one.raw_body) for one in bench.pipeline.asked]
            assert asked[-2:] == [("POST", "/api/v3/order", inner), ("GET", "/api/v3/ping", b"")]
            assert all(one.method != "DELETE" for one in bench.pipeline.asked)


async def test_connections_are_bounded() -> None:
    async with open_bench() as bench:
        url = URL(bench.addresses["rest"])
        bench.door.connections_max = 2
        held = [await asyncio.open_connection(url.host, url.port) for _ in range(2)]
        await until_true(lambda: len(bench.door.sockets) == 2)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        for _, one in held:
            one.close()
        await until_true(lambda: not bench.door.sockets)
        assert (await _get(bench, "/api/v3/ping"))[0] == 200


async def test_two_host_headers_are_refused() -> None:
    async with open_bench() as bench:
        reply = await asyncio.to_thread(
            _raw, bench, b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        )
        assert reply[0] == 403


async def test_no_host_header_is_refused() -> None:
    async with open_bench() as bench:
        assert (await asyncio.to_thread(_raw, bench, b"GET /api/v3/ping HTTP/1.1\r\n\r\n"))[0] == 403


async def test_client_that_leaves_does_not_stop_its_request() -> None:
    async with open_bench() as bench:
        begun, release, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slow(_inbound: Inbound, _link: Link) -> Reply:
            begun.set()
            await release.wait()
            done.set()
            return OK

        bench.pipeline.handling = slow
        going = asyncio.create_task(_get(bench, "/api/v3/order", "POST"))
        await asyncio.wait_for(begun.wait(), 5)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        await asyncio.sleep(0.05)
        release.set()
        await asyncio.wait_for(done.wait(), 5)


async def test_end_waits_for_requests_in_flight() -> None:
    async with open_bench() as bench:
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow(_inbound: Inbound, _link: Link) -> Reply:
            begun.set()
            await release.wait()
            return OK

        bench.pipeline.handling = slow
        going = asyncio.create_task(_get(bench, "/api/v3/order", "POST"))
        await asyncio.wait_for(begun.wait(), 5)
        bench.until.set()
        await asyncio.sleep(0.3)
        release.set()
        status, headers, _ = await asyncio.wait_for(going, 5)
        assert (status, headers["Connection"]) == (200, "close")


def _raw(bench: DoorBench, request: bytes) -> tuple[int, bytes]:
    sock = RawSocket(*bench.host_port)
    try:
        sock.send(request)
        return sock.http_reply()
    finally:
        sock.close()
