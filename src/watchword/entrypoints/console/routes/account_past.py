"""An account's past as the testnet tells it: what it holds, what it traded, what moved. Asks, and adds nothing up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.exchange_calls import NO_ACCOUNT, called
from watchword.entrypoints.console.trading_views import WireTrade, scaled
from watchword.entrypoints.testnet.admin import requests as testnet
from watchword.exchange.portfolio import Change, Fill, price_along, route_between

#: Rows of one question; what Binance answers at most.
ROWS_MAX: Final = 1_000
#: Questions at once, so that one page does not take all of the testnet's connections.
ASKED_AT_ONCE_MAX: Final = 4
#: As many trades as the venue keeps of everybody, so nothing is left out.
TRADES_MAX: Final = 100_000


class TradedSymbol(msgspec.Struct, frozen=True):
    """A symbol of the venue with its last price; "0.00000000" before the first trade."""

    symbol: str
    base: str
    quote: str
    price: str


class Held(msgspec.Struct, frozen=True):
    """What an account has of an asset."""

    free: str
    locked: str


class Moved(msgspec.Struct, frozen=True):
    """A deposit, withdrawal or transfer; its amount has its sign."""

    kind: str
    asset: str
    amount: str
    at_us: int


class Past(msgspec.Struct, frozen=True):
    """What `account.past` answers."""

    at_us: int
    created_us: int
    balances: dict[str, Held]
    traded: list[str]
    symbols: list[TradedSymbol]
    moves: list[Moved]
    complete: bool

    def held(self) -> dict[str, int]:
        """What it has now, free and locked, scaled, by asset."""
        return {asset: scaled(one.free) + scaled(one.locked) for asset, one in self.balances.items()}

    def last_price(self, asset: str, quote: str) -> int | None:
        """Return an asset's price at the last trades; None where none leads there."""
        names = {f"{one.base}/{one.quote}": one.symbol for one in self.symbols}
        prices = {one.symbol: scaled(one.price) for one in self.symbols}
        return price_along(route_between(asset, quote, names), prices.get)

    def moves_made(self) -> list[Change]:
        """Say what moved without a trade."""
        return [Change(move.asset, scaled(move.amount), move.at_us) for move in self.moves]


async def past_of(ask: Ask[Any, Any], account: int) -> Past | Problem:
    """Ask for an account's past."""
    request = testnet.ShowPast(str(account), on_behalf=behalf_of(ask))
    return shaped(hidden(await neighbours_of(ask.console).ask_testnet(request), NO_ACCOUNT), Past)


async def trades_on(
    ask: Ask[Any, Any], account: int, symbol: str
) -> AsyncIterator[list[WireTrade] | Problem]:
    """Read all of an account's trades on a symbol, oldest first, a page at a time.

    Yields:
        Pages; after a problem nothing more.
    """
    from_id = 0
    while True:
        rows = await called(
            ask, list[WireTrade], "myTrades", account, symbol=symbol, fromId=from_id, limit=ROWS_MAX
        )
        yield rows
        if isinstance(rows, Problem) or len(rows) < ROWS_MAX:
            return
        from_id = rows[-1].id + 1


async def fills_of(ask: Ask[Any, Any], account: int, past: Past) -> list[Fill] | Problem:
    """Read all of an account's trades until the moment of its past, in the order they happened.

    Args:
        ask: Whoever asks reaches the account.
        account: Its number.
        past: Asked for before; what happened since is left out, so that both belong to one moment.
    """
    symbols = {one.symbol: one for one in past.symbols}
    gate = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

    async def read(symbol: str) -> list[WireTrade] | Problem:
        rows: list[WireTrade] = []
        async with gate:
            async for page in trades_on(ask, account, symbol):
                if isinstance(page, Problem):
                    return page
                rows += page
                if len(rows) >= TRADES_MAX:
                    break
        return rows

    pages = await asyncio.gather(*(read(symbol) for symbol in past.traded if symbol in symbols))
    found: list[WireTrade] = []
    for page in pages:
        if isinstance(page, Problem):
            return page
        found += page
    return await asyncio.to_thread(_fills, found, symbols, past.at_us)


def _fills(rows: Sequence[WireTrade], symbols: dict[str, TradedSymbol], until_us: int) -> list[Fill]:
    ordered = sorted((row for row in rows if row.time <= until_us), key=lambda row: (row.time, row.id))
    return [
        Fill(
            row.symbol, symbols[row.symbol].base, symbols[row.symbol].quote, row.is_buyer, scaled(row.qty),
            scaled(row.quote_qty), scaled(row.commission), row.commission_asset, row.time,
        )
        for row in ordered
    ]  # fmt: skip
