"""Signing in and out: password, then second factor. Judges neither; the routes do."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from watchword.accounts.model import Stage
from watchword.entrypoints.console.pages.factor_form import ADDRESS, attempt_of
from watchword.entrypoints.console.pages.finding import HOME
from watchword.entrypoints.console.pages.guarding import SIGN_IN, STEPS
from watchword.entrypoints.console.pages.page import Answer, Go, Page, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import FACTORS
from watchword.entrypoints.console.problem import (
    FACTOR_REFUSED,
    INVALID,
    SIGN_IN_REFUSED,
    TOO_MANY,
    UNAVAILABLE,
    Problem,
)
from watchword.entrypoints.console.routes.sign_in import SignedInView

FACTOR_PATH: Final = "/sign-in/factor"
#: What is said again beside the form; everything else is a page of its own.
_SAID_HERE: Final = frozenset({SIGN_IN_REFUSED, FACTOR_REFUSED, INVALID, TOO_MANY, UNAVAILABLE})
_AT_FACTOR: Final[frozenset[Stage]] = frozenset({"factor"})
_ANY: Final[frozenset[Stage]] = frozenset({"factor", "enrol", "full"})
OFFERS_MAX: Final = 8
#: Who only showed a password is not told the address itself.
ADDRESS_WORDS: Final[dict[str, str]] = {"mail": "your mail address", "sms": "your phone"}


async def show_sign_in(visit: Visit) -> Answer:
    """Show the form for name and password; who is signed in goes on."""
    who, back = visit.who, visit.table.local(visit.query.get("next", HOME))
    if who is not None and who.session is not None:
        return Go(back if who.session.stage == "full" else STEPS[who.session.stage])
    return View("sign_in.html", {"next": back, "problem": None, "login": ""})


async def take_password(visit: Visit) -> Answer:
    """Show name and password."""
    form, back = visit.form, visit.table.local(visit.form.text("next"))
    login = form.text("login")
    shown = await visit.call("signIn", body={"login": login, "password": form.exact("password")})
    if isinstance(shown, Problem):
        if shown.kind not in _SAID_HERE:
            return shown
        context = {"next": back, "problem": shown, "login": login}
        return View("sign_in.html", context, shown.kind.status)
    visit.keep(shown.token)
    return Go(f"{FACTOR_PATH}?{_offers(shown, back)}" if shown.stage == "factor" else STEPS[shown.stage])


async def show_factor(visit: Visit) -> Answer:
    """Show the form for the second factor."""
    return _factor_view(visit, visit.query, None)


async def take_factor(visit: Visit) -> Answer:
    """Show the second factor."""
    shown = await visit.call("showFactor", body=attempt_of(visit.form))
    if isinstance(shown, Problem):
        if shown.kind not in _SAID_HERE:
            return shown
        return _factor_view(visit, dict(visit.form.pairs), shown, shown.kind.status)
    visit.keep(shown.token)
    return Go(visit.table.local(visit.form.text("next")))


async def send_code(visit: Visit) -> Answer:
    """Send a code to an address, and show the form for it."""
    sent = await visit.call("sendCode", body={"factor_id": visit.form.text("w_address")})
    if not isinstance(sent, Problem):
        return _factor_view(visit, dict(visit.form.pairs), None, sent=True)
    return _factor_view(visit, dict(visit.form.pairs), sent, sent.kind.status)


async def sign_out(visit: Visit) -> Answer:
    """End this session."""
    ended = await visit.call("signOut")
    visit.forget()
    return ended if isinstance(ended, Problem) else Go(SIGN_IN, "signed-out")


def _offers(shown: SignedInView, back: str) -> str:
    """Carry what the next step can be shown with; only words of ours and ids of this person's addresses."""
    addresses = [f"{one.kind}:{one.id}" for one in shown.addresses]
    return urlencode({"offers": ",".join(shown.offered), "to": ",".join(addresses), "next": back})


def _factor_view(
    visit: Visit,
    carried: Mapping[str, str],
    problem: Problem | None,
    status: int = 200,
    *,
    sent: bool = False,
) -> View:
    offered = [kind for kind in carried.get("offers", "").split(",")[:OFFERS_MAX] if kind in FACTORS]
    sent_to = [part.partition(":") for part in carried.get("to", "").split(",")[:OFFERS_MAX]]
    context = {
        "kinds": offered or ["webauthn", "totp", "recovery"],
        "recovery": not offered or "recovery" in offered,
        "addresses": [
            {"id": factor, "kind": kind, "label": ADDRESS_WORDS[kind]}
            for kind, _, factor in sent_to
            if kind in ADDRESS_WORDS and factor
        ],
        "next": visit.table.local(carried.get("next", HOME)),
        "carried": {"offers": carried.get("offers", ""), "to": carried.get("to", "")},
        "problem": problem,
        "opened": carried.get(ADDRESS, ""),
        "sent": sent,
    }
    return View("sign_in_factor.html", context, status)


PAGES: Final = (
    Page(path=SIGN_IN, get=show_sign_in, post=take_password, stages=None),
    Page(path=FACTOR_PATH, get=show_factor, post=take_factor, stages=_AT_FACTOR),
    Page(path="/sign-in/code", post=send_code, stages=_AT_FACTOR),
    Page(path="/sign-out", post=sign_out, stages=_ANY),
)
