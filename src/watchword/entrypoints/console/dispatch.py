"""The life of a management request, step by step. All branching between a route and its handler is here.

    1  route          unknown path or method
    2  address        has it room to call?
    3  caller         session or API token; open routes ask nobody
    4  session        far enough signed in, and tokens only where they are accepted
    5  role, scope    may this person, through this token, do the route's action?
    6  person         has the person room to call?
    7  body, query    read strictly
    8  fresh factor   a second factor shown just now, where the route asks for it
    9  audit          the row, durable, before anything changes
       (3 to 5 are looked at again after 7 and after 9, which take time)
   10  handler        does it, or says why not
   11  outcome        a change that was not made gets a row that says so; refusals are recorded

Never reads sockets (`application`) and knows no subject.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from watchword.accounts.model import Origin
from watchword.accounts.roles import may
from watchword.accounts.tokens import token_may
from watchword.audit.event import Outcome, Refusal
from watchword.audit.redaction import bounded
from watchword.audit.trail import AuditUnavailable
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.authentication import caller_of
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.rate_limits import RateLimits, address_key
from watchword.entrypoints.console.reading import read_body, read_query
from watchword.entrypoints.console.route import PREFIX, Ask, Caller, Route
from watchword.kernel.errors import InvariantError, WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

LOG = logging.getLogger("watchword.console")

REQUEST_ID_BYTES: Final = 8
#: Console, token, from where, epoch microseconds.
FindCaller: TypeAlias = Callable[[Any, str, Origin, int], Caller | None]


class Arrived(msgspec.Struct, frozen=True):
    """A request as it came in; its body is still on the way.

    Attributes:
        path: Values of the path's parameters.
        query: Pairs as decoded from the URL.
        token: From the Authorization header, or None.
        content_type: Of the body.
        origin: Address and device.
        request: Id, drawn for it.
        read: Reads the body, bounded in size and time.
    """

    path: dict[str, str]
    query: Sequence[tuple[str, str]]
    token: str | None
    content_type: str
    origin: Origin
    request: str
    read: Callable[[], Awaitable[bytes | Problem]]


class Dispatch:
    """Takes requests to their handlers."""

    def __init__(self, console: "Console", limits: RateLimits, find: FindCaller = caller_of) -> None:
        """Dispatch for the parts of one process.

        Args:
            console: The parts.
            limits: How often somebody may call.
            find: Says who calls.
        """
        self._console, self._limits, self._find = console, limits, find
        #: Called after something was changed, so that pages which show it look soon; the server says what to call.
        self.after_change: Callable[[], None] = _nobody_told

    async def answer(self, route: Route, arrived: Arrived) -> Any:
        """Perform one request.

        Args:
            route: The row of the table that its method and path name.
            arrived: The request.

        Returns:
            A struct of the route's `answer`, None, or a `Problem`.
        """
        who: Caller | None = None
        try:
            ask = await self._admitted(route, arrived)
            if isinstance(ask, Problem):
                return ask
            who = ask.who
            answer = await self._performed(route, ask, arrived)
        except InvariantError:
            raise
        except AuditUnavailable as error:
            LOG.warning("no record, so nothing was done: %s", error)
            return Problem(told.NO_RECORD)
        except WatchwordError as error:
            LOG.warning("%s for %s: %s", route.name, who.person.id if who else "nobody", error)
            return Problem(told.UNAVAILABLE, bounded(str(error)))
        except Exception:
            LOG.exception("%s broke", route.name)
            return Problem(told.FAULT)
        if route.method != "GET" and not isinstance(answer, Problem):
            self.after_change()
        return answer

    async def _admitted(self, route: Route, arrived: Arrived) -> Ask[Any, Any] | Problem:
        """Steps 2 to 8."""
        console, origin = self._console, arrived.origin
        now_us = console.clock.now_us()
        wait_s = self._limits.admit(route.limit, address_key(origin.ip), now_us)  # 2
        if wait_s:
            console.trail.count_refusal("management: too many requests", origin.ip)
            return Problem(told.TOO_MANY, retry_after_s=wait_s)
        who = self._caller(route, arrived)  # 3, 4, 5
        if isinstance(who, Problem):
            return who
        if who is not None:
            wait_s = self._limits.admit(route.limit, who.person.id, now_us)  # 6
            if wait_s:
                console.trail.count_refusal("management: too many requests", who.person.id)
                return Problem(told.TOO_MANY, retry_after_s=wait_s)
        content = await arrived.read()  # 7
        if isinstance(content, Problem):
            return content
        # A body may take seconds: who was signed out, demoted or removed meanwhile has no request left on the way.
        who = self._caller(route, arrived)
        if isinstance(who, Problem):
            return who
        body = read_body(route.body, arrived.content_type, content)
        query = read_query(route.query, arrived.query)
        for found in (body, query):
            if isinstance(found, Problem):
                return found
        ask: Ask[Any, Any] = Ask(
            console=console, who=who, body=body, query=query, path=arrived.path, origin=origin,
            now_us=console.clock.now_us(), request=arrived.request, action=route.action,
        )  # fmt: skip
        if needs_fresh(route, ask) and (stale := ask.stale()) is not None:  # 8
            self._refused(route, ask.caller, arrived, stale)
            return stale
        return ask

    def _caller(self, route: Route, arrived: Arrived) -> Caller | Problem | None:
        """Steps 3 to 5: say who calls now, None on an open route, or why they may not."""
        if route.action is None:
            return None
        console, origin = self._console, arrived.origin
        who = self._find(console, arrived.token, origin, console.clock.now_us()) if arrived.token else None
        if who is None:
            console.trail.count_refusal("management: not signed in", origin.ip)
            return Problem(told.NOT_SIGNED_IN)
        refused = refusal_of(route, who)
        if refused is not None:
            self._refused(route, who, arrived, refused)
            return refused
        return who

    async def _performed(self, route: Route, ask: Ask[Any, Any], arrived: Arrived) -> Any:
        """Steps 9 to 11."""
        trail, row = self._console.trail, 0
        if route.audit is not None and not route.audit.by_handler:
            row = await trail.record_change(route.audit.row(ask))  # 9
            # Writing the row took a moment; see above.
            who = self._caller(route, arrived)
            if isinstance(who, Problem):
                trail.record_outcome(Outcome(intent=row, result="not_sent", note=who.kind.title))
                return who
            ask = msgspec.structs.replace(ask, who=who)
        try:
            answer = await route.handler(ask)  # 10
        except Exception as error:
            if row:
                reason = str(error) if isinstance(error, WatchwordError) else type(error).__name__
                trail.record_outcome(Outcome(intent=row, result="unknown", note=reason))
            raise
        if isinstance(answer, Problem):  # 11
            if row:
                note = answer.detail or answer.kind.title
                trail.record_outcome(Outcome(intent=row, result="not_sent", note=note))
            elif ask.who is not None and (route.audit is None or not route.audit.by_handler):
                trail.record_refusal(refusal_row(route, ask.who, ask.origin, ask.request, answer))
        return answer

    def _refused(self, route: Route, who: Caller, arrived: Arrived, why: Problem) -> None:
        row = refusal_row(route, who, arrived.origin, arrived.request, why)
        self._console.trail.record_refusal(row)


def _nobody_told() -> None:
    """Stand in until a server says what to call."""


def refusal_of(route: Route, who: Caller) -> Problem | None:
    """Say why a caller may not use a route at all: steps 4 and 5.

    Args:
        route: With an action.
        who: Who calls.

    Returns:
        None where they may.
    """
    if who.session is not None and who.session.stage not in route.stages:
        missing = {"factor": "show the second factor", "enrol": "set up a second factor"}
        return Problem(
            told.FACTOR_MISSING, missing.get(who.session.stage, "the session is signed in already")
        )
    if who.token is not None and not route.takes_tokens:
        return Problem(told.TOKEN_REFUSED)
    action = route.action
    if action is None or not may(who.person.role, action):
        return Problem(told.FORBIDDEN, f"the role {who.person.role} may not {action}")
    if who.token is not None and not token_may(who.token, who.person.role, action):
        return Problem(told.OUTSIDE_SCOPE, f"the token has no scope {action}")
    return None


def needs_fresh(route: Route, ask: Ask[Any, Any]) -> bool:
    """Whether this request needs a second factor shown just now."""
    if callable(route.fresh):
        return route.fresh(ask)
    return route.fresh == "always"


def refusal_row(route: Route, who: Caller, origin: Origin, request: str, why: Problem) -> Refusal:
    """Write the trail's row of a refusal to somebody known."""
    return Refusal(
        key=who.person.id,
        endpoint=f"{route.method} {PREFIX}{route.path}",
        rule=why.kind.code,
        reason=why.detail or why.kind.title,
        request=request,
        ip=origin.ip,
        values={"person": who.person.name, "through": who.through, "factor": who.factor or "none"},
        code=why.kind.status,
    )
