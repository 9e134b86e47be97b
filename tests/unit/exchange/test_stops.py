"""Which waiting orders a price reaches, and in which order."""

from watchword.exchange.order import Order
from watchword.exchange.stops import StopBook, rises_to_trigger, would_trigger


def make(order_id: int, kind: str, side: str, stop: int) -> Order:
    return Order(order_id, 1, "S", "", side, kind, "GTC", 0, 1, 0, stop, "NONE", 0, 0)  # type: ignore[arg-type]


def test_stop_direction_follows_type_and_side() -> None:
    rising = {(kind, side) for kind in ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
              for side in ("BUY", "SELL") if rises_to_trigger(kind, side)}  # fmt: skip
    assert rising == {
        ("STOP_LOSS", "BUY"), ("STOP_LOSS_LIMIT", "BUY"), ("TAKE_PROFIT", "SELL"), ("TAKE_PROFIT_LIMIT", "SELL"),
    }  # fmt: skip


def test_stop_before_any_trade_never_triggers() -> None:
    assert not would_trigger("STOP_LOSS", "SELL", 5, 0)
    assert would_trigger("STOP_LOSS", "SELL", 5, 5)


def test_stops_taken_in_range_oldest_first() -> None:
    stops = StopBook()
    rising = [make(number, "STOP_LOSS", "BUY", stop) for number, stop in ((1, 12), (4, 11), (5, 13))]
    falling = [make(number, "STOP_LOSS", "SELL", stop) for number, stop in ((2, 8), (3, 9), (6, 7))]
    for order in (*rising, *falling):
        stops.add(order)
    assert stops.take_triggered(10, 10) == []
    assert [order.order_id for order in stops.take_triggered(8, 12)] == [1, 2, 3, 4]
    assert sorted(stops.orders) == [5, 6]
    assert stops.take_triggered(8, 12) == []


def test_stop_removed_does_not_trigger_and_removal_is_forgiving() -> None:
    stops = StopBook()
    first, twin = make(1, "STOP_LOSS", "BUY", 12), make(2, "STOP_LOSS", "BUY", 12)
    stops.add(first)
    stops.add(twin)
    stops.remove(first)
    stops.remove(first)
    assert stops.take_triggered(12, 12) == [twin]
