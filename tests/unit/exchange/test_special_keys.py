"""Special key mode in the engine: entered, left, and what a replay and a snapshot make of it."""

from tests.unit.exchange.house import ANN, BEN, House

from watchword.binance.errors import WireError
from watchword.exchange.commands import EnterSpecialKeyMode, ExitSpecialKeyMode, ResetVenue
from watchword.exchange.engine import Engine
from watchword.exchange.special_keys import COOLDOWN_US, COOLING_DOWN, judge_special_key
from watchword.exchange.treasury import Treasury

NOBODY = 99


def left_at(house: House) -> int:
    """Enter and leave; when that was."""
    assert house.apply(EnterSpecialKeyMode, account_id=ANN) == []
    assert house.apply(ExitSpecialKeyMode, account_id=ANN) == []
    return house.engine.now_us


def test_new_special_key_waits_exactly_a_day() -> None:
    house = House()
    left_us = left_at(house)
    assert judge_special_key(house.engine, ANN, left_us + COOLDOWN_US - 1) == COOLING_DOWN
    assert judge_special_key(house.engine, ANN, left_us + COOLDOWN_US) is None
    assert judge_special_key(house.engine, BEN, left_us) is None
    assert house.apply(EnterSpecialKeyMode, account_id=ANN) == COOLING_DOWN


def test_mode_is_for_accounts_there_are() -> None:
    house = House()
    assert isinstance(house.apply(EnterSpecialKeyMode, account_id=NOBODY), WireError)
    assert house.apply(ExitSpecialKeyMode, account_id=NOBODY) == []
    assert house.engine.treasury.special_modes == {}


def test_leaving_twice_counts_from_the_first_time() -> None:
    house = House()
    left_us = left_at(house)
    house.apply(ExitSpecialKeyMode, account_id=ANN)
    assert house.engine.treasury.special_modes == {ANN: left_us}


def test_mode_stays_through_a_reset_as_keys_do() -> None:
    house = House()
    left_us = left_at(house)
    house.apply(ResetVenue)
    assert house.engine.treasury.special_modes == {ANN: left_us}


def test_mode_is_written_down_and_read_back() -> None:
    house = House()
    assert house.engine.treasury.encode() == b""
    left_us = left_at(house)
    house.apply(EnterSpecialKeyMode, account_id=BEN)
    again = Treasury()
    again.restore(house.engine.treasury.encode())
    assert again.special_modes == {ANN: left_us, BEN: 0}
    assert again.encode() == house.engine.treasury.encode() != Engine().treasury.encode()
