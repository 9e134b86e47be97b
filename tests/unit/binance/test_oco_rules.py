"""Every pair of order types, on both sides."""

import pytest

from watchword.binance.enums import ORDER_TYPES
from watchword.binance.oco_rules import check_pair

STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")
PROFITS = ("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("first", sorted(ORDER_TYPES))
@pytest.mark.parametrize("second", sorted(ORDER_TYPES))
def test_pair_is_accepted_exactly_where_stop_and_profit_stand_right(
    side: str, first: str, second: str
) -> None:
    above, below = (first, second) if side == "BUY" else (second, first)
    assert (check_pair(side, above, below) is None) == (first in STOPS and second in PROFITS)


@pytest.mark.parametrize(
    ("side", "above", "below", "code"),
    [
        ("BUY", "LIMIT", "STOP_LOSS", -1158),
        ("SELL", "LIMIT_MAKER", "MARKET", -1158),
        ("BUY", "LIMIT_MAKER", "STOP_LOSS", -1165),
        ("SELL", "STOP_LOSS", "LIMIT_MAKER", -1166),
        ("SELL", "LIMIT_MAKER", "LIMIT_MAKER", -1168),
        ("BUY", "STOP_LOSS", "STOP_LOSS_LIMIT", -1196),
        ("SELL", "STOP_LOSS", "STOP_LOSS", -1197),
        ("BUY", "TAKE_PROFIT", "TAKE_PROFIT", -1198),
        ("SELL", "LIMIT_MAKER", "TAKE_PROFIT_LIMIT", -1199),
    ],
)
def test_wrong_pair_is_named(side: str, above: str, below: str, code: int) -> None:
    refused = check_pair(side, above, below)
    assert refused is not None
    assert refused.code == code
