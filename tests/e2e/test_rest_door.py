"""REST over real sockets: headers, statuses, limits, and what is no readable request."""

import asyncio
import gzip
import http.client
import socket
from collections.abc import AsyncIterator

import pytest
from tests.support.doors import Doors, open_doors

from watchword.entrypoints.sockets.http import (
    BODY_BYTES_MAX,
    HEADERS_MAX,
    IDLE_SECONDS_MAX,
    REQUEST_READ_SECONDS_MAX,
    TARGET_BYTES_MAX,
)

LIMIT = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


async def test_reply_carries_the_documented_headers(doors: Doors) -> None:
    status, headers, body = await doors.public("/api/v3/ping")
    assert (status, body) == (200, {})
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert headers["x-mbx-used-weight"] == headers["x-mbx-used-weight-1m"] == "1"
    assert len(headers["x-mbx-uuid"]) == 36
    _, again, _ = await doors.public("/api/v3/ping")
    assert again["x-mbx-used-weight"] == "2"
    assert again["x-mbx-uuid"] != headers["x-mbx-uuid"]


async def test_refusal_is_json_and_counts_weight(doors: Doors) -> None:
    status, headers, body = await doors.public("/api/v3/account")
    assert status == 400
    assert body == {
        "code": -1102, "msg": "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.",
    }  # fmt: skip
    assert headers["content-type"].startswith("application/json")
    assert headers["x-mbx-used-weight-1m"] == "20"


async def test_placed_order_is_free_and_shows_order_counts(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    status, headers, _ = await doors.signed(key, "POST", "/api/v3/order", **LIMIT, price="60000")
    assert status == 200
    assert (headers["x-mbx-order-count-10s"], headers["x-mbx-order-count-1d"]) == ("1", "1")
    assert headers["x-mbx-used-weight-1m"] == "0"
    status, headers, _ = await doors.signed(key, "POST", "/api/v3/order", **LIMIT, price="bad")
    assert status == 400
    assert headers["x-mbx-used-weight-1m"] == "1"
    assert "x-mbx-order-count-10s" not in headers
    _, _, counts = await doors.signed(key, "GET", "/api/v3/rateLimit/order")
    assert [row["count"] for row in counts] == [1, 1]


async def test_post_body_and_delete_body_are_signed_as_received(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    for method, params in (
        ("POST", {**LIMIT, "price": "60000", "newClientOrderId": "mine"}),
        ("DELETE", {"symbol": "BTCUSDT", "origClientOrderId": "mine"}),
    ):
        body = doors.signed_query(key, **params)
        async with doors.client.request(
            method, f"{doors.addresses['rest']}/api/v3/order", data=body,
            headers={"X-MBX-APIKEY": key.api_key, "Content-Type": "application/x-www-form-urlencoded"},
        ) as reply:  # fmt: skip
            assert reply.status == 200, await reply.text()


async def test_json_content_type_with_an_empty_body_is_not_parsed(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"))
    url = f"{doors.addresses['rest']}/api/v3/order?{doors.signed_query(key, **LIMIT, price='60000')}"
    async with doors.client.post(
        url, headers={"x-mbx-apikey": key.api_key, "Content-Type": "application/json"}
    ) as reply:
        assert reply.status == 200, await reply.text()


@pytest.mark.parametrize(
    ("method", "path", "accept", "status", "body"),
    [
        ("GET", "/api/v3/exchangie", "*/*", 404, b""),
        ("GET", "/api/v3/exchangie", "text/html", 404, b"<html><body><h2>404 Not found</h2></body></html>"),
        ("GET", "/", "*/*", 404, b""),
        ("PUT", "/api/v3/ping", "*/*", 405, b""),
        ("GET", "/api/v3/ping/", "*/*", 404, b""),
    ],
)
async def test_route_unknown_is_refused_like_binance(
    doors: Doors, method: str, path: str, accept: str, status: int, body: bytes
) -> None:
    async with doors.client.request(
        method, doors.addresses["rest"] + path, headers={"Accept": accept}
    ) as reply:
        assert (reply.status, await reply.read()) == (status, body)


@pytest.mark.parametrize("path", ["/api/v1/ping", "/api/v3/userDataStream"])
async def test_route_retired_is_gone_with_a_page(doors: Doors, path: str) -> None:
    async with doors.client.post(doors.addresses["rest"] + path) as reply:
        assert reply.status == 410
        assert "410 Gone" in await reply.text()


@pytest.mark.parametrize(
    ("unit", "digits"),
    [("MICROSECOND", 16), ("microsecond", 16), ("MILLISECOND", 13), ("millisecond", 13)],
)
async def test_time_unit_header_chooses_the_unit(doors: Doors, unit: str, digits: int) -> None:
    _, _, body = await doors.public("/api/v3/time", **{"X-MBX-TIME-UNIT": unit})
    assert len(str(body["serverTime"])) == digits


async def test_time_unit_unknown_is_refused(doors: Doors) -> None:
    status, _, body = await doors.public("/api/v3/time", **{"X-MBX-TIME-UNIT": "Second"})
    assert (status, body["code"]) == (400, -1194)


async def test_gzip_is_used_for_large_bodies_when_asked(doors: Doors) -> None:
    connection = http.client.HTTPConnection(*doors.host_port, timeout=5)

    def ask(path: str) -> tuple[str | None, bytes]:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip, deflate"})
        reply = connection.getresponse()
        return reply.getheader("content-encoding"), reply.read()

    encoding, packed = await asyncio.to_thread(ask, "/api/v3/exchangeInfo")
    assert encoding == "gzip"
    assert gzip.decompress(packed).startswith(b'{"timezone":"UTC"')
    assert (await asyncio.to_thread(ask, "/api/v3/ping")) == (None, b"{}")
    connection.close()


async def test_weight_limit_leads_to_429_then_418_with_retry_after() -> None:
    async with open_doors(limits_scale=1.0) as doors:
        doors.clock.move(-(doors.clock.now_us() % 60_000_000) / 1_000_000 + 60)
        for _ in range(75):
            status, _, _ = await doors.public("/api/v3/ticker/24hr?type=MINI")
            assert status == 200
        status, headers, body = await doors.public("/api/v3/ping")
        assert (status, body["code"]) == (429, -1003)
        assert "current limit is 6000 request weight per 1 MINUTE" in body["msg"]
        assert 1 <= int(headers["retry-after"]) <= 60
        while status == 429:
            status, headers, body = await doors.public("/api/v3/ping")
        assert status == 418
        assert 119 <= int(headers["retry-after"]) <= 120
        assert str(body["msg"]).startswith("Way too much request weight used; IP banned until ")
        doors.clock.move(121)
        assert (await doors.public("/api/v3/ping"))[0] == 200


async def test_order_limit_is_the_accounts_not_the_keys() -> None:
    async with open_doors(limits_scale=1.0) as doors:
        account_id = await doors.account("alice")
        keys = [doors.key(account_id), doors.key(account_id)]
        doors.clock.move(10 - doors.clock.now_us() % 10_000_000 / 1_000_000)
        for number in range(50):
            status, _, body = await doors.signed(
                keys[number % 2], "POST", "/api/v3/order", **LIMIT, price="60000"
            )
            assert status == 200, body
        status, headers, body = await doors.signed(keys[0], "POST", "/api/v3/order", **LIMIT, price="60000")
        assert (status, body) == (
            429, {"code": -1015, "msg": "Too many new orders; current limit is 50 orders per 10 SECOND."},
        )  # fmt: skip
        assert 1 <= int(headers["retry-after"]) <= 10
        doors.clock.move(10)
        assert (await doors.signed(keys[1], "POST", "/api/v3/order", **LIMIT, price="60000"))[0] == 200


async def test_pipelined_requests_are_answered_in_order(doors: Doors) -> None:
    reader, writer = await asyncio.open_connection(*doors.host_port)
    paths = ["/api/v3/time", "/api/v3/exchangeInfo?symbol=BTCUSDT", "/api/v3/ping", "/nope"] * 30
    writer.write(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
    for path in paths:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        body = await reader.readexactly(length)
        assert (b"serverTime" in body[:20]) == (path == "/api/v3/time")
        assert head.startswith(b"HTTP/1.1 404" if path == "/nope" else b"HTTP/1.1 200")
    writer.close()


async def test_offer_of_http2_is_ignored_and_the_request_answered(doors: Doors) -> None:
    reader, writer = await asyncio.open_connection(*doors.host_port)
    offer = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    for headers in (offer, b"", offer):
        writer.write(b"GET /api/v3/time HTTP/1.1\r\nhost: x\r\n" + headers + b"\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
    writer.close()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET /" + b"x" * (TARGET_BYTES_MAX + 1) + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (HEADERS_MAX + 1) + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\na: " + b"x" * 40_000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\na: " + b"x" * 1_000_000, 400),
        (
            b"POST /api/v3/order HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n" + b"x" * (BODY_BYTES_MAX + 1),
            413,
        ),
        (b"POST /api/v3/order HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 400),
        (b"GET /nope HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 404),
    ],
)
async def test_request_unreadable_is_refused_and_the_socket_closed(
    doors: Doors, raw: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_connection(*doors.host_port)
    writer.write(raw)
    reply = await asyncio.wait_for(reader.read(), 5)
    assert reply.startswith(b"HTTP/1.1 %d " % status), reply[:200]
    writer.close()
    assert (await doors.public("/api/v3/ping"))[0] == 200


@pytest.mark.parametrize(
    "begun", [b"", b"GET /api", b"POST /api/v3/order HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc"]
)
async def test_half_open_connection_is_closed_in_time(doors: Doors, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection(*doors.host_port)
    writer.write(begun)
    await asyncio.sleep(0.1)
    doors.clock.move(REQUEST_READ_SECONDS_MAX + 2 if begun else IDLE_SECONDS_MAX + 2)
    reply = await asyncio.wait_for(reader.read(), 4)
    assert reply.startswith(b"HTTP/1.1 408 ") if begun else reply == b""
    writer.close()


async def test_reader_that_does_not_read_is_cut_off_and_nobody_else_waits(doors: Doors) -> None:
    sock = socket.create_connection(doors.host_port)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    request = b"GET /api/v3/exchangeInfo HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = 0
    for _ in range(400):
        try:
            sent += sock.send(request * 20)
        except BlockingIOError:
            await asyncio.sleep(0.005)
        assert (await asyncio.wait_for(doors.public("/api/v3/ping"), 2))[0] == 200
    doors.clock.move(30)
    await asyncio.sleep(1.5)
    with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe, at some send, as the kernel likes
        for _ in range(100):
            sock.send(request)
            await asyncio.sleep(0.01)
    sock.close()
