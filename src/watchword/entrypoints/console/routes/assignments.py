"""Who may use which virtual key or credential, and whose an exchange account is. Never looks into any of them."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts.model import Assignment, ExchangeOwnership, SubjectKind
from watchword.accounts.people import Usable
from watchword.accounts.refusal import Refused
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.paging import PAGE_ROWS, PAGE_ROWS_MAX, cut
from watchword.entrypoints.console.routes.reaching import person_in_path
from watchword.entrypoints.console.routes.refusals import problem_of

TAG: Final = "assignments"
ID_LENGTH_MAX: Final = 64
#: Digits of an exchange account's number, at most.
ACCOUNT_DIGITS_MAX: Final = 18
KINDS: Final[dict[str, SubjectKind]] = {"virtual": "virtual", "credential": "credential"}


class AssignmentView(msgspec.Struct, frozen=True):
    """A virtual key or credential given to somebody.

    Attributes:
        person: Id of the person.
        subject: Id of what is given.
        by: Id of who gave it.
    """

    id: str
    person: str
    kind: SubjectKind
    subject: str
    by: str
    created_us: int


class AssignmentPage(msgspec.Struct, frozen=True):
    """Assignments, oldest first; `next` is None on the last page."""

    items: list[AssignmentView]
    next: str | None


class OwnershipView(msgspec.Struct, frozen=True):
    """Whose an exchange account of the testnet is."""

    account: int
    person: str
    by: str
    created_us: int


class UsableView(msgspec.Struct, frozen=True):
    """What somebody can use.

    Attributes:
        assignments: Virtual keys and credentials given to them.
        accounts: Exchange accounts that are theirs.
        tokens: Labels of their API tokens.
        sessions: How many sessions they have.
    """

    assignments: list[AssignmentView]
    accounts: list[OwnershipView]
    tokens: list[str]
    sessions: int


class AssignmentQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which assignments, and which part of the list."""

    person: Annotated[str, Meta(max_length=ID_LENGTH_MAX, description="Only of this person.")] = ""
    kind: Annotated[SubjectKind | None, Meta(description="Only of this kind.")] = None
    subject: Annotated[str, Meta(max_length=ID_LENGTH_MAX, description="Only of this key or credential.")] = (
        ""
    )
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(max_length=128, description="`next` of the page before.")] = ""


class NewOwner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who an exchange account shall belong to."""

    person: Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX)]


def usable_view(usable: Usable) -> UsableView:
    """Show what somebody can use."""
    return UsableView(
        [_view(row) for row in usable.assignments],
        [_ownership(row) for row in usable.accounts],
        sorted(row.label for row in usable.tokens),
        len(usable.sessions),
    )


async def list_own_assignments(ask: Ask[None, None]) -> UsableView:
    """List what the caller can use."""
    return usable_view(ask.console.people.usable(ask.person.id))


async def list_assignments(ask: Ask[None, AssignmentQuery]) -> AssignmentPage:
    """List what is given to whom."""
    query = ask.query
    rows = [
        row
        for row in ask.console.assignments.listed(query.person or None)
        if (query.kind is None or row.kind == query.kind)
        and (not query.subject or row.subject == query.subject)
    ]
    page, following = cut(rows, lambda row: row.id, query.limit, query.after)
    return AssignmentPage([_view(row) for row in page], following)


async def assign(ask: Ask[None, None]) -> AssignmentView | Problem:
    """Give something to somebody; again changes nothing."""
    person, kind = person_in_path(ask), KINDS.get(ask.path["kind"])
    if isinstance(person, Problem):
        return person
    if kind is None:
        return Problem(NOT_FOUND, "what is given is a virtual key or a credential")
    made = ask.console.assignments.assign(person.id, kind, ask.path["subject"], ask.person.id, ask.now_us)
    return problem_of(made) if isinstance(made, Refused) else _view(made)


async def unassign(ask: Ask[None, None]) -> Problem | None:
    """Take something back."""
    person, kind = person_in_path(ask), KINDS.get(ask.path["kind"])
    if isinstance(person, Problem):
        return person
    if kind is None:
        return Problem(NOT_FOUND, "what is given is a virtual key or a credential")
    gone = ask.console.assignments.unassign(person.id, kind, ask.path["subject"])
    return problem_of(gone) if isinstance(gone, Refused) else None


async def own_account(ask: Ask[NewOwner, None]) -> OwnershipView | Problem:
    """Make somebody the owner of an exchange account."""
    account = _account(ask)
    if isinstance(account, Problem):
        return account
    made = ask.console.assignments.own(account, ask.body.person, ask.person.id, ask.now_us)
    return problem_of(made) if isinstance(made, Refused) else _ownership(made)


async def disown_account(ask: Ask[None, None]) -> Problem | None:
    """Leave an exchange account without an owner."""
    account = _account(ask)
    if isinstance(account, Problem):
        return account
    gone = ask.console.assignments.disown(account)
    return problem_of(gone) if isinstance(gone, Refused) else None


def _account(ask: Ask[Any, Any]) -> int | Problem:
    text = ask.path["account"]
    if not text.isdecimal() or len(text) > ACCOUNT_DIGITS_MAX or int(text) == 0:
        return Problem(NOT_FOUND, "name an exchange account by its number")
    return int(text)


def _view(row: Assignment) -> AssignmentView:
    return AssignmentView(row.id, row.person_id, row.kind, row.subject, row.by, row.created_us)


def _ownership(row: ExchangeOwnership) -> OwnershipView:
    return OwnershipView(row.account_id, row.person_id, row.by, row.created_us)


def _given(ask: Ask[Any, Any]) -> dict[str, str]:
    return {"person": ask.path["person"], "kind": ask.path["kind"]}


_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "limit": "write"}

ROUTES: Final = (
    Route(
        method="GET", path="/self/assignments", name="listOwnAssignments", summary="List what I can use.", tag=TAG,
        action="self.read", handler=list_own_assignments, answer=UsableView,
    ),
    Route(
        method="GET", path="/assignments", name="listAssignments", summary="List what is given to whom.", tag=TAG,
        action="person.read", handler=list_assignments, query=AssignmentQuery, answer=AssignmentPage,
    ),
    Route(
        method="PUT", path="/people/{person}/assignments/{kind}/{subject}", name="assign",
        summary="Give a virtual key or credential to a person.", action="person.write", handler=assign,
        answer=AssignmentView, audit=Audit("assignment:made", values=_given), **_CHANGE,
    ),
    Route(
        method="DELETE", path="/people/{person}/assignments/{kind}/{subject}", name="unassign",
        summary="Take a virtual key or credential back from a person.", action="person.write", handler=unassign,
        status=204, audit=Audit("assignment:ended", values=_given), **_CHANGE,
    ),
    Route(
        method="PUT", path="/accounts/{account}/owner", name="ownAccount",
        summary="Make a person the owner of an exchange account.", action="account.write", handler=own_account,
        body=NewOwner, answer=OwnershipView,
        audit=Audit("account:owned", values=lambda ask: {"person": ask.body.person}), **_CHANGE,
    ),
    Route(
        method="DELETE", path="/accounts/{account}/owner", name="disownAccount",
        summary="Leave an exchange account without an owner.", action="account.write", handler=disown_account,
        status=204, audit=Audit("account:disowned"), **_CHANGE,
    ),
)  # fmt: skip
