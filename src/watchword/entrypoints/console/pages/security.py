"""The Security page: score, second factors, sessions, sign-in history, password. Judges no factor and no password."""

from typing import Final

from watchword.entrypoints.console.pages import factor_set_up
from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, Nav, Page, View, showing
from watchword.entrypoints.console.pages.security_score import score
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.factors import FactorAdded

PATH: Final = "/security"
CONFIRM_PATH: Final = "/security/app/code"
DAY_US: Final = 86_400_000_000
HISTORY_ROWS: Final = 20
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})
_FAILED: Final = frozenset({"password_wrong", "factor_wrong", "locked"})


async def show_security(visit: Visit) -> Answer:
    """Show everything about how this person signs in."""
    myself = await visit.call("showSelf")
    factors = await visit.call("listFactors")
    sessions = await visit.call("listOwnSessions")
    history = await visit.call("listOwnHistory")
    for found in (myself, factors, sessions, history):
        if isinstance(found, Problem):
            return found
    failed = [
        line for line in history.items if line.outcome in _FAILED and visit.now_us - line.at_us < DAY_US
    ]
    kinds = [one.kind for one in factors.items]
    context = {
        "myself": myself,
        "factors": factors,
        "sessions": sessions.items,
        "history": history.items[:HISTORY_ROWS],
        "score": score(kinds, factors.recovery_codes_left, len(sessions.items), len(failed)),
        "failures": _FAILED,
    }
    return View("security.html", context)


async def start_app(visit: Visit) -> Answer:
    """Show the picture to scan."""
    return await factor_set_up.start_app(visit, CONFIRM_PATH)


async def confirm_app(visit: Visit) -> Answer:
    """Take the app's first code."""
    return _added(await factor_set_up.confirm_app(visit, CONFIRM_PATH))


async def add_key(visit: Visit) -> Answer:
    """Take a security key."""
    return _added(await factor_set_up.add_key(visit))


async def show_remove(visit: Visit) -> Answer:
    """Say what removing a factor does."""
    factors = await visit.call("listFactors")
    if isinstance(factors, Problem):
        return factors
    found = next((one for one in factors.items if one.id == visit.path["factor"]), None)
    return View("factor_remove.html", {"factor": found}) if found is not None else Go(PATH)


async def take_remove(visit: Visit) -> Answer:
    """Remove a factor."""
    gone = await visit.call("removeFactor", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(PATH, "factor-removed")


async def draw_codes(visit: Visit) -> Answer:
    """Draw recovery codes; they are in the answer to this form and nowhere else."""
    drawn = await visit.call("drawRecoveryCodes")
    if isinstance(drawn, Problem):
        return drawn
    return View("recovery_codes.html", {"codes": drawn.codes, "person": visit.person.name, "first": False})


async def take_password(visit: Visit) -> Answer:
    """Change the password."""
    form = visit.form
    if not form.alike("password", "again"):
        errors = {"again": "The two passwords differ."}
        return View("password.html", {"problem": None, "errors": errors}, INVALID.status)
    body = {"present": form.exact("present"), "password": form.exact("password")}
    changed = await visit.call("changePassword", body=body)
    if changed is None:
        return Go(PATH, "password-changed")
    if changed.kind not in _SAID_HERE:
        problem: Problem = changed
        return problem
    return View("password.html", {"problem": changed, "errors": field_errors(changed)}, changed.kind.status)


async def end_session(visit: Visit) -> Answer:
    """End one session."""
    ended = await visit.call("endOwnSession", path=visit.path)
    return ended if isinstance(ended, Problem) else Go(PATH, "session-ended")


async def end_others(visit: Visit) -> Answer:
    """End all sessions but this one."""
    ended = await visit.call("endOtherSessions")
    return ended if isinstance(ended, Problem) else Go(PATH, "sessions-ended")


def _added(added: FactorAdded | Answer) -> Answer:
    return added if isinstance(added, View | Go | Bytes | Problem) else Go(PATH, "factor-added")


PAGES: Final = (
    Page(path=PATH, get=show_security, action="self.read", nav=Nav("You", "Security", "shield", 90)),
    Page(path="/security/app", get=showing("security_app.html"), post=start_app),
    Page(path=CONFIRM_PATH, post=confirm_app),
    Page(path="/security/key", get=showing("security_key.html"), post=add_key, fresh=True),
    Page(path="/security/key/options", post=factor_set_up.key_options),
    Page(path="/security/factors/{factor}/remove", get=show_remove, post=take_remove),
    Page(path="/security/recovery-codes", get=showing("recovery_draw.html"), post=draw_codes),
    # Asked for before the form, so that no password has to wait in a page while the factor is asked for.
    Page(
        path="/security/password",
        get=showing("password.html", problem=None, errors={}),
        post=take_password,
        fresh=True,
    ),
    Page(path="/security/sessions/{session}/end", post=end_session),
    Page(path="/security/sessions/others", post=end_others),
)
