"""Price levels, time priority, and the counter that snapshots and diffs share."""

import gc
import random
import tracemalloc

from watchword.exchange.book import OrderBook
from watchword.exchange.order import Order

_IDS = iter(range(1, 10**9))


def make(side: str, price: int, quantity: int = 1) -> Order:
    return Order(next(_IDS), 1, "S", "", side, "LIMIT", "GTC", price, quantity, 0, 0, "NONE", 0, 0)  # type: ignore[arg-type]


def put(book: OrderBook, side: str, price: int, quantity: int = 1) -> Order:
    order = make(side, price, quantity)
    book.add(order, quantity)
    return order


def test_book_best_and_depth() -> None:
    book = OrderBook()
    assert (book.best_bid(), book.best_ask(), book.depth(5)) == (None, None, ([], []))
    for price in (3, 1, 2, 3):
        put(book, "BUY", price, 10)
        put(book, "SELL", price + 10, 10)
    assert book.best_bid() == (3, 20)
    assert book.best_ask() == (11, 10)
    assert book.depth(2) == ([(3, 20), (2, 10)], [(11, 10), (12, 10)])
    assert book.depth(0) == ([], [])


def test_book_remove_keeps_time_priority_through_sweeps() -> None:
    book = OrderBook()
    orders = [put(book, "BUY", 5) for _ in range(100)]
    dice = random.Random(1)
    while len(orders) > 3:
        book.remove(orders.pop(dice.randrange(len(orders))))
        assert list(book.bids.orders()) == orders
        assert book.best_bid() == (5, len(orders))


def test_book_fill_takes_the_front_and_reports_what_is_left() -> None:
    book = OrderBook()
    first, second = put(book, "SELL", 5, 4), put(book, "SELL", 5, 4)
    assert book.fill(book.asks, first, 3) == 1
    assert book.fill(book.asks, first, 1) == 0
    assert book.asks.levels[-5].first() is second
    assert book.fill(book.asks, second, 4) == 0
    assert book.best_ask() is None


def test_book_update_id_rises_with_every_change() -> None:
    book = OrderBook()
    one = put(book, "BUY", 5, 4)
    two = put(book, "BUY", 5, 4)
    book.reduce(one, 1)
    book.fill(book.bids, one, 1)
    book.remove(two)
    assert book.update_id == 5


def test_book_changes_are_contiguous_and_rebuild_the_book() -> None:
    book = OrderBook()
    dice = random.Random(2)
    orders = [put(book, side, price) for side, price in (("BUY", 5), ("SELL", 9))]
    book.track_changes(True)
    local = {"b": dict(book.depth(99)[0]), "a": dict(book.depth(99)[1])}
    last = book.update_id
    assert book.take_changes() is None
    for _ in range(300):
        if orders and dice.random() < 0.5:
            book.remove(orders.pop(dice.randrange(len(orders))))
        else:
            side = dice.choice(("BUY", "SELL"))
            orders.append(put(book, side, dice.randrange(1, 6) + 10 * (side == "SELL"), dice.randrange(1, 9)))
        if dice.random() < 0.4:
            first, last_now, bids, asks = book.take_changes() or (0, 0, [], [])
            assert first == last + 1
            last = last_now
            for name, rows in (("b", bids), ("a", asks)):
                local[name].update(rows)
                local[name] = {price: quantity for price, quantity in local[name].items() if quantity}
            assert (local["b"], local["a"]) == (dict(book.depth(99)[0]), dict(book.depth(99)[1]))
    assert last > 50


def test_book_changes_stop_when_nobody_tracks() -> None:
    book = OrderBook()
    book.track_changes(True)
    put(book, "BUY", 1)
    book.track_changes(False)
    assert book.take_changes() is None
    put(book, "BUY", 2)
    book.track_changes(True)
    put(book, "BUY", 3)
    assert book.take_changes() == (3, 3, [(3, 1)], [])


def test_book_long_queue_is_consumed_in_linear_time() -> None:
    book = OrderBook()
    for _ in range(20_000):
        put(book, "BUY", 5)
    level = book.bids.levels[5]
    longest = 0
    for _ in range(19_999):
        book.fill(book.bids, level.first(), 1)
        longest = max(longest, level.head)
    # The dead in front never outnumber the living by more than the bound.
    assert longest <= 10_000 + 16
    assert len(level.queue) <= 2 + 16 + 1


def test_book_orders_are_no_burden_for_the_garbage_collector() -> None:
    order = put(OrderBook(), "BUY", 5)
    assert not gc.is_tracked(order)
    book = OrderBook()
    for price in range(100):
        put(book, "BUY", price)
    assert not any(gc.is_tracked(level) for level in book.bids.levels.values())


def test_book_memory_does_not_grow_with_cancelled_orders() -> None:
    book = OrderBook()
    put(book, "BUY", 5)

    def churn() -> None:
        for _ in range(5_000):
            book.remove(put(book, "BUY", 5))
            book.remove(put(book, "SELL", 7))

    churn()
    tracemalloc.start()
    churn()
    before = tracemalloc.get_traced_memory()[0]
    churn()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 10_000
