"""Debian's Chromium, driven by Playwright: one browser for a module, a context for each person. Skips where there is none."""

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import pyotp
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from tests.support.console_pages import PagesConsole
from tests.support.console_process import PASSWORD, ConsoleProcess, founded
from tests.support.testnet_process import TestnetProcess

from watchword.accounts.roles import Role
from watchword.entrypoints.console.pages.assets import FOLDER
from watchword.entrypoints.console.pages.cookies import SESSION

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
STEP_MS_MAX: Final = 15_000
WIDE: Final = 1600
NARROW: Final = 360
HEIGHT: Final = 900
CODE_STEP_S: Final = 30
POLL_S: Final = 0.05
READY_S_MAX: Final = 10.0

Scheme = Literal["light", "dark"]


def chromium() -> str:
    """Where it is; skips the test where there is none, or where the pages' scripts were not built."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if not (FOLDER / "app.js").exists():
        pytest.skip("the pages' scripts are not built: run make test, or npm run build in frontend/")
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser without windows. As root it has no sandbox; it sees only our own pages."""
    program = chromium()
    expect.set_options(timeout=STEP_MS_MAX)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield launched
        finally:
            launched.close()


class Tab:
    """One person's browser, with what it complained of.

    Attributes:
        page: Playwright's.
        complaints: Errors of scripts, refused by the content policy or otherwise.
    """

    def __init__(self, browser: Browser, origin: str, **more: Any) -> None:
        self.origin = origin
        self.context: BrowserContext = browser.new_context(base_url=origin, **more)
        self.context.set_default_timeout(STEP_MS_MAX)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def close(self) -> None:
        self.context.close()

    def enrol(self, token: str, password: str) -> str:
        """Set up password and app by clicking only; returns the app's seed. Ends at the home page."""
        page = self.page
        page.goto("/set-up")
        page.get_by_label("Enrolment token").fill(token)
        page.get_by_label("New password", exact=True).fill(password)
        page.get_by_label("New password, again").fill(password)
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name="Authenticator app").click()
        page.get_by_text("Type it by hand instead").click()
        seed = page.locator("#app-secret").inner_text().replace(" ", "")
        page.get_by_label("Code of the app").fill(pyotp.TOTP(seed).now())
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("heading", name="Your recovery codes").wait_for()
        page.get_by_role("link", name="I kept them").click()
        page.wait_for_load_state()
        return seed

    def session(self) -> str:
        """The cookie's value."""
        found = [one["value"] for one in self.context.cookies() if one["name"].endswith("watchword_session")]
        return found[0] if found else ""

    def _note(self, message: ConsoleMessage) -> None:
        # What a refused form or a missing page answers is no fault of a script.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)


class PagedHome:
    """A testnet and a console of one home, and Chromium before them.

    Attributes:
        seed: Of the owner's app, once they are enrolled.
    """

    def __init__(self, folder: Path, browser: Browser) -> None:
        self.browser, self.home = browser, folder / "home"
        self.enrolment = founded(self.home)
        self.testnet = TestnetProcess.start(self.home, liquidity=False)
        try:
            self.console = ConsoleProcess.start(self.home)
        except BaseException:
            self.testnet.stop()
            raise
        self.seed = ""
        self._last = 0
        self._tabs: list[Tab] = []

    def tab(self, **more: Any) -> Tab:
        """A browser of its own: no cookie is shared."""
        made = Tab(self.browser, self.console.origin, **more)
        self._tabs.append(made)
        return made

    def enrolled(self, **more: Any) -> Tab:
        """The owner's tab, set up by clicking."""
        tab = self.tab(**more)
        self.seed = tab.enrol(self.enrolment, PASSWORD)
        # The step that enrolled is used.
        self._last = int(time.time()) // CODE_STEP_S
        return tab

    def signed_in(self, of: Tab, **more: Any) -> Tab:
        """Another tab with somebody's session, of other width, colours or without JavaScript."""
        return self.tab(storage_state=of.context.storage_state(), **more)

    def code(self) -> str:
        """What the owner's app shows next; a step that was used is refused, so it may take half a minute."""
        step = max(int(time.time()) // CODE_STEP_S, self._last + 1)
        while step > int(time.time()) // CODE_STEP_S + 1:
            time.sleep(POLL_S)
        self._last = step
        return str(pyotp.TOTP(self.seed).generate_otp(step))

    def stop(self) -> None:
        for tab in self._tabs:
            tab.close()
        codes = [self.console.stop(), self.testnet.stop()]
        assert codes == [0, 0], codes


@contextlib.contextmanager
def paged_home(folder: Path) -> Iterator[PagedHome]:
    """A home with its browser; everything is stopped afterwards."""
    with browser() as launched:
        home = PagedHome(folder, launched)
        try:
            yield home
        finally:
            home.stop()


@contextlib.contextmanager
def served(console: PagesConsole) -> Iterator[str]:
    """Serve pages over people in memory, whose clock tests move; returns their address."""
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(console.door, interface="asgi3", lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(POLL_S)
        yield f"http://localhost:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(READY_S_MAX)
        sock.close()


def hold(tab: Tab, console: PagesConsole, name: str = "olga", role: Role = "owner") -> None:
    """Give a tab somebody's session."""
    cookie = {"name": SESSION, "value": console.session_of(name, role), "url": tab.origin, "httpOnly": True}
    tab.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of Playwright's own
