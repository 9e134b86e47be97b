"""Accounts, deposits, resets, symbol status, and what a refusal leaves alone."""

import pytest
from tests.unit.exchange.house import ANN, BEN, NOW_US, SYMBOL, House, names, units

from watchword.exchange.commands import (
    CancelOrder,
    Deposit,
    LiquidityTick,
    OpenAccount,
    ResetVenue,
    SetLiquidity,
    SetSymbolStatus,
)
from watchword.exchange.engine import BALANCE_MAX
from watchword.exchange.snapshot import encode_engine
from watchword.kernel.errors import InvariantError


def test_account_opens_with_next_id_and_grants() -> None:
    house = House()
    events = house.apply(OpenAccount, name="dora", grants=(("BTC", 5), ("ETH", 7)))
    assert names(events) == ["AccountOpened", "BalanceChanged", "BalanceChanged"]
    assert events[0].account_id == 4  # type: ignore[index, union-attr]
    assert house.engine.ledger.balances(4) == {"BTC": (5, 0), "ETH": (7, 0)}
    assert house.engine.accounts[4].maker_commission == units("0.001")


@pytest.mark.parametrize(
    ("name", "grants"), [("", ()), ("ann", ()), ("eve", (("BTC", 0),)), ("eve", (("BTC", BALANCE_MAX + 1),))]
)
def test_account_refused(name: str, grants: tuple[tuple[str, int], ...]) -> None:
    house = House()
    assert house.apply(OpenAccount, name=name, grants=grants).code == -1130  # type: ignore[union-attr]
    assert len(house.engine.accounts) == 3


@pytest.mark.parametrize(
    ("account", "asset", "amount"),
    [(9, "BTC", 1), (0, "BTC", 1), (-1, "BTC", 1), (ANN, "", 1), (ANN, "BTC", 0), (ANN, "BTC", -1),
     (ANN, "BTC", BALANCE_MAX)],
)  # fmt: skip
def test_deposit_refused(account: int, asset: str, amount: int) -> None:
    house = House()
    before = list(house.engine.ledger.rows())
    assert house.apply(Deposit, account_id=account, asset=asset, amount=amount).code == -1130  # type: ignore[union-attr]
    assert list(house.engine.ledger.rows()) == before


def test_reset_cancels_everything_and_pays_grants_again() -> None:
    house = House()
    house.apply(Deposit, account_id=ANN, asset="BTC", amount=5)
    house.order(ANN, "SELL", 1, 100)
    house.order(BEN, "BUY", "0.5", 100)
    house.order(BEN, "BUY", 1, 10)
    events = house.apply(ResetVenue)
    assert names(events)[:3] == ["OrderCanceled", "OrderCanceled", "VenueReset"]
    assert house.engine.open_orders(ANN) == house.engine.open_orders(BEN) == []
    assert house.engine.book(SYMBOL).depth(5) == ([], [])
    assert house.engine.ledger.balances(ANN) == {"BTC": (units(20_000), 0), "USDT": (units(20_000), 0)}
    assert set(house.engine.ledger.balances(-1).values()) == {(0, 0)}
    # Ids go on, so that nothing that was seen means something else later.
    assert house.order(ANN, "SELL", 1, 100).order_id == 4


def test_symbol_status_is_reported_and_unknown_symbol_refused() -> None:
    house = House()
    assert names(house.apply(SetSymbolStatus, symbol=SYMBOL, status="HALT")) == ["SymbolStatusChanged"]
    assert house.apply(SetSymbolStatus, symbol="NOPE", status="HALT").code == -1121  # type: ignore[union-attr]
    assert house.apply(SetLiquidity, symbol="NOPE", enabled=True).code == -1121  # type: ignore[union-attr]


def test_refusal_changes_nothing_but_sequence_and_moment() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 100)
    before = encode_engine(house.engine)
    sequence, now_us = house.engine.sequence, house.engine.now_us
    house.place(ANN, "SELL", 20_000, 100)
    house.cancel(ANN, 77)
    house.engine.sequence, house.engine.now_us = sequence, now_us
    assert encode_engine(house.engine) == before


def test_command_from_the_past_or_of_an_unknown_kind_stops_the_process() -> None:
    house = House()
    with pytest.raises(InvariantError):
        house.engine.apply(CancelOrder(99, NOW_US - 1, ANN, SYMBOL, 1, "", ""))
    with pytest.raises(InvariantError):
        house.engine.apply(LiquidityTick(99, NOW_US + 99))


def test_order_found_only_by_its_owner_and_agreeing_ids() -> None:
    house = House()
    order = house.order(ANN, "SELL", 1, 100, client_order_id="mine")
    find = house.engine.order
    assert find(ANN, SYMBOL, order.order_id, "") is order
    assert find(ANN, SYMBOL, 0, "mine") is order
    assert find(ANN, SYMBOL, order.order_id, "mine") is order
    assert find(ANN, SYMBOL, order.order_id, "other") is None
    assert find(BEN, SYMBOL, order.order_id, "") is None
    assert find(ANN, "NOPE", order.order_id, "") is None


def test_tape_continues_only_before_the_first_trade() -> None:
    house = House()
    house.engine.continue_tape(SYMBOL, 500, units(99))
    assert house.engine.floors[SYMBOL].last_price == units(99)
    house.order(ANN, "SELL", 1, 100)
    assert house.place(BEN, "BUY", 1, 100)[1].trade_id == 500
    with pytest.raises(InvariantError):
        house.engine.continue_tape(SYMBOL, 1, 1)
