"""Lists for people: accounts, and one account's orders and trades over all symbols, newest first, a page at a time.

What the exchange's own queries do not give: those are by symbol, and whoever wanted the newest of all had to ask for all.
Every answer costs about the rows it has, however much there is. Reads only.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from watchword.entrypoints.testnet import render_account, render_orders
from watchword.entrypoints.testnet.admin.lookup import account_named, accounts
from watchword.entrypoints.testnet.admin.requests import FindAccounts, ListOrders, ListTrades, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.bootstrap.testnet import Testnet
    from watchword.exchange.accounts import Account

#: Times in answers are microseconds.
UNIT_US: Final = 1


def list_orders(testnet: "Testnet", request: ListOrders) -> dict[str, Any] | Refused:
    """List an account's orders.

    Args:
        testnet: Read only.
        request: Whose, and which part.

    Returns:
        `orders` as the query endpoints have them, `more`: whether there are older ones, `open`: how many are open,
        and `listed`: whether there is such a symbol.
    """
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    if request.symbol and request.symbol not in testnet.venue.engine.floors:
        return {"orders": [], "more": False, "open": 0, "listed": False}
    symbol = request.symbol or None
    standing = testnet.venue.engine.open_orders(account.account_id, symbol)
    if request.only_open:
        before = request.before_id
        found = [one for one in reversed(standing) if before is None or one.order_id < before][
            : request.limit + 1
        ]
    else:
        found = testnet.venue.archive.newest_orders(
            account.account_id, symbol, request.before_id, request.limit + 1
        )
    shown = render_orders.array(render_orders.queried(one, UNIT_US) for one in found[: request.limit])
    return {
        "orders": msgspec.Raw(shown),
        "more": len(found) > request.limit,
        "open": len(standing),
        "listed": True,
    }


def list_trades(testnet: "Testnet", request: ListTrades) -> dict[str, Any] | Refused:
    """List an account's trades.

    Args:
        testnet: Read only.
        request: Whose, and which part.

    Returns:
        `trades` as `myTrades` has them, `more` and `listed`. A page is longer where its last trades have one time and number.
    """
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    if request.symbol and request.symbol not in testnet.venue.engine.floors:
        return {"trades": [], "more": False, "listed": False}
    before = None if request.before_us is None else (request.before_us, request.before_id or 0)
    archive, symbol = testnet.venue.archive, request.symbol or None
    page = archive.newest_trades(account.account_id, symbol, before, request.limit)
    last = (page[-1].at_us, page[-1].trade_id) if page else (0, 0)
    more = bool(page) and bool(archive.newest_trades(account.account_id, symbol, last, 1))
    shown = render_orders.array(render_account.my_trade(one, UNIT_US) for one in page)
    return {"trades": msgspec.Raw(shown), "more": more, "listed": True}


def find_accounts(
    testnet: "Testnet", request: FindAccounts, view: "Callable[[Testnet, Account], dict[str, Any]]"
) -> dict[str, Any]:
    """Find accounts by part of a name, or by number.

    Args:
        testnet: Read only.
        request: Which.
        view: Writes one.

    Returns:
        `accounts`: those that come first, then the others, each oldest first, and `total` over all pages.
    """
    wanted = request.query.strip().lower()
    found = [
        one
        for one in accounts(testnet)
        if (request.account_ids is None or one.account_id in request.account_ids)
        and (not wanted or wanted in one.name.lower() or wanted == str(one.account_id))
    ]
    if request.first:
        found.sort(key=lambda one: one.account_id not in request.first)
    return {"accounts": [view(testnet, one) for one in found[: request.limit]], "total": len(found)}
