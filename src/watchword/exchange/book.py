"""The order book of one symbol: price levels, first come first served within each. Knows no accounts and no money.

A side keeps a sorted list of keys (bids: the price; asks: minus the price, so that the best is always the last) and
a dictionary from key to level. A level's queue is a list with a head index; an order taken out of the middle stays
in it with `leaves` 0 until the dead outnumber the living, so every operation is constant or amortised constant.
`matching` works on these parts directly; everybody else uses the methods.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Final

import msgspec

from watchword.exchange.order import Order

#: Dead entries a queue may carry before it is swept, beside as many as there are living ones.
DEAD_ENTRIES_MAX: Final = 16
#: Entries of a queue that is copied whenever one is added.
SHORT_QUEUE_MAX: Final = 8

#: (price, quantity) rows, best first.
Rows = list[tuple[int, int]]


class Level(msgspec.Struct, gc=False):
    """All orders at one price.

    Attributes:
        total: Sum of their `leaves`.
        live: How many there are.
        head: Index in `queue` before which nobody lives.
        queue: Orders in time priority, dead ones (leaves 0) among them. A tuple while it is short: the garbage
            collector stops looking at tuples of orders, so that 100,000 levels cost it nothing; it never does so
            with lists.
    """

    total: int
    live: int
    head: int
    queue: tuple[Order, ...] | list[Order]

    def append(self, order: Order, leaves: int) -> None:
        """Put an order at the end."""
        self.total += leaves
        self.live += 1
        queue = self.queue
        if isinstance(queue, list):
            queue.append(order)
        elif len(queue) < SHORT_QUEUE_MAX:
            self.queue = (*queue, order)
        else:
            self.queue = [*queue, order]

    def first(self) -> Order:
        """Return the oldest living order; the dead before it are passed for good."""
        queue, head = self.queue, self.head
        order = queue[head]
        while not order.leaves:
            head += 1
            order = queue[head]
        self.head = head
        return order

    def sweep(self) -> None:
        """Drop the dead entries."""
        living = [order for order in self.queue if order.leaves]
        self.queue = living if len(living) > SHORT_QUEUE_MAX else tuple(living)
        self.head = 0

    def orders(self) -> list[Order]:
        """Return the living orders in time priority."""
        return [order for order in self.queue if order.leaves]


class BookSide:
    """Bids or asks.

    Attributes:
        sign: 1 for bids, -1 for asks; key = sign * price.
        keys: Keys of all levels, ascending; the best is last.
        levels: Key → level.
        touched: Keys changed since the last `take_changes`, or None while nobody asks.
    """

    __slots__ = ("keys", "levels", "sign", "touched")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.touched: set[int] | None = None

    def best(self) -> tuple[int, int] | None:
        """Return (price, quantity) of the best level, or None where the side is empty."""
        if not self.keys:
            return None
        key = self.keys[-1]
        return self.sign * key, self.levels[key].total

    def rows(self, limit: int) -> Rows:
        """Return the best levels.

        Args:
            limit: How many, at most.
        """
        keys = self.keys[-limit:] if limit else []
        levels, sign = self.levels, self.sign
        return [(sign * key, levels[key].total) for key in reversed(keys)]

    def orders(self) -> Iterator[Order]:
        """Yield all orders, best price first, then in time priority."""
        for key in reversed(self.keys):
            yield from self.levels[key].orders()

    def take_touched(self) -> Rows:
        """Return the present quantity (0: gone) of every price touched since last time, best first."""
        if not self.touched:
            return []
        keys = sorted(self.touched, reverse=True)
        self.touched = set()
        levels, sign = self.levels, self.sign
        return [(sign * key, levels[key].total if key in levels else 0) for key in keys]


class OrderBook:
    """Both sides and the counter that snapshots and diffs share.

    Attributes:
        update_id: Rises by one with every change of a level.
    """

    __slots__ = ("_first_update_id", "asks", "bids", "update_id")

    def __init__(self) -> None:
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.update_id = 0
        self._first_update_id = 1

    def best_bid(self) -> tuple[int, int] | None:
        """Return (price, quantity), or None."""
        return self.bids.best()

    def best_ask(self) -> tuple[int, int] | None:
        """Return (price, quantity), or None."""
        return self.asks.best()

    def depth(self, limit: int) -> tuple[Rows, Rows]:
        """Return (bids, asks), best first, at most `limit` levels a side; they belong to `update_id`."""
        return self.bids.rows(limit), self.asks.rows(limit)

    def add(self, order: Order, leaves: int) -> None:
        """Put an order at the end of its price's queue.

        Args:
            order: Its side and price say where.
            leaves: Base quantity that is open, above zero.
        """
        if order.side == "BUY":
            side, key = self.bids, order.price
        else:
            side, key = self.asks, -order.price
        order.leaves = leaves
        level = side.levels.get(key)
        if level is not None:
            level.append(order, leaves)
        else:
            side.levels[key] = Level(leaves, 1, 0, (order,))
            insort(side.keys, key)
        self.update_id += 1
        if side.touched is not None:
            side.touched.add(key)

    def remove(self, order: Order) -> None:
        """Take a resting order out. Its `leaves` become 0."""
        if order.side == "BUY":
            side, key = self.bids, order.price
        else:
            side, key = self.asks, -order.price
        level = side.levels[key]
        live = level.live - 1
        if live:
            level.total -= order.leaves
            level.live = live
            order.leaves = 0
            if len(level.queue) > 2 * live + DEAD_ENTRIES_MAX:
                level.sweep()
        else:
            order.leaves = 0
            del side.levels[key]
            keys = side.keys
            if keys[-1] == key:
                keys.pop()
            else:
                del keys[bisect_left(keys, key)]
        self.update_id += 1
        if side.touched is not None:
            side.touched.add(key)

    def fill(self, side: BookSide, order: Order, quantity: int) -> int:
        """Take quantity from the first order of a side's best level. The hot half of `reduce` and `remove`.

        Args:
            side: Of this book.
            order: What `first` of its best level returned.
            quantity: Base units, above zero, at most the order's `leaves`.

        Returns:
            What is left of the order; 0 means it is out of the book.
        """
        key = side.keys[-1]
        level = side.levels[key]
        order.leaves = left = order.leaves - quantity
        if left:
            level.total -= quantity
        else:
            live = level.live - 1
            if live:
                level.total -= quantity
                level.live = live
                level.head += 1
                if len(level.queue) > 2 * live + DEAD_ENTRIES_MAX:
                    level.sweep()
            else:
                del side.levels[key]
                side.keys.pop()
        self.update_id += 1
        if side.touched is not None:
            side.touched.add(key)
        return left

    def reduce(self, order: Order, quantity: int) -> None:
        """Take part of a resting order's quantity away; it keeps its place.

        Args:
            order: Resting in this book.
            quantity: Base units, above zero, less than the order's `leaves`.
        """
        side, key = (self.bids, order.price) if order.side == "BUY" else (self.asks, -order.price)
        side.levels[key].total -= quantity
        order.leaves -= quantity
        self.update_id += 1
        if side.touched is not None:
            side.touched.add(key)

    def load(self, order: Order) -> None:
        """Put an order back from a snapshot; `finish_load` must follow before anything else is done."""
        side, key = (self.bids, order.price) if order.side == "BUY" else (self.asks, -order.price)
        level = side.levels.get(key)
        if level is not None:
            level.append(order, order.leaves)
        else:
            side.levels[key] = Level(order.leaves, 1, 0, (order,))
            side.keys.append(key)

    def finish_load(self, update_id: int) -> None:
        """Sort what `load` put back and go on counting where the snapshot was made."""
        self.bids.keys.sort()
        self.asks.keys.sort()
        self.update_id = update_id
        self._first_update_id = update_id + 1

    def track_changes(self, on: bool) -> None:
        """Begin (from now) or stop recording which levels change."""
        if on != (self.bids.touched is not None):
            self.bids.touched = set() if on else None
            self.asks.touched = set() if on else None
            self._first_update_id = self.update_id + 1

    def take_changes(self) -> tuple[int, int, Rows, Rows] | None:
        """Return what changed since the last call, and begin anew.

        Returns:
            (first update id, last update id, bids, asks) where a quantity of 0 means the level is gone;
            None where nothing changed. The first id is always the last one of the call before plus one.
        """
        first, last = self._first_update_id, self.update_id
        if last < first or self.bids.touched is None:
            return None
        self._first_update_id = last + 1
        return first, last, self.bids.take_touched(), self.asks.take_touched()
