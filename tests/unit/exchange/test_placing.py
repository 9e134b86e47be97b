"""New orders of every type: what is refused, held, traded, rested and expired; and triggers."""

import pytest
from tests.unit.exchange.house import ANN, BEN, CAT, House, names, units

from watchword.exchange.commands import SetSymbolStatus
from watchword.exchange.events import OrderTraded


def test_limit_rests_and_holds_quote() -> None:
    house = House()
    order = house.order(ANN, "BUY", 2, 100)
    assert (order.status, order.leaves, order.held, order.working_us) == (
        "NEW", units(2), units(200), order.created_us,
    )  # fmt: skip
    assert (house.free(ANN, "USDT"), house.locked(ANN, "USDT")) == ("19800", "200")


@pytest.mark.parametrize(
    ("account", "side", "quantity", "price", "text"),
    [
        (ANN, "BUY", 201, 100, "Account has insufficient balance for requested action."),
        (ANN, "SELL", 20_001, 100, "Account has insufficient balance for requested action."),
        (ANN, "BUY", "0.00000001", "0.01", "Price * QTY is zero or less."),
        (99, "BUY", 1, 1, "This account may not place or cancel orders."),
    ],
)
def test_limit_refused(account: int, side: str, quantity: str, price: str, text: str) -> None:
    house = House()
    before = house.engine.next_order_id, list(house.engine.ledger.rows())
    refusal = house.place(account, side, quantity, price)
    assert (refusal.code, refusal.text) == (-2010, text)
    assert (house.engine.next_order_id, list(house.engine.ledger.rows())) == before


def test_order_on_unknown_symbol_refused() -> None:
    assert House().place(ANN, "BUY", 1, 1, symbol="NOPE").code == -1121


@pytest.mark.parametrize("status", ["HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY"])
def test_order_on_halted_symbol_refused(status: str) -> None:
    house = House()
    house.apply(SetSymbolStatus, symbol="BTCUSDT", status=status)
    assert house.place(ANN, "BUY", 1, 1).text == "Market is closed."


def test_client_id_refused_while_open_and_free_again_after() -> None:
    house = House()
    first = house.order(ANN, "BUY", 1, 1, client_order_id="mine")
    assert house.place(ANN, "BUY", 1, 1, client_order_id="mine").text == "Duplicate order sent."
    assert house.order(BEN, "BUY", 1, 1, client_order_id="mine").status == "NEW"
    house.cancel(ANN, first.order_id)
    assert house.order(ANN, "BUY", 1, 1, client_order_id="mine").status == "NEW"


def test_limit_maker_refused_where_it_would_take() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 100)
    refusal = house.place(BEN, "BUY", 1, 100, type="LIMIT_MAKER")
    assert refusal.text == "Order would immediately match and take."
    assert house.order(BEN, "BUY", 1, "99.99", type="LIMIT_MAKER").leaves == units(1)


def test_ioc_takes_what_there_is_and_expires() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 100)
    events = house.place(BEN, "BUY", 3, 100, time_in_force="IOC")
    assert names(events) == ["OrderAccepted", "OrderTraded", "OrderExpired"]
    assert (events[2].status, events[2].reason) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
    assert house.locked(BEN, "USDT") == "0"


def test_fok_takes_all_or_nothing() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 100)
    house.order(ANN, "SELL", 1, 101)
    events = house.place(BEN, "BUY", 3, 101, time_in_force="FOK")
    assert names(events) == ["OrderAccepted", "OrderExpired"]
    assert events[1].reason == "UNFILLED_FOK_ORDER_EXPIRED"
    assert house.order(BEN, "BUY", 2, 101, time_in_force="FOK").status == "FILLED"


def test_fok_does_not_count_own_orders() -> None:
    house = House()
    house.order(BEN, "SELL", 1, 100)
    house.order(ANN, "SELL", 1, 100)
    events = house.place(BEN, "BUY", 2, 100, time_in_force="FOK", stp_mode="EXPIRE_MAKER")
    assert names(events) == ["OrderAccepted", "OrderExpired"]


def test_market_on_thin_book_fills_partly_and_expires() -> None:
    house = House()
    house.order(ANN, "SELL", 4, 1)
    events = house.place(BEN, "BUY", 6)
    assert names(events) == ["OrderAccepted", "OrderTraded", "OrderExpired"]
    order = events[0].order
    assert (order.status, order.executed, order.quantity) == ("EXPIRED", units(4), units(6))
    assert order.expiry_reason == "INSUFFICIENT_LIQUIDITY"


def test_market_on_empty_book_expires() -> None:
    assert names(House().place(ANN, "SELL", 1)) == ["OrderAccepted", "OrderExpired"]


def test_market_buy_refused_where_money_does_not_reach() -> None:
    house = House()
    house.order(ANN, "SELL", 100, 100)
    house.order(ANN, "SELL", 100, 101)
    assert house.place(BEN, "BUY", 200).text == "Account has insufficient balance for requested action."
    assert house.order(BEN, "BUY", 100).status == "FILLED"


def test_market_by_quote_spends_as_much_as_whole_lots_allow() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 30)
    house.order(ANN, "SELL", 10, 70)
    order = house.order(BEN, "BUY", quote_quantity=100)
    # 70 left at 70 a piece buy exactly one more.
    assert (order.status, order.quantity, order.executed_quote) == ("FILLED", units(2), units(100))
    order = house.order(BEN, "BUY", quote_quantity=100)
    assert order.executed == units("1.42857")
    assert order.executed_quote == units("99.9999")
    assert house.locked(BEN, "USDT") == "0"


def test_market_by_quote_sells_what_brings_the_amount() -> None:
    house = House()
    house.order(ANN, "BUY", 10, 70)
    order = house.order(BEN, "SELL", quote_quantity=100)
    assert order.executed == units("1.42857")
    assert house.locked(BEN, "BTC") == "0"


def test_market_by_quote_on_thin_book_expires() -> None:
    house = House()
    house.order(ANN, "SELL", 1, 30)
    order = house.order(BEN, "BUY", quote_quantity=100)
    assert (order.status, order.quantity, order.executed) == ("EXPIRED", units(1), units(1))
    assert order.expiry_reason == "INSUFFICIENT_LIQUIDITY"


@pytest.mark.parametrize(
    ("resting", "quote", "code", "text"),
    [
        (None, 100, -2010, "Order book liquidity is less than symbol minimum quantity."),
        (("0.00001", 100), "0.0001", -1013, "Filter failure: LOT_SIZE"),
        ((200, 100), 13_000, -1013, "Filter failure: MARKET_LOT_SIZE"),
        ((200, 100), 20_001, -2010, "Account has insufficient balance for requested action."),
    ],
)
def test_market_by_quote_refused(resting: tuple[str, int] | None, quote: str, code: int, text: str) -> None:
    house = House(market_max_qty=0 if quote == 20_001 else units(120))
    if resting is not None:
        house.order(ANN, "SELL", *resting)
    refusal = house.place(BEN, "BUY", quote_quantity=quote)
    assert (refusal.code, refusal.text) == (code, text)


def test_market_by_quote_refused_where_book_has_less_than_a_lot() -> None:
    house = House(min_qty=units(1))
    house.order(ANN, "SELL", "0.5", 100)
    refusal = house.place(BEN, "BUY", quote_quantity=500)
    assert refusal.text == "Order book liquidity is less than `LOT_SIZE` filter minimum quantity."


@pytest.mark.parametrize(
    ("kind", "side", "stop", "triggers"),
    [
        ("STOP_LOSS", "BUY", 101, False),
        ("STOP_LOSS", "BUY", 100, True),
        ("STOP_LOSS", "SELL", 99, False),
        ("STOP_LOSS", "SELL", 100, True),
        ("TAKE_PROFIT", "BUY", 99, False),
        ("TAKE_PROFIT", "BUY", 101, True),
        ("TAKE_PROFIT", "SELL", 101, False),
        ("TAKE_PROFIT", "SELL", 99, True),
    ],
)
def test_stop_refused_where_it_would_trigger(kind: str, side: str, stop: int, triggers: bool) -> None:
    house = House()
    house.trade_at(100)
    result = house.place(CAT, side, 1, type=kind, stop_price=stop)
    if triggers:
        assert result.text == "Order would trigger immediately."
    else:
        assert names(result) == ["OrderAccepted"]
        assert not result[0].working
        assert result[0].order.working_us == -1


def test_stop_loss_limit_triggers_and_rests() -> None:
    house = House()
    house.trade_at(100)
    stop = house.order(CAT, "SELL", 1, 89, type="STOP_LOSS_LIMIT", stop_price=90)
    assert house.engine.book("BTCUSDT").best_ask() is None
    house.order(ANN, "BUY", 1, 90)
    events = house.place(BEN, "SELL", 1, 90)
    assert names(events) == ["OrderAccepted", "OrderTraded", "OrderTriggered"]
    assert (stop.status, stop.leaves, stop.working_us) == ("NEW", units(1), stop.updated_us)
    assert house.engine.book("BTCUSDT").best_ask() == (units(89), units(1))


def test_stop_loss_triggers_others_in_a_chain_oldest_first() -> None:
    house = House()
    house.trade_at(100)
    for price in (95, 90, 85):
        house.order(ANN, "BUY", 1, price)
    far = house.order(CAT, "SELL", 1, type="STOP_LOSS", stop_price=91)
    near = house.order(CAT, "SELL", 1, type="STOP_LOSS", stop_price=96)
    events = house.place(BEN, "SELL", 1, 95)
    trades = [event for event in events if isinstance(event, OrderTraded)]
    assert [trade.taker.order_id for trade in trades[1:]] == [near.order_id, far.order_id]
    assert [trade.price for trade in trades] == [units(95), units(90), units(85)]


def test_stop_loss_buy_expires_rejected_where_money_is_gone() -> None:
    house = House()
    house.trade_at(100)
    stop = house.order(BEN, "BUY", 100, type="STOP_LOSS", stop_price=110)
    house.order(BEN, "BUY", 80, 100)
    house.order(ANN, "SELL", 80, 100)
    house.order(ANN, "SELL", 1, 110)
    house.order(ANN, "SELL", 100, 130)
    house.order(CAT, "BUY", 1, 110)
    assert (stop.status, stop.expiry_reason, stop.executed) == ("EXPIRED", "REJECTED", 0)
    assert house.locked(BEN, "USDT") == "0"


def test_stop_buy_takes_more_than_it_held_where_money_is_there() -> None:
    house = House()
    house.trade_at(100)
    stop = house.order(BEN, "BUY", 10, type="STOP_LOSS", stop_price=110)
    assert house.locked(BEN, "USDT") == "1100"
    house.order(ANN, "SELL", 1, 110)
    house.order(ANN, "SELL", 10, 130)
    house.order(CAT, "BUY", 1, 110)
    assert (stop.status, stop.executed_quote) == ("FILLED", units(1300))
    assert house.locked(BEN, "USDT") == "0"


def test_count_filters_refuse_the_one_too_many() -> None:
    house = House(max_num_orders=3, max_num_algo_orders=1)
    house.trade_at(100)
    house.order(ANN, "SELL", 1, type="STOP_LOSS", stop_price=90)
    refusal = house.place(ANN, "SELL", 1, type="STOP_LOSS", stop_price=90)
    assert (refusal.code, refusal.text) == (-2010, "Filter failure: MAX_NUM_ALGO_ORDERS")
    house.order(ANN, "SELL", 1, 200)
    house.order(ANN, "SELL", 1, 200)
    refusal = house.place(ANN, "SELL", 1, 200)
    assert (refusal.code, refusal.text) == (-2010, "Filter failure: MAX_NUM_ORDERS")
    assert house.order(BEN, "SELL", 1, 200).status == "NEW"


def test_max_position_counts_balance_and_open_buys() -> None:
    house = House(max_position=units(20_003))
    house.order(ANN, "BUY", 2, 1)
    assert house.place(ANN, "BUY", "1.1", 1).text == "Filter failure: MAX_POSITION"
    assert house.order(ANN, "BUY", 1, 1).status == "NEW"
    assert house.order(ANN, "SELL", 1, 5).status == "NEW"
