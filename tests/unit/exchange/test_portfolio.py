"""Portfolio arithmetic by hand."""

import pytest

from watchword.exchange.portfolio import Fill, earned_by, price_along, route_between, shares_of
from watchword.kernel.units import SCALE

SYMBOLS = {"BTC/USDT": "BTCUSDT", "ETH/BTC": "ETHBTC", "USDT/TRY": "USDTTRY"}
PRICES = {"BTCUSDT": 60_000 * SCALE, "ETHBTC": SCALE // 20, "USDTTRY": 40 * SCALE}


def fill(side: str, quantity: int, price: int, fee: int = 0, fee_asset: str = "USDT") -> Fill:
    return Fill(
        "BTCUSDT",
        "BTC",
        "USDT",
        side == "BUY",
        quantity * SCALE,
        quantity * price * SCALE,
        fee * SCALE,
        fee_asset,
        0,
    )


def test_sale_earns_over_average_cost_and_the_rest_keeps_it() -> None:
    (one,) = earned_by([fill("BUY", 1, 100), fill("BUY", 3, 200), fill("SELL", 2, 300)])
    assert (one.position, one.cost, one.earned) == (2 * SCALE, 350 * SCALE, 250 * SCALE)
    assert one.average_cost == 175 * SCALE
    assert one.unrealised(200 * SCALE) == 50 * SCALE


def test_fees_cost_on_both_sides() -> None:
    (one,) = earned_by([fill("BUY", 2, 100, 3), fill("SELL", 2, 100, 4)])
    assert (one.earned, one.position, one.cost, one.fees) == (-7 * SCALE, 0, 0, {"USDT": 7 * SCALE})


def test_fee_in_base_makes_the_position_smaller_and_dearer() -> None:
    (one,) = earned_by([fill("BUY", 10, 100, 1, "BTC")])
    assert (one.position, one.cost) == (9 * SCALE, 1_000 * SCALE)


def test_fee_in_another_asset_is_named_and_changes_nothing_else() -> None:
    (one,) = earned_by([fill("BUY", 1, 100, 1, "BNB")])
    assert (one.cost, one.fees) == (100 * SCALE, {"BNB": SCALE})


def test_what_was_not_bought_here_earns_nothing_when_sold() -> None:
    (one,) = earned_by([fill("BUY", 1, 100), fill("SELL", 3, 200)])
    assert (one.earned, one.uncovered, one.uncovered_proceeds) == (100 * SCALE, 2 * SCALE, 400 * SCALE)
    (one,) = earned_by([fill("SELL", 1, 200)])
    assert (one.earned, one.uncovered) == (0, SCALE)


def test_symbols_are_added_up_apart() -> None:
    other = Fill("ETHUSDT", "ETH", "USDT", False, SCALE, SCALE, 0, "USDT", 0)
    assert [one.symbol for one in earned_by([fill("BUY", 1, 1), other])] == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize(
    ("asset", "quote", "price"),
    [
        ("USDT", "USDT", SCALE),
        ("BTC", "USDT", 60_000 * SCALE),
        ("ETH", "USDT", 3_000 * SCALE),
        ("TRY", "USDT", SCALE // 40),
        ("BTC", "TRY", 2_400_000 * SCALE),
        ("DOGE", "USDT", None),
        ("USDT", "DOGE", None),
    ],
)
def test_price_goes_directly_turned_round_or_over_a_bridge(asset: str, quote: str, price: int | None) -> None:
    assert price_along(route_between(asset, quote, SYMBOLS), PRICES.get) == price


def test_price_without_a_trade_is_none() -> None:
    assert price_along(route_between("BTC", "USDT", SYMBOLS), {"BTCUSDT": 0}.get) is None


def test_shares_give_the_rest_to_the_largest_remainders() -> None:
    assert shares_of([1, 1, 1]) == [3_334, 3_333, 3_333]
    assert shares_of([0, 0]) == [0, 0]
