"""What the built-in traders may ask of the engine. Only reads: whatever they do, they do by commands."""

from collections.abc import Iterable
from typing import Protocol

from watchword.exchange.order import Order


class Book(Protocol):
    """The order book of one symbol."""

    def best_bid(self) -> tuple[int, int] | None:
        """Return (price, quantity), or None where nobody bids."""
        ...

    def best_ask(self) -> tuple[int, int] | None:
        """Return (price, quantity), or None where nobody asks."""
        ...

    def depth(self, limit: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), best first, at most `limit` levels a side."""
        ...


class Floor(Protocol):
    """The engine as the traders see it.

    When unavailable: cannot be; it is the process's own memory.
    """

    def book(self, symbol: str) -> Book:
        """Return the symbol's book."""
        ...

    def is_trading(self, symbol: str) -> bool:
        """Tell whether the symbol is listed and takes orders."""
        ...

    def account_named(self, name: str) -> int | None:
        """Return the id of the account with this name, or None."""
        ...

    def free_balance(self, account_id: int, asset: str) -> int:
        """Return what an account may spend."""
        ...

    def open_orders_of(self, account_id: int, symbol: str) -> Iterable[Order]:
        """Return an account's open orders on a symbol, oldest first."""
        ...

    def last_price(self, symbol: str) -> int | None:
        """Return the price of the last trade, or None where there was none."""
        ...
