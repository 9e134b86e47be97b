"""Market: live candles, book and trades of a symbol, and the form to trade on it. What is live comes by `/market/events`."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, Nav, Page
from watchword.entrypoints.console.pages.trading_pages import Accounts, accounts_of, failed_or_empty, shown
from watchword.entrypoints.console.pages.trading_words import INTERVALS
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import NOT_SIGNED_IN, Problem
from watchword.entrypoints.console.routes.market import Book, MarketTrade, SymbolView
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView

PATH: Final = "/market"
FIRST_SYMBOL: Final = "BTCUSDT"
CANDLES: Final = "300"
CANDLE_ROWS: Final = "60"
LEVELS: Final = 12
TRADES: Final = "20"
#: Open orders on the page; all of them are on the account's.
ORDERS_SHOWN: Final = "20"
_FIELDS: Final = ("side", "kind", "quantity", "quote_quantity", "price", "stop_price", "time_in_force")
_JSON: Final = "application/json"


async def show_market(visit: Visit) -> Answer:
    """Show the market of a symbol."""
    wanted = visit.query.get("symbol") or FIRST_SYMBOL
    # The testnet is asked all at once: one after the other, each way there and back would be waited for.
    symbols, accounts, (book, trades) = await asyncio.gather(
        visit.call("listSymbols"), accounts_of(visit), _traded(visit, wanted)
    )
    if isinstance(symbols, Problem):
        return failed_or_empty(visit, symbols, "Market", PATH)
    symbol = _listed(symbols.items, wanted)
    if symbol.symbol != wanted:
        book, trades = await _traded(visit, symbol.symbol)
    interval = visit.query.get("interval", "")
    account = None if isinstance(accounts, Problem) else accounts.chosen
    offered = Accounts([], None, more=False) if isinstance(accounts, Problem) else accounts
    return shown(
        "market.html", visit, symbols=symbols.items, symbol=symbol, levels=LEVELS,
        interval=interval if interval in INTERVALS else INTERVALS[0], book=book, trades=trades,
        **{**offered.context(), **await _desk(visit, account, symbol)},
    )  # fmt: skip


async def take_order(visit: Visit) -> Answer:
    """Place an order; without script back to the market, with it the form again and what became of it."""
    form = {name: visit.form.text(name) for name in _FIELDS}
    symbol, account = visit.form.text("symbol"), visit.form.text("account")
    body = {"symbol": symbol, **{name: value for name, value in form.items() if value}}
    placed = await visit.call("placeOrder", path={"account": account}, body=_fitting(body))
    if isinstance(placed, Problem) and placed.kind is NOT_SIGNED_IN:
        return placed
    if not isinstance(placed, Problem) and not visit.partial:
        return Go(_address(symbol, account), "order-placed")
    symbols, accounts = await asyncio.gather(visit.call("listSymbols"), accounts_of(visit))
    if isinstance(symbols, Problem) or isinstance(accounts, Problem):
        return failed_or_empty(visit, symbols if isinstance(symbols, Problem) else accounts, "Market", PATH)
    listed = _listed(symbols.items, symbol)
    problem = placed if isinstance(placed, Problem) else None
    desk = await _desk(visit, accounts.chosen, listed)
    return shown(
        "market_order.html", visit, problem.kind.status if problem else 200,
        **{**accounts.context(), **desk, "symbol": listed, "form": form, "problem": problem,
           "errors": field_errors(problem), "placed": None if problem else placed},
    )  # fmt: skip


async def show_orders(visit: Visit) -> Answer:
    """Show an account's open orders on a symbol: the part of the market page that is read again when they change."""
    return await _orders(visit, None)


async def take_cancel(visit: Visit) -> Answer:
    """Cancel an order, or all on the symbol."""
    account, symbol, order = (visit.form.text(name) for name in ("account", "symbol", "order"))
    name, path = (
        ("cancelOrder", {"account": account, "order": order})
        if order
        else ("cancelOpenOrders", {"account": account})
    )
    gone = await visit.call(name, path=path, query={"symbol": symbol})
    if isinstance(gone, Problem) and gone.kind is NOT_SIGNED_IN:
        return gone
    if not visit.partial and not isinstance(gone, Problem):
        return Go(_address(symbol, account), "order-cancelled" if order else "orders-cancelled")
    return await _orders(visit, gone if isinstance(gone, Problem) else None)


async def show_candles(visit: Visit) -> Answer:
    """Show the newest candles as a table: for who cannot see the chart, or has no script."""
    symbol, interval = visit.query.get("symbol") or FIRST_SYMBOL, visit.query.get("interval", "")
    interval = interval if interval in INTERVALS else INTERVALS[0]
    query = {"symbol": symbol, "interval": interval, "limit": CANDLE_ROWS}
    found = await visit.call("listCandles", query=query)
    if isinstance(found, Problem):
        return found
    account = visit.query.get("account", "")
    return shown(
        "market_candles.html", visit, symbol=found.symbol, interval=interval, candles=found.items[::-1],
        account=account if account.isdecimal() else "",
    )  # fmt: skip


async def read_candles(visit: Visit) -> Answer:
    """Give candles to the chart."""
    query = {
        "symbol": visit.query.get("symbol", ""), "interval": visit.query.get("interval", ""), "limit": CANDLES,
        "end_us": visit.query.get("end_us", ""),
    }  # fmt: skip
    found = await visit.call("listCandles", query=query)
    return found if isinstance(found, Problem) else Bytes(msgspec.json.encode(found), _JSON, packs=True)


async def watch_market(visit: Visit) -> Answer:
    """Give the events of a market, and of an account, to the page."""
    query = {name: visit.query.get(name, "") for name in ("symbol", "interval", "account")}
    events: Answer = await visit.call("watchMarket", query=query)
    return events


async def _orders(visit: Visit, problem: Problem | None) -> Answer:
    symbols, accounts = await asyncio.gather(visit.call("listSymbols"), accounts_of(visit))
    if isinstance(symbols, Problem) or isinstance(accounts, Problem):
        return failed_or_empty(visit, symbols if isinstance(symbols, Problem) else accounts, "Market", PATH)
    symbol = _listed(symbols.items, visit.query.get("symbol") or visit.form.text("symbol"))
    desk = await _desk(visit, accounts.chosen, symbol)
    status = problem.kind.status if problem is not None else 200
    return shown("market_orders.html", visit, status, **{**desk, "symbol": symbol, "order_problem": problem})


async def _traded(visit: Visit, symbol: str) -> tuple[Book | None, list[MarketTrade]]:
    """Ask for the book and the newest trades of a symbol; what there is not is shown as nothing."""
    book, trades = await asyncio.gather(
        visit.call("showBook", query={"symbol": symbol, "limit": str(LEVELS)}),
        visit.call("listMarketTrades", query={"symbol": symbol, "limit": TRADES}),
    )
    return None if isinstance(book, Problem) else book, [] if isinstance(trades, Problem) else trades.items


def _listed(symbols: list[SymbolView], wanted: str) -> SymbolView:
    """Return the symbol of this name, else the first."""
    return next((one for one in symbols if one.symbol == wanted), symbols[0])


async def _desk(visit: Visit, account: ExchangeAccountView | None, symbol: SymbolView) -> dict[str, Any]:
    """Say what an account has to trade with on a symbol, and what it has open there."""
    desk: dict[str, Any] = {
        "account": account, "orders": [], "orders_total": 0, "free": {symbol.base: "0", symbol.quote: "0"}, "form": {}, "problem": None,
        "errors": {}, "placed": None, "order_problem": None,
    }  # fmt: skip
    if account is None:
        return desk
    for asset in desk["free"]:
        balance = account.balances.get(asset)
        desk["free"][asset] = balance.free if balance is not None else "0"
    orders = await visit.call(
        "listOpenOrders", path={"account": str(account.account_id)},
        query={"symbol": symbol.symbol, "limit": ORDERS_SHOWN},
    )  # fmt: skip
    if isinstance(orders, Problem):
        return {**desk, "order_problem": orders}
    return {**desk, "orders": orders.items, "orders_total": orders.total or len(orders.items)}


def _fitting(body: dict[str, str]) -> dict[str, str]:
    """Leave out what the kind of order has not: the form has all fields, and hides some."""
    kind = body.get("kind", "")
    unwanted = set()
    if "LIMIT" not in kind:
        unwanted |= {"price", "time_in_force"}
    if not kind.startswith(("STOP", "TAKE")):
        unwanted.add("stop_price")
    if kind != "MARKET":
        unwanted.add("quote_quantity")
    return {name: value for name, value in body.items() if name not in unwanted}


def _address(symbol: str, account: str) -> str:
    return f"{PATH}?{urlencode({'symbol': symbol, 'account': account})}"


PAGES: Final = (
    Page(path=PATH, get=show_market, action="account.read", nav=Nav("Trading", "Market", "market", 10)),
    Page(path=f"{PATH}/order", post=take_order, action="account.trade"),
    Page(path=f"{PATH}/orders", get=show_orders, action="account.read"),
    Page(path=f"{PATH}/cancel", post=take_cancel, action="account.trade"),
    Page(path=f"{PATH}/candles", get=show_candles, action="account.read"),
    Page(path=f"{PATH}/candles.json", get=read_candles, action="account.read"),
    Page(path=f"{PATH}/events", get=watch_market, action="account.read"),
)  # fmt: skip
