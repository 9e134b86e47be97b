"""The Security page: score, second factors, contact, API tokens, sessions, sign-in history. Judges no factor and no password.

What is done from it is said first, each on a page of its own: here factors and password, in `security_addresses` mail
and phone, in `security_sessions` sessions and history, in `tokens` API tokens.
"""

from collections.abc import Sequence
from typing import Any, Final

from watchword.accounts.model import Session
from watchword.entrypoints.console.pages import factor_set_up, security_addresses, security_sessions, tokens
from watchword.entrypoints.console.pages.labels import LABELS_MAX
from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, Nav, Page, View, showing
from watchword.entrypoints.console.pages.security_score import MailState, Score, Standing, score
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import FACTORS, HOUR_S, SECOND_US, device, field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.factors import FactorAdded
from watchword.entrypoints.console.routes.own import FAILURES

PATH: Final = "/security"
CONFIRM_PATH: Final = "/security/app/code"
DAY_US: Final = 86_400 * SECOND_US
HOUR_US: Final = HOUR_S * SECOND_US
HISTORY_ROWS: Final = 8
QUERY_LENGTH_MAX: Final = 128
_WORKS: Final = "works"
_STRONG: Final = frozenset({"totp", "webauthn"})
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})


async def show_security(visit: Visit) -> Answer:
    """Show everything about how this person signs in. A list that cannot be shown leaves the others."""
    myself = await visit.call("showSelf")
    factors = await visit.call("listFactors")
    sessions = await visit.call("listOwnSessions")
    history = await visit.call("listOwnHistory")
    owned = await visit.call("listOwnTokens")
    if isinstance(myself, Problem):
        return myself
    wanted = visit.query.get("query", "").strip()[:QUERY_LENGTH_MAX]
    lists = {"factors": factors, "sessions": sessions, "history": history, "tokens": owned}
    failed = {name: found if isinstance(found, Problem) else None for name, found in lists.items()}
    context = {
        "myself": myself,
        "query": wanted,
        "score": await _score(visit, myself, factors, sessions, history, owned),
        "factors": factors,
        "shown_factors": _having(factors, wanted, lambda one: f"{one.label} {FACTORS[one.kind]}"),
        "sessions": sessions,
        "shown_sessions": _having(sessions, wanted, _session_words),
        "history": history,
        "shown_history": security_sessions.lines_having(history, wanted)[:HISTORY_ROWS],
        "tokens": owned,
        "shown_tokens": _having(owned, wanted, tokens.words_of),
        "failures": FAILURES,
        "failed": failed,
    }
    status = max([200, *(found.kind.status for found in failed.values() if found is not None)])
    return View("security.html", context, status)


async def _score(visit: Visit, myself: Any, *found: Any) -> Score | None:
    """Judge how things stand now; None where they are not known."""
    if any(isinstance(one, Problem) for one in found):
        return None
    factors, sessions, history, owned = found
    others = [one.created_us for one in sessions.items if not one.current]
    mail: MailState = "confirmed" if myself.mail_confirmed else "unconfirmed"
    return score(
        Standing(
            kinds=[one.kind for one in factors.items],
            codes_left=factors.recovery_codes_left,
            sessions=len(sessions.items),
            oldest_session_hours=(visit.now_us - min(others)) // HOUR_US if others else 0,
            failed=sum(
                line.outcome in FAILURES and visit.now_us - line.at_us < DAY_US for line in history.items
            ),
            password_days=(visit.now_us - myself.password_us) // DAY_US,
            mail=mail if "mail" in factors.channels else "unsendable",
            tokens_open=sum(not one.ips and one.expires_us > visit.now_us for one in owned.items),
            tokens_over=sum(one.expires_us <= visit.now_us for one in owned.items),
            virtual_open=await _open_virtual_keys(visit),
        )
    )


async def _open_virtual_keys(visit: Visit) -> int | None:
    """Count the virtual keys given to this person that work from anywhere; None where they are not known."""
    given = await visit.call("listOwnAssignments")
    if isinstance(given, Problem):
        return None
    own = {one.subject for one in given.assignments if one.kind == "virtual"}
    if not own:
        return 0
    listed = await visit.call("listVirtualKeys", query={"limit": LABELS_MAX})
    if isinstance(listed, Problem):
        return None
    found = [key for key in listed.items if key.id in own]
    if listed.next is not None and len(found) < len(own):
        return None
    # A key below another one has at most its parent's addresses.
    return len([key for key in found if key.state == _WORKS and not key.ips and not key.parent])


def _having(listed: Any, wanted: str, words: Any) -> Sequence[Any]:
    """Pick what has a text in its words; nothing of a list that could not be had."""
    if isinstance(listed, Problem):
        return ()
    return [one for one in listed.items if wanted.lower() in words(one).lower()]


def _session_words(one: Session) -> str:
    return f"{device(one.agent)} {one.agent} {one.ip} {one.seen_ip}"


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
    if found is None:
        return Go(PATH)
    left = {one.kind for one in factors.items if one.id != found.id}
    # What is left then confirms what is dangerous, which it does not now.
    weakens = bool(left) and not left & _STRONG and not factors.sent_codes_confirm
    return View("factor_remove.html", {"factor": found, "last": not left, "weakens": weakens})


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
    *security_addresses.PAGES,
    *security_sessions.PAGES,
    *tokens.PAGES,
)
