"""Orders that wait for the last price to reach their stop price. Triggers them, never executes them.

A rising trigger waits above the market (STOP_LOSS BUY, TAKE_PROFIT SELL), a falling one below (the other four).

Source: rest-api.md "New order": trigger order price rules.
"""

from bisect import bisect_left, bisect_right, insort
from typing import Final

from watchword.exchange.order import Order

_ID_MAX: Final = 1 << 63

_RISING: Final = frozenset(
    (
        ("STOP_LOSS", "BUY"),
        ("STOP_LOSS_LIMIT", "BUY"),
        ("TAKE_PROFIT", "SELL"),
        ("TAKE_PROFIT_LIMIT", "SELL"),
    )
)


def rises_to_trigger(kind: str, side: str) -> bool:
    """Return whether such an order waits above the market."""
    return (kind, side) in _RISING


def would_trigger(kind: str, side: str, stop_price: int, last_price: int) -> bool:
    """Return whether the stop price is already reached. With no trade yet (`last_price` 0) nothing is.

    Args:
        kind: Order type.
        side: BUY or SELL.
        stop_price: Scaled.
        last_price: Price of the last trade, scaled.
    """
    if not last_price:
        return False
    return stop_price <= last_price if rises_to_trigger(kind, side) else stop_price >= last_price


class StopBook:
    """The waiting orders of one symbol, nearest trigger first."""

    __slots__ = ("_falling", "_rising", "orders")

    def __init__(self) -> None:
        #: Waiting orders by id.
        self.orders: dict[int, Order] = {}
        self._rising: list[tuple[int, int]] = []
        self._falling: list[tuple[int, int]] = []

    def add(self, order: Order) -> None:
        """Let an order wait."""
        self.orders[order.order_id] = order
        keys, key = self._place_of(order)
        insort(keys, key)

    def remove(self, order: Order) -> None:
        """Take an order out; one that does not wait here is left alone."""
        if self.orders.pop(order.order_id, None) is not None:
            keys, key = self._place_of(order)
            del keys[bisect_left(keys, key)]

    def take_triggered(self, low: int, high: int) -> list[Order]:
        """Take out the orders whose stop price was reached.

        Args:
            low: Lowest trade price since the last call, scaled.
            high: Highest trade price since the last call, scaled.

        Returns:
            The orders, oldest (lowest order id) first.
        """
        reached: list[int] = []
        for keys, bound in ((self._rising, high), (self._falling, -low)):
            end = bisect_right(keys, (bound, _ID_MAX))
            if end:
                reached.extend(order_id for _, order_id in keys[:end])
                del keys[:end]
        reached.sort()
        return [self.orders.pop(order_id) for order_id in reached]

    def _place_of(self, order: Order) -> tuple[list[tuple[int, int]], tuple[int, int]]:
        if (order.type, order.side) in _RISING:
            return self._rising, (order.stop_price, order.order_id)
        return self._falling, (-order.stop_price, order.order_id)
