"""ccxt's asyncio exchange class, unmodified, against a real testnet process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("ccxt")

import ccxt
import ccxt.async_support
from tests.contract.clients.ccxt_refusals import EXCEPTIONS
from tests.contract.clients.ccxt_session import MARKET, configuration, full_session
from tests.contract.clients.refused_orders import (
    COUNT_REFUSALS,
    REFUSALS,
    fill_up,
    filters_of,
    order_over_count,
    refused_order,
)
from tests.support.floor import Account, Floor
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetKey, TestnetProcess

pytestmark = pytest.mark.client


@asynccontextmanager
async def connected(testnet: TestnetProcess, key: TestnetKey | None = None) -> AsyncIterator[Any]:
    exchange = ccxt.async_support.binance(configuration(testnet, key, enableRateLimit=False))
    try:
        yield exchange
    finally:
        await exchange.close()


@pytest.fixture
async def exchange(account: Account) -> AsyncIterator[Any]:
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as made:
        yield made


async def refused(call: Any, *args: Any) -> tuple[type[ccxt.BaseError], str]:
    """ccxt's own exception."""
    with pytest.raises(ccxt.BaseError) as caught:
        await call(*args)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_session_with_each_key_type_completes(
    floor: Floor, account: Account, key_type: KeyType
) -> None:
    async with connected(floor.testnet, floor.testnet.create_key(account.name, key_type)) as exchange:
        await full_session(exchange, floor)


async def test_markets_load_with_default_options(account: Account) -> None:
    exchange = ccxt.async_support.binance(
        configuration(account.testnet, account.testnet.create_key(account.name, "ED25519"))
    )
    try:
        assert MARKET in await exchange.load_markets()
    finally:
        await exchange.close()


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    async with connected(
        account.testnet, TestnetKey(key_type, key.api_key, other.secret, other.pem)
    ) as exchange:
        kind, text = await refused(exchange.private_get_account)
        assert kind is ccxt.AuthenticationError
        assert '"code":-1022' in text


async def test_wrong_key_is_refused(quiet_testnet: TestnetProcess) -> None:
    async with connected(quiet_testnet, TestnetKey("HMAC", "k" * 64, "s" * 64)) as exchange:
        kind, text = await refused(exchange.load_markets)
        assert kind is ccxt.AuthenticationError
        assert '"code":-20' in text


async def test_wrong_address_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "RSA", ips=["203.0.113.7"])
    async with connected(account.testnet, key) as exchange:
        kind, text = await refused(exchange.private_get_account)
        assert kind is ccxt.AuthenticationError
        assert '"code":-2015' in text


async def test_missing_permission_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "ED25519", permissions=["READING"])
    async with connected(account.testnet, key) as exchange:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        kind, text = await refused(exchange.private_post_order, order)
        assert kind is ccxt.AuthenticationError
        assert '"code":-2015' in text


@pytest.mark.parametrize("offset_ms", [-30_000, 5_000])
async def test_wrong_clock_is_refused(exchange: Any, offset_ms: int) -> None:
    exchange.options["timeDifference"] = -offset_ms
    kind, text = await refused(exchange.private_get_account)
    assert kind is ccxt.InvalidNonce
    assert '"code":-1021' in text


async def test_orders_breaking_a_rule_are_refused(exchange: Any, floor: Floor) -> None:
    filters = filters_of(floor)
    for name, expected in REFUSALS.items():
        kind, text = await refused(exchange.private_post_order, refused_order(name, filters))
        assert kind is EXCEPTIONS[name], name
        assert expected.text in text


@pytest.mark.parametrize("name", COUNT_REFUSALS)
async def test_one_order_too_many_is_refused(
    exchange: Any, account: Account, floor: Floor, name: str
) -> None:
    fill_up(account, name, filters_of(floor))
    kind, text = await refused(exchange.private_post_order, order_over_count(name))
    assert kind is EXCEPTIONS[name]
    assert COUNT_REFUSALS[name].text in text
