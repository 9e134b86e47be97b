"""The first steps of somebody invited, the first owner too: token and password, second factor, recovery codes."""

from typing import Final

from watchword.accounts.model import Stage
from watchword.entrypoints.console.pages import factor_set_up
from watchword.entrypoints.console.pages.page import Answer, Go, Page, View, showing
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, TOO_MANY, Problem
from watchword.entrypoints.console.routes.factors import FactorAdded

PATH: Final = "/set-up"
FACTOR_PATH: Final = "/set-up/app"
CONFIRM_PATH: Final = "/set-up/app/code"
_ENROLLING: Final[frozenset[Stage]] = frozenset({"enrol"})
_SAID_HERE: Final = frozenset({REFUSED, INVALID, TOO_MANY, CONFLICT})


async def take_enrolment(visit: Visit) -> Answer:
    """Set the first password."""
    form = visit.form
    if not form.alike("password", "again"):
        errors = {"again": "The two passwords differ."}
        return View("set_up.html", {"problem": None, "errors": errors}, INVALID.status)
    body = {"token": form.text("token"), "password": form.exact("password")}
    opened = await visit.call("enrol", body=body)
    if isinstance(opened, Problem):
        if opened.kind not in _SAID_HERE:
            return opened
        return View("set_up.html", {"problem": opened, "errors": field_errors(opened)}, opened.kind.status)
    visit.keep(opened.token)
    return Go(FACTOR_PATH)


async def start_app(visit: Visit) -> Answer:
    """Begin with an app."""
    return await factor_set_up.start_app(visit, CONFIRM_PATH)


async def confirm_app(visit: Visit) -> Answer:
    """Take the app's first code; then the session may do everything."""
    return await _added(visit, await factor_set_up.confirm_app(visit, CONFIRM_PATH))


async def add_key(visit: Visit) -> Answer:
    """Take a security key as the first factor."""
    return await _added(visit, await factor_set_up.add_key(visit))


async def _added(visit: Visit, added: FactorAdded | Answer) -> Answer:
    if not isinstance(added, FactorAdded):
        return added
    visit.keep(added.token)
    drawn = await visit.call("drawRecoveryCodes")
    if isinstance(drawn, Problem):
        # The factor stands; codes can be drawn later on the Security page, whose score asks for them.
        return Go("/security", "welcome")
    return View("recovery_codes.html", {"codes": drawn.codes, "person": visit.person.name, "first": True})


PAGES: Final = (
    Page(path=PATH, get=showing("set_up.html", problem=None, errors={}), post=take_enrolment, stages=None),
    Page(path=FACTOR_PATH, get=showing("set_up_factor.html"), post=start_app, stages=_ENROLLING),
    Page(path=CONFIRM_PATH, post=confirm_app, stages=_ENROLLING),
    Page(path="/set-up/key", post=add_key, stages=_ENROLLING),
    Page(path="/set-up/key/options", post=factor_set_up.key_options, stages=_ENROLLING),
)
