"""What an account has, ordered and traded on the testnet: balances, orders, trades, deposits. Reads only."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.account_past import ASKED_AT_ONCE_MAX, Past, past_of
from watchword.entrypoints.console.routes.exchange_calls import called
from watchword.entrypoints.console.routes.paging import PAGE_ROWS, PAGE_ROWS_MAX
from watchword.entrypoints.console.routes.testnet_accounts import account_in_path
from watchword.entrypoints.console.routes.trading import SYMBOL_LENGTH_MAX, TAG
from watchword.entrypoints.console.trading_views import (
    OrderView,
    TradeView,
    WireOrder,
    WireTrade,
    order_view,
    scaled,
    trade_view,
)
from watchword.entrypoints.testnet.admin.account_calls import DEPOSIT_HISTORY
from watchword.kernel.units import format_scaled, multiply_scaled

T = TypeVar("T", WireOrder, WireTrade)

ASSET_LENGTH_MAX: Final = 20
QUOTE: Final = "USDT"
#: Rows of one symbol asked for beyond a page, because several may have one moment.
TIES_MAX: Final = 100

SymbolOrAll = Annotated[str, Meta(max_length=SYMBOL_LENGTH_MAX, description="Only this symbol.")]
Quote = Annotated[str, Meta(min_length=1, max_length=ASSET_LENGTH_MAX, description="What worths are in.")]


class BalanceRow(msgspec.Struct, frozen=True):
    """What an account has of an asset, decimal texts.

    Attributes:
        worth: In the list's quote asset at last prices; None where none leads there.
    """

    asset: str
    free: str
    locked: str
    worth: str | None


class BalanceList(msgspec.Struct, frozen=True):
    """Spot balances, the most worth first; what is nothing is left out.

    Attributes:
        total: Worth of all that has a price.
    """

    items: list[BalanceRow]
    quote: str
    total: str
    at_us: int


class OrderList(msgspec.Struct, frozen=True):
    """Orders, newest first."""

    items: list[OrderView]


class OrderPage(msgspec.Struct, frozen=True):
    """Orders, open and over, newest first; `next` is None on the last page."""

    items: list[OrderView]
    next: str | None


class TradePage(msgspec.Struct, frozen=True):
    """Trades, newest first; `next` is None on the last page."""

    items: list[TradeView]
    next: str | None


class DepositView(msgspec.Struct, frozen=True):
    """Money that came in."""

    deposit: str
    asset: str
    amount: str
    network: str
    address: str
    transaction: str
    time_us: int


class DepositPage(msgspec.Struct, frozen=True):
    """Deposits of 90 days, newest first; `next` is None on the last page."""

    items: list[DepositView]
    next: str | None


class BalanceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In what balances are valued."""

    quote: Quote = QUOTE


class OpenQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On which symbol."""

    symbol: SymbolOrAll = ""


class PastQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a past."""

    symbol: SymbolOrAll = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[
        str, Meta(pattern=r"^(?:[0-9]{1,17}-[0-9]{1,18})?$", description="`next` of the page before.")
    ] = ""


class DepositQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deposits."""

    asset: Annotated[str, Meta(max_length=ASSET_LENGTH_MAX, description="Only this asset.")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(pattern=r"^[0-9]{0,6}$", description="`next` of the page before.")] = ""


class _WireDeposit(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    amount: str
    coin: str
    network: str
    address: str
    tx_id: str
    insert_time: int


async def list_balances(ask: Ask[None, BalanceQuery]) -> BalanceList | Problem:
    """Show what an account has."""
    past = await _past_in_path(ask)
    return past if isinstance(past, Problem) else balances_of(past, ask.query.quote)


def balances_of(past: Past, quote: str) -> BalanceList:
    """Value balances at last prices.

    Args:
        past: The account's.
        quote: In what.
    """
    rows: list[tuple[int, BalanceRow]] = []
    for asset, held in past.balances.items():
        amount = scaled(held.free) + scaled(held.locked)
        if amount:
            price = past.last_price(asset, quote)
            worth = None if price is None else multiply_scaled(price, amount)
            text = None if worth is None else format_scaled(worth)
            rows.append((worth or 0, BalanceRow(asset, held.free, held.locked, text)))
    rows.sort(key=lambda row: (-row[0], row[1].asset))
    total = format_scaled(sum(worth for worth, _ in rows))
    return BalanceList([row for _, row in rows], quote, total, past.at_us)


async def list_open_orders(ask: Ask[None, OpenQuery]) -> OrderList | Problem:
    """List open orders."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    rows = await called(ask, list[WireOrder], "openOrders.status", account, symbol=ask.query.symbol)
    if isinstance(rows, Problem):
        return rows
    return OrderList([order_view(row) for row in sorted(rows, key=_order_place, reverse=True)])


async def list_orders(ask: Ask[None, PastQuery]) -> OrderPage | Problem:
    """List all orders."""
    rows = await _newest(ask, list[WireOrder], "allOrders", _order_place)
    return rows if isinstance(rows, Problem) else OrderPage([order_view(row) for row in rows[0]], rows[1])


async def list_trades(ask: Ask[None, PastQuery]) -> TradePage | Problem:
    """List trades."""
    rows = await _newest(ask, list[WireTrade], "myTrades", _trade_place)
    return rows if isinstance(rows, Problem) else TradePage([trade_view(row) for row in rows[0]], rows[1])


async def list_deposits(ask: Ask[None, DepositQuery]) -> DepositPage | Problem:
    """List deposits."""
    account, query = account_in_path(ask), ask.query
    if isinstance(account, Problem):
        return account
    start = int(query.after or 0)
    rows = await called(
        ask,
        list[_WireDeposit],
        DEPOSIT_HISTORY,
        account,
        coin=query.asset,
        offset=start,
        limit=query.limit + 1,
    )
    if isinstance(rows, Problem):
        return rows
    views = [
        DepositView(
            row.id, row.coin, row.amount, row.network, row.address, row.tx_id, row.insert_time * 1_000
        )
        for row in rows[: query.limit]
    ]
    return DepositPage(views, str(start + query.limit) if len(rows) > query.limit else None)


async def _newest(
    ask: Ask[None, PastQuery], kind: type[list[T]], operation: str, place: Callable[[T], tuple[int, int]]
) -> tuple[Sequence[T], str | None] | Problem:
    """Merge the newest rows of all symbols, from where the page before ended.

    Args:
        ask: The question.
        kind: Of the rows.
        operation: Which list, by symbol.
        place: A row's time and number, which order the whole list.
    """
    account, query = account_in_path(ask), ask.query
    if isinstance(account, Problem):
        return account
    before = _place_of(query.after)
    symbols = [query.symbol] if query.symbol else await _symbols(ask, account)
    if isinstance(symbols, Problem):
        return symbols
    end_us = before[0] if before is not None else None
    limit, gate = query.limit + TIES_MAX, asyncio.Semaphore(ASKED_AT_ONCE_MAX)

    async def read(symbol: str) -> list[T] | Problem:
        async with gate:
            return await called(ask, kind, operation, account, symbol=symbol, endTime=end_us, limit=limit)

    found: list[T] = []
    for rows in await asyncio.gather(*(read(symbol) for symbol in symbols)):
        if isinstance(rows, Problem):
            return rows
        found += [row for row in rows if before is None or place(row) < before]
    found.sort(key=place, reverse=True)
    page = found[: query.limit]
    more = len(found) > query.limit
    return page, "{}-{}".format(*place(page[-1])) if more else None


async def _symbols(ask: Ask[Any, Any], account: int) -> list[str] | Problem:
    """Say on which symbols an account has a past, or an order open."""
    past = await past_of(ask, account)
    if isinstance(past, Problem):
        return past
    rows = await called(ask, list[WireOrder], "openOrders.status", account)
    if isinstance(rows, Problem):
        return rows
    return sorted({*past.traded, *(row.symbol for row in rows)})


async def _past_in_path(ask: Ask[Any, Any]) -> Past | Problem:
    account = account_in_path(ask)
    return account if isinstance(account, Problem) else await past_of(ask, account)


def _order_place(row: WireOrder) -> tuple[int, int]:
    return row.time, row.order_id


def _trade_place(row: WireTrade) -> tuple[int, int]:
    return row.time, row.id


def _place_of(after: str) -> tuple[int, int] | None:
    if not after:
        return None
    time_us, _, number = after.partition("-")
    return int(time_us), int(number)


_READ: Final[dict[str, Any]] = {"method": "GET", "tag": TAG, "action": "account.read"}

ROUTES: Final = (
    Route(
        path="/accounts/{account}/balances", name="listBalances", summary="Show what an account has, and its worth.",
        handler=list_balances, query=BalanceQuery, answer=BalanceList, **_READ,
    ),
    Route(
        path="/accounts/{account}/open-orders", name="listOpenOrders", summary="List an account's open orders.",
        handler=list_open_orders, query=OpenQuery, answer=OrderList, **_READ,
    ),
    Route(
        path="/accounts/{account}/orders", name="listOrders", summary="List an account's orders, open and over.",
        handler=list_orders, query=PastQuery, answer=OrderPage, **_READ,
    ),
    Route(
        path="/accounts/{account}/trades", name="listTrades", summary="List an account's trades.", handler=list_trades,
        query=PastQuery, answer=TradePage, **_READ,
    ),
    Route(
        path="/accounts/{account}/deposits", name="listDeposits", summary="List what was paid into an account.",
        handler=list_deposits, query=DepositQuery, answer=DepositPage, **_READ,
    ),
)  # fmt: skip
