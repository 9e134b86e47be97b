"""The engine's bytes: canonical, complete, and refused when they are not ours."""

import pytest
from tests.unit.exchange.house import ANN, BEN, CAT, SYMBOL, House

from watchword.exchange.snapshot import decode_engine, encode_engine, engine_hash
from watchword.kernel.errors import CorruptStoreError


def _busy() -> House:
    house = House()
    house.trade_at(100)
    for price in (99, 98, 99):
        house.order(ANN, "BUY", 1, price)
    house.order(BEN, "SELL", 1, 105)
    house.order(BEN, "SELL", 1, 89, type="STOP_LOSS_LIMIT", stop_price=90)
    house.oco(CAT, "SELL", 1, house.leg("LIMIT_MAKER", 110), house.leg("STOP_LOSS", 0, 90))
    house.order(ANN, "BUY", "0.5", 110)
    return house


def test_snapshot_restores_to_the_same_bytes_and_reads() -> None:
    house = _busy()
    raw = encode_engine(house.engine)
    other = decode_engine(raw)
    assert encode_engine(other) == raw
    assert engine_hash(other) == engine_hash(house.engine)
    for account in (ANN, BEN, CAT):
        assert other.open_orders(account) == house.engine.open_orders(account)
        assert other.ledger.balances(account) == house.engine.ledger.balances(account)
        desk, old = other.floors[SYMBOL].desks[account], house.engine.floors[SYMBOL].desks[account]
        assert list(desk.open) == list(old.open)
        assert desk.algo == old.algo
    assert other.book(SYMBOL).depth(9) == house.engine.book(SYMBOL).depth(9)
    assert other.book(SYMBOL).update_id == house.engine.book(SYMBOL).update_id


def test_snapshot_keeps_a_list_with_one_leg_left() -> None:
    house = House()
    house.trade_at(100)
    house.oco(CAT, "SELL", 1, house.leg("LIMIT_MAKER", 110), house.leg("STOP_LOSS", 0, 90))
    house.order(ANN, "BUY", "0.5", 110)
    house.engine = decode_engine(encode_engine(house.engine))
    events = house.place(ANN, "BUY", "0.5", 110)
    assert [leg.status for leg in events[-1].legs] == ["EXPIRED", "FILLED"]


def test_snapshot_does_not_depend_on_how_the_state_came_about() -> None:
    straight, detour = House(), House()
    for house in (straight, detour):
        house.order(ANN, "BUY", 1, 99)
        house.order(BEN, "BUY", 1, 98)
    # A refused command opens a desk, a restored engine has other dictionaries: neither shows.
    detour.place(CAT, "BUY", 10**6, 10**6)
    straight.place(ANN, "BUY", 10**6, 10**6)
    detour.engine = decode_engine(encode_engine(detour.engine))
    assert engine_hash(straight.engine) == engine_hash(detour.engine)


def test_hash_tells_states_apart() -> None:
    one, other = House(), House()
    one.order(ANN, "BUY", 1, 99)
    other.order(ANN, "BUY", 1, 98)
    assert engine_hash(one.engine) != engine_hash(other.engine)


@pytest.mark.parametrize("damage", [b"", b"\x00", b"\x93\x01\x02\x03"])
def test_snapshot_of_another_layout_is_refused(damage: bytes) -> None:
    with pytest.raises(CorruptStoreError):
        decode_engine(damage)


def test_snapshot_of_another_version_is_refused() -> None:
    raw = bytearray(encode_engine(House().engine))
    assert raw[1] == 1
    raw[1] = 2
    with pytest.raises(CorruptStoreError, match="layout 2"):
        decode_engine(bytes(raw))
