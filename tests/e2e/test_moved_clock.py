"""The exchange's clock is moved while clients are connected: what follows it, what does not, and what must not break."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from tests.support.doors import TRADER, Doors, Key, call, open_doors

from watchword.credentials.key_directory import IssuedKey, KeyRefused, KeyTerms
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.entrypoints.testnet.publisher import KLINES_CAUGHT_UP_MAX

DAY_US = 86_400_000_000
MONTH_US = 30 * DAY_US
READER: frozenset[Permission] = frozenset(("READING",))


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


def exchange_ms(doors: Doors) -> int:
    return doors.testnet.clock.now_us() // 1000


async def server_ms(doors: Doors) -> int:
    return int((await doors.public("/api/v3/time"))[2]["serverTime"])


def bound_key(doors: Doors, account_id: int, **restrictions: Any) -> Key:
    """A trading key that works from this machine only, so that no rule ends it."""
    networks = read_networks(["127.0.0.1"])
    assert isinstance(networks, tuple)
    made = doors.testnet.directory.issue(
        account_id, "HMAC", b"", KeyTerms("", TRADER, Restrictions(networks, **restrictions)),
        doors.testnet.clock.now_us(),
    )  # fmt: skip
    assert isinstance(made, IssuedKey), made
    return Key(made.record.api_key, made.secret_key.encode())


async def place(doors: Doors, key: Key, **fields: Any) -> tuple[int, Any]:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    status, _, body = await doors.signed(
        key, "POST", "/api/v3/order", **{**order, "price": "60000", "timestamp": exchange_ms(doors), **fields}
    )
    return status, body


async def test_time_requests_dates_and_orders_follow_the_clock(doors: Doors) -> None:
    key = bound_key(doors, await doors.account("alice"))
    await doors.testnet.move_clock(MONTH_US)
    assert abs(await server_ms(doors) - doors.now_ms() - MONTH_US // 1000) < 5_000
    _, headers, _ = await doors.public("/api/v3/ping")
    moved = time.strftime("%d %b %Y", time.gmtime(doors.testnet.clock.now_us() // 1_000_000))
    assert moved in headers["date"]
    status, order = await place(doors, key)
    assert status == 200, order
    assert abs(order["transactTime"] - exchange_ms(doors)) < 5_000
    status, refusal = await place(doors, key, timestamp=doors.now_ms())
    assert (status, refusal["code"]) == (400, -1021)


async def test_connections_do_not_notice_a_month(doors: Doors) -> None:
    key = doors.key(await doors.account("alice"), "ED25519")
    stream, api = await doors.ws("/ws/btcusdt@bookTicker"), await doors.ws("/ws-api/v3")
    await call(api, "session.logon", doors.ws_params(key))
    await doors.testnet.move_clock(DAY_US * 29)
    for _ in range(3):
        doors.door.sweep()
    status = await call(api, "session.status")
    assert status["result"]["apiKey"] == key.api_key
    assert abs(status["result"]["serverTime"] - exchange_ms(doors)) < 5_000
    await stream.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    assert (await stream.receive_json(timeout=5))["result"] == ["btcusdt@bookTicker"]


async def test_session_of_a_key_that_expires_by_the_move_ends_at_once(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await doors.account("alice")
    keys = [doors.key(alice, "ED25519") for _ in range(2)]
    now_us = doors.testnet.clock.now_us()
    networks = read_networks(["127.0.0.1"])
    assert isinstance(networks, tuple)
    for key, days in zip(keys, (1, 60), strict=True):
        terms = KeyTerms("", TRADER, Restrictions(networks, expires_us=now_us + days * DAY_US))
        assert not isinstance(doors.testnet.directory.edit(key.api_key, terms, now_us), KeyRefused)
    sockets = [await doors.ws("/ws-api/v3") for _ in keys]
    for socket, key in zip(sockets, keys, strict=True):
        await call(socket, "session.logon", doors.ws_params(key))
        await call(socket, "userDataStream.subscribe")
    # What ends, ends by the move and not by the sweep of every second.
    monkeypatch.setattr(doors.door, "sweep", lambda: None)
    await doors.testnet.move_clock(DAY_US)
    ended = await sockets[0].receive_json(timeout=2)
    assert ended["event"]["e"] == "eventStreamTerminated"
    assert (await call(sockets[0], "session.status"))["status"] != 200
    assert (await call(sockets[1], "session.status"))["result"]["apiKey"] == keys[1].api_key


async def test_idle_key_is_gone_on_day_30_and_a_used_one_is_not(doors: Doors) -> None:
    alice = await doors.account("alice")
    idle, used = (doors.key(alice, permissions=READER) for _ in range(2))
    await doors.testnet.move_clock(29 * DAY_US)
    status, _, _ = await doors.signed(used, "GET", "/api/v3/account", timestamp=exchange_ms(doors))
    assert status == 200
    record = doors.testnet.directory.record(used.api_key)
    assert record is not None
    assert (record.last_used_ip, record.last_used_for) == ("127.0.0.1", "account.status")
    await doors.testnet.move_clock(DAY_US)
    for key, expected in ((idle, -2015), (used, None)):
        _, _, body = await doors.signed(key, "GET", "/api/v3/account", timestamp=exchange_ms(doors))
        assert body.get("code") == expected


async def test_month_at_once_costs_candle_streams_a_bounded_number_of_messages(doors: Doors) -> None:
    alice, bob = [bound_key(doors, await doors.account(name)) for name in ("alice", "bob")]
    await place(doors, alice)
    await place(doors, bob, side="SELL")
    stream = await doors.ws("/ws/btcusdt@kline_1s")
    before = await stream.receive_json(timeout=5)
    began_ms = exchange_ms(doors)
    await doors.testnet.move_clock(MONTH_US)
    candles: list[Any] = []
    async with asyncio.timeout(8):
        while not candles or candles[-1]["t"] < began_ms + MONTH_US // 1000:
            candles.append((await stream.receive_json())["k"])
    assert len(candles) <= 2 * KLINES_CAUGHT_UP_MAX
    opens = [candle["t"] for candle in candles]
    assert opens == sorted(set(opens))
    # The candle that was in the making ends as closed, before the newest ones.
    assert opens[0] <= before["k"]["t"] + 2_000
    assert candles[0]["x"] is True


async def test_candles_and_tickers_after_a_month_are_quick_and_whole(doors: Doors) -> None:
    alice, bob = [bound_key(doors, await doors.account(name)) for name in ("alice", "bob")]
    await place(doors, alice)
    await place(doors, bob, side="SELL")
    await doors.testnet.move_clock(MONTH_US)
    began = time.perf_counter()
    for path in (
        "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000",
        "/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=1000",
        "/api/v3/ticker/24hr?symbol=BTCUSDT",
        "/api/v3/avgPrice?symbol=BTCUSDT",
    ):
        status, _, body = await doors.public(path)
        assert status == 200
        if "klines" in path:
            assert len(body) == 1_000
            assert all(later[0] > earlier[0] for earlier, later in pairwise(body))
    assert time.perf_counter() - began < 5
    assert (await place(doors, alice))[0] == 200


async def test_market_makers_act_after_a_month_as_after_a_quarter_second() -> None:
    async with open_doors(liquidity=True, seed=3) as doors:
        await doors.tick()
        orders = doors.testnet.venue.traders.orders
        await doors.testnet.move_clock(MONTH_US)
        began = time.perf_counter()
        for _ in range(8):
            await doors.tick()
        assert time.perf_counter() - began < 5
        assert doors.testnet.venue.traders.ticks == 9
        assert doors.testnet.venue.traders.orders - orders < 5_000
        _, _, book = await doors.public("/api/v3/depth?symbol=BTCUSDT&limit=5")
        assert len(book["bids"]) == len(book["asks"]) == 5


async def test_limits_begin_a_new_window_and_ban_nobody() -> None:
    async with open_doors(limits_scale=1.0) as doors:
        key = bound_key(doors, await doors.account("alice"))
        await place(doors, key)
        await doors.testnet.move_clock(MONTH_US)
        status, headers, _ = await doors.signed(key, "GET", "/api/v3/account", timestamp=exchange_ms(doors))
        assert status == 200
        assert headers["x-mbx-used-weight-1m"] == "20"
        status, headers, counts = await doors.signed(
            key, "GET", "/api/v3/rateLimit/order", timestamp=exchange_ms(doors)
        )
        assert [one["count"] for one in counts] == [0, 0]


async def test_panic_button_ends_the_sessions_of_every_key(doors: Doors) -> None:
    alice, bob = await doors.account("alice"), await doors.account("bob")
    keys = [doors.key(alice, "ED25519"), doors.key(alice, "ED25519"), doors.key(bob, "ED25519")]
    sockets = [await doors.ws("/ws-api/v3") for _ in keys]
    for socket, key in zip(sockets, keys, strict=True):
        await call(socket, "session.logon", doors.ws_params(key))
        await call(socket, "userDataStream.subscribe")
    assert len(doors.testnet.directory.delete_all(alice)) == 2
    for socket in sockets[:2]:
        assert (await socket.receive_json(timeout=2))["event"]["e"] == "eventStreamTerminated"
        assert (await call(socket, "session.status"))["status"] != 200
    assert (await call(sockets[2], "session.status"))["result"]["apiKey"] == keys[2].api_key
