"""A testnet with market makers, read by unmodified clients: it is alive, and its history is whole."""

from decimal import Decimal

import pytest

pytest.importorskip("binance")
pytest.importorskip("binance_sdk_spot")
pytest.importorskip("ccxt")

import ccxt.pro
from binance import Client
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_spot.rest_api.models import KlinesIntervalEnum
from binance_sdk_spot.spot import Spot
from tests.contract.clients.ccxt_session import MARKET, configuration
from tests.contract.clients.python_binance_session import point_at
from tests.support.floor import SYMBOL
from tests.support.testnet_process import TestnetProcess

pytestmark = pytest.mark.client

LISTED_2017_07_MS = 1_498_867_200_000


def test_python_binance_finds_unbroken_history(
    live_testnet: TestnetProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(live_testnet, monkeypatch)
    client = Client()
    candles = client.get_historical_klines(SYMBOL, "1m", "1000 minutes ago UTC")
    opened = [candle[0] for candle in candles]
    assert len(opened) >= 1000
    assert opened == list(range(opened[0], opened[0] + 60_000 * len(opened), 60_000))
    assert client.get_historical_klines(SYMBOL, "1M", "1 Jan, 2017")[0][0] == LISTED_2017_07_MS
    client.close_connection()


def test_binance_sdk_reads_a_tight_deep_book(live_testnet: TestnetProcess) -> None:
    client = Spot(config_rest_api=ConfigurationRestAPI(base_path=live_testnet.rest)).rest_api
    book = client.depth(symbol=SYMBOL, limit=1000).data()
    assert min(len(book.bids), len(book.asks)) >= 20
    bid, ask = Decimal(book.bids[0][0]), Decimal(book.asks[0][0])
    assert 0 < ask - bid <= bid * Decimal("0.0005")
    assert (
        len(client.klines(symbol=SYMBOL, interval=KlinesIntervalEnum.INTERVAL_1d, limit=1000).data()) == 1000
    )
    assert client.ticker24hr(symbol=SYMBOL).data().actual_instance.count > 1000


async def test_ccxt_watches_the_market_move(live_testnet: TestnetProcess) -> None:
    exchange = ccxt.pro.binance(configuration(live_testnet, enableRateLimit=False))
    try:
        candles = await exchange.fetch_ohlcv(MARKET, "1h", limit=1000)
        assert len(candles) == 1000
        assert all(
            low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in candles
        )
        tickers = await exchange.fetch_tickers()
        assert len(tickers) >= 10
        assert tickers[MARKET]["bid"] < tickers[MARKET]["ask"] <= tickers[MARKET]["bid"] * 1.0005
        (trade,) = await exchange.watch_trades(MARKET, limit=1)
        assert tickers[MARKET]["bid"] * 0.99 < trade["price"] < tickers[MARKET]["ask"] * 1.01
        first = (await exchange.watch_order_book(MARKET))["nonce"]
        assert (await exchange.watch_order_book(MARKET))["nonce"] > first
    finally:
        await exchange.close()
