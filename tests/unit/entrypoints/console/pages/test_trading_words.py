"""Amounts, moments and shares as pages write them."""

import pytest

from watchword.entrypoints.console.pages.portfolio import SLICES_MAX, Slice, points_of, slices_of
from watchword.entrypoints.console.pages.trading_words import (
    clock,
    explained,
    hour,
    money,
    percent,
    plain,
    rise,
    stepped,
    trimmed,
)
from watchword.entrypoints.console.pages.wording import SECOND_US
from watchword.entrypoints.console.routes.portfolio import AllocationRow, EquityPoint, Portfolio


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("67010.00000000", "67,010"), ("0.00010000", "0.0001"), ("0.00000000", "0"), ("1234567.5", "1,234,567.5"),
        ("-2.50000000", "\u22122.5"), ("-0.00000000", "0"), ("1000", "1,000"), (None, "\u2013"),
    ],
)  # fmt: skip
def test_amount_is_written_for_reading(amount: str | None, written: str) -> None:
    assert trimmed(amount) == written


def test_money_has_two_decimals_and_is_cut() -> None:
    assert [money("1.999"), money("-3"), money("0.001"), money(None)] == [
        "1.99",
        "\u22123.00",
        "0.00",
        "\u2013",
    ]


def test_amount_has_the_decimals_of_its_step() -> None:
    assert stepped("67010.5", "0.01000000") == "67,010.50"
    assert stepped("5", "1.00000000") == "5"
    assert plain("67010.50000000") == "67010.5"


def test_change_has_its_sign() -> None:
    assert [percent("0.515"), percent("-1.2"), percent("0.000")] == ["+0.51 %", "\u22121.20 %", "0.00 %"]
    assert [rise("0.1"), rise("-0.1"), rise("0.00"), rise(None)] == ["up", "down", "", ""]


def test_moment_is_in_utc() -> None:
    assert "2026-01-01 00:00:01" in clock(1_767_225_601_000_002)
    assert "000002 UTC" in clock(1_767_225_601_000_002)
    assert hour(1_767_225_601_000_000) == "00:00:01"


def test_bar_is_cut_into_slices_that_fill_it_and_small_ones_go_together() -> None:
    shares = ["50.00", "20.00", "10.00", "8.00", "5.00", "3.00", "2.00", "1.50", "0.50", "0.00"]
    slices = slices_of([AllocationRow(f"A{n}", "1", "1", share) for n, share in enumerate(shares)])
    assert slices[0] == Slice("A0", "50.00", 0, 5_000)
    assert slices[-1] == Slice("Other", "2.00", 9_800, 200)
    assert len(slices) == SLICES_MAX + 1
    assert sum(one.width for one in slices) == 10_000
    assert slices_of([]) == []


def test_refusal_of_a_filter_is_explained_and_others_stay_as_they_are() -> None:
    said = explained("Filter failure: LOT_SIZE (code -1013)")
    assert said.startswith("Filter failure: LOT_SIZE (code -1013). The amount is too small")
    for other in ("Account has insufficient balance (code -2010)", "Filter failure: NEWER (code -1013)", ""):
        assert explained(other) == other


def test_equity_ends_with_what_the_account_is_worth_now() -> None:
    past = [EquityPoint(at * SECOND_US, "100") for at in (1, 2)]
    usual = {
        "account": 1,
        "quote": "USDT",
        "total": "103",
        "realised": "0",
        "unrealised": "0",
        "equity": past,
    }
    rest = {"allocation": [], "symbols": [], "unpriced": [], "complete": True}
    later = Portfolio(at_us=5 * SECOND_US, **usual, **rest)  # type: ignore[arg-type]
    assert points_of(later) == '[[1, "100"], [2, "100"], [5, "103"]]'
    same = Portfolio(at_us=2 * SECOND_US, **usual, **rest)  # type: ignore[arg-type]
    assert points_of(same) == '[[1, "100"], [2, "100"]]'
