"""Each client's own exception for 429 and for 418. The first half exhausts the weight, the second ends in a ban.

All come from one address, so a ban meets every client: the tests of the ban stand last.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("binance")
pytest.importorskip("binance_sdk_spot")
pytest.importorskip("ccxt")

import ccxt
import ccxt.async_support
import ccxt.pro
from binance import AsyncClient, Client
from binance.exceptions import BinanceAPIException
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_common.errors import RateLimitBanError, TooManyRequestsError
from binance_sdk_spot.spot import Spot
from tests.contract.clients.ccxt_session import configuration
from tests.contract.clients.python_binance_session import point_at
from tests.support.testnet_process import TestnetProcess

pytestmark = [
    pytest.mark.client,
    pytest.mark.filterwarnings(
        "ignore:parameter 'timeout' of type 'float':DeprecationWarning"
    ),  # the SDK's own
]

CALLS_MAX = 60
LIMITED = 429
BANNED = 418
TEXTS = {
    LIMITED: "Too much request weight used; current limit is 120 request weight per 1 MINUTE. ",
    BANNED: "Way too much request weight used; IP banned until ",
}
RETRY_AFTER_S_MAX = {LIMITED: 60, BANNED: 120}

#: Makes one call of weight 20 again and again; returns the first refusal with the wanted status: (status, code, text).
Probe = Callable[[TestnetProcess, int], Awaitable[tuple[int, int, str]]]


async def python_binance_sync(_testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    for _ in range(CALLS_MAX):
        try:
            Client().get_exchange_info()  # the constructor pings, and may be what is refused
        except BinanceAPIException as refusal:
            if refusal.status_code == status and int(refusal.response.headers["Retry-After"]) > 0:
                return refusal.status_code, refusal.code, refusal.message
    raise AssertionError("never refused")


async def python_binance_async(_testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    client = AsyncClient()
    try:
        for _ in range(CALLS_MAX):
            try:
                await client.get_exchange_info()
            except BinanceAPIException as refusal:
                if refusal.status_code == status:
                    return refusal.status_code, refusal.code, refusal.message
    finally:
        await client.close_connection()
    raise AssertionError("never refused")


async def binance_sdk(testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    client = Spot(config_rest_api=ConfigurationRestAPI(base_path=testnet.rest)).rest_api
    expected = {LIMITED: TooManyRequestsError, BANNED: RateLimitBanError}[status]
    for _ in range(CALLS_MAX):
        try:
            client.exchange_info()
        except (TooManyRequestsError, RateLimitBanError) as refusal:
            if isinstance(refusal, expected) and 0 < refusal.retry_after <= RETRY_AFTER_S_MAX[status]:
                return status, refusal.status_code, refusal.error_message
    raise AssertionError("never refused")


async def ccxt_sync(testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    exchange = ccxt.binance(configuration(testnet, enableRateLimit=False))
    for _ in range(CALLS_MAX):
        try:
            exchange.public_get_exchangeinfo()
        except ccxt.DDoSProtection as refusal:
            if found := _of_ccxt(refusal, status):
                return found
    raise AssertionError("never refused")


async def ccxt_async(testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    return await _ask_ccxt(ccxt.async_support.binance, testnet, status)


async def ccxt_pro(testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    return await _ask_ccxt(ccxt.pro.binance, testnet, status)


async def _ask_ccxt(kind: Any, testnet: TestnetProcess, status: int) -> tuple[int, int, str]:
    exchange = kind(configuration(testnet, enableRateLimit=False))
    try:
        for _ in range(CALLS_MAX):
            try:
                await exchange.public_get_exchangeinfo()
            except ccxt.DDoSProtection as refusal:
                if found := _of_ccxt(refusal, status):
                    return found
    finally:
        await exchange.close()
    raise AssertionError("never refused")


def _of_ccxt(refusal: Exception, status: int) -> tuple[int, int, str] | None:
    found = re.search(r'^binance (\d+) .*"code":(-\d+),"msg":"([^"]*)"', str(refusal))
    assert found is not None, refusal
    return (status, int(found[2]), found[3]) if int(found[1]) == status else None


PROBES: list[Probe] = [
    python_binance_sync,
    python_binance_async,
    binance_sdk,
    ccxt_sync,
    ccxt_async,
    ccxt_pro,
]


@pytest.fixture(autouse=True)
def _address(limited_testnet: TestnetProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(limited_testnet, monkeypatch)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
@pytest.mark.parametrize("status", [LIMITED, BANNED])
async def test_too_many_requests_raise_the_clients_own_exception(
    limited_testnet: TestnetProcess, probe: Probe, status: int
) -> None:
    found, code, text = await probe(limited_testnet, status)
    assert (found, code) == (status, -1003)
    assert text.startswith(TEXTS[status])


async def test_banned_address_gets_no_websocket_api(limited_testnet: TestnetProcess) -> None:
    await binance_sdk(limited_testnet, BANNED)
    client = Spot(config_ws_api=ConfigurationWebSocketAPI(stream_url=limited_testnet.ws_api)).websocket_api
    assert await client.create_connection() is None
    with pytest.raises(ValueError, match="No WebSocket connections"):
        await client.time()
    await client.close_connection()


async def test_limits_over_the_websocket_api_carry_retry_after(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    testnet = TestnetProcess.start(tmp_path_factory.mktemp("ws") / "home", liquidity=False, limits_scale=0.02)
    client = Spot(config_ws_api=ConfigurationWebSocketAPI(stream_url=testnet.ws_api)).websocket_api
    statuses: list[int] = []
    try:
        await client.create_connection()
        for _ in range(CALLS_MAX):
            found = (await client.exchange_info()).data()
            if isinstance(found, dict):
                assert found["error"]["code"] == -1003
                assert found["error"]["data"]["retryAfter"] > time.time() * 1000
                statuses.append(BANNED if "banned" in found["error"]["msg"] else LIMITED)
            if BANNED in statuses:
                break
    except ValueError:
        pass  # the connection of a banned address is dropped
    finally:
        await client.close_connection()
        testnet.stop()
    assert statuses[0] == LIMITED
    assert statuses[-1] == BANNED
