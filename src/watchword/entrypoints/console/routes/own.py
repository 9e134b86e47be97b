"""What is the caller's own: who they are, what they may do, password, contact, sign-in history, what is given to them."""

import hmac
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.accounts import security_messages
from watchword.accounts.lockout import tallied_as
from watchword.accounts.model import FactorKind, Outcome, Person, Session, SignIn, Stage
from watchword.accounts.naming import MAIL_LENGTH_MAX
from watchword.accounts.passwords import PASSWORD_LENGTH_MAX, check_password, hash_password, judge_password
from watchword.accounts.refusal import Refused
from watchword.accounts.roles import Action, Role, actions_of
from watchword.entrypoints.console.problem import REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.paging import PAGE_ROWS_MAX, cut
from watchword.entrypoints.console.routes.reaching import person_in_path
from watchword.entrypoints.console.routes.refusals import problem_of
from watchword.kernel.secret import Secret

TAG: Final = "self"
PHONE_LENGTH_MAX: Final = 16
QUERY_LENGTH_MAX: Final = 200
#: How a step ends that did not go well.
FAILURES: Final[frozenset[Outcome]] = frozenset({"password_wrong", "factor_wrong", "locked", "disabled"})
_WRONG: Final = Problem(
    REFUSED, "the present password is wrong, or there were too many tries; wait and try again"
)

Password = Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


class Myself(msgspec.Struct, frozen=True):
    """The caller.

    Attributes:
        actions: What their role allows, or what this token's scopes leave of it.
        mail, phone: Empty while the session waits for its second factor.
        mail_confirmed, phone_confirmed: Whether a code sent there came back.
        password_us: When the password was last set.
        stage: Of the session; `full` for tokens.
        factor: The second factor last shown; None for tokens.
        factor_us: When.
        fresh: Whether that is short enough ago for what asks for it.
    """

    id: str
    name: str
    mail: str
    phone: str
    role: Role
    actions: list[Action]
    stage: Stage
    factor: FactorKind | None
    factor_us: int
    fresh: bool
    mail_confirmed: bool
    phone_confirmed: bool
    password_us: int


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password, and the one to come; all other sessions end."""

    present: Password
    password: Password


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where somebody is reached. An empty phone number removes it."""

    mail: Annotated[str, Meta(min_length=3, max_length=MAIL_LENGTH_MAX)]
    phone: Annotated[str, Meta(max_length=PHONE_LENGTH_MAX)] = ""


class HistoryLine(msgspec.Struct, frozen=True):
    """One sign-in, or one that failed.

    Attributes:
        id: To go on after.
    """

    at_us: int
    outcome: Outcome
    factor: FactorKind | None
    ip: str
    agent: str
    id: str = ""


class HistoryList(msgspec.Struct, frozen=True):
    """A person's sign-in history, newest first; the last fifty of each sort are kept. `next` is None on the last page."""

    items: list[HistoryLine]
    next: str | None = None


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sign-ins, and which part of the list."""

    query: Annotated[
        str, Meta(max_length=QUERY_LENGTH_MAX, description="Part of the address or of the device's name.")
    ] = ""
    result: Annotated[
        Literal["", "succeeded", "failed"], Meta(description="Only those that went well, or that did not.")
    ] = ""
    outcome: Annotated[Outcome | None, Meta(description="Only those that ended so.")] = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS_MAX
    after: Annotated[str, Meta(max_length=128, description="`next` of the page before.")] = ""


async def show_self(ask: Ask[None, None]) -> Myself:
    """Say who calls, and what they may do."""
    caller, person = ask.caller, ask.person
    actions = actions_of(person.role)
    if caller.token is not None:
        actions &= caller.token.scopes
    session = caller.session
    # Who knows the password only is not told where codes go: signing in shows addresses in part.
    halfway = session is not None and session.stage == "factor"
    mail, phone = ("", "") if halfway else (person.mail, person.phone)
    return Myself(
        id=person.id, name=person.name, mail=mail, phone=phone, role=person.role,
        actions=sorted(actions), stage=session.stage if session is not None else "full", factor=caller.factor,
        factor_us=session.factor_us if session is not None else 0, fresh=caller.fresh(ask.now_us),
        mail_confirmed=bool(mail and person.mail_us), phone_confirmed=bool(phone and person.phone_us),
        password_us=0 if halfway else person.password_us,
    )  # fmt: skip


async def change_password(ask: Ask[PasswordChange, None]) -> Problem | None:
    """Change the caller's password."""
    console, person = ask.console, ask.person
    who, now_us = tallied_as(person, person.name), ask.now_us
    present, wanted = Secret(ask.body.present.encode()), Secret(ask.body.password.encode())
    check = await console.hashing(check_password, person.password, present, console.entropy)
    if console.lockout.until_us(who, ask.origin.ip, now_us):
        return _WRONG
    if not check.holds:
        console.lockout.failed(who, ask.origin.ip, now_us)
        return _WRONG
    weak = await console.hashing(judge_password, wanted, person.name, person.mail)
    if weak is not None:
        return problem_of(weak)
    text = await console.hashing(hash_password, wanted, console.entropy)
    # Hashing takes a while: who was signed out or removed meanwhile, or whose password was changed, changes nothing.
    if not _still_here(ask):
        return _WRONG
    changed = console.people.set_password(person.id, text, console.clock.now_us(), ask.caller.through)
    if isinstance(changed, Refused):
        return problem_of(changed)
    console.tell(person.id, security_messages.password_changed(changed, ask.origin, now_us))
    return None


def _still_here(ask: Ask[Any, Any]) -> bool:
    """Whether the session that asked goes on, and the password is the one that was checked."""
    console, checked = ask.console, ask.person
    now = console.people.get(checked.id)
    if now is None or console.register.get(Session, ask.caller.through) is None:
        return False
    return hmac.compare_digest(now.password.encode(), checked.password.encode())


async def change_contact(ask: Ask[Contact, None]) -> Problem | None:
    """Change where the caller is reached."""
    before = ask.person
    changed = ask.console.people.set_contact(before.id, ask.body.mail, ask.body.phone)
    if isinstance(changed, Refused):
        return problem_of(changed)
    tell_former(ask, before, changed)
    return None


def tell_former(ask: Ask[Any, Any], before: Person, after: Person) -> None:
    """Tell the addresses somebody had that they have others now; nothing where nothing changed."""
    if (before.mail, before.phone) == (after.mail, after.phone):
        return
    ask.console.tell(before.id, security_messages.contact_changed(before, ask.origin, ask.now_us))
    if before.phone and before.phone != after.phone:
        gone = security_messages.address_gone(before, "sms", before.phone, ask.origin, ask.now_us)
        ask.console.tell(before.id, gone)


async def list_own_history(ask: Ask[None, HistoryQuery]) -> HistoryList:
    """List the caller's sign-ins."""
    return _history(ask, ask.person)


async def list_history(ask: Ask[None, HistoryQuery]) -> HistoryList | Problem:
    """List somebody's sign-ins."""
    person = person_in_path(ask)
    return person if isinstance(person, Problem) else _history(ask, person)


def _history(ask: Ask[None, HistoryQuery], person: Person) -> HistoryList:
    query = ask.query
    found = [row for row in ask.console.history.listed(person.id) if _fits(row, query)]
    page, following = cut(found, lambda row: row.id, query.limit, query.after)
    return HistoryList([_line(row) for row in page], following)


def _fits(row: SignIn, query: HistoryQuery) -> bool:
    wanted = query.query.lower()
    if query.result and (row.outcome in FAILURES) is not (query.result == "failed"):
        return False
    if query.outcome is not None and row.outcome != query.outcome:
        return False
    return wanted in row.ip.lower() or wanted in row.agent.lower()


def _line(row: SignIn) -> HistoryLine:
    return HistoryLine(row.at_us, row.outcome, row.factor, row.ip, row.agent, row.id)


ROUTES: Final = (
    Route(
        method="GET", path="/self", name="showSelf", summary="Who am I, and what may I do?", tag=TAG,
        action="self.read", handler=show_self, answer=Myself, stages=frozenset({"factor", "enrol", "full"}),
    ),
    Route(
        method="PUT", path="/self/password", name="changePassword", summary="Change my password.", tag=TAG,
        action="self.write", handler=change_password, body=PasswordChange, status=204, fresh="always",
        limit="sign_in", audit=Audit("person:password-changed"),
    ),
    Route(
        method="PUT", path="/self/contact", name="changeContact", summary="Change my mail address and phone number.",
        tag=TAG, action="self.write", handler=change_contact, body=Contact, status=204, fresh="always",
        limit="write", audit=Audit("person:contact-changed", values=lambda ask: {"mail": ask.body.mail}),
    ),
    Route(
        method="GET", path="/self/history", name="listOwnHistory", summary="List my sign-ins.", tag=TAG,
        action="self.read", handler=list_own_history, query=HistoryQuery, answer=HistoryList,
    ),
    Route(
        method="GET", path="/people/{person}/history", name="listHistory", summary="List a person's sign-ins.",
        tag="people", action="person.read", handler=list_history, query=HistoryQuery, answer=HistoryList,
    ),
)  # fmt: skip
