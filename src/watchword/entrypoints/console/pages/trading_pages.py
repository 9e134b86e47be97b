"""What the pages about trading share: whose account is shown, and what their templates know. Calls routes, decides nothing."""

from typing import Any, Final

from watchword.entrypoints.console.pages import trading_words
from watchword.entrypoints.console.pages.page import View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView

NO_ACCOUNT: Final = "trading_no_account.html"


async def accounts_of(visit: Visit) -> list[ExchangeAccountView] | Problem:
    """List the accounts within reach."""
    found = await visit.call("listExchangeAccounts")
    return found if isinstance(found, Problem) else found.items


def chosen_of(visit: Visit, accounts: list[ExchangeAccountView]) -> ExchangeAccountView | None:
    """Say which account a page is about: the one named, else the person's own, else the first; None where there is none."""
    named = visit.query.get("account") or visit.form.text("account")
    for one in accounts:
        if str(one.account_id) == named:
            return one
    own = [one for one in accounts if one.owner == visit.person.id]
    return next(iter([*own, *accounts]), None)


def shown(template: str, visit: Visit, status: int = 200, **context: Any) -> View:
    """Show a page about trading."""
    return View(template, {"say": trading_words, "may_trade": visit.may("account.trade"), **context}, status)


def failed_or_empty(
    visit: Visit, accounts: list[ExchangeAccountView] | Problem, title: str, path: str
) -> View:
    """Show that there is no account to show, or why that is not known."""
    failed = accounts if isinstance(accounts, Problem) else None
    return shown(
        NO_ACCOUNT, visit, failed.kind.status if failed else 200, title=title, path=path, failed=failed
    )
