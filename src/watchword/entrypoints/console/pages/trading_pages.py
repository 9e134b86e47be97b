"""What the pages about trading share: whose account is shown, and what their templates know. Calls routes, decides nothing."""

from typing import Any, Final

import msgspec

from watchword.entrypoints.console.pages import trading_words
from watchword.entrypoints.console.pages.page import View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView

NO_ACCOUNT: Final = "trading_no_account.html"
#: Accounts to choose from at once; others are found by name.
ACCOUNTS_SHOWN: Final = 50


class Accounts(msgspec.Struct, frozen=True):
    """The accounts a page offers.

    Attributes:
        items: Some of those within reach: the person's own first, and the one the page is about.
        chosen: Which the page is about; None where there is none.
        more: Whether there are others, to be found by name.
    """

    items: list[ExchangeAccountView]
    chosen: ExchangeAccountView | None
    more: bool

    def context(self) -> dict[str, Any]:
        """Say it for templates."""
        return {"accounts": self.items, "account": self.chosen, "more_accounts": self.more}


async def accounts_of(visit: Visit) -> Accounts | Problem:
    """Find which account a page is about: the one named or looked for, else the person's own, else the first."""
    found = await visit.call("listExchangeAccounts", query={"limit": str(ACCOUNTS_SHOWN)})
    if isinstance(found, Problem):
        return found
    listed: list[ExchangeAccountView] = found.items
    more = found.total is not None and found.total > len(listed)
    chosen = await _looked_for(visit) or await _named(visit, listed, more=more) or next(iter(listed), None)
    offered = listed if chosen is None or chosen in listed else [chosen, *listed]
    return Accounts(offered, chosen, more)


async def _looked_for(visit: Visit) -> ExchangeAccountView | None:
    """Find the account whose name or number was typed: the very one, else the first whose name holds it."""
    typed = visit.query.get("find", "").strip()
    if not typed:
        return None
    found = await visit.call("listExchangeAccounts", query={"query": typed, "limit": str(ACCOUNTS_SHOWN)})
    items: list[ExchangeAccountView] = [] if isinstance(found, Problem) else found.items
    return next(
        (one for one in items if typed in {one.account, str(one.account_id)}), next(iter(items), None)
    )


async def _named(
    visit: Visit, listed: list[ExchangeAccountView], *, more: bool
) -> ExchangeAccountView | None:
    named = visit.query.get("account") or visit.form.text("account")
    known = next((one for one in listed if str(one.account_id) == named), None)
    if known is not None or not more or not named.isdecimal():
        return known
    found = await visit.call("showExchangeAccount", path={"account": named})
    return None if isinstance(found, Problem) else found


def shown(template: str, visit: Visit, status: int = 200, **context: Any) -> View:
    """Show a page about trading."""
    return View(template, {"say": trading_words, "may_trade": visit.may("account.trade"), **context}, status)


def failed_or_empty(visit: Visit, accounts: Accounts | Problem, title: str, path: str) -> View:
    """Show that there is no account to show, or why that is not known."""
    failed = accounts if isinstance(accounts, Problem) else None
    return shown(
        NO_ACCOUNT, visit, failed.kind.status if failed else 200, title=title, path=path, failed=failed
    )
