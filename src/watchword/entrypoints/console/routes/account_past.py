"""An account's past as the testnet tells it: what it holds, what it traded, what moved.

Adds trades up as they come (`exchange.portfolio`), and keeps the sums: a page that shows them costs what is new.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.exchange_calls import NO_ACCOUNT, called
from watchword.entrypoints.console.trading_views import WireTrade, scaled
from watchword.entrypoints.testnet.admin import requests as testnet
from watchword.exchange.portfolio import Change, Course, Fill, price_along, route_between

#: Rows of one question; what Binance answers at most.
ROWS_MAX: Final = 1_000
#: Questions at once, so that one page does not take all of the testnet's connections.
ASKED_AT_ONCE_MAX: Final = 4
#: As many trades as the venue keeps of everybody, so nothing is left out.
TRADES_MAX: Final = 100_000
#: Accounts and trades whose sums are kept at hand.
ACCOUNTS_KEPT_MAX: Final = 64
TRADES_KEPT_MAX: Final = 2 * TRADES_MAX
#: More are added up beside the loop.
ROWS_AT_ONCE_MAX: Final = 500


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


class TradeRow(msgspec.Struct, frozen=True, array_like=True):
    """A trade of the account; amounts scaled."""

    symbol: str
    trade: int
    at_us: int
    is_buyer: bool
    quantity: int
    quote: int
    fee: int
    fee_asset: str


class Past(msgspec.Struct, frozen=True):
    """What `account.past` answers; trades only where they were asked for, by rising number on each symbol."""

    at_us: int
    created_us: int
    balances: dict[str, Held]
    traded: list[str]
    symbols: list[TradedSymbol]
    moves: list[Moved]
    complete: bool
    trades: list[TradeRow] = []
    more: bool = False
    follows: bool = True

    def held(self) -> dict[str, int]:
        """What it has now, free and locked, scaled, by asset."""
        return {asset: scaled(one.free) + scaled(one.locked) for asset, one in self.balances.items()}

    def last_price(self, asset: str, quote: str) -> int | None:
        """Return an asset's price at the last trades; None where none leads there."""
        names = {f"{one.base}/{one.quote}": one.symbol for one in self.symbols}
        prices = {one.symbol: one.price for one in self.symbols}
        return price_along(
            route_between(asset, quote, names),
            lambda symbol: scaled(prices[symbol]) if symbol in prices else None,
        )

    def moves_made(self) -> list[Change]:
        """Say what moved without a trade."""
        return [Change(move.asset, scaled(move.amount), move.at_us) for move in self.moves]


async def past_of(ask: Ask[Any, Any], account: int, after: Mapping[str, int] | None = None) -> Past | Problem:
    """Ask for an account's past.

    Args:
        ask: Whoever asks reaches the account.
        account: Its number.
        after: And its trades, on each symbol those above this number; None: no trades.
    """
    request = testnet.ShowPast(str(account), None if after is None else dict(after), on_behalf=behalf_of(ask))
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


class _Account:
    """What was read of one account's trades: they only come to an end, so each is read once."""

    def __init__(self, created_us: int) -> None:
        self.created_us, self.course = created_us, Course()
        #: Symbol → number of the last trade that was taken.
        self.last: dict[str, int] = {}

    def take(self, rows: Sequence[TradeRow], symbols: Mapping[str, TradedSymbol]) -> None:
        """Add what came; rows of all symbols belong to the time until one moment."""
        for row in sorted(rows, key=lambda row: (row.at_us, row.trade)):
            listed = symbols[row.symbol]
            self.course.add(
                Fill(
                    row.symbol, listed.base, listed.quote, row.is_buyer, row.quantity, row.quote, row.fee,
                    row.fee_asset, row.at_us,
                )
            )  # fmt: skip
            self.last[row.symbol] = max(row.trade, self.last.get(row.symbol, 0))


class _Courses:
    """Courses of the accounts that were asked for last, with as many trades together as a venue keeps twice.

    They live as long as the console: trades do not change. One the venue does not know any more begins anew.
    """

    def __init__(self) -> None:
        self._accounts: OrderedDict[int, _Account] = OrderedDict()
        self._turns: dict[int, asyncio.Lock] = {}

    def turn(self, account: int) -> asyncio.Lock:
        """One at a time reads an account: two would each add the same trades."""
        return self._turns.setdefault(account, asyncio.Lock())

    def get(self, account: int) -> _Account | None:
        """Return what is known of an account."""
        return self._accounts.get(account)

    def put(self, account: int, known: _Account) -> None:
        """Keep what is known, and forget the longest unused where there is too much."""
        self._accounts[account] = known
        self._accounts.move_to_end(account)
        kept = sum(one.course.trades for one in self._accounts.values())
        while len(self._accounts) > 1 and (len(self._accounts) > ACCOUNTS_KEPT_MAX or kept > TRADES_KEPT_MAX):
            gone, forgotten = self._accounts.popitem(last=False)
            kept -= forgotten.course.trades
            turn = self._turns.get(gone)
            if turn is not None and not turn.locked():
                del self._turns[gone]


async def course_of(ask: Ask[Any, Any], account: int) -> tuple[Past, Course] | Problem:
    """Read an account's past and all of its trades, both of one moment. What was read before is not read again.

    Args:
        ask: Whoever asks reaches the account.
        account: Its number.

    Returns:
        The past, and the trades added up; do not wait for anything between this and using them.
    """
    courses: _Courses = ask.console.at_hand.setdefault(_Courses, _Courses())
    async with courses.turn(account):
        known = courses.get(account)
        rows: list[TradeRow] = []
        last = dict(known.last) if known is not None else {}
        while True:
            past = await past_of(ask, account, last)
            if isinstance(past, Problem):
                return past
            if known is not None and (not past.follows or past.created_us != known.created_us):
                known, rows, last = None, [], {}
                continue
            if not past.follows:
                # The venue was reset between two pages.
                rows, last = [], {}
            rows += past.trades
            for row in past.trades:
                last[row.symbol] = max(row.trade, last.get(row.symbol, 0))
            if not past.more:
                break
        if known is None:
            known = _Account(past.created_us)
        symbols = {one.symbol: one for one in past.symbols}
        if len(rows) > ROWS_AT_ONCE_MAX:
            # Years of trades take a moment to add up, and others are served meanwhile.
            await asyncio.to_thread(known.take, rows, symbols)
        else:
            known.take(rows, symbols)
        courses.put(account, known)
        return past, known.course
