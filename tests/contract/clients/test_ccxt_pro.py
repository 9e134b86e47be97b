"""ccxt pro, ccxt's WebSocket side, unmodified, against a real testnet process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("ccxt")

import ccxt
import ccxt.pro
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
from tests.support.floor import ASKS, BIDS, LAST, UNICODE_SYMBOL, Account, Floor
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetKey, TestnetProcess

pytestmark = pytest.mark.client

WAIT_S = 10
RESTING = (MARKET, "limit", "buy", 0.01, LAST - 1000)


@asynccontextmanager
async def connected(testnet: TestnetProcess, key: TestnetKey | None = None) -> AsyncIterator[Any]:
    exchange = ccxt.pro.binance(configuration(testnet, key, enableRateLimit=False))
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_rest_session_with_each_key_type_completes(
    floor: Floor, account: Account, key_type: KeyType
) -> None:
    async with connected(floor.testnet, floor.testnet.create_key(account.name, key_type)) as exchange:
        await full_session(exchange, floor)


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_watched_orders_and_balances_follow_every_step(account: Account, key_type: KeyType) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, key_type)) as exchange:
        await exchange.authenticate({"type": "spot"})
        steps: list[tuple[str, str, float]] = []
        watching = asyncio.create_task(_keep(exchange.watch_orders, steps))
        balance = asyncio.create_task(exchange.watch_balance())
        fills = asyncio.create_task(exchange.watch_my_trades(MARKET))
        await asyncio.sleep(0)
        placed = await exchange.create_order_ws(*RESTING)
        await _until(lambda: len(steps) == 1)
        await exchange.cancel_order_ws(placed["id"], MARKET)
        await _until(lambda: len(steps) == 2)
        bought = await exchange.create_order_ws(MARKET, "market", "buy", 0.5)
        await _until(lambda: any(status == "closed" for _, status, _ in steps))
        watching.cancel()
        assert steps[:2] == [(placed["id"], "open", 0), (placed["id"], "canceled", 0)]
        assert steps[-1] == (bought["id"], "closed", 0.5)
        (fill,) = await asyncio.wait_for(fills, WAIT_S)
        assert (fill["order"], fill["price"], fill["amount"]) == (bought["id"], ASKS[0], 0.5)
        assert (await asyncio.wait_for(balance, WAIT_S))["USDT"]["used"] in {0, 490}


async def _keep(watch: Callable[[], Awaitable[list[Any]]], steps: list[tuple[str, str, float]]) -> None:
    while True:
        steps.extend((order["id"], order["status"], order["filled"]) for order in await watch())


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_websocket_api_with_each_key_type_trades(account: Account, key_type: KeyType) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, key_type)) as exchange:
        assert (await exchange.fetch_ohlcv_ws(MARKET, "1m"))[-1][4] == LAST
        assert (await exchange.fetch_trades_ws(MARKET))[-1]["price"] == LAST
        # ccxt reads the balances of this reply as futures'; the reply itself is whole.
        assert (await exchange.fetch_balance_ws())["info"]["accountType"] == "SPOT"
        await exchange.create_order_ws(*RESTING, {"test": True})
        placed = await exchange.create_order_ws(*RESTING)
        assert placed["status"] == "open"
        assert (await exchange.fetch_order_ws(placed["id"], MARKET))["price"] == LAST - 1000
        edited = await exchange.edit_order_ws(placed["id"], MARKET, "limit", "buy", 0.02, LAST - 1100)
        assert edited["amount"] == 0.02
        assert [order["id"] for order in await exchange.fetch_open_orders_ws(MARKET)] == [edited["id"]]
        await exchange.cancel_all_orders_ws(MARKET)
        bought = await exchange.create_order_ws(MARKET, "market", "buy", 0.5)
        assert (bought["status"], bought["filled"]) == ("closed", 0.5)
        assert [trade["order"] for trade in await exchange.fetch_my_trades_ws(MARKET)] == [bought["id"]]
        stop = await exchange.create_order_ws(
            MARKET, "limit", "sell", 0.01, LAST - 1100, {"stopPrice": LAST - 1000}
        )
        assert stop["triggerPrice"] == LAST - 1000
        assert (await exchange.cancel_order_ws(stop["id"], MARKET))["status"] == "canceled"
        assert len(await exchange.fetch_orders_ws(MARKET)) == 4


async def test_market_streams_show_a_trade(floor: Floor) -> None:
    async with connected(floor.testnet) as exchange:
        watched = {
            "trades": exchange.watch_trades(MARKET),
            "ticker": exchange.watch_ticker(MARKET),
            "tickers": exchange.watch_tickers([MARKET]),
            "quotes": exchange.watch_bids_asks([MARKET]),
            "candles": exchange.watch_ohlcv(MARKET, "1m"),
            "book": exchange.watch_order_book(MARKET),
        }
        tasks = {name: asyncio.create_task(watching) for name, watching in watched.items()}
        async with asyncio.timeout(WAIT_S):
            while not all(task.done() for task in tasks.values()):
                floor.taker.limit("BUY", ASKS[0], "0.01")
                await asyncio.sleep(0.2)
        seen = {name: task.result() for name, task in tasks.items()}
        assert seen["trades"][-1]["price"] == ASKS[0]
        assert seen["ticker"]["last"] in {LAST, ASKS[0]}
        assert seen["tickers"][MARKET]["symbol"] == MARKET
        assert seen["quotes"][MARKET]["bid"] == BIDS[0]
        assert seen["candles"][-1][4] in {LAST, ASKS[0]}
        assert [price for price, _ in seen["book"]["bids"]] == list(BIDS)
        assert await exchange.un_watch_trades(MARKET) is not None


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in a client or in a server
            await asyncio.sleep(0.01)


async def test_orders_breaking_a_rule_are_refused(account: Account, floor: Floor) -> None:
    filters = filters_of(floor)
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as exchange:
        for name, expected in REFUSALS.items():
            with pytest.raises(EXCEPTIONS[name], match=expected.text):
                await exchange.private_post_order(refused_order(name, filters))
        for name, expected in COUNT_REFUSALS.items():
            fill_up(account, name, filters)
            with pytest.raises(EXCEPTIONS[name], match=expected.text):
                await exchange.private_post_order(order_over_count(name))
            account.trader.cancel_all()


async def test_refusals_over_the_websocket_api(account: Account) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, "HMAC")) as exchange:
        with pytest.raises(EXCEPTIONS["insufficient balance"], match=REFUSALS["insufficient balance"].text):
            await exchange.create_order_ws(MARKET, "limit", "buy", 8, LAST - 1000)
        with pytest.raises(ccxt.BadRequest, match="LOT_SIZE"):  # ccxt reads the text of REST replies only
            await exchange.create_order_ws(MARKET, "limit", "buy", 9001, LAST - 1000)
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order_ws("999999999", MARKET)
        for offset_ms in (-30_000, 5_000):
            exchange.options["timeDifference"] = -offset_ms
            with pytest.raises(ccxt.InvalidNonce):
                await exchange.fetch_balance_ws()


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_symbol_outside_ascii_is_signed_alike(account: Account, key_type: KeyType) -> None:
    async with connected(account.testnet, account.testnet.create_key(account.name, key_type)) as exchange:
        (market,) = (found for found in exchange.markets.values() if found["id"] == UNICODE_SYMBOL)
        assert await exchange.fetch_open_orders_ws(market["symbol"]) == []


@pytest.mark.parametrize("key_type", KEY_TYPES)
async def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    mixed = TestnetKey(key_type, key.api_key, other.secret, other.pem)
    exchange = ccxt.pro.binance(configuration(account.testnet, mixed, enableRateLimit=False))
    exchange.options["fetchCurrencies"] = False
    exchange.options["fetchMargins"] = False
    try:
        await exchange.load_markets()
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await exchange.fetch_balance_ws()
        # ccxt trips over its own clean-up when a watch is refused (KeyError); the refusal is its cause.
        with pytest.raises(KeyError) as caught:
            await exchange.watch_orders(MARKET)
        assert "-1022" in str(caught.value.__context__)
    finally:
        await exchange.close()


async def test_reading_key_watches_but_may_not_trade(account: Account) -> None:
    key = account.testnet.create_key(account.name, "ED25519", permissions=["READING"])
    async with connected(account.testnet, key) as exchange:
        await exchange.authenticate({"type": "spot"})
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await exchange.create_order_ws(*RESTING)


@pytest.mark.parametrize("kind", ["unknown key", "wrong address"])
async def test_wrong_key_or_address_is_refused(account: Account, kind: str) -> None:
    key = (
        TestnetKey("HMAC", "k" * 64, "s" * 64)
        if kind == "unknown key"
        else account.testnet.create_key(account.name, "HMAC", ips=["203.0.113.7"])
    )
    exchange = ccxt.pro.binance(configuration(account.testnet, key, enableRateLimit=False))
    exchange.options["fetchCurrencies"] = False
    exchange.options["fetchMargins"] = False
    try:
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await exchange.fetch_balance_ws()
    finally:
        await exchange.close()
