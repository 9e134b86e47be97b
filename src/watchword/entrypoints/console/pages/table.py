"""All pages of the console, in one table. Adds nothing of its own."""

from typing import Final

from watchword.entrypoints.console.pages import (
    home,
    keys,
    security,
    set_up,
    sign_in,
    step_up,
)
from watchword.entrypoints.console.pages.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *sign_in.PAGES,
    *set_up.PAGES,
    *step_up.PAGES,
    *keys.PAGES,
    *security.PAGES,
)
