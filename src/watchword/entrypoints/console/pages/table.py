"""All pages of the console, in one table. Adds nothing of its own."""

from typing import Final

from watchword.entrypoints.console.pages import (
    account,
    approvals,
    audit,
    first_steps,
    home,
    keys,
    live,
    market,
    people,
    policies,
    portfolio,
    security,
    set_up,
    sign_in,
    step_up,
    vault,
    virtual_keys,
)
from watchword.entrypoints.console.pages.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *sign_in.PAGES,
    *set_up.PAGES,
    *step_up.PAGES,
    *market.PAGES,
    *account.PAGES,
    *portfolio.PAGES,
    *keys.PAGES,
    *live.PAGES,
    *vault.PAGES,
    *virtual_keys.PAGES,
    *approvals.PAGES,
    *audit.PAGES,
    *policies.PAGES,
    *people.PAGES,
    *security.PAGES,
    *first_steps.PAGES,
)
