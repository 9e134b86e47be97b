"""Every flow by keyboard alone, in Chromium: nothing is clicked, filled or focused by the test; every stop can be seen.

The last test says which forms of the table nobody sent by keyboard.
"""

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Tab, browser
from tests.support.console_process import PASSWORD
from tests.support.furnished_home import FurnishedHome, furnished_home
from tests.support.keyboard import Keyboard

from watchword.entrypoints.console.pages.table import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(240)]

PASSPHRASE = "nobody guesses these four"
DIALOG = "#dialog"
#: Forms that scripts send along the way, or that another of the same kind stands for, and why.
NOT_TYPED = {
    "/sign-in/code": "messages are not set up here; the same part of the page as the code of an app",
    "/step-up": "test_step_up_by_keyboard.py: it needs a clock that can be moved",
    "/step-up/code": "messages are not set up here; as /sign-in/code",
    "/security/address": "messages are not set up here; its form says so",
    "/security/address/code": "messages are not set up here; the same page as that of an app's code",
    "/security/contact/code": "messages are not set up here; the same page as that of an app's code",
    "/step-up/challenge": "sent by the script of a security key",
    "/security/key/options": "sent by the script of a security key",
    "/set-up/key/options": "sent by the script of a security key",
    "/set-up/key": "the same dialogue of the browser as /security/key",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def home(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedHome]:
    with furnished_home(tmp_path_factory.mktemp("typing")) as made:
        yield made


class Desk:
    """The owner's tab and keyboard."""

    def __init__(self, chromium: Browser, home: FurnishedHome) -> None:
        self.home, self.tab = home, home.tab_of(chromium, accept_downloads=True)
        self.keys, self.page = Keyboard(self.tab.page), self.tab.page


@pytest.fixture(scope="module")
def desk(chromium: Browser, home: FurnishedHome) -> Iterator[Desk]:
    made = Desk(chromium, home)
    yield made
    made.tab.close()


@pytest.fixture
def keys(desk: Desk) -> Iterator[Keyboard]:
    desk.home.freshen(desk.tab)
    yield desk.keys
    assert desk.tab.complaints == []


@pytest.fixture
def page(desk: Desk) -> Page:
    return desk.page


def told(page: Page, words: str) -> None:
    """The toast is there, in a region that is read out."""
    expect(page.get_by_role("status").filter(has_text=words).first).to_be_visible()


def opened(keys: Keyboard, link: str | re.Pattern[str], *, within: str = "main") -> None:
    """Open a dialogue by its link."""
    keys.press_on("link", link, within=within)
    expect(keys.page.locator(DIALOG)).to_be_visible()
    expect(keys.page.locator(f"{DIALOG} h1")).to_be_visible()


def test_way_in_and_out(chromium: Browser, home: FurnishedHome, desk: Desk) -> None:
    token = home.done("POST", "/people", {"name": "mia", "mail": "mia@example.org", "role": "trader"})[
        "enrolment"
    ]
    tab = Tab(chromium, home.console.origin)
    page, keys = tab.page, Keyboard(tab.page)
    page.goto("/sign-in")
    keys.press_on("link", "Set up your account")
    keys.write("Enrolment token", token)
    keys.write("New password", PASSPHRASE)
    keys.write("New password, again", PASSPHRASE)
    keys.press_on("button", "Continue")
    expect(page.get_by_role("heading", name="Choose a second factor")).to_be_visible()
    keys.press_on("button", re.compile("Authenticator app"))
    keys.unfold("Type it by hand instead")
    seed = page.locator("#app-secret").inner_text().replace(" ", "")
    step = int(time.time()) // 30
    keys.write("Code of the app", str(pyotp.TOTP(seed).generate_otp(step)))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    codes = page.locator("#codes").inner_text().split()
    keys.press_on("link", "I kept them")
    keys.press_on("button", re.compile("^Your account"))
    keys.press_on("button", "Dark", within="#account")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    keys.press_on("button", re.compile("^Your account"))
    keys.press("Escape")
    expect(page.locator("#account")).to_be_hidden()
    assert keys.has_focus(page.get_by_role("button", name="Your account")), "back on what opened the menu"
    keys.press("Enter")
    keys.press_on("button", "Sign out")
    told(page, "You are signed out.")
    keys.write("Name or mail address", "mia")
    keys.write("Password", PASSPHRASE)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    keys.unfold("Use a recovery code")
    keys.write("Recovery code", codes[0])
    keys.press("Enter")
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    desk.keys.sent |= keys.sent
    assert tab.complaints == []
    tab.close()


def test_narrow_page_has_its_menu(desk: Desk, keys: Keyboard, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/keys")
    keys.press_on("button", "Menu")
    expect(page.locator("#nav")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#nav")).to_be_hidden()
    assert keys.has_focus(page.get_by_role("button", name="Menu"))
    keys.press("Enter")
    keys.press_on("link", "Vault", within="#nav")
    expect(page.get_by_role("heading", name="Vault", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})


def test_api_keys(keys: Keyboard, page: Page, tmp_path: Path) -> None:
    page.goto("/keys")
    keys.skip()
    opened(keys, "Open an account")
    keys.write("Name of the account", "typed")
    keys.press("Enter")
    told(page, "The account is open.")
    opened(keys, "Create API key")
    keys.choose(re.compile("Self-generated Ed25519"), within=DIALOG)
    keys.unfold("Make a key pair in this browser", within=DIALOG)
    keys.write("Passphrase of the file", PASSPHRASE, within=DIALOG)
    keys.write("The same passphrase again", PASSPHRASE, within=DIALOG)
    with page.expect_download() as saving:
        keys.press_on("button", "Make the pair and save the private key", within=DIALOG)
    assert b"ENCRYPTED PRIVATE KEY" in saving.value.path().read_bytes()
    assert keys.has_focus(page.get_by_role("button", name="Save the private key again"))
    keys.write("Label", "typed bot", within=DIALOG)
    keys.pick("Account", "typed", within=DIALOG)
    keys.choose(re.compile("Spot trading"), within=DIALOG)
    keys.write("Trusted addresses", "127.0.0.1", within=DIALOG)
    keys.press_on("button", "Create API key", within=DIALOG)
    expect(page.get_by_role("heading", name="API key created")).to_be_focused()
    keys.press_on("link", "Done", within=DIALOG)
    keys.write("Search by label, account or key", "typed bot")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#said")).to_have_text("API keys: 1 of 1")
    expect(page.get_by_label("Search by label, account or key")).to_be_focused()
    opened(keys, "Edit")
    keys.write("Symbols", "BTCUSDT", within=DIALOG)
    keys.write("Trusted addresses", "not an address", within=DIALOG)
    keys.press_on("button", "Save", within=DIALOG)
    expect(page.get_by_label("Trusted addresses")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Trusted addresses")).to_be_focused()
    keys.write("Trusted addresses", "127.0.0.1", within=DIALOG)
    keys.press_on("button", "Save", within=DIALOG)
    told(page, "The API key was changed.")
    keys.write("Search by label, account or key", "typed bot")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    opened(keys, "Delete")
    assert keys.has_focus(page.get_by_role("dialog").get_by_role("link", name="Cancel")), (
        "not on what destroys"
    )
    keys.press_on("button", "Delete", within=DIALOG)
    told(page, "The API key was deleted.")
    keys.unfold("Delete all keys of an account")
    opened(keys, "Delete all of typed")
    keys.write("Type the account's name to go on: typed", "typed")
    keys.press("Enter")
    told(page, "All API keys of the account were deleted.")


def test_vault(keys: Keyboard, page: Page) -> None:
    page.goto("/vault")
    opened(keys, "Make a pair inside")
    keys.write("Label", "typed pair", within=DIALOG)
    keys.pick("Exchange", "testnet", within=DIALOG)
    keys.press_on("button", "Make the pair", within=DIALOG)
    expect(page.get_by_label("Public key", exact=True)).to_be_visible()
    keys.write("API key", "A" * 64, within=DIALOG)
    keys.press_on("button", "Save", within=DIALOG)
    told(page, "The API key was written down.")
    row = "tr:has(:text-is('typed pair'))"
    opened(keys, "Check", within=row)
    expect(page.get_by_role("dialog")).to_contain_text("refuses it")
    keys.press("Escape")
    assert keys.has_focus(page.locator(row).get_by_role("link", name="Check"))
    opened(keys, "Remove", within=row)
    keys.press_on("button", "Remove", within=DIALOG)
    told(page, "The key and its secret were removed.")
    opened(keys, "Add a key")
    keys.write("Label", "typed in", within=DIALOG)
    keys.write("API key", "B" * 64, within=DIALOG)
    keys.write("Secret key or private key", "C" * 64, within=DIALOG)
    keys.press_on("button", "Add to the vault", within=DIALOG)
    told(page, "The key is in the vault, or waits for it to be unsealed.")
    keys.press_on("button", "Check all")
    told(page, "check")
    opened(keys, "Seal")
    keys.press_on("button", "Seal", within=DIALOG)
    told(page, "The vault is sealed.")
    opened(keys, "Unseal")
    keys.press_on("button", "Unseal", within=DIALOG)
    told(page, "The vault is unsealed.")


def test_virtual_keys(home: FurnishedHome, keys: Keyboard, page: Page) -> None:
    page.goto("/virtual-keys")
    opened(keys, "Issue a key")
    keys.write("Label", "typed bot", within=DIALOG)
    keys.pick("Real key", "main", within=DIALOG)
    keys.choose(re.compile("Read only"), within=DIALOG)
    keys.press_on("button", "Issue the key", within=DIALOG)
    expect(page.locator("#made-secret")).to_be_visible()
    keys.press_on("link", "Done", within=DIALOG)
    expect(page.locator(DIALOG)).to_be_hidden()
    page.goto("/virtual-keys")
    keys.press_on("link", "typed bot")
    expect(page.get_by_role("heading", name="typed bot")).to_be_visible()
    opened(keys, "Edit")
    keys.write("Policy", "version: 1\nname: typed\npermissions: [read]\n", within=DIALOG)
    keys.press_on("button", "Save", within=DIALOG)
    told(page, "The virtual key was changed.")
    opened(keys, "Roll")
    keys.press_on("button", "Roll the key", within=DIALOG)
    expect(page.locator("#made-secret")).to_be_visible()
    with page.expect_navigation():
        keys.press("Escape")
    page.goto("/virtual-keys")
    keys.press_on("link", "typed bot")
    opened(keys, "Assign")
    keys.pick("Give it to", "tom", within=DIALOG)
    keys.press_on("button", "Assign", within=DIALOG)
    told(page, "The virtual key was assigned.")
    keys.press_on("link", "typed bot")
    opened(keys, "Assign")
    keys.press_on("button", "Take back from tom", within=DIALOG)
    told(page, "The virtual key was taken back.")
    keys.press_on("link", "typed bot")
    opened(keys, "Revoke")
    keys.press_on("button", "Revoke", within=DIALOG)
    told(page, "The virtual key was revoked.")


def test_policies(keys: Keyboard, page: Page) -> None:
    page.goto("/policies")
    opened(keys, "asks people")
    keys.press_on("link", "Check", within=DIALOG)
    expect(page.get_by_role("heading", name="Check a policy")).to_be_visible()
    keys.write("Text of the policy", "version: 1\nsymbols: 5")
    keys.press_on("button", "Check")
    expect(page.get_by_role("heading", name=re.compile(r"\d errors?"))).to_be_visible()
    page.goto("/policies")
    keys.press_on("link", re.compile("^Compare .*asks people"))
    keys.write("New", "version: 1\nname: new\npermissions: [read]")
    keys.press_on("button", "Compare")
    expect(page.locator("#found-title")).to_be_visible()
    page.goto("/policies")
    keys.press_on("link", re.compile("^Try an order .*asks people"))
    keys.pick("Side", "Sell")
    keys.write("Quantity", "0.5")
    keys.press_on("button", "Decide")
    expect(page.locator("#found-title")).to_be_visible()


def test_approvals(home: FurnishedHome, keys: Keyboard, page: Page) -> None:
    bot = home.bot(home.virtual)
    assert bot.place(quantity="0.03").code == -2010
    page.goto("/approvals")
    opened(keys, re.compile("^Decide .*0.03"))
    keys.press("Escape")
    assert keys.has_focus(page.get_by_role("link", name=re.compile("^Decide .*0.03")))
    keys.press("Enter")
    keys.press_on("button", "Confirm", within=DIALOG)
    told(page, "Confirmed.")
    assert bot.place(quantity="0.03").status == 200
    opened(keys, re.compile("^Decide .*0.02"))
    keys.press_on("button", "Refuse", within=DIALOG)
    told(page, "Refused. The request is not sent.")


def test_audit(keys: Keyboard, page: Page) -> None:
    page.goto("/audit")
    keys.write("Words in the row", "virtual")
    expect(page.locator("#said")).to_contain_text("Rows of the audit trails")
    assert keys.has_focus(page.get_by_label("Words in the row"))
    keys.press_on("link", re.compile(".*"), within="#list tbody")
    expect(page.locator(f"{DIALOG} h1")).to_be_focused()
    keys.press("Escape")
    with page.expect_download() as saving:
        keys.press_on("link", "CSV")
    with saving.value.path().open(newline="") as sheet:
        assert len(list(csv.DictReader(sheet))) >= 1
    with page.expect_download():
        keys.press_on("link", "JSON")
    keys.press_on("link", "Verify", within="main")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Both trails are whole")).to_be_visible()


def test_people(keys: Keyboard, page: Page) -> None:
    page.goto("/people")
    opened(keys, "Invite somebody")
    keys.write("Name", "nora")
    keys.write("Mail address", "nora@example.org")
    keys.choose(re.compile("Auditor"), within=DIALOG)
    keys.press_on("button", "Invite", within=DIALOG)
    expect(page.get_by_role("heading", name="nora is invited")).to_be_focused()
    keys.press_on("link", "Done", within=DIALOG)
    expect(page.get_by_role("heading", name="nora", exact=True)).to_be_visible()
    opened(keys, "Change role")
    keys.choose(re.compile("Trader"), within=DIALOG)
    keys.press_on("button", "Give this role", within=DIALOG)
    told(page, "The person was changed.")
    opened(keys, "Change contact")
    keys.write("Mail address", "nora@example.net")
    keys.press("Enter")
    expect(page.locator("main")).to_contain_text("nora@example.net")
    opened(keys, "Assign")
    keys.pick("What", "arbitrage bot", within=DIALOG)
    keys.press_on("button", "Assign", within=DIALOG)
    told(page, "It is theirs to use now.")
    opened(keys, "Take back")
    keys.press_on("button", "Take back", within=DIALOG)
    told(page, "It was taken back.")
    for first, button, words in (
        ("Disable", "Disable", "Disabled. Their sessions ended."),
        ("Enable", "Enable", "They can sign in again."),
    ):
        opened(keys, first)
        keys.press_on("button", button, within=DIALOG)
        told(page, words)
    opened(keys, "Fresh start")
    keys.press_on("button", "Start afresh", within=DIALOG)
    expect(page.locator("#enrolment-token")).to_be_visible()
    keys.press_on("link", "Done", within=DIALOG)
    opened(keys, "Remove")
    keys.press_on("button", "Remove", within=DIALOG)
    told(page, "The person was removed.")


def test_sessions_of_somebody_end(keys: Keyboard, page: Page) -> None:
    page.goto("/people")
    keys.press_on("link", "mia")
    opened(keys, "End")
    keys.press_on("button", "End the session", within=DIALOG)
    told(page, "The session ended.")
    page.goto("/people")
    keys.press_on("link", "tom")
    opened(keys, "End all")
    keys.press_on("button", re.compile("End"), within=f"{DIALOG} .actions")
    told(page, "Their sessions ended.")


def test_trading(home: FurnishedHome, keys: Keyboard, page: Page) -> None:
    page.goto(f"/market?account={home.desk}")
    rows = page.locator("#open-orders tbody tr")
    before = rows.count()
    keys.pick("Type", "^Limit$", within="#order-form")
    keys.write("Price, USDT", "22000")
    keys.write("Amount, BTC", "0.001")
    keys.press_on("button", "Buy BTC")
    expect(
        page.locator("#order-form").get_by_role("alert").or_(page.locator("#order-form .alert"))
    ).to_contain_text("Open")
    assert keys.has_focus(page.get_by_role("button", name="Buy BTC")), (
        "where it was, though the form is a new one"
    )
    expect(rows).to_have_count(before + 1)
    keys.press_on("button", re.compile("^Cancel order"))
    expect(rows).to_have_count(before)
    expect(page.locator("#open-orders :focus")).to_have_count(1)
    keys.press_on("link", "15m")
    expect(page.locator(".intervals [aria-current]")).to_have_text("15m")
    keys.pick("Symbol", "ETH", within=".symbol-form")
    keys.press("Enter")
    page.wait_for_url("**symbol=ETHUSDT**")
    page.goto(f"/account?account={home.desk}")
    keys.pick(re.compile("^Faucet").pattern.strip("^") + ": play money, 5 times a day for each asset", "BTC")
    keys.press_on("button", "Pay in")
    told(page, "The faucet paid.")
    keys.press_on("link", "Open orders", within="main")
    keys.press_on("button", re.compile("^Cancel order"))
    told(page, "The order was cancelled.")
    keys.press_on("link", "Trade history", within="main")
    with page.expect_download() as saving:
        keys.press_on("link", "Export CSV")
    with saving.value.path().open(newline="") as sheet:
        assert [row["pair"] for row in csv.DictReader(sheet)] == ["BTCUSDT"]
    keys.pick("Account", "spare", within="main")
    keys.press("Enter")
    page.wait_for_url(f"**account={home.spare}**")
    keys.press_on("link", "Portfolio", within="#nav")
    keys.press_on("link", "30 days")
    expect(page.locator(".intervals [aria-current]")).to_have_text("30 days")


def test_tokens_and_contact(keys: Keyboard, page: Page) -> None:
    page.goto("/security")
    opened(keys, "Make a token")
    keys.write("Label", "typed token", within=DIALOG)
    keys.tick("See who its owner is", within=DIALOG)
    keys.write("Trusted addresses", "127.0.0.1", within=DIALOG)
    keys.press_on("button", "Make the token", within=DIALOG)
    expect(page.locator(f"{DIALOG} [data-secret]").first).to_be_visible()
    keys.press("Escape")
    opened(keys, "Revoke", within="tr:has-text('typed token')")
    keys.press_on("button", re.compile("Revoke"), within=DIALOG)
    expect(page.locator("#tokens")).not_to_contain_text("typed token")
    opened(keys, "Add phone number")
    keys.write("Phone number", "+4930123456", within=DIALOG)
    keys.press("Enter")
    expect(page.locator("#contact")).to_contain_text("+4930123456")
    opened(keys, "Change phone number")
    keys.press_on("link", "remove the number", within=DIALOG)
    expect(page.locator(f"{DIALOG} h1")).to_have_text("Remove your phone number?")
    keys.press_on("button", "Remove", within=DIALOG)
    expect(page.locator("#contact")).to_contain_text("No phone number")


def test_security(home: FurnishedHome, keys: Keyboard, page: Page) -> None:
    page.goto("/security")
    opened(keys, "Add app")
    keys.write("What you call it", "tablet")
    keys.press("Enter")
    keys.unfold("Type it by hand instead", within=DIALOG)
    seed = page.locator("#app-secret").inner_text().replace(" ", "")
    keys.write("Code of the app", pyotp.TOTP(seed).now())
    keys.press("Enter")
    told(page, "The second factor was added.")
    opened(keys, "Remove", within="li:has(strong:text-is('tablet'))")
    keys.press_on("button", "Remove", within=DIALOG)
    told(page, "The second factor was removed.")
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    opened(keys, "Add security key")
    keys.write("What you call it", "Blue key")
    keys.press("Enter")
    told(page, "The second factor was added.")
    opened(keys, "Draw new codes", within="main .rows")
    keys.press_on("button", "Draw ten codes", within=DIALOG)
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_focused()
    home.recovery[:] = page.locator("#codes").inner_text().split()
    keys.press_on("link", "I kept them", within=DIALOG)
    home.another_session("Typed/1.0")
    page.goto("/security")
    opened(keys, "End", within="#sessions")
    keys.press_on("button", "End the session", within=DIALOG)
    told(page, "The session ended.")
    home.another_session("Typed/2.0")
    page.goto("/security")
    opened(keys, "End all others", within="#sessions")
    keys.press_on("button", "End all others", within=DIALOG)
    told(page, "All other sessions ended.")
    opened(keys, "Change", within=".rows li:has(strong:text-is('Password'))")
    keys.write("Present password", PASSWORD, within=DIALOG)
    keys.write("New password", PASSPHRASE, within=DIALOG)
    keys.write("New password, again", PASSPHRASE, within=DIALOG)
    keys.press("Enter")
    told(page, "Your password was changed.")


def test_every_form_was_sent_by_keyboard(desk: Desk) -> None:
    forms = {page.path for page in PAGES if page.post is not None}
    assert forms - desk.keys.sent - set(NOT_TYPED) == set(), "write how it is done by keyboard, or why not"
    assert set(NOT_TYPED) <= forms
