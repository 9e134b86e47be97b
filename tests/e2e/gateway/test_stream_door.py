"""Market streams on the gateway's port: passed through both ways, bounded, and never somebody's user data."""

import aiohttp
import pytest
from tests.support.gateway_doors import open_bench, until_true

from watchword.entrypoints.sockets.connection import MESSAGES_PER_SECOND_MAX
from watchword.gateway.messages import Unanswered

TOKEN = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"


@pytest.mark.parametrize(
    "target",
    [
        "/ws",
        "/ws/0",
        "/ws/btcusdt@trade",
        "/ws/btcusdt@trade/ethusdt@depth5@100ms",
        "/stream?streams=btcusdt@trade/ethusdt@kline_1m",
        "/stream?streams=",
        "/stream?streams=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E5%B8%81456@trade&timeUnit=MICROSECOND",
    ],
)
async def test_frames_pass_both_ways_as_they_are(target: str) -> None:
    async with open_bench() as bench, await bench.ws(target) as socket:
        link = bench.markets[0]
        assert link.target == target
        await socket.send_str('{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}')
        await until_true(lambda: link.forwarded)
        assert link.forwarded == [b'{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}']
        link.text(b'{"result":null,  "id":1}')
        assert await socket.receive_str(timeout=5) == '{"result":null,  "id":1}'


@pytest.mark.parametrize(
    "target",
    [f"/ws/{TOKEN}", f"/stream?streams=btcusdt@trade/{TOKEN}", f"/ws/%70{TOKEN[1:]}", f"/stream?x={TOKEN}"],
)
async def test_stream_token_in_the_address_is_refused(target: str) -> None:
    async with open_bench() as bench:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await bench.ws(target)
        assert refused.value.status == 403
        assert bench.markets == []
        assert bench.refusals == [("stream token", "127.0.0.1")]


@pytest.mark.parametrize("written", [TOKEN, "\\u0070" + TOKEN[1:]])
async def test_stream_token_in_a_message_is_refused_and_not_sent_on(written: str) -> None:
    async with open_bench() as bench, await bench.ws("/ws") as socket:
        await socket.send_str(f'{{"method":"SUBSCRIBE","params":["{written}"],"id":1}}')
        refused = await socket.receive_json(timeout=5)
        assert (refused["id"], refused["error"]["code"]) == (1, 2)
        assert TOKEN not in str(refused)
        assert bench.markets[0].forwarded == []
        assert bench.refusals == [("stream token", "127.0.0.1")]


async def test_end_of_the_upstream_ends_the_client_with_the_same_code() -> None:
    async with open_bench() as bench, await bench.ws("/ws/btcusdt@trade") as socket:
        bench.markets[0].ended(1001, "a day is over")
        closed = await socket.receive(timeout=5)
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_upstream_that_cannot_be_reached_is_said() -> None:
    async with open_bench() as bench:
        bench.stream_failure = Unanswered(sent=False, reason="nobody there")
        async with await bench.ws("/ws/btcusdt@trade") as socket:
            closed = await socket.receive(timeout=5)
            assert (closed.data, closed.extra) == (1011, "nobody there")


async def test_client_that_leaves_leaves_the_upstream() -> None:
    async with open_bench() as bench:
        socket = await bench.ws("/ws/btcusdt@trade")
        await socket.close()
        await until_true(lambda: bench.markets[0].closed)


async def test_client_that_sends_faster_than_the_upstream_takes_is_closed() -> None:
    async with open_bench() as bench, await bench.ws("/ws") as socket:
        bench.markets[0].room = 2
        for _ in range(3):
            await socket.send_str("{}")
        assert (await socket.receive(timeout=5)).data == 1008


async def test_more_messages_a_second_than_the_upstream_takes_end_the_connection() -> None:
    limit = MESSAGES_PER_SECOND_MAX
    async with open_bench(messages_per_second_max=limit) as bench, await bench.ws("/ws") as socket:
        for _ in range(3 * limit):
            await socket.send_str("{}")
        assert (await socket.receive(timeout=5)).data == 1008
        assert len(bench.markets[0].forwarded) <= 2 * limit


async def test_slow_reader_stops_the_upstream_and_starts_it_again() -> None:
    async with open_bench() as bench, await bench.ws("/ws") as socket:
        link, text = bench.markets[0], b'"%s"' % (b"x" * 60_000)
        for _ in range(200):
            if link.paused:
                break
            link.text(text)
        assert link.paused
        while link.paused:
            await socket.receive_str(timeout=5)
