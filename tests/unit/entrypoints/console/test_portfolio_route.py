"""A portfolio from what the testnet tells: equity is balances at prices, allocation is the whole, profits add up."""

from typing import Any

import pytest
from tests.support.console_fakes import NOW_US

from watchword.entrypoints.console.routes.account_past import Held, Moved, Past, TradedSymbol
from watchword.entrypoints.console.routes.candle_closes import Closes
from watchword.entrypoints.console.routes.portfolio import (
    POINTS_MAX,
    Portfolio,
    PortfolioQuery,
    _moments,
    holdings_of,
    portfolio_of,
)
from watchword.exchange.portfolio import Course, Fill
from watchword.kernel.units import SCALE

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
#: On a minute, so that boundaries are easy to name.
AT_US = NOW_US // MINUTE_US * MINUTE_US + 30_000_000
SYMBOLS = [
    TradedSymbol("BTCUSDT", "BTC", "USDT", "110.00000000"),
    TradedSymbol("XYZABC", "XYZ", "ABC", "0.00000000"),
]


def past(**more: Any) -> Past:
    """Ten minutes old: opened with 1000 USDT, a BTC bought for 100, 50 USDT paid in."""
    usual: dict[str, Any] = {
        "at_us": AT_US, "created_us": AT_US - 10 * MINUTE_US, "traded": ["BTCUSDT"], "symbols": SYMBOLS,
        "balances": {"USDT": Held("900.00000000", "50.00000000"), "BTC": Held("1.00000000", "0.00000000")},
        "moves": [Moved("deposit", "USDT", "50.00000000", AT_US - 2 * MINUTE_US)], "complete": True,
    }  # fmt: skip
    return Past(**{**usual, **more})


def bought(at_us: int = AT_US - 5 * MINUTE_US) -> Fill:
    return Fill("BTCUSDT", "BTC", "USDT", True, SCALE, 100 * SCALE, 0, "USDT", at_us)


def made_of(what: Past, fills: list[Fill], prices: Closes, query: PortfolioQuery) -> Portfolio:
    course = Course(fills)
    return portfolio_of(1, what, course.earned(), holdings_of(what, course, query.span), prices, query)


def closes(price: int) -> dict[str, dict[int, int]]:
    first_us = AT_US // MINUTE_US * MINUTE_US
    return {"BTCUSDT": {first_us - n * MINUTE_US: price * SCALE for n in range(20)}}


def test_equity_walks_back_over_trades_and_moves_at_the_prices_of_then() -> None:
    made = made_of(past(), [bought()], closes(105), PortfolioQuery(span="1d"))
    worths = [(AT_US - point.time_us) // MINUTE_US for point in made.equity]
    assert worths == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    by_minute = [point.worth.split(".")[0] for point in made.equity]
    assert by_minute == ["1000"] * 4 + ["1000"] + ["1005"] * 3 + ["1055"] * 2 + ["1060"]
    assert made.total == made.equity[-1].worth == "1060.00000000"


def test_allocation_and_profits_add_up() -> None:
    made = made_of(past(), [bought()], closes(105), PortfolioQuery())
    assert [(row.asset, row.amount, row.share_percent) for row in made.allocation] == [
        ("USDT", "950.00000000", "89.62"), ("BTC", "1.00000000", "10.38"),
    ]  # fmt: skip
    assert (made.realised, made.unrealised) == ("0.00000000", "10.00000000")
    (earned,) = made.symbols
    assert (earned.average_cost, earned.unrealised) == ("100.00000000", "10.00000000")


def test_what_has_no_price_is_named_and_counts_for_nothing() -> None:
    held = {"XYZ": Held("5.00000000", "0.00000000"), "USDT": Held("1.00000000", "0.00000000")}
    strange = Fill("XYZABC", "XYZ", "ABC", True, SCALE, SCALE, 0, "ABC", AT_US - MINUTE_US)
    made = made_of(past(balances=held, moves=[]), [strange], {}, PortfolioQuery())
    assert made.total == "1.00000000"
    assert made.unpriced == ["ABC", "XYZ"]
    assert next(row for row in made.allocation if row.asset == "XYZ").worth is None


def test_incomplete_past_is_said() -> None:
    assert not made_of(past(complete=False), [], {}, PortfolioQuery()).complete


@pytest.mark.parametrize(
    ("span", "age_us", "interval"),
    [
        ("7d", 10 * MINUTE_US, "1m"), ("1d", 400 * DAY_US, "15m"), ("7d", 400 * DAY_US, "2h"),
        ("30d", 400 * DAY_US, "8h"), ("90d", 400 * DAY_US, "1d"), ("1y", 400 * DAY_US, "3d"),
    ],
)  # fmt: skip
def test_steps_fit_the_span_and_the_accounts_age(span: Any, age_us: int, interval: str) -> None:
    known = past(created_us=AT_US - age_us)
    step_us, name, moments = _moments(known, span)
    assert name == interval
    assert 0 < len(moments) <= POINTS_MAX + 1
    assert all(known.created_us <= at <= known.at_us and at % step_us == 0 for at in moments)
