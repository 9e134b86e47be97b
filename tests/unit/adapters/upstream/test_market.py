"""The market feed against an upstream that is scripted: what is asked, what is followed, what is left out."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import pytest
from tests.support.fake_upstreams import WsUpstream, sessions, until, ws_upstream
from websockets.asyncio.server import ServerConnection

from watchword.adapters.upstream import combined_stream, market
from watchword.adapters.upstream.market import MarketFeed
from watchword.adapters.upstream.market_answers import read_assets, read_book, read_candles, read_last
from watchword.gateway.market_view import Candle
from watchword.gateway.messages import Answer, Outbound, Unanswered
from watchword.kernel.units import SCALE

NOW_US = 1_700_000_040_000_000
MINUTE_MS = 60_000


class Upstream:
    """REST and streams of a made-up exchange with one price for everything."""

    door = "rest"

    def __init__(self, streams: WsUpstream) -> None:
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.subscribed: list[str] = []
        self.dropped: list[str] = []
        self.price = "100"
        self.update_id = 10
        self.lost = False
        self.now_us = NOW_US
        self.streams = streams
        streams.handler = self.stream  # type: ignore[method-assign]

    async def send(self, request: Outbound) -> Answer | Unanswered:
        query = parse_qs(request.query.decode())
        self.asked.append((request.path, query))
        if self.lost:
            return Unanswered(sent=True, reason="reset")
        symbol = query["symbol"][0]
        if symbol.startswith("NO"):
            return Answer(status=400, body=b'{"code":-1121,"msg":"Invalid symbol."}')
        return Answer(status=200, body=json.dumps(self.content(request.path, symbol)).encode())

    def content(self, path: str, symbol: str) -> object:
        if path == "/api/v3/exchangeInfo":
            return {
                "symbols": [
                    {"symbol": symbol, "baseAsset": symbol[:-4], "quoteAsset": symbol[-4:], "more": 1}
                ]
            }
        if path == "/api/v3/depth":
            return self.depth(self.price)
        newest = NOW_US // 1_000 // MINUTE_MS * MINUTE_MS
        return [
            [newest - back * MINUTE_MS, "1", "1", "1", self.price, "0", 0, "0", 0, "0", "0", "0"]
            for back in reversed(range(6))
        ]

    def depth(self, price: str) -> dict[str, object]:
        return {"lastUpdateId": self.update_id, "bids": [[price, "1"]], "asks": [[price + ".5", "2"]]}

    async def stream(self, connection: ServerConnection) -> None:
        async for text in connection:
            request = json.loads(text)
            (self.subscribed if request["method"] == "SUBSCRIBE" else self.dropped).extend(request["params"])
            await connection.send(json.dumps({"result": None, "id": request["id"]}))

    async def say(self, name: str, content: object) -> None:
        await self.streams.connections[-1].send(json.dumps({"stream": name, "data": content}))

    def weights(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == path)


class Time:
    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    def now_us(self) -> int:
        return self.upstream.now_us

    def trouble(self) -> str | None:
        return None


@asynccontextmanager
async def feeds() -> AsyncIterator[tuple[MarketFeed, Upstream]]:
    async with ws_upstream() as streams, sessions(streams.addresses) as session:
        upstream = Upstream(streams)
        feed = MarketFeed(upstream, session, Time(upstream))  # type: ignore[arg-type]  # `door` is no Literal here
        running = asyncio.create_task(feed.run())
        try:
            yield feed, upstream
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def test_followed_symbol_is_known_when_follow_returns() -> None:
    async with feeds() as (feed, _):
        await feed.follow(["BTCUSDT"])
        known = feed.references(["BTCUSDT", "ETHUSDT"], NOW_US)
        assert list(known) == ["BTCUSDT"]
        seen = known["BTCUSDT"]
        assert (seen.base, seen.quote, seen.median) == ("BTC", "USDT", 100 * SCALE)
        assert seen.bids == ((100 * SCALE, SCALE),)
        assert seen.asks == ((100 * SCALE + SCALE // 2, 2 * SCALE),)
        assert seen.book_at_us == NOW_US
        assert NOW_US - 2_000_000 <= seen.median_at_us <= NOW_US


async def test_known_symbol_is_not_asked_for_again() -> None:
    async with feeds() as (feed, upstream):
        await asyncio.gather(*[feed.follow(["BTCUSDT"]) for _ in range(20)])
        await feed.follow(["BTCUSDT"])
        assert upstream.weights("/api/v3/exchangeInfo") == 1


async def test_streams_keep_it_fresh() -> None:
    async with feeds() as (feed, upstream):
        await feed.follow(["BTCUSDT"])
        await until(lambda: len(upstream.subscribed) == 2)
        assert upstream.subscribed == ["btcusdt@depth20@100ms", "btcusdt@miniTicker"]
        await until(lambda: upstream.weights("/api/v3/depth") == 2)
        upstream.now_us += 500_000
        upstream.update_id += 1
        await upstream.say("btcusdt@miniTicker", {"e": "24hrMiniTicker", "c": "101"})
        await upstream.say("btcusdt@depth20@100ms", upstream.depth("101"))
        await until(
            lambda: feed.references(["BTCUSDT"], upstream.now_us)["BTCUSDT"].bids[0][0] == 101 * SCALE
        )
        assert feed.references(["BTCUSDT"], upstream.now_us)["BTCUSDT"].book_at_us == upstream.now_us


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"lastUpdateId": 99, "bids": [["x", "1"]], "asks": []},
        {"lastUpdateId": 9, "bids": [], "asks": []},
        [],
    ],
)
async def test_message_that_is_no_newer_book_changes_nothing(content: object) -> None:
    async with feeds() as (feed, upstream):
        await feed.follow(["BTCUSDT"])
        await until(lambda: upstream.weights("/api/v3/depth") == 2)
        before = feed.references(["BTCUSDT"], NOW_US)["BTCUSDT"].bids
        await upstream.say("btcusdt@depth20@100ms", content)
        await upstream.say("other@depth20@100ms", upstream.depth("7"))
        await upstream.streams.connections[-1].send("nonsense")
        await asyncio.sleep(0.05)
        assert feed.references(["BTCUSDT"], NOW_US)["BTCUSDT"].bids == before


async def test_quiet_symbol_stays_fresh_while_the_connection_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "SAMPLE_EVERY_S", 0.02)
    monkeypatch.setattr(combined_stream, "ASK_EVERY_S", 0.01)
    async with feeds() as (feed, upstream):
        await feed.follow(["BTCUSDT"])
        await until(lambda: upstream.weights("/api/v3/depth") == 2)
        upstream.now_us += 30_000_000
        await until(
            lambda: (
                upstream.now_us - feed.references(["BTCUSDT"], upstream.now_us)["BTCUSDT"].book_at_us
                < 500_000
            )
        )
        await until(
            lambda: (
                upstream.now_us - feed.references(["BTCUSDT"], upstream.now_us)["BTCUSDT"].median_at_us
                < 2_000_000
            )
        )


async def test_break_is_mended_and_the_picture_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combined_stream, "BACKOFF_S_MIN", 0.02)
    async with feeds() as (feed, upstream):
        await feed.follow(["BTCUSDT", "ETHUSDT"])
        await until(lambda: len(upstream.subscribed) == 4)
        upstream.price, upstream.update_id = "200", 3
        await upstream.streams.connections[-1].close(1001)
        await until(lambda: len(upstream.subscribed) == 8)
        await until(lambda: feed.references(["BTCUSDT"], NOW_US)["BTCUSDT"].bids[0][0] == 200 * SCALE)
        assert len(upstream.streams.connections) == 2


async def test_silent_connection_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combined_stream, "ASK_EVERY_S", 0.02)
    monkeypatch.setattr(combined_stream, "SILENCE_S_MAX", 0.1)
    monkeypatch.setattr(combined_stream, "BACKOFF_S_MIN", 0.02)
    async with feeds() as (feed, upstream):
        ended = asyncio.Event()

        async def deaf(connection: ServerConnection) -> None:
            connection.transport.pause_reading()  # type: ignore[attr-defined]  # a selector transport has it
            await ended.wait()

        upstream.streams.handler = deaf  # type: ignore[method-assign]
        await feed.follow(["BTCUSDT"])
        await until(lambda: upstream.streams.connections)
        upstream.streams.handler = upstream.stream  # type: ignore[method-assign]
        await until(lambda: len(upstream.subscribed) == 2)
        ended.set()


async def test_quiet_connection_that_answers_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combined_stream, "ASK_EVERY_S", 0.02)
    monkeypatch.setattr(combined_stream, "SILENCE_S_MAX", 0.3)
    monkeypatch.setattr(combined_stream, "BACKOFF_S_MIN", 0.02)
    async with feeds() as (feed, upstream):
        await feed.follow(["BTCUSDT"])
        await until(lambda: len(upstream.subscribed) == 2)
        await asyncio.sleep(1.0)
        assert len(upstream.streams.connections) == 1


async def test_symbol_that_does_not_exist_is_left_out_and_not_asked_for_again() -> None:
    async with feeds() as (feed, upstream):
        for _ in range(5):
            await feed.follow(["NOPE"])
        assert feed.references(["NOPE"], NOW_US) == {}
        assert upstream.weights("/api/v3/exchangeInfo") == 1
        assert upstream.streams.paths == []


async def test_made_up_symbols_cost_a_bounded_weight() -> None:
    async with feeds() as (feed, upstream):
        for number in range(100):
            await feed.follow([f"NO{number}"])
        assert upstream.weights("/api/v3/exchangeInfo") == market.MISSES_PER_MINUTE_MAX


@pytest.mark.parametrize("symbol", ["", "X" * 41])
async def test_symbol_that_can_be_none_is_not_asked_for(symbol: str) -> None:
    async with feeds() as (feed, upstream):
        await feed.follow([symbol])
        assert upstream.asked == []


async def test_symbol_is_one_parameter_whatever_it_holds() -> None:
    async with feeds() as (feed, upstream):
        await feed.follow(["NO&limit=9"])
        assert upstream.asked == [("/api/v3/exchangeInfo", {"symbol": ["NO&limit=9"]})]


async def test_unreachable_upstream_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "FAILED_S", 0.05)
    async with feeds() as (feed, upstream):
        upstream.lost = True
        await feed.follow(["BTCUSDT"])
        await feed.follow(["BTCUSDT"])
        assert feed.references(["BTCUSDT"], NOW_US) == {}
        assert len(upstream.asked) == 1
        upstream.lost = False
        await asyncio.sleep(0.06)
        await feed.follow(["BTCUSDT"])
        assert list(feed.references(["BTCUSDT"], NOW_US)) == ["BTCUSDT"]


async def test_follow_waits_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "FOLLOW_WAIT_S", 0.05)
    async with feeds() as (feed, upstream):

        async def hang(request: Outbound) -> Answer | Unanswered:
            await asyncio.sleep(60)
            return Unanswered(sent=True, reason="never")

        upstream.send = hang  # type: ignore[method-assign]
        async with asyncio.timeout(1):
            await feed.follow(["BTCUSDT"])
            for _ in range(100):
                await feed.follow(["BTCUSDT"])


async def test_room_is_made_for_new_symbols_by_what_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "SYMBOLS_MAX", 2)
    async with feeds() as (feed, upstream):
        await feed.follow(["AAAUSDT", "BBBUSDT"])
        await feed.follow(["CCCUSDT"])
        assert list(feed.references(["AAAUSDT", "BBBUSDT", "CCCUSDT"], NOW_US)) == ["AAAUSDT", "BBBUSDT"]
        monkeypatch.setattr(market, "IDLE_S", 0.0)
        feed.references(["AAAUSDT"], NOW_US)
        await asyncio.sleep(0.01)
        await until(lambda: len(upstream.subscribed) == 4)
        await feed.follow(["CCCUSDT"])
        await until(lambda: upstream.dropped)
        assert list(feed.references(["AAAUSDT", "CCCUSDT"], NOW_US)) == ["AAAUSDT", "CCCUSDT"]
        assert upstream.dropped == ["bbbusdt@depth20@100ms", "bbbusdt@miniTicker"]


def test_answers_that_cannot_be_read_say_nothing() -> None:
    for body in (b"", b"[]", b"{}", b"nonsense", b'{"symbols":[{}]}', b"[[1]]", b'[["1","1","1","1","1"]]'):
        assert read_book(body) is None
        assert read_last(body) == 0
        assert read_assets(body, "BTCUSDT") is None
        assert read_candles(body) == ()


def test_candles_are_read() -> None:
    body = b'[[1000,"1","2","3","4.5","6",7,"8",9,"10","11","12"],[2000,"1","2","3","x"]]'
    assert read_candles(body) == (Candle(1_000_000, 450_000_000),)
