"""What a route of the management API is, and what its handler gets. Never dispatches and never answers a request."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from watchword.accounts.model import ApiToken, FactorKind, Origin, Person, Session, Stage
from watchword.accounts.roles import Action, Reach, reach
from watchword.accounts.sessions import FRESH_MS_MAX, fresh
from watchword.audit.event import Change
from watchword.entrypoints.console.problem import STALE_FACTOR, TOKEN_REFUSED, Problem
from watchword.entrypoints.console.rate_limits import LimitClass
from watchword.kernel.errors import invariant

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

PREFIX: Final = "/manage/v1"

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
BodyT = TypeVar("BodyT")
QueryT = TypeVar("QueryT")


class Caller(msgspec.Struct, frozen=True):
    """Who calls: a person, through a session or one of their API tokens, never both.

    Attributes:
        person: As stored now.
        session: The session, at any stage its route accepts.
        token: The API token.
    """

    person: Person
    session: Session | None = None
    token: ApiToken | None = None

    @property
    def factor(self) -> FactorKind | None:
        """The second factor last shown; None for tokens."""
        return self.session.factor if self.session is not None else None

    @property
    def through(self) -> str:
        """Id of the session or token, for the trail."""
        return (self.session or self.token or self.person).id

    def fresh(self, now_us: int) -> bool:
        """Whether a second factor was shown just now; an API token's never is."""
        return self.session is not None and fresh(self.session, now_us)


class Ask(msgspec.Struct, Generic[BodyT, QueryT], frozen=True):
    """One request that got as far as its handler: read, authenticated, allowed by role, scope and freshness.

    Attributes:
        console: The process's parts.
        who: Who calls; None only on open routes. Handlers of others take `caller`.
        body, query: As the route's structs say; None where it has none.
        path: Values of the path's parameters.
        origin: Address and device.
        now_us: When it was dispatched, epoch microseconds.
        request: Its id.
        action: The route's.
    """

    console: "Console"
    who: Caller | None
    body: BodyT
    query: QueryT
    path: dict[str, str]
    origin: Origin
    now_us: int
    request: str
    action: Action | None

    @property
    def caller(self) -> Caller:
        """Who calls.

        Raises:
            InvariantError: On an open route, where nobody was asked for.
        """
        invariant(self.who is not None, "a handler of an open route asked who calls")
        return self.who  # type: ignore[return-value]  # the line above

    @property
    def person(self) -> Person:
        """The person who calls."""
        return self.caller.person

    @property
    def reach(self) -> Reach | None:
        """To how much of it the caller's role may do the route's action: `ALL` or `ASSIGNED`."""
        return reach(self.person.role, self.action) if self.action is not None else None

    def stale(self) -> Problem | None:
        """Refuse unless a second factor was shown just now. For handlers that must look first to know."""
        if self.caller.token is not None:
            return Problem(TOKEN_REFUSED, "an API token cannot show a second factor")
        if self.caller.fresh(self.now_us):
            return None
        return Problem(STALE_FACTOR, f"a second factor is good for {FRESH_MS_MAX // 1_000} seconds")

    def on_behalf(self) -> dict[str, str]:
        """Say for whom an admin request is made to another process: the member `on_behalf`."""
        caller = self.caller
        return {
            "person": caller.person.name,
            "ip": self.origin.ip,
            "factor": caller.factor or "none",
            "session": caller.through,
        }

    def change(
        self, action: str, subject: str, values: dict[str, str] | None = None, actor: Person | None = None
    ) -> Change:
        """Write a row for the audit trail: who, from where, with which factor.

        Args:
            action: For example `person:invited`.
            subject: Id of what is changed.
            values: How; texts, never a secret.
            actor: Who, on open routes.
        """
        who = self.who
        person = who.person if who is not None else actor
        told = {
            "by": person.id if person is not None else "nobody",
            "from": self.origin.ip,
            "factor": (who.factor if who is not None else None) or "none",
            "through": who.through if who is not None else "none",
            "request": self.request,
        }
        # First, and never replaced: a row keeps a bounded number of values, and some are named by who calls.
        told |= {name: value for name, value in (values or {}).items() if name not in told}
        return Change(
            action=action, actor=person.name if person is not None else "nobody", subject=subject, values=told
        )

    async def record(
        self, action: str, subject: str, values: dict[str, str] | None = None, actor: Person | None = None
    ) -> int:
        """Record a change durably before it is made, on routes whose `audit` says that the handler does.

        Returns:
            The row.

        Raises:
            AuditUnavailable: It must not be made. Let it pass: it is answered as `no-record`.
        """
        return await self.console.trail.record_change(self.change(action, subject, values, actor))


AnyAsk: TypeAlias = Ask[Any, Any]
#: Answers the route's struct, None where the status is 204, or a problem.
Handler: TypeAlias = Callable[[Any], Awaitable[Any]]
#: `never`, `always`, or a look at the request: must a second factor have been shown just now?
Fresh: TypeAlias = Literal["never", "always"] | Callable[[AnyAsk], bool]


def sometimes(_: AnyAsk) -> bool:
    """Say in `Route.fresh` that the handler asks for a second factor itself, once it has looked (`Ask.stale`)."""
    return False


class Audit(msgspec.Struct, frozen=True):
    """What row the audit trail gets before a handler changes something.

    Attributes:
        action: For example `person:invited`.
        subject: What is changed. None: the last path parameter, else the caller.
        values: How, as texts; names like `token` or `secret` are redacted.
        by_handler: The handler calls `Ask.record` itself, because only it knows subject or actor; refusals too.
    """

    action: str
    subject: Callable[[AnyAsk], str] | None = None
    values: Callable[[AnyAsk], dict[str, str]] | None = None
    by_handler: bool = False

    def row(self, ask: AnyAsk) -> Change:
        """Write the row."""
        if self.subject is not None:
            subject = self.subject(ask)
        elif ask.path:
            subject = list(ask.path.values())[-1]
        else:
            subject = ask.person.id
        return ask.change(self.action, subject, self.values(ask) if self.values is not None else None)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: everything that is known about a route.

    Attributes:
        method: HTTP method.
        path: Below PREFIX, with `{name}` for parameters.
        name: `operationId`, verb and noun; unique.
        summary: One line for people.
        tag: Subject, for the document.
        action: What the caller's role must allow. None: an open route, which nobody needs to sign in for.
        handler: `async def handler(ask: Ask[Body, Query]) -> Answer | Problem`.
        body: Struct of the JSON body, with `forbid_unknown_fields`; None: there must be no body.
        query: Struct of the query, flat, with `forbid_unknown_fields`; None: there must be no query.
        answer: Struct of the answer; None: no content.
        media: Of an answer in pieces (`Streamed`), which has no struct; empty for all others.
        status: Of the answer.
        fresh: Whether a second factor must have been shown just now.
        tokens: Whether API tokens are accepted. Never where `fresh` is `always`.
        stages: Stages of sessions that are accepted.
        limit: Class of rate limit.
        audit: The trail's row; every route that is no GET has one.
    """

    method: Method
    path: str
    name: str
    summary: str
    tag: str
    action: Action | None
    handler: Handler
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    media: str = ""
    status: int = 200
    fresh: Fresh = "never"
    tokens: bool = True
    stages: frozenset[Stage] = frozenset({"full"})
    limit: LimitClass = "read"
    audit: Audit | None = None

    @property
    def takes_tokens(self) -> bool:
        """Whether an API token can get through."""
        return self.tokens and self.fresh != "always" and self.action is not None
