"""Showing a second factor again where a route asks for it, and then doing what was asked. Judges no factor.

The form that was refused is asked again with a field for the factor, everything else in it hidden. Once the factor was
accepted the same handler gets the same form; the page is looked up in the table, so nothing else can be gone to.
Codes sent by mail or text message are offered where they confirm at all: to who has nothing stronger.
"""

from typing import Final

import msgspec

from watchword.entrypoints.console.pages.factor_form import ADDRESS, attempt_of
from watchword.entrypoints.console.pages.finding import HOME
from watchword.entrypoints.console.pages.guarding import turned_away
from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, Page, View
from watchword.entrypoints.console.pages.visit import OWN_FIELDS_PREFIX, Form, Visit
from watchword.entrypoints.console.problem import (
    FACTOR_REFUSED,
    NOT_FOUND,
    REFUSED,
    STALE_FACTOR,
    TOO_MANY,
    UNAVAILABLE,
    Problem,
)

PATH: Final = "/step-up"
CODE_PATH: Final = "/step-up/code"
#: Path of the page whose form goes on.
TARGET: Final = "w_target"
#: There where a page is to be shown, not a form to be taken.
SHOW: Final = "w_show"
_JSON: Final = "application/json"
_NOT_SENT: Final = frozenset({NOT_FOUND, REFUSED, TOO_MANY, UNAVAILABLE})


async def ask_factor(
    visit: Visit, why: Problem | None = None, status: int = 403, *, sent: bool = False
) -> Answer:
    """Ask for a second factor, to go on afterwards.

    Args:
        visit: What was asked for.
        why: What was wrong with the factor shown before.
        status: HTTP status.
        sent: Whether a code was sent just now.
    """
    if visit.page.path in {PATH, CODE_PATH}:
        target, show = visit.form.text(TARGET), SHOW in visit.form
    else:
        # A page that asks for the factor first is shown anew: what was typed there may be a password.
        target, show = visit.address, visit.page.fresh
    factors = await visit.call("listFactors")
    if isinstance(factors, Problem):
        return factors
    sendable = set(factors.channels) if factors.sent_codes_confirm else set()
    addresses = [one for one in factors.items if one.kind in sendable]
    recovery = factors.recovery_codes_left > 0
    context = {
        "kinds": {one.kind for one in factors.items},
        "addresses": addresses,
        "recovery": recovery,
        # Their only factors travel by a way that is not set up any more.
        "no_way": factors.sent_codes_confirm and not addresses and not recovery,
        "target": target,
        "show": show,
        "fields": [] if show else _carried(visit.form),
        "problem": why,
        "opened": visit.form.text(ADDRESS),
        "sent": sent,
    }
    return View("step_up.html", context, status)


async def send_code(visit: Visit) -> Answer:
    """Send a code to an address, and ask for it; what was to be done goes on waiting in the form."""
    sent = await visit.call("sendCode", body={"factor_id": visit.form.text(ADDRESS) or "-"})
    if not isinstance(sent, Problem):
        return await ask_factor(visit, status=200, sent=True)
    return await ask_factor(visit, sent, sent.kind.status) if sent.kind in _NOT_SENT else sent


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
    if found is None or found[0].path in {PATH, CODE_PATH}:
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
    Page(path=CODE_PATH, post=send_code),
    Page(path="/step-up/challenge", post=open_challenge, stages=frozenset({"factor", "full"})),
)
