"""All ways to the upstream against a real testnet process: REST, WebSocket API, streams, its clock, market, accounts."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from tests.support.fake_upstreams import sessions, until
from tests.support.testnet_process import TestnetKey, TestnetProcess

from watchword.adapters.system import monotonic_ns, wall_us
from watchword.adapters.upstream.account_events import AccountEvents
from watchword.adapters.upstream.clock import UpstreamClock
from watchword.adapters.upstream.http_link import HttpLink
from watchword.adapters.upstream.market import MarketFeed
from watchword.adapters.upstream.session import UpstreamSession
from watchword.adapters.upstream.streams import StreamLink
from watchword.adapters.upstream.ws_link import WsApiLink
from watchword.credentials.payload import sign_rest, sign_ws
from watchword.credentials.signer import HmacSigner
from watchword.gateway.messages import Answer, Outbound, Unanswered
from watchword.kernel.secret import Secret
from watchword.kernel.units import SCALE

SETTLE_S = 10.0


def trader(testnet: TestnetProcess) -> TestnetKey:
    name = f"upstream-{uuid.uuid4().hex[:8]}"
    testnet.create_account(name, {"USDT": "100000", "BTC": "5"})
    return testnet.create_key(name, "HMAC")


def rest(key: TestnetKey, method: str, path: str, at_us: int, **params: str) -> Outbound:
    query = urlencode({**params, "timestamp": str(at_us // 1000), "recvWindow": "5000"})
    signed = f"{query}&{sign_rest(HmacSigner(Secret(key.secret.encode())), query)}"
    return Outbound(
        method=method, path=path, query=signed.encode(), api_key=key.api_key, changes=method != "GET"
    )


def ws(key: TestnetKey, method: str, at_us: int, **params: str) -> Outbound:
    wanted = {**params, "apiKey": key.api_key, "timestamp": str(at_us // 1000)}
    return Outbound(method="", path=method, params=sign_ws(HmacSigner(Secret(key.secret.encode())), wanted))


@asynccontextmanager
async def clocks(session: UpstreamSession) -> AsyncIterator[UpstreamClock]:
    clock = UpstreamClock(HttpLink(session), wall_us, monotonic_ns)
    assert await clock.settle(SETTLE_S) is None
    yield clock


async def test_signed_order_and_cancel_over_both_doors(quiet_testnet: TestnetProcess) -> None:
    key = trader(quiet_testnet)
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "50000",
    }
    async with sessions(quiet_testnet.rest) as session, clocks(session) as clock:
        link = HttpLink(session)
        placed = await link.send(
            rest(key, "POST", "/api/v3/order", clock.now_us(), newClientOrderId="one", **order)
        )
        assert isinstance(placed, Answer)
        assert placed.status == 200, placed.body
        assert json.loads(placed.body)["clientOrderId"] == "one"
        assert any(name.lower() == b"x-mbx-used-weight-1m" for name, _ in placed.headers)
        api = WsApiLink(session)
        found = await api.send(
            ws(key, "order.status", clock.now_us(), symbol="BTCUSDT", origClientOrderId="one")
        )
        assert isinstance(found, Answer)
        assert found.status == 200, found.body
        assert json.loads(found.body)["status"] == "NEW"
        assert json.loads(found.rate_limits)[0]["rateLimitType"] == "REQUEST_WEIGHT"
        cancelled = await link.send(
            rest(key, "DELETE", "/api/v3/order", clock.now_us(), symbol="BTCUSDT", origClientOrderId="one")
        )
        assert isinstance(cancelled, Answer)
        assert json.loads(cancelled.body)["status"] == "CANCELED"
        gone = await api.send(
            ws(key, "order.cancel", clock.now_us(), symbol="BTCUSDT", origClientOrderId="one")
        )
        assert isinstance(gone, Answer)
        assert (gone.status, json.loads(gone.body)["code"]) == (400, -2011)
        await api.close()


async def test_clock_is_within_what_it_claims(quiet_testnet: TestnetProcess) -> None:
    """The testnet runs on this machine: the upstream's clock and the wall clock are one."""
    async with sessions(quiet_testnet.rest) as session, clocks(session) as clock:
        error_us, offset_us = clock.error_us(), clock.offset_us()
    assert error_us is not None
    assert offset_us is not None
    assert error_us < 50_000
    assert abs(offset_us) <= error_us + 1_000


async def test_account_events_tell_of_an_order_placed_elsewhere(quiet_testnet: TestnetProcess) -> None:
    key, log = trader(quiet_testnet), list[str]()
    async with sessions(quiet_testnet.rest) as session, clocks(session) as clock:

        async def sign(credential_id: str) -> Outbound | None:
            return ws(key, "userDataStream.subscribe.signature", clock.now_us())

        def received(credential_id: str, event: bytes) -> None:
            content = json.loads(event)
            log.append(f"{credential_id} {content['e']} {content.get('x')} {content.get('c')}")

        events = AccountEvents(session, sign, received, lambda _: None, log.append)
        events.follow("cred-a")
        await until(lambda: log == ["cred-a"], SETTLE_S)
        await HttpLink(session).send(
            rest(key, "POST", "/api/v3/order", clock.now_us(), symbol="BTCUSDT", side="BUY", type="LIMIT",
                timeInForce="GTC", quantity="0.01", price="50000", newClientOrderId="seen")
        )  # fmt: skip
        await until(lambda: "cred-a executionReport NEW seen" in log, SETTLE_S)
        await events.close()


async def test_streams_pass_through(live_testnet: TestnetProcess) -> None:
    texts, ends = list[bytes](), list[tuple[int, str]]()
    async with sessions(live_testnet.rest) as session:
        link = StreamLink(session, "/ws", texts.append, lambda code, reason: ends.append((code, reason)))
        assert await link.open() is None
        assert link.forward(b'{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":7}')
        await until(lambda: len(texts) > 3, SETTLE_S)
        await link.close()
    assert json.loads(texts[0]) == {"result": None, "id": 7}
    assert json.loads(texts[1])["s"] == "BTCUSDT"
    assert ends == []


@pytest.mark.parametrize("symbol", ["BTCUSDT", "这是测试币456"])
async def test_market_is_followed(live_testnet: TestnetProcess, symbol: str) -> None:
    async with sessions(live_testnet.rest) as session, clocks(session) as clock:
        feed = MarketFeed(HttpLink(session), session, clock)
        running = asyncio.create_task(feed.run())
        await feed.follow([symbol, "NOSUCHUSDT"])
        first = feed.references([symbol, "NOSUCHUSDT"], clock.now_us())
        assert list(first) == [symbol]
        market = first[symbol]
        assert market.bids[0][0] < market.asks[0][0]
        assert market.bids[0][0] * 0.8 < market.median < market.asks[0][0] * 1.2
        await until(
            lambda: feed.references([symbol], clock.now_us())[symbol].book_at_us > market.book_at_us, SETTLE_S
        )
        await until(
            lambda: feed.references([symbol], clock.now_us())[symbol].median_at_us > market.median_at_us,
            SETTLE_S,
        )
        later = feed.references([symbol], clock.now_us())[symbol]
        assert clock.now_us() - later.book_at_us < 5_000_000
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert market.base
    assert market.median > SCALE // 1_000


async def test_killed_upstream_is_no_hang_and_no_second_attempt(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    testnet = TestnetProcess.start(tmp_path_factory.mktemp("killed") / "home", liquidity=False)
    key = trader(testnet)
    try:
        async with sessions(testnet.rest, answer_s=2.0) as session, clocks(session) as clock:
            api, link = WsApiLink(session), HttpLink(session)
            assert isinstance(await api.send(ws(key, "account.status", clock.now_us())), Answer)
            testnet.kill()
            over_rest = await link.send(
                rest(key, "DELETE", "/api/v3/openOrders", clock.now_us(), symbol="BTCUSDT")
            )
            over_ws = await api.send(ws(key, "account.status", clock.now_us()))
            await api.close()
    finally:
        testnet.kill()
    assert isinstance(over_rest, Unanswered)
    assert isinstance(over_ws, Unanswered)
