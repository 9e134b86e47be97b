"""The default symbols make sense, and exchangeInfo says them both ways."""

import msgspec
import pytest

from watchword.exchange.exchange_info import read_exchange_info, symbol_json
from watchword.exchange.instruments import Instrument
from watchword.exchange.listings import THIN_SYMBOL, UNICODE_SYMBOL, default_instruments
from watchword.kernel.errors import ConfigurationError

SYMBOL_KEYS = [
    "symbol", "status", "baseAsset", "baseAssetPrecision", "quoteAsset", "quotePrecision", "quoteAssetPrecision",
    "baseCommissionPrecision", "quoteCommissionPrecision", "orderTypes", "icebergAllowed", "ocoAllowed", "otoAllowed",
    "opoAllowed", "quoteOrderQtyMarketAllowed", "allowTrailingStop", "cancelReplaceAllowed", "amendAllowed",
    "pegInstructionsAllowed", "isSpotTradingAllowed", "isMarginTradingAllowed", "filters", "permissions",
    "permissionSets", "defaultSelfTradePreventionMode", "allowedSelfTradePreventionModes",
]  # fmt: skip


@pytest.mark.parametrize("instrument", default_instruments(), ids=lambda one: one.symbol)
def test_listing_is_tradable(instrument: Instrument) -> None:
    assert instrument.symbol == instrument.base_asset + instrument.quote_asset
    assert instrument.start_price % instrument.tick_size == 0
    assert instrument.max_price > instrument.start_price > instrument.min_price > 0
    assert instrument.market_max_qty < instrument.max_qty
    assert instrument.thin == (instrument.symbol == THIN_SYMBOL)


def test_listings_are_the_ten_pairs_and_the_unicode_symbol() -> None:
    symbols = [one.symbol for one in default_instruments()]
    assert len(set(symbols)) == 11
    assert symbols[-1] == UNICODE_SYMBOL == "这是测试币456"


def test_symbol_json_has_every_key_in_order() -> None:
    row = symbol_json(default_instruments()[0])
    assert list(row) == SYMBOL_KEYS
    assert [one["filterType"] for one in row["filters"]] == [
        "PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "PERCENT_PRICE_BY_SIDE", "NOTIONAL", "MAX_NUM_ORDERS",
        "MAX_NUM_ORDER_LISTS", "MAX_NUM_ALGO_ORDERS",
    ]  # fmt: skip
    assert row["filters"][0]["tickSize"] == "0.01000000"
    assert symbol_json(default_instruments()[0], "HALT")["status"] == "HALT"
    assert symbol_json(default_instruments()[0], permission_sets=False)["permissionSets"] == []


def test_exchange_info_round_trips() -> None:
    listed = default_instruments()
    raw = msgspec.json.encode({"symbols": [symbol_json(one) for one in listed]})
    assert read_exchange_info(raw) == listed


def test_exchange_info_of_another_exchange_is_read_as_far_as_it_goes() -> None:
    row = {
        "symbol": "AAABBB", "baseAsset": "AAA", "quoteAsset": "BBB", "status": "POST_TRADING",
        "orderTypes": ["LIMIT", "MARKET", "ICEBERG"], "allowedSelfTradePreventionModes": ["NONE", "NEW_MODE"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "100", "tickSize": "0.1"},
            {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": True, "avgPriceMins": 3},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "5", "multiplierDown": "0.2", "avgPriceMins": 5},
            {"filterType": "MAX_POSITION", "maxPosition": "7"},
            {"filterType": "UNHEARD_OF", "limit": 3},
        ],
    }  # fmt: skip
    (one,) = read_exchange_info(msgspec.json.encode([row]))
    assert (one.status, one.order_types, one.allowed_stp_modes) == ("BREAK", ("LIMIT", "MARKET"), ("NONE",))
    assert (one.min_notional, one.min_notional_to_market, one.avg_price_mins) == (10 * 10**8, True, 3)
    assert (one.bid_multiplier_up, one.ask_multiplier_down) == (5 * 10**8, 2 * 10**7)
    assert (one.max_position, one.start_price) == (7 * 10**8, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"{}", b"[]", b'{"symbols": []}', b'{"symbols": [3]}', b'{"symbols": [{"symbol": ""}]}',
        b'[{"symbol":"A","baseAsset":"A","quoteAsset":"B"},{"symbol":"A","baseAsset":"A","quoteAsset":"B"}]',
        b'[{"symbol":"AAAAAAAAAAAAAAAAAAAAAAAAA","baseAsset":"A","quoteAsset":"B"}]',
        b'[{"symbol":"A","baseAsset":"A","quoteAsset":"B","filters":7}]',
        b'[{"symbol":"A","baseAsset":"A","quoteAsset":"B","filters":[{"filterType":"LOT_SIZE","minQty":"x"}]}]',
        (b'[{"symbol":"A","baseAsset":"A","quoteAsset":"B","filters":[{"filterType":"MAX_NUM_ORDERS",'
        b'"maxNumOrders":"9"}]}]'),
    ],
)  # fmt: skip
def test_exchange_info_unreadable_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match="instruments:"):
        read_exchange_info(raw)


@pytest.mark.parametrize("key", ["symbol", "baseAsset", "quoteAsset"])
@pytest.mark.parametrize("name", ['BTC"', "BTC\\", "BTC\n", "BTC/USDT", "btc@trade", "A B"])
def test_names_that_would_break_a_text_are_refused(key: str, name: str) -> None:
    row = symbol_json(default_instruments()[0]) | {key: name}
    with pytest.raises(ConfigurationError, match="characters"):
        read_exchange_info(msgspec.json.encode([row]))
