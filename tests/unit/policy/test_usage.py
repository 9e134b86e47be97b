"""Counters as values: reserving, filling, closing, new days."""

import msgspec
from tests.support.policies import NOW_US, TODAY, scaled

from watchword.policy.decision import Charge
from watchword.policy.usage import DAY_US, WINDOWS_US, Closed, Filled, Placed, Usage, Withdrawn, charge_key

KEY = charge_key("BTCUSDT", "a1")
MIDNIGHT_US = (TODAY + 1) * DAY_US


def charge(
    side: str = "BUY",
    quantity: int = 2,
    gross: int = 200,
    exempt: int = 0,
    charged: int = 200,
    key: str = KEY,
) -> Charge:
    return Charge(
        key, "BTCUSDT", "BTC", "USDT", side, scaled(quantity), scaled(gross), scaled(charged), scaled(exempt)
    )  # type: ignore[arg-type]


def placed(*charges: Charge, at_us: int = NOW_US) -> Usage:
    return Usage(day=TODAY).fold(Placed(at_us, charges, len(charges)))


def filled(side: str, quantity: int, amount: int, *, at_us: int = NOW_US, key: str = KEY) -> Filled:
    return Filled(at_us, key, "BTCUSDT", "BTC", "USDT", side, scaled(quantity), scaled(amount))  # type: ignore[arg-type]


def test_placing_reserves_and_closing_gives_back() -> None:
    usage = placed(charge())
    assert usage.reserved.charged == {"USDT": scaled(200)}
    assert usage.reserved.buying == {"BTC": scaled(2)}
    after = usage.fold(Closed(NOW_US, KEY))
    assert not after.open
    assert after.reserved == Usage().reserved
    assert after.fold(Closed(NOW_US, KEY)) == after


def test_fill_moves_the_executed_part_to_today() -> None:
    usage = placed(charge()).fold(filled("BUY", 1, 99))
    assert usage.spent == usage.turnover == {"USDT": scaled(99)}
    assert usage.bought == {"BTC": scaled(1)}
    assert usage.open[KEY].quantity == scaled(1)
    assert usage.reserved.charged == {"USDT": scaled(100)}
    whole = usage.fold(filled("BUY", 1, 98))
    assert not whole.open
    assert whole.reserved == Usage().reserved


def test_fill_beyond_the_reservation_closes_it() -> None:
    usage = placed(charge()).fold(filled("BUY", 3, 300))
    assert not usage.open
    assert usage.bought == {"BTC": scaled(3)}


def test_commission_in_the_base_asset_is_not_held() -> None:
    event = msgspec.structs.replace(filled("BUY", 2, 200), commission_base=scaled("0.5"))
    assert placed(charge()).fold(event).bought == {"BTC": scaled("1.5")}


def test_selling_back_turns_over_and_spends_nothing() -> None:
    usage = msgspec.structs.replace(Usage(day=TODAY), bought={"BTC": scaled(2)})
    usage = usage.fold(Placed(NOW_US, (charge("SELL", exempt=2, charged=0),)))
    assert usage.sellable("BTC") == 0
    usage = usage.fold(filled("SELL", 2, 210))
    assert usage.spent == {}
    assert usage.turnover == {"USDT": scaled(210)}
    assert usage.bought == {}


def test_selling_more_than_was_bought_spends_the_rest() -> None:
    usage = msgspec.structs.replace(Usage(day=TODAY), bought={"BTC": scaled(1)})
    usage = usage.fold(Placed(NOW_US, (charge("SELL", quantity=4, exempt=1, charged=150),)))
    usage = usage.fold(filled("SELL", 2, 200))
    assert usage.spent == {"USDT": scaled(100)}
    assert usage.open[KEY].exempt == 0
    assert usage.bought == {}


def test_fill_nobody_placed_here_still_counts() -> None:
    usage = Usage(day=TODAY, bought={"BTC": scaled(1)})
    assert usage.fold(filled("BUY", 1, 100, key="?")).spent == {"USDT": scaled(100)}
    assert usage.fold(filled("SELL", 2, 200, key="?")).spent == {"USDT": scaled(100)}


def test_new_day_starts_at_zero_and_keeps_open_orders() -> None:
    usage = placed(charge(), charge("SELL", key="b")).fold(filled("BUY", 1, 99))
    assert usage.at(MIDNIGHT_US - 1) == usage
    tomorrow = usage.at(MIDNIGHT_US)
    assert (tomorrow.spent, tomorrow.turnover) == ({}, {})
    assert tomorrow.reserved == usage.reserved
    assert tomorrow.bought == usage.bought
    late = usage.fold(filled("BUY", 1, 98, at_us=MIDNIGHT_US))
    assert late.spent == {"USDT": scaled(98)}


def test_clock_that_steps_back_starts_no_new_day() -> None:
    usage = placed(charge()).fold(filled("BUY", 1, 99))
    assert usage.at(NOW_US - DAY_US) == usage


def test_key_used_twice_keeps_both_reservations() -> None:
    usage = placed(charge(), charge(), charge("SELL"))
    assert usage.reserved.charged == {"USDT": scaled(600)}
    assert usage.open[KEY].quantity == scaled(4)
    assert usage.open[f"{KEY} SELL"].side == "SELL"


def test_empty_charge_reserves_nothing() -> None:
    assert not placed(charge(quantity=0)).open


def test_orders_are_counted_by_window() -> None:
    usage = placed(charge(), charge(key="b"))
    usage = usage.fold(Placed(NOW_US + WINDOWS_US[0], (), 1))
    assert [usage.placed_in(window, NOW_US + WINDOWS_US[0]) for window in range(4)] == [1, 3, 3, 3]
    assert [usage.placed_in(window, NOW_US + 2 * WINDOWS_US[0]) for window in range(4)] == [0, 3, 3, 3]
    assert usage.placed_in(0, NOW_US) == 1


def test_withdrawals_count_by_destination_and_day() -> None:
    usage = Usage(day=TODAY).fold(Withdrawn(NOW_US, "BTC a", 5)).fold(Withdrawn(NOW_US, "BTC a", 6))
    assert usage.withdrawn == {"BTC a": 11}
    assert usage.at(MIDNIGHT_US).withdrawn == {}


def test_usage_travels_as_bytes() -> None:
    usage = placed(charge()).fold(filled("BUY", 1, 99)).fold(Withdrawn(NOW_US, "BTC a", 5))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(usage), type=Usage) == usage
