"""Trades, commissions and self-trade prevention; the scenarios of Binance's FAQ by their letters."""

from tests.unit.exchange.house import ANN, BEN, CAT, House, names, units

from watchword.exchange.events import OrderTraded, TradePrevented


def test_trade_improves_price_and_charges_who_receives() -> None:
    house = House()
    house.order(ANN, "SELL", 2, 90)
    taker = house.order(BEN, "BUY", 3, 100)
    assert (taker.status, taker.executed, taker.executed_quote) == ("PARTIALLY_FILLED", units(2), units(180))
    # 180 for two at 90; the third still holds 100; the improvement of 20 is free again.
    assert (house.free(BEN, "USDT"), house.locked(BEN, "USDT")) == ("19720", "100")
    assert house.free(BEN, "BTC") == "20001.998"
    assert (house.free(ANN, "BTC"), house.free(ANN, "USDT")) == ("19998", "20179.82")
    fees = house.engine.ledger.balances(-1)
    assert fees == {"BTC": (units("0.002"), 0), "USDT": (units("0.18"), 0)}


def test_trade_prefers_better_price_then_older_order() -> None:
    house = House()
    late_best, old, young = (house.order(ANN, "SELL", 1, price).order_id for price in (101, 100, 100))
    house.order(ANN, "SELL", 1, 99)
    events = house.place(BEN, "BUY", 4, 101)
    makers = [event.maker.order_id for event in events if isinstance(event, OrderTraded)]
    assert makers == [4, old, young, late_best]


def test_trade_uses_two_execution_ids_and_rising_trade_ids() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 100)
    house.order(ANN, "SELL", 1, 100)
    accepted, first, second = house.place(BEN, "BUY", 2, 100)
    assert [accepted.execution_id, first.execution_id, second.execution_id] == [3, 4, 6]
    assert (first.trade_id, second.trade_id) == (1, 2)
    assert (first.taker_status, second.taker_status) == ("PARTIALLY_FILLED", "FILLED")


def test_trade_floors_quote_once_for_both_sides() -> None:
    house = House()
    house.order(ANN, "SELL", "0.00000007", "0.33333333")
    trade = house.place(BEN, "BUY", "0.00000007", "0.33333333")[1]
    assert trade.quote == 2
    assert (house.free(ANN, "USDT"), house.free(BEN, "USDT")) == ("20000.00000002", "19999.99999998")


def test_stp_none_trades_with_oneself() -> None:
    house = House()
    house.order(ANN, "BUY", 1, 1)
    taker = house.order(ANN, "SELL", 1, 1)
    assert taker.status == "FILLED"
    assert (house.free(ANN, "USDT"), house.free(ANN, "BTC")) == ("19999.999", "19999.999")


def test_stp_expire_maker_expires_all_and_rests() -> None:
    """Scenario B."""
    house = House()
    makers = [house.order(ANN, "BUY", *row) for row in (("1.2", "1.2"), ("1.3", "1.1"), ("8.1", 1))]
    events = house.place(ANN, "SELL", 3, 1, stp_mode="EXPIRE_MAKER")
    assert names(events) == ["OrderAccepted", *["TradePrevented", "OrderExpired"] * 3]
    assert [maker.status for maker in makers] == ["EXPIRED_IN_MATCH"] * 3
    assert [maker.prevented for maker in makers] == [units("1.2"), units("1.3"), units("8.1")]
    taker = events[0].order
    assert (taker.status, taker.leaves, taker.prevented) == ("NEW", units(3), 0)
    assert house.locked(ANN, "USDT") == "0"
    assert house.locked(ANN, "BTC") == "3"


def test_stp_expire_taker_leaves_makers_alone() -> None:
    """Scenario C."""
    house = House()
    maker = house.order(ANN, "BUY", "1.2", "1.2")
    events = house.place(ANN, "SELL", 3, 1, stp_mode="EXPIRE_TAKER")
    assert names(events) == ["OrderAccepted", "TradePrevented", "OrderExpired"]
    taker = events[0].order
    assert (taker.status, taker.prevented, taker.expiry_reason) == ("EXPIRED_IN_MATCH", units(3), "")
    assert (maker.status, maker.prevented) == ("NEW", 0)
    assert house.locked(ANN, "BTC") == "0"


def test_stp_expire_both_ends_both() -> None:
    """Scenario D."""
    house = House()
    maker = house.order(ANN, "BUY", 1, 1)
    events = house.place(ANN, "SELL", 3, 1, stp_mode="EXPIRE_BOTH")
    prevented = events[1]
    assert (prevented.taker_prevented, prevented.maker_prevented) == (units(3), units(1))
    assert maker.status == events[0].order.status == "EXPIRED_IN_MATCH"
    assert house.engine.book("BTCUSDT").depth(5) == ([], [])


def test_stp_mode_of_taker_decides() -> None:
    """Scenario E."""
    house = House()
    maker = house.order(ANN, "BUY", 1, 1, stp_mode="EXPIRE_MAKER")
    taker = house.order(ANN, "SELL", 1, 1, stp_mode="EXPIRE_TAKER")
    assert (maker.status, taker.status) == ("NEW", "EXPIRED_IN_MATCH")


def test_stp_market_order_after_expired_maker_lacks_liquidity() -> None:
    """Scenario F."""
    house = House()
    maker = house.order(ANN, "BUY", 1, 1)
    taker = house.order(ANN, "SELL", 1, stp_mode="EXPIRE_MAKER")
    assert maker.status == "EXPIRED_IN_MATCH"
    assert (taker.status, taker.expiry_reason, taker.prevented) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY", 0)


def test_stp_decrement_reduces_both_and_keeps_place() -> None:
    """Scenario G."""
    house = House()
    maker = house.order(ANN, "BUY", 6, 2)
    house.order(BEN, "BUY", 1, 2)
    taker = house.order(ANN, "SELL", 2, 2, stp_mode="DECREMENT")
    assert (maker.status, maker.prevented, maker.leaves) == ("NEW", units(2), units(4))
    assert (taker.status, taker.prevented) == ("EXPIRED_IN_MATCH", units(2))
    assert house.locked(ANN, "USDT") == "8"
    first = house.place(CAT, "SELL", 1, 2)[1]
    assert first.maker is maker


def test_stp_transfer_moves_amounts_within_group_free_of_commission() -> None:
    """Scenario H."""
    house = House()
    maker = house.order(BEN, "BUY", "0.6", "0.2", stp_mode="TRANSFER")
    events = house.place(CAT, "SELL", "0.2", "0.2", stp_mode="TRANSFER")
    assert names(events) == ["OrderAccepted", "TradePrevented", "OrderExpired"]
    assert isinstance(events[1], TradePrevented)
    assert events[1].trade_group_id == 7
    assert (maker.prevented, maker.status) == (units("0.2"), "NEW")
    assert (house.free(BEN, "BTC"), house.free(BEN, "USDT"), house.locked(BEN, "USDT")) == (
        "20000.2",
        "19999.88",
        "0.08",
    )
    assert (house.free(CAT, "BTC"), house.free(CAT, "USDT")) == ("19999.8", "20000.04")
    assert house.engine.ledger.balances(-1)["BTC"] == (0, 0)


def test_stp_transfer_acts_as_decrement_where_maker_has_another_mode() -> None:
    house = House()
    house.order(BEN, "BUY", "0.6", "0.2", stp_mode="NONE")
    house.order(CAT, "SELL", "0.2", "0.2", stp_mode="TRANSFER")
    assert house.free(CAT, "USDT") == "20000"


def test_stp_transfer_acts_as_decrement_on_one_account() -> None:
    house = House()
    house.order(BEN, "BUY", "0.6", "0.2", stp_mode="TRANSFER")
    house.order(BEN, "SELL", "0.2", "0.2", stp_mode="TRANSFER")
    assert (house.free(BEN, "USDT"), house.free(BEN, "BTC")) == ("19999.92", "20000")


def test_stp_leaves_strangers_alone() -> None:
    house = House()
    house.order(ANN, "BUY", 1, 1)
    assert house.order(BEN, "SELL", 1, 1, stp_mode="EXPIRE_BOTH").status == "FILLED"
