"""Unmodified clients with their own base URLs: they are given the proxy, the authority to trust and a key, nothing else.

They believe to speak to the live exchange; the testnet behind the proxy answers.
"""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
import uvloop
from binance.async_client import AsyncClient
from binance.client import Client
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_sdk_spot.spot import Spot
from tests.support.doors import Key
from tests.support.proxied_testnet import ProxiedTestnet, proxied_testnet, without_trust

pytestmark = pytest.mark.client
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedTestnet]:
    with proxied_testnet(tmp_path_factory.mktemp("proxied"), uvloop.new_event_loop) as served:
        asyncio.run_coroutine_threadsafe(served.doors.tick(), served.loop).result(10)
        yield served


@pytest.fixture
def key(proxied: ProxiedTestnet, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Key:
    without_trust(monkeypatch)
    proxied.refused.clear()
    return proxied.key(request.node.name)


@pytest.fixture
def trusted(proxied: ProxiedTestnet, key: Key, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxied.authority))
    return proxied.authority


def _ccxt_settings(proxied: ProxiedTestnet, key: Key) -> dict[str, Any]:
    return {
        "apiKey": key.api_key,
        "secret": key.secret.decode(),
        "httpsProxy": proxied.url,
        "wssProxy": proxied.url,
        "requests_trust_env": True,
        "cafile": str(proxied.authority),
    }


def test_ccxt_trades(proxied: ProxiedTestnet, key: Key, trusted: Path) -> None:
    exchange = ccxt.binance(_ccxt_settings(proxied, key))
    try:
        assert exchange.load_markets()["BTC/USDT"]["spot"]
        placed = exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 60_000)
        assert exchange.cancel_order(placed["id"], "BTC/USDT")["status"] == "canceled"
    finally:
        exchange.close()
    assert proxied.refused == []


async def test_ccxt_async_trades(proxied: ProxiedTestnet, key: Key) -> None:
    exchange = ccxt.async_support.binance(_ccxt_settings(proxied, key))
    try:
        placed = await exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 60_000)
        assert (await exchange.cancel_order(placed["id"], "BTC/USDT"))["status"] == "canceled"
    finally:
        await exchange.close()
    assert proxied.refused == []


async def test_ccxt_pro_watches_and_trades(proxied: ProxiedTestnet, key: Key) -> None:
    exchange = ccxt.pro.binance(_ccxt_settings(proxied, key))
    try:
        watching = asyncio.ensure_future(exchange.watch_ticker("BTC/USDT"))
        while not watching.done():
            asyncio.run_coroutine_threadsafe(proxied.doors.tick(), proxied.loop)
            await asyncio.wait([watching], timeout=0.2)
        assert watching.result()["symbol"] == "BTC/USDT"
        placed = await exchange.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 60_000)
        assert placed["status"] == "open"
    finally:
        await exchange.close()
    assert proxied.refused == []


def test_python_binance_trades(proxied: ProxiedTestnet, key: Key, trusted: Path) -> None:
    client = Client(key.api_key, key.secret.decode(), requests_params={"proxies": {"https": proxied.url}})
    try:
        placed = client.create_order(**ORDER)
        assert client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "CANCELED"
    finally:
        client.close_connection()
    assert proxied.refused == []


async def test_python_binance_async_trades(proxied: ProxiedTestnet, key: Key) -> None:
    context = ssl.create_default_context(cafile=str(proxied.authority))
    client = AsyncClient(
        key.api_key,
        key.secret.decode(),
        https_proxy=proxied.url,
        session_params={"connector": _connector(context)},
    )
    try:
        placed = await client.create_order(**ORDER)
        assert (await client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"]))[
            "status"
        ] == "CANCELED"
    finally:
        await client.close_connection()
    assert proxied.refused == []


def test_binance_sdk_spot_trades(proxied: ProxiedTestnet, key: Key, trusted: Path) -> None:
    client = Spot(
        config_rest_api=ConfigurationRestAPI(
            api_key=key.api_key, api_secret=key.secret.decode(), proxy=_sdk_proxy(proxied)
        )
    )
    placed = client.rest_api.new_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=60_000.0
    ).data()
    cancelled = client.rest_api.delete_order(symbol="BTCUSDT", order_id=placed.order_id).data()
    assert cancelled.status == "CANCELED"
    assert proxied.refused == []


async def test_binance_sdk_spot_session_trades(proxied: ProxiedTestnet, key: Key) -> None:
    context = ssl.create_default_context(cafile=str(proxied.authority))
    client = Spot(
        config_ws_api=ConfigurationWebSocketAPI(
            api_key=key.api_key,
            api_secret=key.secret.decode(),
            proxy=_sdk_proxy(proxied),
            https_agent=context,
        )
    )
    session = await client.websocket_api.create_connection()
    try:
        answer = await session.order_place(
            symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=60_000.0
        )
        assert answer.data().result.status == "NEW"
    finally:
        await session.close_connection()
    assert proxied.refused == []


def _connector(context: ssl.SSLContext) -> Any:
    import aiohttp

    return aiohttp.TCPConnector(ssl=context)


def _sdk_proxy(proxied: ProxiedTestnet) -> dict[str, Any]:
    parts = urlsplit(proxied.url)
    return {
        "protocol": "http",
        "host": parts.hostname,
        "port": parts.port,
        "auth": {"username": parts.username, "password": parts.password},
    }
