"""The pages over real people in memory: no disk, no socket. What a testnet would say is put in by tests.

console = PagesConsole(tmp_path)
console.answers["listKeys"] = ApiKeyPage([], None, 0)
ann = console.browser().sign_in("ann", "trader")
page = await ann.get("/keys")
await ann.post("/keys/new", {"label": "x"})          # with the form's token, as a browser sends it
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

import msgspec
from httpx import ASGITransport, AsyncClient, Response
from tests.support.console_people import PeopleConsole

from watchword.accounts.roles import Role
from watchword.config import ConsoleSettings
from watchword.entrypoints.console.application import Application
from watchword.entrypoints.console.pages import cookies
from watchword.entrypoints.console.pages.assets import Assets
from watchword.entrypoints.console.pages.csrf import FIELD
from watchword.entrypoints.console.pages.door import Door
from watchword.entrypoints.console.pages.table import PAGES
from watchword.entrypoints.console.routes.table import ROUTES
from watchword.entrypoints.gateway.host_names import HostNames

ADDRESS: Final = "http://localhost:8700"
FORM: Final = "application/x-www-form-urlencoded"
_TOKEN: Final = re.compile(rf'name="{FIELD}" value="([0-9a-f]+)"')


class PagesConsole(PeopleConsole):
    """A console with its pages.

    Attributes:
        answers: What routes answer in place of their handlers, by name; a callable gets the `Ask`. Authorization,
            freshness and audit happen as ever.
        door: The application; with scripts and styles where `built`.
    """

    def __init__(self, folder: Path, *, tls: bool = False, built: bool = False, **answers: Any) -> None:
        self.answers: dict[str, Any] = dict(answers)
        self.asked: list[Any] = []
        table = tuple(msgspec.structs.replace(one, handler=self._stand_in(one)) for one in ROUTES)
        super().__init__(table)
        self.at_hand: dict[type, Any] = {}
        self.settings = ConsoleSettings(home=folder, limits_scale=100)
        names = HostNames("127.0.0.1", ())
        api = Application(self, table, names, tls=tls)  # type: ignore[arg-type]
        self.tls = tls
        self.door = Door(api, self, table, PAGES, tls=tls, assets=Assets() if built else Assets(folder / "-"))  # type: ignore[arg-type]

    def browser(self) -> "FakeBrowser":
        """Somebody's browser."""
        return FakeBrowser(self)

    def signed_in(  # type: ignore[override]  # people of pages have browsers, those of the API tokens
        self, name: str = "olga", role: Role = "owner"
    ) -> "FakeBrowser":
        """A browser of somebody signed in, who showed their factor just now."""
        return self.browser().sign_in(name, role)

    def stale(self) -> None:
        """Let ten minutes pass: every factor is stale, every session good."""
        self.clock.us += 600_000_000

    def _stand_in(self, route: Any) -> Any:
        async def handler(ask: Any) -> Any:
            if route.name not in self.answers:
                return await route.handler(ask)
            self.asked.append(ask)
            answer = self.answers[route.name]
            return answer(ask) if callable(answer) else answer

        return handler


class FakeBrowser:
    """Keeps cookies and sends forms as a browser does. It runs no script; `test_…` in tests/e2e/console/pages do."""

    def __init__(self, console: PagesConsole) -> None:
        self.console = console
        address = ADDRESS.replace("http", "https") if console.tls else ADDRESS
        self.http = AsyncClient(transport=ASGITransport(console.door), base_url=address)
        self.address = address

    def sign_in(self, name: str, role: Role) -> Self:
        """Take a session without the door."""
        self.hold(self.console.session_of(name, role))
        return self

    def hold(self, token: str) -> None:
        """Hold a session's token in the cookie."""
        prefix = cookies.HOST_PREFIX if self.console.tls else ""
        self.http.cookies.set(f"{prefix}{cookies.SESSION}", token, domain="localhost.local")

    async def get(self, path: str, **headers: str) -> Response:
        """Look at a page."""
        return await self.http.get(path, headers=_named(headers))

    async def token(self, path: str = "/security") -> str:
        """The token of forms, as the page shows it."""
        shown = await self.get(path)
        found = _TOKEN.search(shown.text)
        assert found is not None, shown.text
        return found[1]

    async def post(
        self, path: str, fields: Mapping[str, Any] | None = None, *, at: str = "/security", **headers: str
    ) -> Response:
        """Send a form, with the token that the page `at` has."""
        form = {FIELD: await self.token(at), **(fields or {})}
        return await self.send(path, form, **headers)

    async def send(self, path: str, form: Mapping[str, Any], **headers: str) -> Response:
        """Send a form as it is."""
        sent = {
            "content-type": FORM,
            "origin": self.address,
            "sec-fetch-site": "same-origin",
            **_named(headers),
        }
        body = urlencode(form, doseq=True)
        return await self.http.post(
            path, content=body, headers={name: value for name, value in sent.items() if value}
        )


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
