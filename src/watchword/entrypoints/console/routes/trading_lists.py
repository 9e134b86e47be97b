"""What an account has, ordered and traded on the testnet: balances, orders, trades, deposits. Reads only."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.account_past import Past, past_of
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.exchange_calls import NO_ACCOUNT, called
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
from watchword.entrypoints.testnet.admin import requests as testnet
from watchword.entrypoints.testnet.admin.account_calls import DEPOSIT_HISTORY
from watchword.kernel.units import format_scaled, multiply_scaled

ASSET_LENGTH_MAX: Final = 20
QUOTE: Final = "USDT"
NO_SYMBOL: Final = Problem(REFUSED, "there is no such symbol")

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
    """Open orders, newest first; `next` is None on the last page.

    Attributes:
        total: Of all pages.
    """

    items: list[OrderView]
    next: str | None = None
    total: int | None = None


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
    """On which symbol, and which part."""

    symbol: SymbolOrAll = ""
    limit: Annotated[int, Meta(ge=0, le=PAGE_ROWS_MAX, description="Rows at most; 0: all.")] = 0
    after: Annotated[str, Meta(pattern=r"^[0-9]{0,18}$(?!\n)", description="`next` of the page before.")] = ""


class PastQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a past."""

    symbol: SymbolOrAll = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[
        str, Meta(pattern=r"^(?:[0-9]{1,17}-[0-9]{1,18})?$(?!\n)", description="`next` of the page before.")
    ] = ""


class DepositQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deposits."""

    asset: Annotated[str, Meta(max_length=ASSET_LENGTH_MAX, description="Only this asset.")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(pattern=r"^[0-9]{0,6}$(?!\n)", description="`next` of the page before.")] = ""


class _WireOrders(msgspec.Struct, frozen=True):
    """What `account.orders` answers."""

    orders: list[WireOrder]
    more: bool
    open: int
    listed: bool = True


class _WireTrades(msgspec.Struct, frozen=True):
    """What `account.trades` answers."""

    trades: list[WireTrade]
    more: bool
    listed: bool = True


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
    account, query = account_in_path(ask), ask.query
    if isinstance(account, Problem):
        return account
    items: list[OrderView] = []
    before = int(query.after) if query.after else None
    while True:
        request = testnet.ListOrders(
            str(account), query.symbol, only_open=True, before_id=before, limit=query.limit or PAGE_ROWS_MAX,
            on_behalf=behalf_of(ask),
        )  # fmt: skip
        page = await _orders(ask, request)
        if isinstance(page, Problem):
            return page
        items += [order_view(row) for row in page.orders]
        before = page.orders[-1].order_id if page.orders else None
        if query.limit or not page.more:
            return OrderList(items, str(before) if page.more else None, page.open)


async def list_orders(ask: Ask[None, PastQuery]) -> OrderPage | Problem:
    """List all orders."""
    account, query = account_in_path(ask), ask.query
    if isinstance(account, Problem):
        return account
    before = _place_of(query.after)
    request = testnet.ListOrders(
        str(account), query.symbol, before_id=None if before is None else before[1], limit=query.limit,
        on_behalf=behalf_of(ask),
    )  # fmt: skip
    page = await _orders(ask, request)
    if isinstance(page, Problem):
        return page
    following = f"{page.orders[-1].time}-{page.orders[-1].order_id}" if page.more else None
    return OrderPage([order_view(row) for row in page.orders], following)


async def list_trades(ask: Ask[None, PastQuery]) -> TradePage | Problem:
    """List trades."""
    account, query = account_in_path(ask), ask.query
    if isinstance(account, Problem):
        return account
    before_us, before_id = _place_of(query.after) or (None, None)
    request = testnet.ListTrades(
        str(account), query.symbol, before_us, before_id, query.limit, on_behalf=behalf_of(ask)
    )
    said = hidden(await neighbours_of(ask.console).ask_testnet(request), NO_ACCOUNT)
    page = shaped(said, _WireTrades)
    if isinstance(page, Problem):
        return page
    if not page.listed:
        return NO_SYMBOL
    following = f"{page.trades[-1].time}-{page.trades[-1].id}" if page.more else None
    return TradePage([trade_view(row) for row in page.trades], following)


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


async def _orders(ask: Ask[Any, Any], request: testnet.ListOrders) -> "_WireOrders | Problem":
    said = hidden(await neighbours_of(ask.console).ask_testnet(request), NO_ACCOUNT)
    page = shaped(said, _WireOrders)
    return page if isinstance(page, Problem) or page.listed else NO_SYMBOL


async def _past_in_path(ask: Ask[Any, Any]) -> Past | Problem:
    account = account_in_path(ask)
    return account if isinstance(account, Problem) else await past_of(ask, account)


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
