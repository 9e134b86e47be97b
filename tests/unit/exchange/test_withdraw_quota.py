"""The quota of 24 hours, judged when each withdrawal is applied: what was sent at once counts together."""

from typing import Any

import pytest
from tests.unit.exchange.house import ANN, BEN, NOW_US, House, units

from watchword.binance.errors import WireError
from watchword.exchange.commands import AllowAddress, Deposit, Withdraw
from watchword.exchange.withdraw_quota import (
    DAILY_QUOTA,
    OVER_QUOTA,
    QUOTA_WINDOW_US,
    judge_quota,
    used_quota,
)


@pytest.fixture
def house() -> House:
    """Ann and Ben have far more than the quota, and one address each."""
    house = House()
    for account_id in (ANN, BEN):
        house.apply(Deposit, account_id=account_id, asset="USDT", amount=3 * DAILY_QUOTA)
        for asset in ("USDT", "BTC"):
            house.apply(AllowAddress, account_id=account_id, asset=asset, network="TESTNET", address="x")
    return house


def withdraw(house: House, amount: int, account_id: int = ANN, asset: str = "USDT") -> Any:
    return house.apply(
        Withdraw, account_id=account_id, wallet="SPOT", asset=asset, amount=amount, fee=0, network="TESTNET",
        address="x", withdrawal_id="w", transaction_id="t",
    )  # fmt: skip


def test_two_halves_pass_and_one_step_more_does_not(house: House) -> None:
    withdraw(house, DAILY_QUOTA // 2)
    assert withdraw(house, DAILY_QUOTA // 2 + 1) == OVER_QUOTA
    assert not isinstance(withdraw(house, DAILY_QUOTA // 2), WireError)
    assert withdraw(house, 1) == OVER_QUOTA
    assert used_quota(house.engine, ANN, house.engine.now_us) == DAILY_QUOTA


def test_quota_is_each_accounts_own(house: House) -> None:
    withdraw(house, DAILY_QUOTA)
    assert not isinstance(withdraw(house, DAILY_QUOTA, BEN), WireError)


def test_withdrawal_counts_for_a_day_and_not_longer(house: House) -> None:
    withdraw(house, DAILY_QUOTA)
    at_us = house.engine.treasury.withdrawals[-1].at_us
    assert judge_quota(house.engine, ANN, "USDT", 1, at_us + QUOTA_WINDOW_US - 1) == OVER_QUOTA
    assert judge_quota(house.engine, ANN, "USDT", 1, at_us + QUOTA_WINDOW_US) is None


def test_coin_without_a_price_passes_and_one_with_a_price_counts(house: House) -> None:
    assert not isinstance(withdraw(house, units(1), asset="BTC"), WireError)
    assert used_quota(house.engine, ANN, NOW_US) == 0
    house.engine.floors["BTCUSDT"].last_price = DAILY_QUOTA
    assert used_quota(house.engine, ANN, house.engine.now_us) == DAILY_QUOTA
    assert withdraw(house, units("0.00000001"), asset="BTC") == OVER_QUOTA
