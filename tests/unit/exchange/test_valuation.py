"""Valuing amounts by last prices: directly, the other way round, over a bridge, or not at all."""

import msgspec
import pytest

from watchword.exchange.listings import default_instruments
from watchword.exchange.state import Floor, State
from watchword.exchange.valuation import worth
from watchword.kernel.units import SCALE


def listed(**prices: str) -> State:
    """A state with symbols `BASE_QUOTE` and their last prices in whole units; 0: never traded."""
    state = State()
    for name, price in prices.items():
        base, _, quote = name.partition("_")
        names = {"symbol": base + quote, "base_asset": base, "quote_asset": quote}
        floor = Floor(msgspec.structs.replace(default_instruments()[0], **names), state.ledger)
        floor.last_price = int(price) * SCALE
        state.floors[base + quote] = floor
    return state


@pytest.mark.parametrize(
    ("asset", "quote", "expected"),
    [
        ("BTC", "BTC", 3 * SCALE),
        ("BTC", "USDT", 150_000 * SCALE),
        ("USDT", "BTC", 6_000),
        ("BNB", "BTC", 3 * SCALE // 100),
        ("EUR", "BNB", 3 * SCALE // 500),
        ("OLD", "BTC", 0),
        ("NONE", "BTC", 0),
        ("BTC", "NONE", 0),
    ],
)
def test_three_of_an_asset_are_worth_what_the_last_prices_say(asset: str, quote: str, expected: int) -> None:
    state = listed(BTC_USDT="50000", BNB_USDT="500", EUR_USDT="1", OLD_BTC="0")
    assert worth(state, asset, 3 * SCALE, quote) == expected


def test_worth_is_floored() -> None:
    assert worth(listed(BTC_USDT="3"), "USDT", 1, "BTC") == 0
    assert worth(listed(BTC_USDT="3"), "USDT", 2 * SCALE, "BTC") == 66_666_666
