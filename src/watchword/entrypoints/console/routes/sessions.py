"""Sessions: where somebody is signed in, and ending it there. Never opens one (`sign_in`) and never shows a token."""

from typing import Final

import msgspec

from watchword.accounts.model import FactorKind, Session, Stage
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.reaching import person_in_path, person_to_change

TAG: Final = "sessions"
ANY_STAGE: Final[frozenset[Stage]] = frozenset({"factor", "enrol", "full"})


class SessionView(msgspec.Struct, frozen=True):
    """A session: device, addresses, times; never its token.

    Attributes:
        stage: `full`, or what it waits for: `factor`, `enrol`.
        factor: The second factor last shown.
        current: Whether the caller calls through it.
    """

    id: str
    stage: Stage
    factor: FactorKind | None
    factor_us: int
    ip: str
    agent: str
    created_us: int
    seen_us: int
    seen_ip: str
    current: bool


class SessionList(msgspec.Struct, frozen=True):
    """A person's sessions, last used first."""

    items: list[SessionView]


class Ended(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    ended: int


def view_of(row: Session, current: str = "") -> SessionView:
    """Show a session without what could be used."""
    return SessionView(
        id=row.id, stage=row.stage, factor=row.factor, factor_us=row.factor_us, ip=row.ip, agent=row.agent,
        created_us=row.created_us, seen_us=row.seen_us, seen_ip=row.seen_ip, current=row.id == current,
    )  # fmt: skip


async def list_own_sessions(ask: Ask[None, None]) -> SessionList:
    """List where the caller is signed in."""
    rows = ask.console.sessions.listed(ask.person.id, ask.now_us)
    return SessionList([view_of(row, ask.caller.through) for row in rows])


async def end_own_session(ask: Ask[None, None]) -> Problem | None:
    """End one of the caller's sessions, perhaps this one."""
    return _ended(ask, ask.person.id)


async def end_other_sessions(ask: Ask[None, None]) -> Ended:
    """End all of the caller's sessions but this one."""
    return Ended(ask.console.sessions.end_all(ask.person.id, but=ask.caller.through))


async def sign_out(ask: Ask[None, None]) -> Problem | None:
    """End this session."""
    ask.console.sessions.end(ask.person.id, ask.caller.through)
    return None


async def list_sessions(ask: Ask[None, None]) -> SessionList | Problem:
    """List where somebody is signed in."""
    person = person_in_path(ask)
    if isinstance(person, Problem):
        return person
    return SessionList([view_of(row) for row in ask.console.sessions.listed(person.id, ask.now_us)])


async def end_session(ask: Ask[None, None]) -> Problem | None:
    """End one of somebody's sessions."""
    person = person_to_change(ask)
    return person if isinstance(person, Problem) else _ended(ask, person.id)


async def end_sessions(ask: Ask[None, None]) -> Ended | Problem:
    """End all of somebody's sessions."""
    person = person_to_change(ask)
    return person if isinstance(person, Problem) else Ended(ask.console.sessions.end_all(person.id))


def _ended(ask: Ask[None, None], person_id: str) -> Problem | None:
    if ask.console.sessions.end(person_id, ask.path["session"]):
        return None
    return Problem(NOT_FOUND, "there is no such session")


ROUTES: Final = (
    Route(
        method="GET", path="/self/sessions", name="listOwnSessions", summary="List where I am signed in.", tag=TAG,
        action="self.read", handler=list_own_sessions, answer=SessionList,
    ),
    Route(
        method="DELETE", path="/self/sessions", name="endOtherSessions", summary="End all my sessions but this one.",
        tag=TAG, action="self.write", handler=end_other_sessions, answer=Ended, tokens=False, limit="write",
        audit=Audit("session:ended:others"),
    ),
    Route(
        method="DELETE", path="/self/sessions/{session}", name="endOwnSession", summary="End one of my sessions.",
        tag=TAG, action="self.write", handler=end_own_session, status=204, tokens=False, limit="write",
        audit=Audit("session:ended"),
    ),
    Route(
        method="POST", path="/sign-out", name="signOut", summary="End this session.", tag=TAG, action="self.write",
        handler=sign_out, status=204, tokens=False, stages=ANY_STAGE, limit="write",
        audit=Audit("session:ended", subject=lambda ask: ask.caller.through),
    ),
    Route(
        method="GET", path="/people/{person}/sessions", name="listSessions", summary="List where a person is signed in.",
        tag=TAG, action="person.read", handler=list_sessions, answer=SessionList,
    ),
    Route(
        method="DELETE", path="/people/{person}/sessions", name="endSessions", summary="End all sessions of a person.",
        tag=TAG, action="person.write", handler=end_sessions, answer=Ended, limit="write",
        audit=Audit("session:ended:all"),
    ),
    Route(
        method="DELETE", path="/people/{person}/sessions/{session}", name="endSession",
        summary="End one session of a person.", tag=TAG, action="person.write", handler=end_session, status=204,
        limit="write", audit=Audit("session:ended", values=lambda ask: {"person": ask.path["person"]}),
    ),
)  # fmt: skip
