"""The pages as an ASGI application, before the management API: host, cookies, form, headers; HTML out. Decides nothing else.

What begins with the API's prefix goes on to the API as it came. The API never reads cookies and the pages never read
Authorization, so neither can be used through the other.
"""

import gzip
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.application import (
    CLOSING,
    SECURITY_HEADERS,
    STRICT_TRANSPORT,
    Application,
    framed_twice,
    origin_of,
    read_bounded,
)
from watchword.entrypoints.console.authentication import caller_of
from watchword.entrypoints.console.dispatch import REQUEST_ID_BYTES
from watchword.entrypoints.console.pages import cookies, csrf
from watchword.entrypoints.console.pages.answering import answered, problem_view
from watchword.entrypoints.console.pages.assets import URL, Assets
from watchword.entrypoints.console.pages.calling import Calls
from watchword.entrypoints.console.pages.cookies import Jar
from watchword.entrypoints.console.pages.csrf import FormTokens
from watchword.entrypoints.console.pages.finding import PageTable
from watchword.entrypoints.console.pages.page import Bytes, Go, Page, View
from watchword.entrypoints.console.pages.rendering import Renderer
from watchword.entrypoints.console.pages.visit import Visit, read_form
from watchword.entrypoints.console.problem import Kind, Problem
from watchword.entrypoints.console.route import Caller, Route
from watchword.entrypoints.console.streaming import Streamed, StreamedResponse
from watchword.kernel.errors import InvariantError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from watchword.accounts.model import Origin
    from watchword.bootstrap.console import Console

LOG = logging.getLogger("watchword.console")

API_FOLDER: Final = "/manage"
HTML: Final = "text/html; charset=utf-8"
TOAST_S: Final = 60
#: Of gzip, for what is packed anew each time: a sixth of the size for a millisecond.
PACKING_LEVEL: Final = 5
ASSET_CACHE: Final = "public, max-age=31536000, immutable"
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final[Mapping[str, str]] = {
    **SECURITY_HEADERS,
    "content-security-policy": CONTENT_POLICY,
    "cross-origin-opener-policy": "same-origin",
    # Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "vary": "Cookie, HX-Request",
}
NO_PAGE: Final = Kind("no-such-page", 404, "There is no such page")
_ELSEWHERE: Final = frozenset({"cross-site", "same-site"})
_STALE_FORM: Final = Problem(
    told.FOREIGN_PAGE, "this form is out of date: go back, reload the page and send it again"
)


class Door:
    """The ASGI application of one console: pages, and the API behind them."""

    def __init__(
        self, api: Application, console: "Console", routes: Sequence[Route], pages: Sequence[Page], *,
        tls: bool = False, assets: Assets | None = None,
    ) -> None:  # fmt: skip
        """Put pages before the API.

        Args:
            api: The management API.
            console: The process's parts.
            routes: The API's table.
            pages: All pages.
            tls: Whether it is served over TLS.
            assets: Scripts and styles; None reads what was built.
        """
        self._api, self._console, self._tls = api, console, tls
        self._calls = Calls(api.dispatch, routes)
        self._table = PageTable(pages)
        self._tokens = FormTokens(console.entropy)
        self._assets = assets or Assets()
        self._renderer = Renderer(self._table, self._tokens, self._assets)
        self._headers = {
            **PAGE_HEADERS,
            **({"strict-transport-security": STRICT_TRANSPORT} if tls else {}),
        }

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http" or scope["path"].startswith(API_FOLDER):
            await self._api(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answered(request)
        except ClientDisconnect:
            return
        except InvariantError as error:
            LOG.critical("a rule that cannot be broken was broken: %s", error)
            response = self._plain(told.FAULT.status, told.FAULT.title)
            self._api.on_broken(error)
        except Exception:
            LOG.exception("a page broke")
            response = self._plain(told.FAULT.status, told.FAULT.title)
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        if framed_twice(request.headers):
            return self._plain(told.MALFORMED.status, told.MALFORMED.title, CLOSING)
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._api.names.accept(hosts[0].encode("latin-1")):
            return self._plain(told.WRONG_HOST.status, told.WRONG_HOST.title)
        path: str = request.scope["path"]
        if path.startswith(URL) and request.method in {"GET", "HEAD"}:
            return self._asset(path, request.headers)
        visit, bound = self._visit(request, path)
        if request.method in {"GET", "HEAD"}:
            return await self._shown(request, visit, bound)
        if request.method != "POST":
            return self._html(visit, problem_view(Problem(told.WRONG_METHOD)), bound)
        return await self._taken(request, visit, bound)

    async def _shown(self, request: Request, visit: Visit, bound: str) -> Response:
        """Show a page. One that another site leads to is shown after a click: the strict cookie was not sent along."""
        # Following a link sends no Origin; a script of elsewhere that reads or opens a stream does.
        if not csrf.origin_is_ours(request.headers, self._console.origin):
            return self._plain(told.FOREIGN_PAGE.status, told.FOREIGN_PAGE.title)
        if request.headers.get("sec-fetch-site") in _ELSEWHERE:
            if request.headers.get("sec-fetch-dest", "document") != "document":
                return self._plain(told.FOREIGN_PAGE.status, told.FOREIGN_PAGE.title)
            return self._html(
                visit, View("from_elsewhere.html", {"path": self._table.local(visit.address)}), bound
            )
        answer = await answered(visit, taking=False)
        if isinstance(answer, Streamed) and request.method == "HEAD":
            await answer.close()
            answer = Bytes(b"", answer.media)
        if isinstance(answer, Bytes) and answer.packs and _takes_gzip(request.headers):
            packed = gzip.compress(answer.content, PACKING_LEVEL, mtime=0)
            about = {"content-encoding": "gzip", "vary": "Accept-Encoding, " + self._headers["vary"]}
            return self._reply(visit, answer.status, packed, answer.media, about)
        return self._response(visit, answer, bound)

    async def _taken(self, request: Request, visit: Visit, bound: str) -> Response:
        """Take a form, once it is known to be ours."""
        if not csrf.from_ourselves(request.headers, self._console.origin):
            return self._plain(told.FOREIGN_PAGE.status, told.FOREIGN_PAGE.title)
        content = await read_bounded(request)
        form = (
            content
            if isinstance(content, Problem)
            else read_form(request.headers.get("content-type", ""), content)
        )
        if isinstance(form, Problem):
            return self._html(visit, problem_view(form), bound)
        sent = request.headers.get(csrf.HEADER) or form.text(csrf.FIELD)
        if not self._tokens.holds(bound, sent):
            return self._html(visit, problem_view(_STALE_FORM), bound)
        visit.form = form
        return self._response(visit, await answered(visit, taking=True), bound)

    def _visit(self, request: Request, path: str) -> tuple[Visit, str]:
        """Say who looks at what, and what forms are bound to."""
        console, now_us, origin = self._console, self._console.clock.now_us(), origin_of(request)
        jar = Jar(request.headers.getlist("cookie"), tls=self._tls)
        who = self._who(jar, origin, now_us)
        found = self._table.find(path)
        page, values = found if found is not None else (_NO_PAGE, {})
        visit = Visit(
            self._calls, page, who=who, path=values, query=dict(QueryParams(request.scope["query_string"])),
            jar=jar, origin=origin, request=console.entropy.token(REQUEST_ID_BYTES).hex(), now_us=now_us,
            address=path, table=self._table, partial=request.headers.get("hx-request") == "true",
            console_origin=console.origin,
        )  # fmt: skip
        if who is not None and who.session is not None:
            return visit, who.session.id
        bound = jar.get(cookies.VISIT)
        if not bound:
            bound = console.entropy.token(csrf.VISIT_BYTES).hex()
            jar.put(cookies.VISIT, bound)
        return visit, bound

    def _who(self, jar: Jar, origin: "Origin", now_us: int) -> Caller | None:
        """Find the session of the cookie. An API token there opens nothing: it is no session."""
        token = jar.get(cookies.SESSION)
        who = caller_of(self._console, token, origin, now_us) if token else None
        if token and (who is None or who.session is None):
            jar.drop(cookies.SESSION)
            return None
        return who

    def _response(self, visit: Visit, answer: View | Go | Bytes | Streamed, bound: str) -> Response:
        match answer:
            case View():
                return self._html(visit, answer, bound)
            case Go(path, toast):
                if toast is not None:
                    visit.jar.put(cookies.TOAST, toast, age_s=TOAST_S)
                # htmx would follow a 303 by itself and put the whole page where a part belongs.
                if visit.partial:
                    return self._reply(visit, 204, b"", None, {"hx-redirect": path})
                return self._reply(visit, 303, b"", None, {"location": path})
            case Bytes(content, media, filename, status, _):
                saved = {"content-disposition": f'attachment; filename="{filename}"'} if filename else {}
                return self._reply(visit, status, content, media, saved)
            case Streamed():
                response = StreamedResponse(answer, {**self._headers, "x-request-id": visit.request})
                return _with_cookies(response, visit)

    def _html(self, visit: Visit, view: View, bound: str) -> Response:
        return self._reply(visit, view.status, self._renderer.render(visit, view, bound).encode(), HTML, {})

    def _reply(
        self, visit: Visit, status: int, content: bytes, media: str | None, more: Mapping[str, str]
    ) -> Response:
        response = Response(content, status, {**self._headers, "x-request-id": visit.request, **more}, media)
        return _with_cookies(response, visit)

    def _plain(self, status: int, text: str, more: Mapping[str, str] | None = None) -> Response:
        """Answer without looking at anything, as where nothing can be trusted to be ours."""
        headers = {**self._headers, **(more or {})}
        return Response(text.encode(), status, headers, "text/plain; charset=utf-8")

    def _asset(self, path: str, headers: Headers) -> Response:
        asset = self._assets.find(path)
        if asset is None:
            return self._plain(told.NO_ROUTE.status, told.NO_ROUTE.title)
        packed = _takes_gzip(headers)
        about = {
            **self._headers,
            "cache-control": ASSET_CACHE,
            "vary": "Accept-Encoding",
            **({"content-encoding": "gzip"} if packed else {}),
        }
        return Response(asset.packed if packed else asset.content, 200, about, asset.media)


def _takes_gzip(headers: Headers) -> bool:
    return "gzip" in headers.get("accept-encoding", "")


def _with_cookies(response: Response, visit: Visit) -> Response:
    for value in visit.jar.headers():
        response.headers.append("set-cookie", value)
    return response


async def _no_page(_: Visit) -> Problem:
    return Problem(NO_PAGE, "the address may be mistyped, or what it showed is gone")


_NO_PAGE: Final = Page(path="/", get=_no_page, post=_no_page, stages=None)
