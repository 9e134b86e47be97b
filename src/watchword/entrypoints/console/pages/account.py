"""Account: balances, orders, trades and deposits of an account of the testnet, its faucet, and its trades as CSV."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

from watchword.entrypoints.console.pages.page import Answer, Go, Nav, Page
from watchword.entrypoints.console.pages.trading_pages import accounts_of, failed_or_empty, shown
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import NOT_SIGNED_IN, Problem

PATH: Final = "/account"
ROWS: Final = "25"
TABS: Final = {
    "": "Balances",
    "/open-orders": "Open orders",
    "/orders": "Order history",
    "/trades": "Trade history",
    "/deposits": "Deposits",
}
#: Tab → route, and what its search narrows.
_LISTS: Final = {
    "": ("listBalances", ""),
    "/open-orders": ("listOpenOrders", "symbol"),
    "/orders": ("listOrders", "symbol"),
    "/trades": ("listTrades", "symbol"),
    "/deposits": ("listDeposits", "asset"),
}
_PAGED: Final = frozenset({"listOpenOrders", "listOrders", "listTrades", "listDeposits"})


async def show_account(visit: Visit) -> Answer:
    """Show one of an account's lists."""
    return await _page(visit, None)


async def take_faucet(visit: Visit) -> Answer:
    """Have the faucet pay."""
    account = visit.form.text("account")
    paid = await visit.call("openFaucet", path={"account": account}, body={"asset": visit.form.text("asset")})
    if not isinstance(paid, Problem):
        return Go(f"{PATH}?{urlencode({'account': paid.account_id})}", "paid-in")
    return paid if paid.kind is NOT_SIGNED_IN else await _page(visit, paid)


async def take_cancel(visit: Visit) -> Answer:
    """Cancel one order, or all of a symbol."""
    account, symbol, order = (visit.form.text(name) for name in ("account", "symbol", "order"))
    path, name = {"account": account}, "cancelOpenOrders"
    if order:
        path, name = {**path, "order": order}, "cancelOrder"
    gone = await visit.call(name, path=path, query={"symbol": symbol})
    if isinstance(gone, Problem):
        return gone if gone.kind is NOT_SIGNED_IN else await _page(visit, gone, "/open-orders")
    return Go(f"{PATH}/open-orders?{urlencode({'account': account})}", "order-cancelled")


async def export_trades(visit: Visit) -> Answer:
    """Give an account's trades as a file."""
    query = {name: visit.query.get(name, "") for name in ("symbol", "from_us", "to_us")}
    streamed: Answer = await visit.call(
        "exportTrades", path={"account": visit.query.get("account", "")}, query=query
    )
    return streamed


async def _page(visit: Visit, problem: Problem | None, tab: str | None = None) -> Answer:
    """Show a list of the account, with why something before was not done."""
    here = visit.address.removeprefix(PATH) if tab is None else tab
    tab = here if here in TABS else ""
    accounts = await accounts_of(visit)
    if isinstance(accounts, Problem) or accounts.chosen is None:
        return failed_or_empty(visit, accounts, "Account", PATH)
    chosen = accounts.chosen
    route, narrowed = _LISTS[tab]
    search = visit.query.get("search", "").strip().upper()
    found, faucet, listed = await asyncio.gather(
        _found(visit, chosen.account_id, route, narrowed, search),
        _asked(visit, "showFaucet" if tab in {"", "/deposits"} else "", {"account": str(chosen.account_id)}),
        _asked(visit, "listSymbols" if narrowed == "symbol" else "", {}),
    )
    after = None if isinstance(found, Problem) else getattr(found, "next", None)
    same = {"account": str(chosen.account_id), "search": search}
    return shown(
        "account.html", visit, problem.kind.status if problem is not None else 200,
        **accounts.context(), tabs=TABS, tab=tab, path=PATH + tab, search=search, narrowed=narrowed,
        symbols=[] if listed is None or isinstance(listed, Problem) else [one.symbol for one in listed.items],
        found=found, failed=found if isinstance(found, Problem) else None, problem=problem,
        faucet=None if isinstance(faucet, Problem) else faucet,
        next_page=f"{PATH}{tab}?{urlencode({**same, 'after': after})}" if after else "",
        first_page=not visit.query.get("after"),
        export=f"{PATH}/trades.csv?{urlencode({'account': same['account'], 'symbol': search})}",
    )  # fmt: skip


async def _asked(visit: Visit, route: str, path: dict[str, str]) -> Any:
    """Call a route that only some tabs need; None where this one does not."""
    return await visit.call(route, path=path) if route else None


async def _found(visit: Visit, account: int, route: str, narrowed: str, search: str) -> Any:
    """Ask for a list; what is searched for is a symbol or asset, and one that is not listed is found nowhere."""
    query = {narrowed: search} if narrowed else {}
    if route in _PAGED:
        query |= {"limit": ROWS, "after": visit.query.get("after", "")}
    return await visit.call(route, path={"account": str(account)}, query=query)


PAGES: Final = (
    Page(path=PATH, get=show_account, action="account.read", nav=Nav("Trading", "Account", "account", 20)),
    *(Page(path=PATH + tab, get=show_account, action="account.read") for tab in TABS if tab),
    Page(path=f"{PATH}/faucet", post=take_faucet, action="account.trade"),
    Page(path=f"{PATH}/cancel", post=take_cancel, action="account.trade"),
    Page(path=f"{PATH}/trades.csv", get=export_trades, action="account.read"),
)  # fmt: skip
