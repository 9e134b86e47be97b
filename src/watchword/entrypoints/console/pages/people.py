"""People: listed, invited, shown with what they can use. What is done to them: `people_changes`."""

from typing import Any, Final
from urllib.parse import urlencode

from watchword.accounts.roles import ROLES
from watchword.entrypoints.console.pages import people_changes
from watchword.entrypoints.console.pages.labels import names_of
from watchword.entrypoints.console.pages.page import Answer, Nav, Page, View
from watchword.entrypoints.console.pages.people_changes import PATH, ROLE_WORDS, SAID_HERE, STATE_WORDS
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import Problem

ROWS: Final = "25"
NAME_PLACE: Final = "/people/{person}"


async def show_people(visit: Visit) -> Answer:
    """List people."""
    chosen = {"query": visit.query.get("query", "").strip(), "role": visit.query.get("role", "")}
    if chosen["role"] not in ROLES:
        chosen["role"] = ""
    after = visit.query.get("after", "")
    found = await visit.call("listPeople", query={**chosen, "after": after, "limit": ROWS})
    failed = found if isinstance(found, Problem) else None
    same = {name: value for name, value in chosen.items() if value}
    following = None if isinstance(found, Problem) else found.next
    context: dict[str, Any] = {
        "failed": failed,
        "items": [] if isinstance(found, Problem) else found.items,
        "chosen": chosen,
        "filtered": bool(same),
        "roles": ROLE_WORDS,
        "states": STATE_WORDS,
        "first_page": not after,
        "here": f"{PATH}?{urlencode(same)}",
        "next_page": f"{PATH}?{urlencode({**same, 'after': following})}" if following else "",
    }
    return View("people.html", context, failed.kind.status if failed else 200)


async def show_person(visit: Visit) -> Answer:
    """Show somebody: who they are, where they are signed in, what they can use."""
    person = await visit.call("showPerson", path=visit.path)
    usable = await visit.call("showUsable", path=visit.path)
    sessions = await visit.call("listSessions", path=visit.path)
    for found in (person, usable, sessions):
        if isinstance(found, Problem):
            return found
    context = {
        "one": person,
        "usable": usable,
        "sessions": sessions.items,
        **await names_of(visit, usable),
        "roles": ROLE_WORDS,
        "states": STATE_WORDS,
        # An owner is touched by owners only; the routes say so too.
        "may_change": visit.may("person.write") and (person.role != "owner" or visit.person.role == "owner"),
        "is_self": person.id == visit.person.id,
    }
    return View("person.html", context)


async def show_new(visit: Visit) -> Answer:
    """Show the form for somebody new."""
    return _new_view(visit, {"name": "", "mail": "", "phone": "", "role": "trader"}, None)


async def take_new(visit: Visit) -> Answer:
    """Invite somebody; the token is in the answer to this form and nowhere else."""
    typed = {name: visit.form.text(name) for name in ("name", "mail", "phone", "role")}
    made = await visit.call("invitePerson", body=typed)
    if isinstance(made, Problem):
        return _new_view(visit, typed, made) if made.kind in SAID_HERE else made
    return people_changes.invited_view(visit, made)


def _new_view(visit: Visit, typed: dict[str, str], problem: Problem | None) -> View:
    context = {
        "typed": typed,
        "role_options": people_changes.roles_to_give(visit),
        "problem": problem,
        "errors": field_errors(problem),
    }
    return View("person_new.html", context, problem.kind.status if problem is not None else 200)


PAGES: Final = (
    Page(path=PATH, get=show_people, action="person.read", nav=Nav("You", "People", "people", 10)),
    Page(path="/people/new", get=show_new, post=take_new, action="person.write"),
    Page(path=NAME_PLACE, get=show_person, action="person.read"),
    *people_changes.PAGES,
)
