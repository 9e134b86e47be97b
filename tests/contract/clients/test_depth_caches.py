"""Every client's local order book, side by side through one soak of 500 diffs, equals the server's book at its end.

One soak for all: a diff comes every 100 ms, so 500 of them take 50 seconds however many listen.
"""

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any, Final

import pytest

pytest.importorskip("binance")
pytest.importorskip("binance_sdk_spot")
pytest.importorskip("ccxt")

import ccxt.pro
from binance import AsyncClient, DepthCacheManager, ThreadedDepthCacheManager
from binance.ws.reconnecting_websocket import ReconnectingWebsocket
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot
from binance_sdk_spot.websocket_streams.models import DiffBookDepthUpdateSpeedEnum
from tests.contract.clients.ccxt_session import configuration
from tests.contract.clients.python_binance_session import point_at
from tests.support.floor import RICH, FloorTrader
from tests.support.testnet_process import TestnetProcess

pytestmark = [pytest.mark.client, pytest.mark.timeout(150)]

SYMBOL: Final = "ETHUSDT"
MIDDLE: Final = 3_400
DIFFS_MIN: Final = 500
SOAK_S_MAX: Final = 110
SETTLE_S_MAX: Final = 10
PACE_S: Final = 0.03
OPEN_ORDERS_MAX: Final = 80
LEVELS_MAX: Final = 5_000

Book = tuple[dict[float, float], dict[float, float]]


class Crowd(threading.Thread):
    """Changes the book several times in each 100 ms: new orders, cancels, trades through a level or two."""

    def __init__(self, testnet: TestnetProcess) -> None:
        super().__init__(daemon=True)
        for name in ("crowd-maker", "crowd-taker"):
            testnet.create_account(name, {**RICH, "ETH": "1000000"})
        self._maker = FloorTrader(testnet, testnet.create_key("crowd-maker", "HMAC"))
        self._taker = FloorTrader(testnet, testnet.create_key("crowd-taker", "HMAC"))
        self._dice = random.Random(500)
        self._open: list[int] = []
        self._enough = threading.Event()
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            self._open_the_market()
            while not self._enough.wait(PACE_S):
                self._act()
        except Exception as fault:  # noqa: BLE001 - shown by finish()
            self.fault = fault

    def finish(self) -> None:
        self._enough.set()
        self.join(SETTLE_S_MAX)
        assert self.fault is None, self.fault

    def leave(self) -> None:
        if self._maker.request("GET", "/api/v3/openOrders", symbol=SYMBOL):
            self._maker.request("DELETE", "/api/v3/openOrders", symbol=SYMBOL)

    def book(self) -> tuple[int, Book]:
        found = self._maker.public("/api/v3/depth", symbol=SYMBOL, limit=LEVELS_MAX)
        bids, asks = ({float(price): float(size) for price, size in found[side]} for side in ("bids", "asks"))
        return found["lastUpdateId"], (bids, asks)

    def _open_the_market(self) -> None:
        """One trade: without any, MARKET orders are refused."""
        order = {"symbol": SYMBOL, "type": "LIMIT", "timeInForce": "GTC", "price": MIDDLE, "quantity": "0.1"}
        self._maker.request("POST", "/api/v3/order", side="SELL", **order)
        self._taker.request("POST", "/api/v3/order", side="BUY", **order)

    def _act(self) -> None:
        roll = self._dice.random()
        if len(self._open) > OPEN_ORDERS_MAX or (roll < 0.35 and self._open):
            order = self._open.pop(self._dice.randrange(len(self._open)))
            if any(found["orderId"] == order for found in self._maker_orders()):
                self._maker.request("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=order)
        elif roll < 0.5 and len(self._open) > OPEN_ORDERS_MAX // 2:
            self._taker.request(
                "POST", "/api/v3/order", symbol=SYMBOL, side=self._dice.choice(("BUY", "SELL")), type="MARKET",
                quantity=self._dice.choice(("0.3", "1.7")), newOrderRespType="ACK",
            )  # fmt: skip
        else:
            side, sign = self._dice.choice((("BUY", -1), ("SELL", 1)))
            price = MIDDLE + sign * Decimal(self._dice.randrange(1, 3_000)) / 100
            placed = self._maker.request(
                "POST", "/api/v3/order", symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTC",
                price=price, quantity=self._dice.choice(("0.5", "1", "2.25")),
            )  # fmt: skip
            self._open.append(placed["orderId"])

    def _maker_orders(self) -> Any:
        return self._maker.request("GET", "/api/v3/openOrders", symbol=SYMBOL)


class PythonBinanceCache:
    """python-binance's DepthCacheManager on its asyncio client."""

    def __init__(self, manager: DepthCacheManager) -> None:
        self._manager = manager
        self.diffs = 0
        self.resyncs = 0

    async def follow(self) -> None:
        fetch = self._manager._client.get_order_book

        async def counted(**params: Any) -> Any:
            self.resyncs += 1
            return await fetch(**params)

        self._manager._client.get_order_book = counted
        while True:
            found = await self._manager.recv()
            assert not isinstance(found, dict), found
            self.diffs += 1

    def book(self) -> Book:
        return _book_of(self._manager.get_depth_cache())


class ThreadedCache:
    """python-binance's ThreadedDepthCacheManager, for programs without asyncio."""

    def __init__(self) -> None:
        self._manager = ThreadedDepthCacheManager()
        self._cache: Any = None
        self.diffs = 0
        self._manager.start()
        self._path = self._manager.start_depth_cache(
            self._heard, symbol=SYMBOL, limit=LEVELS_MAX, ws_interval=100
        )

    def _heard(self, found: Any) -> None:
        self._cache = found
        self.diffs += 1

    def book(self) -> Book:
        return _book_of(self._cache)

    def close(self) -> None:
        self._manager.stop_socket(self._path)
        self._manager.stop()
        self._manager.join(SETTLE_S_MAX)


class CcxtCache:
    """ccxt pro's watch_order_book; it raises ChecksumError on a gap."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self.diffs = 0

    async def follow(self) -> None:
        while True:
            await self._exchange.watch_order_book("ETH/USDT")
            self.diffs += 1

    def book(self) -> Book:
        found = self._exchange.orderbooks["ETH/USDT"]
        return dict(map(tuple, found["bids"])), dict(map(tuple, found["asks"]))  # type: ignore[arg-type]


class SdkCache:
    """The official SDK has no cache; this one keeps a book from its stream as Binance's documents tell users to."""

    def __init__(self, rest: Any) -> None:
        self._rest = rest
        self._waiting: list[Any] | None = []
        self._sides: Book = ({}, {})
        self._synchronous = False
        self.update_id = 0
        self.diffs = 0
        self.gaps: list[tuple[int, int]] = []

    def heard(self, diff: Any) -> None:
        self.diffs += 1
        if self._waiting is not None:
            self._waiting.append(diff)
        else:
            self._apply(diff)

    async def load(self) -> None:
        """Source: web-socket-streams.md, "How to manage a local order book correctly"."""
        async with asyncio.timeout(SETTLE_S_MAX):
            while not self._waiting:  # noqa: ASYNC110 - filled by a callback of the SDK
                await asyncio.sleep(0.01)
        snapshot = None
        while snapshot is None or snapshot.last_update_id < self._waiting[0].U:
            snapshot = (await asyncio.to_thread(self._rest.depth, symbol=SYMBOL, limit=LEVELS_MAX)).data()
        for side, levels in zip(self._sides, (snapshot.bids, snapshot.asks), strict=True):
            side.update((float(price), float(size)) for price, size in levels)
        self.update_id = snapshot.last_update_id
        waiting, self._waiting = self._waiting, None
        for diff in waiting:
            self._apply(diff)

    def _apply(self, diff: Any) -> None:
        if diff.u <= self.update_id:
            return
        # The first one may reach back behind the snapshot; from then on each continues the one before.
        overlap = not self._synchronous and self.update_id >= diff.U
        if not overlap and self.update_id != diff.U - 1:
            self.gaps.append((self.update_id, diff.U))
        self._synchronous = True
        for side, changes in zip(self._sides, (diff.b, diff.a), strict=True):
            for price, size in changes:
                side[float(price)] = float(size)
                if float(size) == 0:
                    del side[float(price)]
        self.update_id = diff.u

    def book(self) -> Book:
        return self._sides


def _book_of(cache: Any) -> Book:
    return dict(map(tuple, cache.get_bids())), dict(map(tuple, cache.get_asks()))


@asynccontextmanager
async def _sdk_cache(testnet: TestnetProcess) -> AsyncIterator[SdkCache]:
    spot = Spot(
        config_rest_api=ConfigurationRestAPI(base_path=testnet.rest),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=testnet.streams),
    )
    streams, cache = spot.websocket_streams, SdkCache(spot.rest_api)
    await streams.create_connection()
    try:
        handle = await streams.diff_book_depth(
            symbol=SYMBOL, update_speed=DiffBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms.value
        )
        handle.on("message", cache.heard)
        await cache.load()
        yield cache
    finally:
        await streams.close_connection()


@asynccontextmanager
async def _python_binance_cache(following: asyncio.TaskGroup) -> AsyncIterator[PythonBinanceCache]:
    client = await AsyncClient.create()
    try:
        async with DepthCacheManager(client, SYMBOL, limit=LEVELS_MAX, ws_interval=100) as manager:
            cache = PythonBinanceCache(manager)
            task = following.create_task(cache.follow())
            try:
                yield cache
            finally:
                task.cancel()
    finally:
        await client.close_connection()


@asynccontextmanager
async def _ccxt_cache(testnet: TestnetProcess, following: asyncio.TaskGroup) -> AsyncIterator[CcxtCache]:
    exchange = ccxt.pro.binance(configuration(testnet))
    try:
        cache = CcxtCache(exchange)
        task = following.create_task(cache.follow())
        try:
            yield cache
        finally:
            task.cancel()
    finally:
        await exchange.close()


@asynccontextmanager
async def _threaded_cache() -> AsyncIterator[ThreadedCache]:
    cache = await asyncio.to_thread(ThreadedCache)
    try:
        yield cache
    finally:
        await asyncio.to_thread(cache.close)


async def test_every_local_book_equals_the_servers_after_500_diffs(
    quiet_testnet: TestnetProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(quiet_testnet, monkeypatch)
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 2)
    crowd = Crowd(quiet_testnet)
    crowd.start()
    try:
        async with asyncio.TaskGroup() as following, AsyncExitStack() as stack:
            sdk = await stack.enter_async_context(_sdk_cache(quiet_testnet))
            threaded = await stack.enter_async_context(_threaded_cache())
            python_binance = await stack.enter_async_context(_python_binance_cache(following))
            pro = await stack.enter_async_context(_ccxt_cache(quiet_testnet, following))
            caches = {"sdk": sdk, "threaded": threaded, "python-binance": python_binance, "ccxt pro": pro}
            await _until(
                lambda: crowd.fault or min(cache.diffs for cache in caches.values()) >= DIFFS_MIN, SOAK_S_MAX
            )
            await asyncio.to_thread(crowd.finish)
            update_id, served = await asyncio.to_thread(crowd.book)
            assert min(len(side) for side in served) > 0
            await _until(lambda: all(cache.book() == served for cache in caches.values()), SETTLE_S_MAX)
    finally:
        crowd.finish()
        crowd.leave()
    assert sdk.gaps == []
    assert sdk.update_id == update_id
    assert python_binance.resyncs <= 1, (
        "python-binance fetches the book again only when its first diff leaves a gap"
    )


async def _until(condition: Any, wait_s: float) -> None:
    async with asyncio.timeout(wait_s):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in a client or in a server
            await asyncio.sleep(0.05)
