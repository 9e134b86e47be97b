"""What a browser keeps of secrets: nothing. Not for its back and forward buttons, not in storages, history or fields.

And of a session that has ended: no page with anything private in it, whichever way somebody goes back to it.
"""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.console_people import PASSWORD, STEP_US
from tests.support.furnished_home import FurnishedHome, furnished_home
from tests.support.keygen_page import stored_by

from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountList, ExchangeAccountView
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyMade, ApiKeyPage, ApiKeyView
from watchword.entrypoints.console.routes.testnet_rules import KeyTemplateList, KeyTemplateView

pytestmark = [pytest.mark.browser, pytest.mark.long]

SECRET: Final = "NeverKept" * 7
#: Reads of a page all that somebody who comes back to it could see.
SEEN: Final = """() => document.documentElement.outerHTML +
  [...document.querySelectorAll("input, textarea, output")].map((one) => one.value).join(" ")"""
#: What password managers and browsers are told of each field for something secret.
SECRET_FIELDS: Final = "input[type=password], textarea[data-secret], input[name*=code], input[name=token], input[name=uri], [data-secret] input"
REMEMBERED: Final = frozenset({"current-password", "new-password", "off", "one-time-code"})
#: htmx notes the path it was at; no page is kept there.
STORED: Final = frozenset({"htmx-current-path-for-history"})


def key() -> ApiKeyView:
    return ApiKeyView(
        api_key="A" * 64, account="desk", account_id=1, key_type="HMAC", label="grid", permissions=["READING"], ips=[], symbols=[],
        expires=None, created="2026-11-01T10:00:00Z", last_used=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> PagesConsole:
    return PagesConsole(
        tmp_path_factory.mktemp("kept"), built=True, showKey=key(), makeKey=ApiKeyMade(key(), SECRET),
        listKeyTemplates=KeyTemplateList([KeyTemplateView("read-only", ["READING"], "Reads.")]),
        listKeys=ApiKeyPage([key()], None, 1), listExchangeAccounts=ExchangeAccountList([ExchangeAccountView("desk", 1, None, {})]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def origin(console: PagesConsole) -> Iterator[str]:
    with served(console) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, console: PagesConsole, origin: str) -> Iterator[Page]:
    made = Tab(chromium, origin)
    hold(made, console)
    yield made.page
    made.close()


def sent(page: Page, path: str, button: str, **typed: str) -> None:
    page.goto(path)
    for label, text in typed.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)
    page.locator("main").get_by_role("button", name=button).click()


def new_key(page: Page) -> str:
    sent(page, "/keys/new", "Create API key", Label="grid", Trusted_addresses="127.0.0.1")
    return page.locator("#made-secret").inner_text()


def recovery_codes(page: Page) -> str:
    sent(page, "/security/recovery-codes", "Draw ten codes")
    return page.locator("#codes").inner_text().split()[0]


def app_seed(page: Page) -> str:
    sent(page, "/security/app", "Continue", What_you_call_it="pad")
    page.get_by_text("Type it by hand instead").click()
    return page.locator("#app-secret").inner_text()


def enrolment(page: Page) -> str:
    sent(page, "/people/new", "Invite", Name="mia", Mail_address="mia@example.org")
    return page.locator("#enrolment-token").inner_text()


def gone(page: Page, secret: str) -> None:
    """Nothing that can be read of this page, or is kept by the browser, has it."""
    bare = secret.replace(" ", "")
    seen = page.evaluate(SEEN)
    assert secret not in seen
    assert bare not in seen
    kept = stored_by(page)
    assert secret.encode() not in kept
    assert bare.encode() not in kept


@pytest.mark.parametrize("made", [new_key, recovery_codes, app_seed, enrolment], ids=lambda one: one.__name__)
def test_secret_that_was_shown_once_is_nowhere_afterwards(page: Page, made: Callable[[Page], str]) -> None:
    for path in ("/keys", "/security/history"):
        page.goto(path)
    secret = made(page)
    assert len(secret) >= 8
    assert secret not in page.url
    page.goto("/security")
    for _ in range(3):
        gone(page, secret)
        page.go_back()
        page.wait_for_load_state()
    gone(page, secret)
    for _ in range(2):
        page.go_forward()
        page.wait_for_load_state()
        gone(page, secret)
    page.reload()
    gone(page, secret)


def test_what_was_typed_is_not_there_when_somebody_comes_back(page: Page) -> None:
    for path, label in (
        ("/security/password", "Present password"),
        ("/vault/unseal", "Passphrase"),
        ("/vault/add", "Secret key or private key"),
    ):
        page.goto(path)
        page.get_by_label(label, exact=True).fill(SECRET)
        page.goto("/keys")
        page.go_back()
        page.wait_for_load_state()
        assert SECRET not in page.evaluate(SEEN), path
        page.reload()
        assert SECRET not in page.evaluate(SEEN), path


def test_nothing_private_is_shown_after_signing_out(
    chromium: Browser, console: PagesConsole, origin: str
) -> None:
    console.person("nina", "owner")
    tab = Tab(chromium, origin)
    page = tab.page
    page.goto("/sign-in")
    page.get_by_label("Name or mail address").fill("nina")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    console.clock.us += STEP_US
    page.get_by_label("Code of your authenticator app").fill(console.code_of("nina"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    page.goto("/keys")
    expect(page.locator("#list")).to_contain_text("grid")
    page.goto(f"/keys/{'A' * 64}")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    for _ in range(4):
        page.go_back()
        page.wait_for_load_state()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "grid" not in page.evaluate(SEEN)
        assert PASSWORD not in page.evaluate(SEEN)
    assert tab.session() == ""
    assert set(page.evaluate("Object.keys({...localStorage, ...sessionStorage})")) <= STORED
    tab.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedHome]:
    with furnished_home(tmp_path_factory.mktemp("kept-all")) as made:
        yield made


@pytest.mark.timeout(240)
def test_no_page_is_kept_and_no_field_for_a_secret_is_filled_in_by_the_browser(
    chromium: Browser, home: FurnishedHome
) -> None:
    tab = home.tab_of(chromium)
    page = tab.page
    headers: dict[str, dict[str, str]] = {}

    def note(answer: Response) -> None:
        headers[answer.url.removeprefix(tab.origin)] = answer.headers

    page.on("response", note)
    for place in home.places():
        page.goto(place)
        for field in page.locator(SECRET_FIELDS).all():
            assert field.get_attribute("autocomplete") in REMEMBERED, (
                place,
                field.evaluate("one => one.outerHTML"),
            )
    assert set(page.evaluate("Object.keys({...localStorage, ...sessionStorage})")) <= STORED
    assert page.evaluate("indexedDB.databases()") == []
    assert page.evaluate("caches.keys()") == []
    assert page.evaluate("document.cookie") == ""
    pages = {path: found for path, found in headers.items() if not path.startswith("/static/")}
    assert len(pages) >= len(home.places())
    lax = {
        path: found.get("cache-control")
        for path, found in pages.items()
        if found.get("cache-control") != "no-store"
    }
    assert lax == {}
    for path, found in headers.items():
        assert found.get("referrer-policy") == "same-origin", path
        assert found.get("x-content-type-options") == "nosniff", path
        assert "default-src 'none'" in found.get("content-security-policy", ""), path
        assert found.get("cross-origin-opener-policy") == "same-origin", path
    tab.close()
