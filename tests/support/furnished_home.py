"""A managed home with one of everything in it, so that every page has something to show; and where each page is.

with furnished_home(folder) as home:
    for place in home.places():        # every page of the table that is a page, its parameters filled in
        tab.page.goto(place)

Texts that people or bots chose pass through `words`, so that a test can plant others in all of them.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser
from tests.support.browser import Tab
from tests.support.console_process import PASSWORD, Member
from tests.support.gateway_process import VirtualKey
from tests.support.managed_home import ManagedHome

from watchword.entrypoints.console.pages.cookies import SESSION
from watchword.entrypoints.console.pages.page import Page
from watchword.entrypoints.console.pages.table import PAGES

#: What answers scripts or saves a file: the only GETs that are no pages.
NO_PAGES: Final = frozenset(
    page.path
    for page in PAGES
    if page.path.endswith((".csv", ".json", "/events")) or page.path.startswith("/live/")
)
#: Part of another page, asked for by scripts; without them a page like the others.
PARTS: Final = frozenset({"/market/orders"})
#: Pages for who is not signed in, or not yet.
GATES: Final = frozenset({"/sign-in", "/sign-in/factor", "/set-up", "/set-up/app"})
#: Parameters of paths, by the first part of the path: what `FurnishedHome.at` has a value for.
PARAMETERS: Final = frozenset(
    {
        ("keys", "key"), ("keys", "account"), ("vault", "credential"), ("virtual-keys", "key"), ("policies", "key"),
        ("approvals", "approval"), ("audit", "trail"), ("audit", "row"), ("people", "person"), ("people", "session"),
        ("people", "kind"), ("people", "subject"), ("security", "factor"), ("security", "session"), ("security", "token"),
        ("security", "which"),
    }
)  # fmt: skip
FIRST_CAPITAL: Final = {"USDT": "100000", "BTC": "5", "BNB": "20"}
ASKING_POLICY: Final = """\
version: 1
# {comment}
name: {name}
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {{name: {rule}, notional_above: {{USDT: 200}}, mode: refuse, approvers: [olga], time_limit: 20m}}
"""
#: Well before the five minutes are over that a factor is good for.
FRESH_S: Final = 180.0
MARKET_WAIT_S: Final = 20.0
SMALL: Final = {"symbol": "BTCUSDT", "quantity": "0.001", "price": "30000"}


def plain(text: str) -> str:
    """The words themselves."""
    return text


def shown_pages() -> list[Page]:
    """Every page of the table somebody signed in can look at."""
    return [page for page in PAGES if page.get is not None and page.path not in NO_PAGES | GATES]


class FurnishedHome(ManagedHome):
    """One of everything.

    Attributes:
        words: Makes of each chosen text what is written down.
        at: Value of each parameter of a path, by the first parts of the path and the parameter's name.
        bot: Key of a bot whose policy asks people.
    """

    words: Callable[[str], str] = staticmethod(plain)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun = time.monotonic()
        self._shown: dict[Tab, float] = {}

    def furnish(self, words: Callable[[str], str] = plain) -> None:
        """Put one of everything in."""
        self.words = words
        if time.monotonic() - self.begun > FRESH_S:
            self.owner.step_up()
        self.recovery: list[str] = list(self.done("POST", "/self/recovery-codes")["codes"])
        self.desk = self.account(words("desk"), **FIRST_CAPITAL)
        self.spare = self.account(words("spare"), **FIRST_CAPITAL)
        key = self.done(
            "POST", "/keys",
            {"account": self.desk, "key_type": "HMAC", "label": words("grid bot"), "ips": ["127.0.0.1"],
             "permissions": ["READING"], "symbols": ["BTCUSDT"], "expires": "5d"},
        )  # fmt: skip
        self._trade()
        self.credential = self.real_key(self.desk, words("main"))
        unregistered = {"label": words("unregistered"), "upstream": "local", "notes": words("a note")}
        self.done("POST", "/credentials/pairs", unregistered)
        self.virtual = self.issued(words("arbitrage bot"))
        self.tom = Member(self.console, words("tom"))
        invited = {"name": self.tom.name, "mail": "tom@example.org", "role": "trader"}
        self.tom.enrol(self.done("POST", "/people", invited)["enrolment"])
        person = self.id_of(self.tom)
        self.done("PUT", f"/people/{person}/assignments/virtual/{self.virtual.id}")
        self.done("PUT", f"/accounts/{self.spare}/owner", {"person": person})
        expires_us = time.time_ns() // 1_000 + 3_600_000_000
        own = self.done("GET", "/self/sessions")["items"][0]["id"]
        token = {"label": words("nightly export"), "scopes": ["self.read"], "expires_us": expires_us}
        token_id = self.done("POST", "/self/tokens", token)["about"]["id"]
        self._ask_people()
        sessions = self.done("GET", f"/people/{person}/sessions")["items"]
        (approval,) = self.done("GET", "/approvals")["items"]
        rows = self.done("GET", "/audit?limit=1")["items"]
        factor = self.done("GET", "/self/factors")["items"][0]
        self.at: dict[tuple[str, str], str] = {
            ("keys", "key"): key["key"]["api_key"], ("keys", "account"): str(self.desk),
            ("vault", "credential"): self.credential, ("virtual-keys", "key"): self.virtual.id,
            ("policies", "key"): self.virtual.id, ("approvals", "approval"): approval["id"],
            ("audit", "trail"): rows[0]["trail"], ("audit", "row"): str(rows[0]["row"]),
            ("people", "person"): person, ("people", "session"): sessions[0]["id"], ("people", "kind"): "virtual",
            ("people", "subject"): self.virtual.id, ("security", "factor"): factor["id"],
            ("security", "session"): own, ("security", "token"): token_id, ("security", "which"): "mail",
        }  # fmt: skip
        assert set(self.at) == PARAMETERS

    def issued(self, label: str) -> VirtualKey:
        """Issue a virtual key whose large orders ask people."""
        quoted = {name: f"'{self.words(text).replace(chr(39), chr(39) * 2)}'" for name, text in
                  (("name", "asks people"), ("rule", "large orders"))}  # fmt: skip
        return self.virtual_key(
            self.credential, label, ASKING_POLICY.format(comment=self.words("a comment"), **quoted)
        )

    def place_of(self, page: Page) -> str:
        """Where a page is.

        Raises:
            KeyError: It has a parameter nothing is known about here.
        """
        parts = []
        for part in page.path.split("/"):
            name = part[1:-1]
            parts.append(self.at[(page.path.split("/")[1], name)] if part.startswith("{") else part)
        return "/".join(parts)

    def places(self) -> list[str]:
        """Where all pages are that somebody signed in can look at."""
        return [self.place_of(page) for page in shown_pages()]

    def tab_of(self, browser: Browser, member: Member | None = None, **more: Any) -> Tab:
        """A browser of somebody signed in, of a session of its own for the owner: theirs is for calls."""
        tab = Tab(browser, self.console.origin, **more)
        token = member.token if member is not None else self.another_session()
        cookie = {"name": SESSION, "value": token, "url": tab.origin, "httpOnly": True}
        tab.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of Playwright's own
        self._shown[tab] = time.monotonic()
        return tab

    def freshen(self, tab: Tab) -> None:
        """Give the owner's tab another session before the factor of its own is stale; calls as well."""
        if time.monotonic() - self._shown[tab] > FRESH_S:
            cookie = {"name": SESSION, "value": self.another_session(), "url": tab.origin, "httpOnly": True}
            tab.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of Playwright's own
            self._shown[tab] = time.monotonic()
            self.owner.token = self.another_session()

    def another_session(self, agent: str = "") -> str:
        """Sign the owner in once more, with a recovery code: an app's code would have to be waited for."""
        headers = {"user-agent": agent} if agent else {}
        body: dict[str, Any] = {"login": self.owner.name, "password": PASSWORD}
        first = self.console.call("POST", "/sign-in", "", body, headers)
        assert first.status == 200, first.body
        body = {"attempt": {"type": "recovery", "code": self.recovery.pop()}}
        shown = self.console.call("POST", "/sign-in/factor", first.json["token"], body, headers)
        assert shown.status == 200, shown.body
        return str(shown.json["token"])

    def _trade(self) -> None:
        """One trade between the accounts, one order that stands, one deposit."""
        for account, side in ((self.spare, "SELL"), (self.desk, "BUY")):
            self.done("POST", f"/accounts/{account}/orders", {**SMALL, "side": side, "quantity": "0.5"})
        for price in ("20000", "21000"):
            self.done("POST", f"/accounts/{self.desk}/orders", {**SMALL, "side": "BUY", "price": price})
        self.done("POST", f"/accounts/{self.spare}/orders", {**SMALL, "side": "SELL", "price": "31000"})
        self.done("POST", f"/accounts/{self.desk}/faucet", {"asset": "BNB"})

    def _ask_people(self) -> None:
        """Let the bot place a small order, and ask for a large one, which waits."""
        bot = self.bot(self.virtual)
        assert bot.place(quantity="0.001").status == 200
        # Until the gateway has seen the market it cannot say what an order is worth, and refuses it for that.
        deadline = time.monotonic() + MARKET_WAIT_S
        while not self.done("GET", "/approvals")["items"]:
            assert bot.place(quantity="0.02").code == -2010
            assert time.monotonic() < deadline, "nobody is asked"
            time.sleep(0.1)
        assert bot.place(symbol="NOSUCH").code != 0


@contextlib.contextmanager
def bare_home(folder: Path) -> Iterator[FurnishedHome]:
    """A home with an owner and nothing else; `furnish` puts the rest in."""
    made = FurnishedHome(folder)
    try:
        made.enrolled()
        yield made
    finally:
        made.stop()


@contextlib.contextmanager
def furnished_home(folder: Path, words: Callable[[str], str] = plain) -> Iterator[FurnishedHome]:
    """A home with one of everything."""
    with bare_home(folder) as made:
        made.furnish(words)
        yield made
