"""What must not work, tried in a real browser: XSS by labels, frames, forms of elsewhere, planted redirects, cached secrets."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.console_people import PASSWORD, STEP_US

from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountList, ExchangeAccountView
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyMade, ApiKeyPage, ApiKeyView
from watchword.entrypoints.console.routes.testnet_rules import KeyTemplateList, KeyTemplateView

pytestmark = pytest.mark.browser

KEY, SECRET = "A" * 64, "s3cret" * 10
NASTY = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=1">',
    "' autofocus onfocus='window.hacked=1",
    "</title><svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    '<b hx-get="/security" hx-trigger="load">x</b>',
    "{{ ''.__class__ }}",
)


def key(**more: Any) -> ApiKeyView:
    usual: dict[str, Any] = {
        "api_key": KEY, "account": "desk", "account_id": 1, "key_type": "HMAC", "label": "grid",
        "permissions": ["READING"], "ips": [], "symbols": [], "expires": None, "created": "2026-11-01T10:00:00Z",
        "last_used": None,
    }  # fmt: skip
    return ApiKeyView(**{**usual, **more})


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> PagesConsole:
    return PagesConsole(
        tmp_path_factory.mktemp("guards"), built=True,
        listExchangeAccounts=ExchangeAccountList([ExchangeAccountView("desk", 1, None, {})]),
        listKeyTemplates=KeyTemplateList([KeyTemplateView("read-only", ["READING"], "Reads.")]),
        showKey=key(), makeKey=ApiKeyMade(key(), SECRET), listKeys=ApiKeyPage([key()], None, 1),
    )  # fmt: skip


@pytest.fixture(scope="module")
def origin(chromium: Browser, console: PagesConsole) -> Iterator[str]:
    with served(console) as address:
        yield address


@pytest.fixture
def tab(chromium: Browser, console: PagesConsole, origin: str) -> Iterator[Tab]:
    made = Tab(chromium, origin)
    hold(made, console)
    yield made
    made.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A server of somebody else, of another origin; takes a page and says where it is."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0),
        lambda *given: Quiet(*given, directory=str(tmp_path)),  # type: ignore[arg-type]
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def place(content: str) -> str:
        (tmp_path / "page.html").write_text(content)
        return f"http://127.0.0.1:{server.server_port}/page.html"

    yield place
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("text", NASTY)
def test_free_text_never_runs(tab: Tab, console: PagesConsole, text: str) -> None:
    nasty = key(label=text, account=text, symbols=[text], ips=[text], last_used_for=text, last_used_from=text)
    console.answers.update(listKeys=ApiKeyPage([nasty], None, 1), showKey=nasty)
    page = tab.page
    for path in ("/keys", f"/keys/{KEY}", f"/keys/{KEY}/delete"):
        page.goto(path)
        assert page.evaluate("window.hacked") is None
        assert page.locator("main b, main img").count() == 0
        expect(page.locator("main")).to_contain_text(text[:12])
    page.goto("/keys")
    page.get_by_role("link", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(text[:12])
    assert page.evaluate("window.hacked") is None
    assert tab.complaints == []
    console.answers.update(listKeys=ApiKeyPage([key()], None, 1), showKey=key())


def test_content_policy_blocks_what_is_put_into_a_page(tab: Tab) -> None:
    page = tab.page
    page.goto("/keys")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
          const far = document.createElement("script");
          far.src = "data:text/javascript,window.hacked=1";
          document.body.append(far);
          document.body.insertAdjacentHTML("beforeend", "<p id=odd style='color:red' onclick='window.hacked=1'>x</p>");
          document.getElementById("odd").click();
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("getComputedStyle(document.getElementById('odd')).color") != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in one for one in tab.complaints)
    assert page.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'blocked')") == "blocked"


def test_session_is_out_of_reach_of_scripts(desk_signed_in: Tab) -> None:
    page, session = desk_signed_in.page, desk_signed_in.session()
    assert session.startswith("wws_")
    assert session not in page.content()
    assert page.evaluate("document.cookie") == ""
    # htmx notes the path it was at; no page is kept there.
    kept = page.evaluate("({...localStorage, ...sessionStorage})")
    assert set(kept) <= {"htmx-current-path-for-history"}


def test_page_is_in_nobodys_frame(tab: Tab, origin: str, elsewhere: Callable[[str], str]) -> None:
    page = tab.page
    page.goto(elsewhere(f'<iframe src="{origin}/keys/{KEY}/delete"></iframe>'))
    page.wait_for_timeout(300)
    frame = page.frames[1]
    assert "API" not in frame.evaluate("document.body.innerText")
    assert any("frame" in one.lower() for one in tab.complaints)


def test_form_of_elsewhere_changes_nothing(
    tab: Tab, console: PagesConsole, origin: str, elsewhere: Any
) -> None:
    tab.page.goto("/keys")
    token = tab.page.locator('meta[name="csrf"]').get_attribute("content")
    deleted: list[Any] = []
    console.answers["deleteKey"] = deleted.append
    tab.page.goto(
        elsewhere(
            f'<form method=post action="{origin}/keys/{KEY}/delete"><input name=w_csrf value="{token}"></form>'
            "<script>document.forms[0].submit()</script>"
        )
    )
    expect(tab.page.get_by_text("Pages of other origins are not served")).to_be_visible()
    assert deleted == []


@pytest.fixture
def desk_signed_in(chromium: Browser, console: PagesConsole, origin: str) -> Iterator[Tab]:
    """Somebody who signed in by the form, from a link with a planted redirect."""
    console.person("nina", "owner")
    tab = Tab(chromium, origin)
    page = tab.page
    page.goto("/sign-in?next=//evil.example/%2e%2e")
    page.get_by_label("Name or mail address").fill("nina")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    console.clock.us += STEP_US
    page.get_by_label("Code of your authenticator app").fill(console.code_of("nina"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("main h1")).to_be_visible()
    yield tab
    tab.close()


def test_planted_redirect_leads_home(desk_signed_in: Tab, origin: str) -> None:
    assert desk_signed_in.page.url.startswith(f"{origin}/")
    assert "evil" not in desk_signed_in.page.url


def test_secret_is_gone_when_somebody_comes_back(tab: Tab, console: PagesConsole) -> None:
    page = tab.page
    page.goto("/keys/new")
    page.get_by_label("Label").fill("grid")
    page.get_by_text("Unrestricted (less secure)").click()
    page.get_by_role("button", name="Create API key").click()
    expect(page.locator("#made-secret")).to_have_text(SECRET)
    assert SECRET not in page.url
    page.goto("/keys")
    assert SECRET not in page.content()
    page.go_back()
    page.wait_for_timeout(300)
    assert SECRET not in page.content()
    page.goto("/keys")
    page.get_by_role("link", name="Create API key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill("grid")
    dialog.get_by_text("Unrestricted (less secure)").click()
    dialog.get_by_role("button", name="Create API key").click()
    expect(page.locator("#made-secret")).to_have_text(SECRET)
    page.keyboard.press("Escape")
    page.wait_for_url("**/keys")
    expect(page.get_by_role("heading", name="API Management")).to_be_visible()
    assert SECRET not in page.content()
    page.go_back()
    assert SECRET not in page.content()
    console.answers["makeKey"] = ApiKeyMade(key(), SECRET)


def test_fields_say_to_the_browser_what_to_remember(tab: Tab, chromium: Browser, origin: str) -> None:
    nobody = Tab(chromium, origin)
    wanted = {
        ("/sign-in", "password"): "current-password", ("/set-up", "token"): "off", ("/set-up", "password"): "new-password",
        ("/set-up", "again"): "new-password",
    }  # fmt: skip
    for (path, name), value in wanted.items():
        nobody.page.goto(path)
        assert nobody.page.locator(f"input[name={name}]").get_attribute("autocomplete") == value
    nobody.close()


def test_stale_factor_is_asked_for_in_the_dialogue_and_the_key_is_made(
    tab: Tab, console: PagesConsole
) -> None:
    page = tab.page
    page.goto("/keys")
    page.get_by_role("link", name="Create API key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill("late")
    dialog.get_by_label("Trusted addresses").fill("127.0.0.1")
    console.stale()
    dialog.get_by_role("button", name="Create API key").click()
    expect(dialog.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    dialog.get_by_label("Code of your authenticator app").fill("000000")
    dialog.get_by_role("button", name="Confirm").first.click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Code of your authenticator app").fill(console.code_of("olga"))
    dialog.get_by_role("button", name="Confirm").first.click()
    expect(page.locator("#made-secret")).to_have_text(SECRET)
    drafts = [ask.body for ask in console.asked if type(ask.body).__name__ == "ApiKeyDraft"]
    assert (drafts[-1].label, drafts[-1].ips) == ("late", ["127.0.0.1"])
    assert tab.complaints == []
