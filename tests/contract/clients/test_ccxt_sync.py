"""ccxt's blocking exchange class, unmodified, against a real testnet process."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("ccxt")

import ccxt
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
from tests.support.floor import LAST, UNICODE_SYMBOL, Account, Floor
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetKey, TestnetProcess

pytestmark = pytest.mark.client


def exchange_for(testnet: TestnetProcess, key: TestnetKey | None = None, **more: Any) -> ccxt.binance:
    return ccxt.binance(configuration(testnet, key, enableRateLimit=False, **more))


@pytest.fixture
def exchange(account: Account) -> ccxt.binance:
    return exchange_for(account.testnet, account.testnet.create_key(account.name, "HMAC"))


def refused(call: Any, *args: Any) -> tuple[type[ccxt.BaseError], str]:
    """ccxt's own exception."""
    with pytest.raises(ccxt.BaseError) as caught:
        call(*args)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_session_with_each_key_type_completes(floor: Floor, account: Account, key_type: KeyType) -> None:
    key = floor.testnet.create_key(account.name, key_type)
    asyncio.run(full_session(exchange_for(floor.testnet, key), floor))


def test_markets_load_with_default_options(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC")
    exchange = ccxt.binance(configuration(account.testnet, key))
    markets = exchange.load_markets()
    assert {market["type"] for market in markets.values()} == {"spot"}
    assert {"BTC", "USDT", "BNB"} <= set(exchange.currencies)
    assert ccxt.binance(configuration(account.testnet)).load_markets().keys() == markets.keys()


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_symbol_outside_ascii_is_signed_alike(account: Account, key_type: KeyType) -> None:
    exchange = exchange_for(account.testnet, account.testnet.create_key(account.name, key_type))
    (market,) = (found for found in exchange.load_markets().values() if found["id"] == UNICODE_SYMBOL)
    assert exchange.fetch_order_book(market["symbol"])["bids"] == []
    assert exchange.fetch_open_orders(market["symbol"]) == []
    assert exchange.create_order(market["symbol"], "limit", "buy", 1, 10, {"test": True})["id"] is None


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    exchange = exchange_for(account.testnet, TestnetKey(key_type, key.api_key, other.secret, other.pem))
    kind, text = refused(exchange.private_get_account)
    assert kind is ccxt.AuthenticationError
    assert '"code":-1022' in text


def test_wrong_key_is_refused(quiet_testnet: TestnetProcess) -> None:
    for api_key, code in (("k" * 64, "-2015"), ("short", "-2014")):
        kind, text = refused(
            exchange_for(quiet_testnet, TestnetKey("HMAC", api_key, "s" * 64)).private_get_account
        )
        assert kind is ccxt.AuthenticationError
        assert f'"code":{code}' in text


def test_wrong_address_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC", ips=["203.0.113.7"])
    kind, text = refused(exchange_for(account.testnet, key).private_get_account)
    assert kind is ccxt.AuthenticationError
    assert '"code":-2015' in text


def test_missing_permission_is_refused(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC", permissions=["READING"])
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    kind, text = refused(exchange_for(account.testnet, key).private_post_order, order)
    assert kind is ccxt.AuthenticationError
    assert '"code":-2015' in text
    # After a success ccxt takes the same code for a short ban.
    reading = exchange_for(account.testnet, key)
    reading.private_get_account()
    assert refused(reading.private_post_order, order)[0] is ccxt.DDoSProtection


@pytest.mark.parametrize("offset_ms", [-30_000, 5_000])
def test_wrong_clock_is_refused(exchange: ccxt.binance, offset_ms: int) -> None:
    exchange.options["timeDifference"] = -offset_ms
    kind, text = refused(exchange.private_get_account)
    assert kind is ccxt.InvalidNonce
    assert '"code":-1021' in text


def test_clock_difference_is_found_by_the_client(exchange: ccxt.binance) -> None:
    exchange.options["timeDifference"] = 30_000
    exchange.load_time_difference()
    assert exchange.private_get_account()["accountType"] == "SPOT"


@pytest.mark.parametrize("name", REFUSALS)
def test_order_breaking_a_rule_is_refused(exchange: ccxt.binance, floor: Floor, name: str) -> None:
    kind, text = refused(exchange.private_post_order, refused_order(name, filters_of(floor)))
    assert kind is EXCEPTIONS[name]
    assert REFUSALS[name].text in text


@pytest.mark.parametrize("name", COUNT_REFUSALS)
def test_one_order_too_many_is_refused(
    exchange: ccxt.binance, account: Account, floor: Floor, name: str
) -> None:
    fill_up(account, name, filters_of(floor))
    kind, text = refused(exchange.private_post_order, order_over_count(name))
    assert kind is EXCEPTIONS[name]
    assert COUNT_REFUSALS[name].text in text


def test_unknown_order_is_refused(exchange: ccxt.binance) -> None:
    assert refused(exchange.cancel_order, "999999999", MARKET)[0] is ccxt.OrderNotFound
    assert refused(exchange.fetch_order, "999999999", MARKET)[0] is ccxt.OrderNotFound


def test_too_much_for_the_balance_is_refused(exchange: ccxt.binance) -> None:
    assert refused(exchange.create_order, MARKET, "limit", "buy", 8, LAST - 1000)[0] is ccxt.InsufficientFunds
