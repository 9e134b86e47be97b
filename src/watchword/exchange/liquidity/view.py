"""What the built-in traders ask of the engine's state. Only reads: whatever they do, they do by commands."""

from collections.abc import Iterable

from watchword.exchange.book import OrderBook
from watchword.exchange.instruments import Instrument
from watchword.exchange.order import Order
from watchword.exchange.state import State


def listing(state: State, symbol: str) -> Instrument | None:
    """Return the symbol's instrument, or None where it is not listed."""
    floor = state.floors.get(symbol)
    return None if floor is None else floor.instrument


def book(state: State, symbol: str) -> OrderBook:
    """Return a listed symbol's book."""
    return state.floors[symbol].book


def is_trading(state: State, symbol: str) -> bool:
    """Tell whether the symbol is listed and takes orders."""
    floor = state.floors.get(symbol)
    return floor is not None and floor.status == "TRADING"


def last_price(state: State, symbol: str) -> int:
    """Return the price of the last trade, 0 where there was none."""
    floor = state.floors.get(symbol)
    return 0 if floor is None else floor.last_price


def account_named(state: State, name: str) -> int:
    """Return the id of the account with this name, 0 where there is none."""
    return next((account.account_id for account in state.accounts.values() if account.name == name), 0)


def free_balance(state: State, account_id: int, asset: str) -> int:
    """Return what an account may spend, scaled."""
    return state.ledger.balance(account_id, asset).free


def open_orders(state: State, account_id: int, symbol: str) -> Iterable[Order]:
    """Return an account's open orders on a symbol, oldest first. Not to be held while commands are applied."""
    floor = state.floors.get(symbol)
    desk = floor.desks.get(account_id) if floor is not None else None
    return () if desk is None else desk.open.values()
