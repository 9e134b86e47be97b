"""May somebody look at a page at all, and where do they go otherwise? What pages do is judged by the routes they call."""

from typing import Final

from watchword.accounts.model import Stage
from watchword.accounts.roles import may
from watchword.entrypoints.console.pages.finding import HOME
from watchword.entrypoints.console.pages.page import Go, Page
from watchword.entrypoints.console.problem import FORBIDDEN, Problem
from watchword.entrypoints.console.route import Caller

SIGN_IN: Final = "/sign-in"
#: Where a session goes on that is not far enough yet.
STEPS: Final[dict[Stage, str]] = {"factor": "/sign-in/factor", "enrol": "/set-up/app", "full": HOME}


def turned_away(page: Page, who: Caller | None, address: str) -> Go | Problem | None:
    """Say why somebody cannot look at a page.

    Args:
        page: Which.
        who: Who looks.
        address: Its path, to come back to after signing in.

    Returns:
        None where they can.
    """
    if page.stages is None:
        return None
    if who is None or who.session is None:
        back = f"?next={address}" if page.get is not None and address != HOME else ""
        return Go(SIGN_IN + back)
    if who.session.stage not in page.stages:
        return Go(STEPS[who.session.stage])
    if page.action is not None and not may(who.person.role, page.action):
        return Problem(FORBIDDEN, f"your role, {who.person.role}, does not have this page")
    return None
