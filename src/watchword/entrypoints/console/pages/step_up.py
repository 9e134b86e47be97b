"""Showing a second factor again where a route asks for it, and then doing what was asked. Judges no factor.

The form that was refused is asked again with a field for the factor, everything else in it hidden. Once the factor was
accepted the same handler gets the same form; the page is looked up in the table, so nothing else can be gone to.
"""

from typing import Final

import msgspec

from watchword.entrypoints.console.pages.factor_form import attempt_of
from watchword.entrypoints.console.pages.finding import HOME
from watchword.entrypoints.console.pages.guarding import turned_away
from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, Page, View
from watchword.entrypoints.console.pages.visit import OWN_FIELDS_PREFIX, Form, Visit
from watchword.entrypoints.console.problem import FACTOR_REFUSED, STALE_FACTOR, TOO_MANY, Problem

PATH: Final = "/step-up"
#: Path of the page whose form goes on.
TARGET: Final = "w_target"
#: There where a page is to be shown, not a form to be taken.
SHOW: Final = "w_show"
_JSON: Final = "application/json"


async def ask_factor(visit: Visit, why: Problem | None = None, status: int = 403) -> Answer:
    """Ask for a second factor, to go on afterwards.

    Args:
        visit: What was asked for.
        why: What was wrong with the factor shown before.
        status: HTTP status.
    """
    if visit.page.path == PATH:
        target, show = visit.form.text(TARGET), SHOW in visit.form
    else:
        # A page that asks for the factor first is shown anew: what was typed there may be a password.
        target, show = visit.address, visit.page.fresh
    factors = await visit.call("listFactors")
    if isinstance(factors, Problem):
        return factors
    kinds = {one.kind for one in factors.items}
    context = {
        "kinds": kinds,
        "addresses": [one for one in factors.items if one.kind in {"mail", "sms"}],
        "recovery": factors.recovery_codes_left > 0,
        "target": target,
        "show": show,
        "fields": [] if show else _carried(visit.form),
        "problem": why,
    }
    return View("step_up.html", context, status)


async def take_factor(visit: Visit) -> Answer:
    """Take the factor, and go on."""
    shown = await visit.call("stepUp", body=attempt_of(visit.form))
    if isinstance(shown, Problem):
        if shown.kind in {FACTOR_REFUSED, TOO_MANY}:
            return await ask_factor(visit, shown, shown.kind.status)
        return shown
    visit.keep(shown.token)
    visit.just_shown = True
    return await _resumed(visit)


async def open_challenge(visit: Visit) -> Answer:
    """Open a challenge for security keys, for the script of the page."""
    found = await visit.call("openChallenge")
    if isinstance(found, Problem):
        return Bytes(msgspec.json.encode({"detail": found.detail}), _JSON, status=found.kind.status)
    return Bytes(msgspec.json.encode(found.options), _JSON)


async def _resumed(visit: Visit) -> Answer:
    """Do what was asked for before the factor was."""
    target = visit.form.text(TARGET)
    found = visit.table.find(target)
    if found is None or found[0].path == PATH:
        return Go(HOME)
    page, path = found
    if SHOW in visit.form or page.post is None:
        return Go(visit.table.local(target))
    refused = turned_away(page, visit.who, target)
    if refused is not None:
        return refused
    visit.page, visit.path, visit.address = page, path, target
    visit.form = Form(tuple(_carried(visit.form)))
    answer = await page.post(visit)
    if isinstance(answer, Problem) and answer.kind is STALE_FACTOR:
        # Shown a moment ago and stale already: never ask in circles.
        return Problem(STALE_FACTOR, "the second factor was not fresh enough; try again")
    return answer


def _carried(form: Form) -> list[tuple[str, str]]:
    """Return the fields of a form that are its page's own."""
    return [(name, value) for name, value in form.pairs if not name.startswith(OWN_FIELDS_PREFIX)]


PAGES: Final = (
    Page(path=PATH, post=take_factor),
    Page(path="/step-up/challenge", post=open_challenge, stages=frozenset({"factor", "full"})),
)
