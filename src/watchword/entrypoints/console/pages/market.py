"""Market: live candles, book and trades of a symbol, and the form to trade on it. What is live comes by `/market/events`."""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, Nav, Page
from watchword.entrypoints.console.pages.trading_pages import accounts_of, chosen_of, failed_or_empty, shown
from watchword.entrypoints.console.pages.trading_words import INTERVALS
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import NOT_SIGNED_IN, Problem
from watchword.entrypoints.console.routes.market import SymbolView
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView

PATH: Final = "/market"
FIRST_SYMBOL: Final = "BTCUSDT"
CANDLES: Final = "300"
LEVELS: Final = 12
TRADES: Final = "20"
_FIELDS: Final = ("side", "kind", "quantity", "quote_quantity", "price", "stop_price", "time_in_force")
_JSON: Final = "application/json"


async def show_market(visit: Visit) -> Answer:
    """Show the market of a symbol."""
    symbols = await visit.call("listSymbols")
    accounts = await accounts_of(visit)
    if isinstance(symbols, Problem):
        return failed_or_empty(visit, symbols, "Market", PATH)
    wanted = visit.query.get("symbol") or FIRST_SYMBOL
    symbol = next((one for one in symbols.items if one.symbol == wanted), symbols.items[0])
    interval = visit.query.get("interval", "")
    book = await visit.call("showBook", query={"symbol": symbol.symbol, "limit": str(LEVELS)})
    trades = await visit.call("listMarketTrades", query={"symbol": symbol.symbol, "limit": TRADES})
    account = None if isinstance(accounts, Problem) else chosen_of(visit, accounts)
    return shown(
        "market.html", visit, symbols=symbols.items, symbol=symbol, levels=LEVELS,
        interval=interval if interval in INTERVALS else INTERVALS[0], book=None if isinstance(book, Problem) else book,
        trades=[] if isinstance(trades, Problem) else trades.items,
        accounts=[] if isinstance(accounts, Problem) else accounts, **await _desk(visit, account, symbol),
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
    symbols, accounts = await visit.call("listSymbols"), await accounts_of(visit)
    if isinstance(symbols, Problem) or isinstance(accounts, Problem):
        return failed_or_empty(visit, symbols if isinstance(symbols, Problem) else accounts, "Market", PATH)
    listed = next((one for one in symbols.items if one.symbol == symbol), symbols.items[0])
    problem = placed if isinstance(placed, Problem) else None
    desk = await _desk(visit, chosen_of(visit, accounts), listed)
    return shown(
        "market_order.html", visit, problem.kind.status if problem else 200,
        **{**desk, "accounts": accounts, "symbol": listed, "form": form, "problem": problem,
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


async def read_candles(visit: Visit) -> Answer:
    """Give candles to the chart."""
    query = {
        "symbol": visit.query.get("symbol", ""), "interval": visit.query.get("interval", ""), "limit": CANDLES,
        "end_us": visit.query.get("end_us", ""),
    }  # fmt: skip
    found = await visit.call("listCandles", query=query)
    return found if isinstance(found, Problem) else Bytes(msgspec.json.encode(found), _JSON)


async def watch_market(visit: Visit) -> Answer:
    """Give the events of a market, and of an account, to the page."""
    query = {name: visit.query.get(name, "") for name in ("symbol", "interval", "account")}
    events: Answer = await visit.call("watchMarket", query=query)
    return events


async def _orders(visit: Visit, problem: Problem | None) -> Answer:
    symbols, accounts = await visit.call("listSymbols"), await accounts_of(visit)
    if isinstance(symbols, Problem) or isinstance(accounts, Problem):
        return failed_or_empty(visit, symbols if isinstance(symbols, Problem) else accounts, "Market", PATH)
    wanted = visit.query.get("symbol") or visit.form.text("symbol")
    symbol = next((one for one in symbols.items if one.symbol == wanted), symbols.items[0])
    desk = await _desk(visit, chosen_of(visit, accounts), symbol)
    status = problem.kind.status if problem is not None else 200
    return shown("market_orders.html", visit, status, **{**desk, "symbol": symbol, "order_problem": problem})


async def _desk(visit: Visit, account: ExchangeAccountView | None, symbol: SymbolView) -> dict[str, Any]:
    """Say what an account has to trade with on a symbol, and what it has open there."""
    desk: dict[str, Any] = {
        "account": account, "orders": [], "free": {symbol.base: "0", symbol.quote: "0"}, "form": {}, "problem": None,
        "errors": {}, "placed": None, "order_problem": None,
    }  # fmt: skip
    if account is None:
        return desk
    for asset in desk["free"]:
        balance = account.balances.get(asset)
        desk["free"][asset] = balance.free if balance is not None else "0"
    orders = await visit.call(
        "listOpenOrders", path={"account": str(account.account_id)}, query={"symbol": symbol.symbol}
    )
    if isinstance(orders, Problem):
        return {**desk, "order_problem": orders}
    return {**desk, "orders": orders.items}


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
    Page(path=f"{PATH}/candles.json", get=read_candles, action="account.read"),
    Page(path=f"{PATH}/events", get=watch_market, action="account.read"),
)  # fmt: skip
