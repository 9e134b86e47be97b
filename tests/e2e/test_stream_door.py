"""Market streams over real sockets: subscriptions, payload letters, a local book, pings, the 24 hours, slow readers."""

import asyncio
import contextlib
import socket as sockets
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from tests.support.doors import Doors, Key, open_doors

from watchword.entrypoints.sockets.connection import LIFE_SECONDS_MAX

LETTERS = {
    "btcusdt@trade": "eEstpqTmM",
    "btcusdt@aggTrade": "eEsapqflTmM",
    "btcusdt@bookTicker": "usbBaA",
    "btcusdt@miniTicker": "eEscohlvq",
    "btcusdt@ticker": "eEspPwxcQbBaAohlvqOCFLn",
    "btcusdt@ticker_1h": "eEspPohlcwvqOCFLn",
    "btcusdt@avgPrice": "eEsiwT",
    "btcusdt@depth@100ms": "eEsUuba",
    "btcusdt@kline_1m": "eEsk",
}


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


async def test_payloads_have_the_documented_letters_in_order(doors: Doors) -> None:
    maker, taker = doors.key(await doors.account("maker")), doors.key(await doors.account("taker"))
    await _trade(doors, maker, taker)
    names = [*LETTERS, "btcusdt@depth5@100ms", "!miniTicker@arr"]
    stream = await doors.ws("/stream?streams=" + "/".join(names))
    await asyncio.sleep(0.1)
    await _trade(doors, maker, taker)
    seen: dict[str, Any] = {}
    async with asyncio.timeout(8):
        while seen.keys() != set(names):
            message = await stream.receive_json()
            seen.setdefault(message["stream"], message["data"])
    for name, letters in LETTERS.items():
        assert "".join(seen[name]) == letters, name
    assert "".join(seen["btcusdt@kline_1m"]["k"]) == "tTsifLochlvnxqVQB"
    assert list(seen["btcusdt@depth5@100ms"]) == ["lastUpdateId", "bids", "asks"]
    assert [row["s"] for row in seen["!miniTicker@arr"]] == ["BTCUSDT"]


async def test_closed_candle_is_announced(doors: Doors) -> None:
    maker, taker = doors.key(await doors.account("maker")), doors.key(await doors.account("taker"))
    await _trade(doors, maker, taker)
    stream = await doors.ws("/ws/btcusdt@kline_1s")
    opens, closed = [], 0
    async with asyncio.timeout(8):
        while closed < 3:
            candle = (await stream.receive_json())["k"]
            if candle["x"]:
                closed += 1
                opens.append(candle["t"])
    assert [later - earlier for earlier, later in pairwise(opens)] == [1000, 1000]


async def test_local_book_follows_snapshot_and_diffs(doors: Doors) -> None:
    keys = [doors.key(await doors.account(name)) for name in ("a", "b")]
    stream = await doors.ws("/ws/btcusdt@depth@100ms")
    await asyncio.sleep(0.05)
    await _stir(doors, keys, 40)
    _, _, snapshot = await doors.public("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    book = {side: {row[0]: row[1] for row in snapshot[side]} for side in ("bids", "asks")}
    await _stir(doors, keys, 120)
    _, _, wanted = await doors.public("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    last, previous = snapshot["lastUpdateId"], None
    async with asyncio.timeout(8):
        while last < wanted["lastUpdateId"]:
            diff = await stream.receive_json()
            assert previous is None or diff["U"] == previous + 1
            previous = diff["u"]
            if diff["u"] <= last:
                continue
            assert diff["U"] <= last + 1
            for side, letter in (("bids", "b"), ("asks", "a")):
                for price, quantity in diff[letter]:
                    book[side].pop(price, None)
                    if quantity != "0.00000000":
                        book[side][price] = quantity
            last = diff["u"]
    assert last == wanted["lastUpdateId"]
    assert book == {side: {row[0]: row[1] for row in wanted[side]} for side in ("bids", "asks")}


async def test_slow_and_fast_diffs_tell_the_same(doors: Doors) -> None:
    keys = [doors.key(await doors.account(name)) for name in ("a", "b")]
    fast, slow = await doors.ws("/ws/btcusdt@depth@100ms"), await doors.ws("/ws/btcusdt@depth@1000ms")
    await asyncio.sleep(0.05)
    await _stir(doors, keys, 60)
    _, _, wanted = await doors.public("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    books = []
    for stream in (fast, slow):
        book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        async with asyncio.timeout(8):
            while True:
                diff = await stream.receive_json()
                for side in ("b", "a"):
                    book[side].update((price, quantity) for price, quantity in diff[side])
                if diff["u"] >= wanted["lastUpdateId"]:
                    break
        books.append(
            {side: {p: q for p, q in rows.items() if q != "0.00000000"} for side, rows in book.items()}
        )
    assert books[0] == books[1]


@pytest.mark.parametrize("path", ["/ws", "/ws/0", "/stream", "/stream?streams="])
async def test_connection_without_streams_can_subscribe(doors: Doors, path: str) -> None:
    stream = await doors.ws(path)
    names = ["btcusdt@avgPrice", "nosuch@trade"]
    assert await _ask(stream, "SUBSCRIBE", names, 1) == {"result": None, "id": 1}
    listed = (await _ask(stream, "LIST_SUBSCRIPTIONS", None, "x"))["result"]
    assert [name for name in listed if name != "0"] == names
    await _ask(stream, "UNSUBSCRIBE", [names[1]], 2)
    listed = (await _ask(stream, "LIST_SUBSCRIPTIONS", None, None))["result"]
    assert [name for name in listed if name != "0"] == names[:1]


async def test_combined_property_changes_the_wrapping(doors: Doors) -> None:
    stream = await doors.ws("/ws")
    assert (await _ask(stream, "GET_PROPERTY", ["combined"], 1))["result"] is False
    assert (await _ask(stream, "SET_PROPERTY", ["combined", True], 2))["result"] is None
    assert (await _ask(stream, "GET_PROPERTY", ["combined"], 3))["result"] is True


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("nonsense", 3, "Invalid JSON: expected value at line 1 column"),
        ('{"method":"SUBSCRIBE","params":[]}', 2, "request ID must be an unsigned integer"),
        ('{"method":"SUBSCRIBE","params":[],"id":1.5}', 2, "request ID must be an unsigned integer"),
        ('{"params":[],"id":1}', 2, "missing field `method` at line 1 column"),
        ('{"method":"SUB","params":[],"id":1}', 2, "unknown variant `SUB`, expected one of `SUBSCRIBE`"),
        (
            '{"method":"SET_PROPERTY","params":["combined",1],"id":1}',
            1,
            "Invalid value type: expected Boolean",
        ),
        ('{"method":"SET_PROPERTY","params":["other",true],"id":1}', 0, "Unknown property"),
        ('{"method":"GET_PROPERTY","params":[1],"id":1}', 2, "property name must be a string"),
        ('{"method":"GET_PROPERTY","params":["combined",1],"id":1}', 2, "too many parameters"),
        ('{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', 2, "Invalid request"),
        ('{"method":"SUBSCRIBE","params":[],"id":1,"more":1}', 2, "too many parameters"),
    ],
)
async def test_control_message_unusable_is_refused(doors: Doors, text: str, code: int, message: str) -> None:
    stream = await doors.ws("/ws")
    await stream.send_str(text)
    reply = await stream.receive_json(timeout=5)
    assert reply["error"]["code"] == code
    assert message in reply["error"]["msg"]


async def test_streams_above_the_bound_are_refused(doors: Doors) -> None:
    stream = await doors.ws("/ws")
    assert "result" in await _ask(stream, "SUBSCRIBE", [f"s{number}@trade" for number in range(1_024)], 1)
    assert "error" in await _ask(stream, "SUBSCRIBE", ["one@more"], 2)
    stream = await doors.ws("/stream?streams=" + "/".join(f"s{number}@trade" for number in range(1_025)))
    await stream.receive(timeout=5)
    assert stream.close_code == 1008


async def test_sixth_message_in_a_second_closes() -> None:
    async with open_doors(limits_scale=1.0) as doors:
        stream = await doors.ws("/ws")
        doors.clock.move(1 - doors.clock.now_us() % 1_000_000 / 1_000_000)
        for number in range(6):
            await stream.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        for _ in range(5):
            assert (await stream.receive_json(timeout=5))["result"] == []
        await stream.receive(timeout=5)
        assert stream.close_code == 1008


async def test_ping_comes_every_twenty_seconds_and_silence_for_a_minute_closes(doors: Doors) -> None:
    stream = await doors.client.ws_connect(doors.addresses["streams"] + "/ws", autoping=False)
    doors.clock.move(20)
    ping = await stream.receive(timeout=4)
    assert ping.type == aiohttp.WSMsgType.PING
    assert ping.data.isdigit()
    doors.clock.move(61)
    while (message := await stream.receive(timeout=4)).type == aiohttp.WSMsgType.PING:
        pass
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}


async def test_pong_with_the_payload_keeps_the_connection_and_another_does_not(doors: Doors) -> None:
    good, bad = [
        await doors.client.ws_connect(doors.addresses["streams"] + "/ws", autoping=False) for _ in range(2)
    ]
    for _ in range(5):
        doors.clock.move(20)
        message = await good.receive(timeout=4)
        assert message.type == aiohttp.WSMsgType.PING
        await good.pong(message.data)
        with contextlib.suppress(ConnectionError):
            await bad.pong(b"unsolicited")
        await asyncio.sleep(0.05)
    while (message := await bad.receive(timeout=4)).type == aiohttp.WSMsgType.PING:
        pass
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}


@pytest.mark.parametrize("path", ["/ws", "/ws-api/v3"])
async def test_connection_ends_after_24_hours(doors: Doors, path: str) -> None:
    stream = await doors.ws(path)
    doors.clock.move(LIFE_SECONDS_MAX + 1)
    await stream.receive(timeout=4)
    assert stream.close_code == 1001


async def test_reader_that_does_not_read_is_dropped_and_others_get_everything(doors: Doors) -> None:
    keys = [doors.key(await doors.account(name)) for name in ("a", "b")]
    sock = sockets.create_connection(doors.host_port)
    sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    sock.sendall(
        b"GET /stream?streams=btcusdt@depth@100ms HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    stream = await doors.ws("/ws/btcusdt@depth@100ms")
    await asyncio.sleep(0.1)
    publisher = doors.door.publisher
    topic = publisher.topics["btcusdt@depth@100ms", False]
    assert len(topic.sinks) == 2
    reading = asyncio.create_task(_drain(stream))
    for _ in range(300):
        topic.emit(b'{"filler":"%s"}' % (b"x" * 60_000))
        await asyncio.sleep(0)
        if len(topic.sinks) == 1:
            break
    await asyncio.sleep(0.1)
    assert len(topic.sinks) == 1
    await _stir(doors, keys, 5)
    assert not reading.done()
    await asyncio.sleep(0.3)
    reading.cancel()
    sock.close()


async def _drain(stream: aiohttp.ClientWebSocketResponse) -> None:
    while not stream.closed:
        await stream.receive()


async def _ask(stream: aiohttp.ClientWebSocketResponse, method: str, params: Any, request_id: Any) -> Any:
    message = {"method": method, "id": request_id, **({} if params is None else {"params": params})}
    await stream.send_json(message)
    while True:
        reply = await stream.receive_json(timeout=5)
        if "id" in reply:
            return reply


async def _trade(doors: Doors, maker: Key, taker: Key) -> None:
    for key, side in ((maker, "SELL"), (taker, "BUY")):
        status, _, body = await doors.signed(
            key, "POST", "/api/v3/order", symbol="BTCUSDT", side=side, type="LIMIT", timeInForce="GTC",
            quantity="0.01", price="50000",
        )  # fmt: skip
        assert status == 200, body


async def _stir(doors: Doors, keys: list[Key], count: int) -> None:
    """Place orders around 50,000, some of which trade."""
    for number in range(count):
        side = "BUY" if number % 3 else "SELL"
        await doors.signed(
            keys[number % 2], "POST", "/api/v3/order", symbol="BTCUSDT", side=side, type="LIMIT", timeInForce="GTC",
            quantity=f"0.0{number % 7 + 1}", price=str(50_000 + (number * 37) % 41 - 20), newOrderRespType="ACK",
        )  # fmt: skip
