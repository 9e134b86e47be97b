"""By clicking only: setting up, signing in with app, recovery code and security key, the Security page. In Debian's Chromium."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.support.browser import HEIGHT, NARROW, WIDE, PagedHome, Tab, paged_home
from tests.support.console_process import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagedHome]:
    with paged_home(tmp_path_factory.mktemp("ways-in")) as home:
        home.owner = home.enrolled()  # type: ignore[attr-defined]
        yield home


@pytest.fixture
def owner(desk: PagedHome) -> Tab:
    tab: Tab = desk.owner  # type: ignore[attr-defined]
    return tab


def with_security_key(tab: Tab) -> None:
    """Plug the browser's own virtual security key in."""
    devices = tab.context.new_cdp_session(tab.page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def show_password(page: Page, password: str = PASSWORD) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name or mail address").fill("olga")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Continue").click()


def test_app_lets_in_and_sign_out_leads_out(desk: PagedHome) -> None:
    tab = desk.tab()
    page = tab.page
    show_password(page, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("name or password is wrong")
    assert page.get_by_label("Password").input_value() == ""
    show_password(page)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_label("Code of your authenticator app").fill(desk.code())
    page.get_by_role("button", name="Confirm").first.click()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/security")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert tab.complaints == []


def test_recovery_code_lets_in_once(desk: PagedHome, owner: Tab) -> None:
    page = owner.page
    page.goto("/security")
    page.get_by_role("link", name="Draw new codes").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Draw ten codes").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    for wanted in ("/security", "/sign-in/factor"):
        tab = desk.tab()
        show_password(tab.page)
        tab.page.get_by_text("Use a recovery code").click()
        tab.page.get_by_label("Recovery code").fill(codes[0])
        tab.page.get_by_role("button", name="Confirm").last.click()
        if wanted == "/security":
            expect(tab.page.get_by_role("button", name="Your account")).to_be_visible()
        else:
            expect(tab.page.get_by_role("alert")).to_be_visible()
        assert tab.complaints == []


def test_security_key_is_added_and_lets_in(owner: Tab) -> None:
    page = owner.page
    with_security_key(owner)
    page.goto("/security")
    page.get_by_role("link", name="Add security key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What you call it").fill("Blue key")
    dialog.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("The second factor was added.")).to_be_visible()
    expect(page.get_by_text("Blue key")).to_be_visible()
    expect(page.locator(".score-points")).to_contain_text("100")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    show_password(page)
    page.get_by_role("button", name="Use a security key").click()
    page.get_by_role("button", name="Your account").wait_for()
    page.goto("/security")
    expect(page.get_by_role("row").filter(has_text="Security key").first).to_contain_text("Signed in")
    assert owner.complaints == []


def test_other_sessions_end_by_one_button(desk: PagedHome, owner: Tab) -> None:
    other = desk.tab()
    show_password(other.page)
    page = owner.page
    page.goto("/security")
    expect(page.get_by_text("Not signed in yet").first).to_be_visible()
    page.get_by_role("link", name="End all others").click()
    page.get_by_role("dialog").get_by_role("button", name="End all others").click()
    expect(page.get_by_text("All other sessions ended.")).to_be_visible()
    other.page.reload()
    expect(other.page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_until_one_is_chosen(desk: PagedHome, scheme: str) -> None:
    tab = desk.tab(color_scheme=scheme)
    page = tab.page
    page.goto("/sign-in")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    colours = {"light": "rgb(245, 245, 247)", "dark": "rgb(11, 14, 17)"}
    assert page.evaluate(ground) == colours[scheme]
    other = "dark" if scheme == "light" else "light"
    page.get_by_role("button", name=re.compile(other, re.IGNORECASE)).click()
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    assert page.evaluate(ground) == colours[other]
    assert page.url.endswith("/sign-in")


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_pages_fit_their_width(desk: PagedHome, owner: Tab, width: int) -> None:
    tab = desk.signed_in(owner, viewport={"width": width, "height": HEIGHT})
    for path in ("/keys", "/security", "/keys/new", "/security/password", "/nowhere"):
        tab.page.goto(path)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, path
