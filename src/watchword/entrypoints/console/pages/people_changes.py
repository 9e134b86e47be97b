"""What is done to people, each said before it is done: role, disabling, a fresh start, removal, sessions, assignments.

Who may touch whom is `accounts.people`'s to say; nothing here does.
"""

from typing import Any, Final

from watchword.accounts.roles import ROLES
from watchword.entrypoints.console.pages.labels import labels_of, names_of
from watchword.entrypoints.console.pages.page import Answer, Go, Handler, Page, View
from watchword.entrypoints.console.pages.security_sessions import end_view
from watchword.entrypoints.console.pages.toasts import ToastName
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import CONFLICT, FORBIDDEN, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.people import InvitedView

PATH: Final = "/people"
#: Keys of a kind offered at once; one among more is found by searching.
CHOICES: Final = 50
SEARCH_LENGTH_MAX: Final = 64
ROLE_WORDS: Final[dict[str, str]] = {
    "owner": "Owner",
    "admin": "Admin",
    "trader": "Trader",
    "auditor": "Auditor",
}
ROLE_TEXTS: Final[dict[str, str]] = {
    "owner": "Everything, also other owners and unsealing the vault",
    "admin": "Keys, the vault and people, but not owners",
    "trader": "What is assigned to them, and their own keys",
    "auditor": "Reads everything, changes nothing",
}
STATE_WORDS: Final[dict[str, tuple[str, str]]] = {
    "invited": ("Invited", "warn"),
    "enrolling": ("Setting up", "warn"),
    "active": ("Active", "good"),
    "disabled": ("Disabled", "bad"),
}
SAID_HERE: Final = frozenset({CONFLICT, FORBIDDEN, INVALID, REFUSED})


def roles_to_give(visit: Visit) -> list[tuple[str, str, str]]:
    """List the roles this person can give: only owners make owners."""
    given = [role for role in ROLES if role != "owner" or visit.person.role == "owner"]
    return [(role, ROLE_WORDS[role], ROLE_TEXTS[role]) for role in given]


def invited_view(visit: Visit, made: InvitedView) -> View:
    """Show an enrolment token, once."""
    # Behind the `#`, which browsers send to nobody.
    link = f"{visit.console_origin}/set-up#token={made.enrolment}"
    return View("person_invited.html", {"made": made, "link": link})


async def show_role(visit: Visit) -> Answer:
    """Show which roles there are."""
    return await _role_view(visit, None)


async def take_role(visit: Visit) -> Answer:
    """Give another role."""
    changed = await visit.call("assignRole", path=visit.path, body={"role": visit.form.text("role")})
    if not isinstance(changed, Problem):
        return _back(visit, "person-changed")
    return await _role_view(visit, changed) if changed.kind in SAID_HERE else changed


async def show_contact(visit: Visit) -> Answer:
    """Show where somebody is reached."""
    person = await visit.call("showPerson", path=visit.path)
    if isinstance(person, Problem):
        return person
    return _contact_view(person, {"mail": person.mail, "phone": person.phone}, None)


async def take_contact(visit: Visit) -> Answer:
    """Change where somebody is reached."""
    typed = {name: visit.form.text(name) for name in ("mail", "phone")}
    changed = await visit.call("changePersonContact", path=visit.path, body=typed)
    if not isinstance(changed, Problem):
        return _back(visit, "person-changed")
    if changed.kind not in SAID_HERE:
        return changed
    person = await visit.call("showPerson", path=visit.path)
    return person if isinstance(person, Problem) else _contact_view(person, typed, changed)


async def take_anew(visit: Visit) -> Answer:
    """Give a fresh start; the token is in the answer to this form and nowhere else."""
    made = await visit.call("invitePersonAnew", path=visit.path)
    return made if isinstance(made, Problem) else invited_view(visit, made)


async def show_removal(visit: Visit) -> Answer:
    """Say what removing somebody does, and what they could use."""
    person = await visit.call("showPerson", path=visit.path)
    usable = await visit.call("showUsable", path=visit.path)
    for found in (person, usable):
        if isinstance(found, Problem):
            return found
    return View("person_remove.html", {"one": person, "usable": usable, **await names_of(visit, usable)})


async def take_removal(visit: Visit) -> Answer:
    """Remove somebody."""
    gone = await visit.call("removePerson", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(PATH, "person-removed")


async def show_session_end(visit: Visit) -> Answer:
    """Say what ending one of somebody's sessions does."""
    person = await visit.call("showPerson", path={"person": visit.path["person"]})
    sessions = await visit.call("listSessions", path={"person": visit.path["person"]})
    for asked in (person, sessions):
        if isinstance(asked, Problem):
            return asked
    return end_view(visit, sessions, f"{PATH}/{person.id}", person.name)


async def take_session_end(visit: Visit) -> Answer:
    """End one of somebody's sessions."""
    gone = await visit.call("endSession", path=visit.path)
    return gone if isinstance(gone, Problem) else _back(visit, "session-ended")


async def show_assign(visit: Visit) -> Answer:
    """Show what can be given."""
    return await _assign_view(visit, None)


async def take_assign(visit: Visit) -> Answer:
    """Give a virtual key or credential."""
    kind, _, subject = visit.form.text("subject").partition(":")
    if not subject:
        return await _assign_view(visit, Problem(INVALID, "Choose what to give."))
    made = await visit.call("assign", path={**visit.path, "kind": kind, "subject": subject})
    if not isinstance(made, Problem):
        return _back(visit, "assigned")
    return await _assign_view(visit, made) if made.kind in SAID_HERE else made


async def take_unassign(visit: Visit) -> Answer:
    """Take something back."""
    gone = await visit.call("unassign", path=visit.path)
    return gone if isinstance(gone, Problem) else _back(visit, "unassigned")


def _saying(template: str) -> Handler:
    """Make the handler that says of somebody what will happen."""

    async def show(visit: Visit) -> Answer:
        person = await visit.call("showPerson", path={"person": visit.path["person"]})
        if isinstance(person, Problem):
            return person
        context = {
            "one": person,
            "kind": visit.path.get("kind", ""),
            "subject": visit.path.get("subject", ""),
        }
        return View(template, {**context, "labels": await labels_of(visit) if context["subject"] else {}})

    return show


def _doing(route: str, toast: ToastName) -> Handler:
    """Make the handler that does it."""

    async def take(visit: Visit) -> Answer:
        done = await visit.call(route, path=visit.path)
        return done if isinstance(done, Problem) else _back(visit, toast)

    return take


def _back(visit: Visit, toast: ToastName) -> Go:
    return Go(f"{PATH}/{visit.path['person']}", toast)


async def _role_view(visit: Visit, problem: Problem | None) -> Answer:
    person = await visit.call("showPerson", path=visit.path)
    if isinstance(person, Problem):
        return person
    context = {"one": person, "options": roles_to_give(visit), "problem": problem}
    return View("person_role.html", context, problem.kind.status if problem is not None else 200)


def _contact_view(person: Any, typed: dict[str, str], problem: Problem | None) -> View:
    context = {"one": person, "typed": typed, "problem": problem, "errors": field_errors(problem)}
    return View("person_contact.html", context, problem.kind.status if problem is not None else 200)


async def _assign_view(visit: Visit, problem: Problem | None) -> Answer:
    person = await visit.call("showPerson", path=visit.path)
    usable = await visit.call("showUsable", path=visit.path)
    for found in (person, usable):
        if isinstance(found, Problem):
            return found
    theirs = {one.subject for one in usable.assignments}
    search = (visit.query.get("query", "") or visit.form.text("query")).strip()[:SEARCH_LENGTH_MAX]
    keys = await visit.call("listVirtualKeys", query={"limit": str(CHOICES), "query": search})
    credentials = await visit.call("listCredentials")
    failed = next((found for found in (keys, credentials) if isinstance(found, Problem)), None)
    choices = {
        kind: [
            (f"{kind}:{one.id}", one.label)
            for one in listed.items
            if one.id not in theirs and (kind == "virtual" or search.lower() in one.label.lower())
        ][:CHOICES]
        for kind, listed in (("virtual", keys), ("credential", credentials))
        if not isinstance(listed, Problem)
    }
    context = {
        "one": person, "choices": choices, "failed": failed, "problem": problem, "search": search,
        "more": (not isinstance(keys, Problem) and keys.next is not None)
        or (not isinstance(credentials, Problem) and len(credentials.items) > CHOICES),
    }  # fmt: skip
    return View("person_assign.html", context, problem.kind.status if problem is not None else 200)


_WRITE: Final[dict[str, Any]] = {"action": "person.write"}

PAGES: Final = (
    Page(path="/people/{person}/role", get=show_role, post=take_role, action="role.assign"),
    Page(path="/people/{person}/contact", get=show_contact, post=take_contact, **_WRITE),
    Page(path="/people/{person}/disable", get=_saying("person_disable.html"), post=_doing("disablePerson", "person-disabled"), **_WRITE),
    Page(path="/people/{person}/enable", get=_saying("person_enable.html"), post=_doing("enablePerson", "person-enabled"), **_WRITE),
    Page(path="/people/{person}/anew", get=_saying("person_anew.html"), post=take_anew, **_WRITE),
    Page(path="/people/{person}/remove", get=show_removal, post=take_removal, **_WRITE),
    Page(path="/people/{person}/sessions/end", get=_saying("person_sessions.html"), post=_doing("endSessions", "person-sessions-ended"), **_WRITE),
    Page(path="/people/{person}/sessions/{session}/end", get=show_session_end, post=take_session_end, **_WRITE),
    Page(path="/people/{person}/assign", get=show_assign, post=take_assign, **_WRITE),
    Page(path="/people/{person}/assignments/{kind}/{subject}/end", get=_saying("person_unassign.html"), post=take_unassign, **_WRITE),
)  # fmt: skip
