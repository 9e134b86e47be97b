"""The management API as an ASGI application: host, path, headers, body in; status, headers, bytes out. Decides nothing else.

Everything answered, also a fault, carries the same security headers and the request's id. There is no CORS: no page of
elsewhere is meant to call this.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from watchword.accounts.model import AGENT_LENGTH_MAX, Origin
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.authentication import bearer_token
from watchword.entrypoints.console.dispatch import REQUEST_ID_BYTES, Arrived, Dispatch
from watchword.entrypoints.console.problem import Problem, answer_of
from watchword.entrypoints.console.rate_limits import RateLimits
from watchword.entrypoints.console.reading import BODY_BYTES_MAX
from watchword.entrypoints.console.route import PREFIX, Route
from watchword.entrypoints.console.streaming import Streamed, StreamedResponse
from watchword.entrypoints.gateway.host_names import HostNames
from watchword.kernel.errors import InvariantError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from watchword.bootstrap.console import Console

LOG = logging.getLogger("watchword.console")

#: How long a body may take to arrive.
BODY_S_MAX: Final = 10.0
#: Path parameters are ids and labels of ours.
PATH_VALUE_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
#: After an answer with it nothing more is read from the connection.
CLOSING: Final[Mapping[str, str]] = {"connection": "close"}
STRICT_TRANSPORT: Final = "max-age=31536000"
_ENCODED_SLASH: Final = b"%2f"
_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")


class Application:
    """The ASGI application of one console."""

    def __init__(
        self, console: "Console", table: Sequence[Route], names: HostNames, *, tls: bool = False
    ) -> None:
        """Put the table behind a door.

        Args:
            console: The process's parts.
            table: All routes.
            names: The hosts it answers for.
            tls: Whether it is served over TLS.
        """
        self._console, self.names = console, names
        #: Called where an invariant broke; the server ends the process.
        self.on_broken: Callable[[InvariantError], None] = _nobody_told
        #: Pages call routes through it, so that the same limits count.
        self.dispatch = Dispatch(console, RateLimits(console.settings.limits_scale))
        self._paths = paths_of(table)
        self._headers = {
            **SECURITY_HEADERS,
            **({"strict-transport-security": STRICT_TRANSPORT} if tls else {}),
        }

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one HTTP request; there are no WebSockets here."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        number = self._console.entropy.token(REQUEST_ID_BYTES).hex()
        try:
            response = await self._answered(request, number)
        except ClientDisconnect:
            return
        except InvariantError as error:
            LOG.critical("a rule that cannot be broken was broken: %s", error)
            response = self._problem(Problem(told.FAULT), number)
            self.on_broken(error)
        await response(scope, receive, send)

    async def _answered(self, request: Request, number: str) -> Response:
        if framed_twice(request.headers):
            return self._problem(Problem(told.MALFORMED), number, CLOSING)
        refused = self._foreign(request.headers)
        if refused is not None:
            return self._problem(refused, number)
        # Not `request.url`: it drops what urllib drops, so that another path would be looked up than was sent.
        found = self._found(request.scope["path"])
        if found is None or _ENCODED_SLASH in request.scope.get("raw_path", b"").lower():
            return self._problem(Problem(told.NO_ROUTE), number)
        routes, path = found
        route = routes.get(request.method)
        if route is None:
            return self._problem(Problem(told.WRONG_METHOD), number, {"allow": ", ".join(sorted(routes))})
        arrived = Arrived(
            path=path,
            query=QueryParams(request.scope["query_string"]).multi_items(),
            token=bearer_token(request.headers.getlist("authorization")),
            content_type=request.headers.get("content-type", ""),
            origin=origin_of(request),
            request=number,
            read=partial(read_bounded, request),
        )
        answer = await self.dispatch.answer(route, arrived)
        if isinstance(answer, Problem):
            return self._problem(answer, number)
        return self._reply(route.status, answer, number)

    def _foreign(self, headers: Headers) -> Problem | None:
        """Refuse names that are not ours, and what a browser sends for a page of elsewhere."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.names.accept(hosts[0].encode("latin-1")):
            return Problem(told.WRONG_HOST)
        kept = {
            name: headers[name.decode()].encode("latin-1")
            for name in (b"origin", b"sec-fetch-site")
            if name.decode() in headers
        }
        return None if self.names.accept_page(kept) else Problem(told.FOREIGN_PAGE)

    def _found(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        for pattern, routes in self._paths:
            match = pattern.fullmatch(path)
            if match is not None:
                return routes, match.groupdict()
        return None

    def _problem(self, problem: Problem, number: str, more: Mapping[str, str] | None = None) -> Response:
        headers = dict(more or {})
        if problem.kind.status == told.NOT_SIGNED_IN.status:
            headers["www-authenticate"] = 'Bearer realm="watchword"'
        if problem.retry_after_s:
            headers["retry-after"] = str(problem.retry_after_s)
        body = msgspec.json.encode(answer_of(problem, number))
        return self._response(problem.kind.status, body, told.MEDIA_TYPE, number, headers)

    def _reply(self, status: int, answer: Any, number: str) -> Response:
        if isinstance(answer, Streamed):
            return StreamedResponse(answer, {**self._headers, "x-request-id": number})
        if answer is None:
            return self._response(status, b"", None, number, {})
        return self._response(status, msgspec.json.encode(answer), "application/json", number, {})

    def _response(
        self, status: int, body: bytes, media: str | None, number: str, more: Mapping[str, str]
    ) -> Response:
        headers = {**self._headers, "x-request-id": number, **more}
        return Response(body, status, headers, media)


def _nobody_told(_: InvariantError) -> None:
    """Stand in until a server says what to do."""


def paths_of(table: Iterable[Route]) -> list[tuple[re.Pattern[str], dict[str, Route]]]:
    """Group a table by path, those without parameters first, so that `/people/me` is not a person's id."""
    grouped: dict[str, dict[str, Route]] = {}
    for route in table:
        grouped.setdefault(route.path, {})[route.method] = route
    ordered = sorted(grouped, key=lambda path: (path.count("{"), path))
    return [(re.compile(_pattern(path)), grouped[path]) for path in ordered]


def _pattern(path: str) -> str:
    parts = _PARAMETER.split(path)
    return re.escape(PREFIX) + "".join(
        f"(?P<{part}>{PATH_VALUE_PATTERN})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )


def framed_twice(headers: Headers) -> bool:
    """Whether a request says in two ways where its body ends. Answer it with CLOSING.

    Why: a proxy before us may believe the other one, and then one caller's body is another's request.
    Source: RFC 9112 §6.1.
    """
    return "transfer-encoding" in headers and "content-length" in headers


def origin_of(request: Request) -> Origin:
    """Say from where a request comes: the connection's own address, and what the device calls itself."""
    agent = "".join(letter for letter in request.headers.get("user-agent", "") if letter.isprintable())
    return Origin(request.client.host if request.client is not None else "", agent[:AGENT_LENGTH_MAX])


async def read_bounded(request: Request) -> bytes | Problem:
    """Read a body, at most BODY_BYTES_MAX within BODY_S_MAX."""
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for chunk in request.stream():
                content += chunk
                if len(content) > BODY_BYTES_MAX:
                    return Problem(told.TOO_LARGE, f"a body has at most {BODY_BYTES_MAX} bytes")
    except TimeoutError:
        return Problem(told.MALFORMED, f"the body did not arrive within {BODY_S_MAX:g} s")
    return bytes(content)
