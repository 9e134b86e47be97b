"""People: listed, invited, given roles, disabled, removed. Who may touch whom is `accounts.people`'s to say."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.accounts import security_messages
from watchword.accounts.model import FactorKind, Person
from watchword.accounts.naming import MAIL_LENGTH_MAX, NAME_LENGTH_MAX
from watchword.accounts.people import Invited
from watchword.accounts.refusal import Refused
from watchword.accounts.roles import Role
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.assignments import UsableView, usable_view
from watchword.entrypoints.console.routes.own import PHONE_LENGTH_MAX, Contact
from watchword.entrypoints.console.routes.paging import PAGE_ROWS, PAGE_ROWS_MAX, cut
from watchword.entrypoints.console.routes.reaching import person_in_path, person_to_change
from watchword.entrypoints.console.routes.refusals import problem_of

TAG: Final = "people"
QUERY_LENGTH_MAX: Final = 64

#: `invited`: has not set a password. `enrolling`: has no second factor yet.
State = Literal["invited", "enrolling", "active", "disabled"]


class PersonView(msgspec.Struct, frozen=True):
    """Somebody, without what could be used.

    Attributes:
        state: `invited`, `enrolling`, `active` or `disabled`.
        factors: Kinds of their second factors.
    """

    id: str
    name: str
    mail: str
    phone: str
    role: Role
    state: State
    factors: list[FactorKind]
    created_us: int
    enrolled_us: int
    disabled_us: int


class PeoplePage(msgspec.Struct, frozen=True):
    """People by name; `next` is None on the last page."""

    items: list[PersonView]
    next: str | None


class PeopleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which people, and which part of the list."""

    query: Annotated[str, Meta(max_length=QUERY_LENGTH_MAX, description="Part of name or mail address.")] = ""
    role: Annotated[Role | None, Meta(description="Only people of this role.")] = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(max_length=128, description="`next` of the page before.")] = ""


class PersonDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to be invited."""

    name: Annotated[str, Meta(min_length=2, max_length=NAME_LENGTH_MAX)]
    mail: Annotated[str, Meta(min_length=3, max_length=MAIL_LENGTH_MAX)]
    role: Role
    phone: Annotated[str, Meta(max_length=PHONE_LENGTH_MAX)] = ""


class InvitedView(msgspec.Struct, frozen=True):
    """Somebody invited.

    Attributes:
        enrolment: The token they set their password with; shown this once. Hand it over yourself: no mail holds it.
        expires_us: Its end.
    """

    person: PersonView
    enrolment: str
    expires_us: int


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's new role."""

    role: Role


class RemovedView(msgspec.Struct, frozen=True):
    """Somebody who is gone, and what they could use until now."""

    person: PersonView
    could_use: UsableView


async def list_people(ask: Ask[None, PeopleQuery]) -> PeoplePage:
    """List people."""
    query = ask.query
    wanted = query.query.lower()
    found = [
        person
        for person in ask.console.people.listed()
        if (query.role is None or person.role == query.role)
        and (wanted in person.name or wanted in person.mail)
    ]
    page, following = cut(found, lambda person: person.id, query.limit, query.after)
    return PeoplePage([_view(ask, person) for person in page], following)


async def show_person(ask: Ask[None, None]) -> PersonView | Problem:
    """Show one person."""
    person = person_in_path(ask)
    return person if isinstance(person, Problem) else _view(ask, person)


async def show_usable(ask: Ask[None, None]) -> UsableView | Problem:
    """Show what somebody can use, before they are removed."""
    person = person_in_path(ask)
    return person if isinstance(person, Problem) else usable_view(ask.console.people.usable(person.id))


async def invite_person(ask: Ask[PersonDraft, None]) -> InvitedView | Problem:
    """Invite somebody."""
    body = ask.body
    made = ask.console.people.invite(ask.person, body.name, body.mail, body.role, ask.now_us, body.phone)
    return _invited(ask, made)


async def invite_anew(ask: Ask[None, None]) -> InvitedView | Problem:
    """Give somebody a fresh start: password, factors, sessions and tokens go."""
    made = ask.console.people.invite_anew(ask.person, ask.path["person"], ask.now_us)
    if isinstance(made, Invited):
        # Whoever holds the new token is this person from now on: they must hear of it.
        message = security_messages.invited_anew(made.person, ask.origin, ask.now_us)
        ask.console.tell(made.person.id, message)
    return _invited(ask, made)


async def assign_role(ask: Ask[RoleChange, None]) -> PersonView | Problem:
    """Give somebody another role."""
    return _changed(ask, ask.console.people.set_role(ask.person, ask.path["person"], ask.body.role))


async def disable_person(ask: Ask[None, None]) -> PersonView | Problem:
    """Refuse somebody from now on."""
    return _changed(ask, ask.console.people.disable(ask.person, ask.path["person"], ask.now_us))


async def enable_person(ask: Ask[None, None]) -> PersonView | Problem:
    """Let somebody in again."""
    return _changed(ask, ask.console.people.enable(ask.person, ask.path["person"]))


async def change_person_contact(ask: Ask[Contact, None]) -> PersonView | Problem:
    """Change where somebody is reached."""
    before = person_to_change(ask)
    if isinstance(before, Problem):
        return before
    changed = ask.console.people.set_contact(before.id, ask.body.mail, ask.body.phone)
    if isinstance(changed, Person):
        ask.console.tell(before.id, security_messages.contact_changed(before, ask.origin, ask.now_us))
    return _changed(ask, changed)


async def remove_person(ask: Ask[None, None]) -> RemovedView | Problem:
    """Remove somebody with all that is theirs, and say what they could use."""
    removed = ask.console.people.remove(ask.person, ask.path["person"])
    if isinstance(removed, Refused):
        return problem_of(removed)
    return RemovedView(_view(ask, removed.person), usable_view(removed.could_use))


def _changed(ask: Ask[Any, Any], outcome: Person | Refused) -> PersonView | Problem:
    return problem_of(outcome) if isinstance(outcome, Refused) else _view(ask, outcome)


def _invited(ask: Ask[Any, Any], made: Invited | Refused) -> InvitedView | Problem:
    if isinstance(made, Refused):
        return problem_of(made)
    return InvitedView(_view(ask, made.person), made.token, made.invitation.expires_us)


def _view(ask: Ask[Any, Any], person: Person) -> PersonView:
    return PersonView(
        id=person.id, name=person.name, mail=person.mail, phone=person.phone, role=person.role,
        state=state_of(person), factors=sorted(ask.console.factors.offered(person.id)),
        created_us=person.created_us, enrolled_us=person.enrolled_us, disabled_us=person.disabled_us,
    )  # fmt: skip


def state_of(person: Person) -> State:
    """Say how far somebody is."""
    if person.disabled_us:
        return "disabled"
    if person.enrolled_us:
        return "active"
    return "enrolling" if person.password else "invited"


def _leaving(ask: Ask[Any, Any]) -> dict[str, str]:
    """Say in the trail what somebody who is removed could use."""
    usable = ask.console.people.usable(ask.path["person"])
    person = ask.console.people.get(ask.path["person"])
    return {
        "person": person.name if person is not None else "",
        "keys": ", ".join(sorted(one.subject for one in usable.assignments)),
        "accounts": ", ".join(sorted(one.id for one in usable.accounts)),
        # Not called after tokens: whatever is named like a secret is kept out of the trail.
        "programs_count": str(len(usable.tokens)),
    }


_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "action": "person.write", "limit": "write"}

ROUTES: Final = (
    Route(
        method="GET", path="/people", name="listPeople", summary="List people.", tag=TAG, action="person.read",
        handler=list_people, query=PeopleQuery, answer=PeoplePage,
    ),
    Route(
        method="POST", path="/people", name="invitePerson", summary="Invite somebody; the enrolment token is shown once.",
        handler=invite_person, body=PersonDraft, answer=InvitedView, status=201, fresh="always",
        audit=Audit(
            "person:invited", subject=lambda ask: ask.body.name,
            values=lambda ask: {"role": ask.body.role, "mail": ask.body.mail},
        ), **_CHANGE,
    ),
    Route(
        method="GET", path="/people/{person}", name="showPerson", summary="Show a person.", tag=TAG,
        action="person.read", handler=show_person, answer=PersonView,
    ),
    Route(
        method="DELETE", path="/people/{person}", name="removePerson",
        summary="Remove a person with all that is theirs; says what they could use.", handler=remove_person,
        answer=RemovedView, fresh="always", audit=Audit("person:removed", values=_leaving), **_CHANGE,
    ),
    Route(
        method="GET", path="/people/{person}/usable", name="showUsable", summary="Show what a person can use.", tag=TAG,
        action="person.read", handler=show_usable, answer=UsableView,
    ),
    Route(
        method="POST", path="/people/{person}/invitation", name="invitePersonAnew",
        summary="Give a person a fresh start; the enrolment token is shown once.", handler=invite_anew,
        answer=InvitedView, status=201, fresh="always", audit=Audit("person:invited:anew"), **_CHANGE,
    ),
    Route(
        method="PUT", path="/people/{person}/role", name="assignRole", summary="Give a person another role.", tag=TAG,
        action="role.assign", handler=assign_role, body=RoleChange, answer=PersonView, fresh="always", limit="write",
        audit=Audit("person:role-assigned", values=lambda ask: {"role": ask.body.role}),
    ),
    Route(
        method="PUT", path="/people/{person}/contact", name="changePersonContact",
        summary="Change a person's mail address and phone number.", handler=change_person_contact, body=Contact,
        answer=PersonView, fresh="always",
        audit=Audit("person:contact-changed", values=lambda ask: {"mail": ask.body.mail}), **_CHANGE,
    ),
    Route(
        method="POST", path="/people/{person}/disable", name="disablePerson",
        summary="Refuse a person from now on; their sessions end.", handler=disable_person, answer=PersonView,
        fresh="always", audit=Audit("person:disabled"), **_CHANGE,
    ),
    Route(
        method="POST", path="/people/{person}/enable", name="enablePerson", summary="Let a person in again.",
        handler=enable_person, answer=PersonView, fresh="always", audit=Audit("person:enabled"), **_CHANGE,
    ),
)  # fmt: skip
