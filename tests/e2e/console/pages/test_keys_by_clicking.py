"""By clicking only: an owner sets up, opens an account, makes an API key, restricts it, deletes it. In Debian's Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.support.bot import Bot
from tests.support.browser import PagedHome, Tab, paged_home
from tests.support.testnet_process import TestnetKey

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagedHome]:
    with paged_home(tmp_path_factory.mktemp("clicks")) as home:
        home.owner = home.enrolled()  # type: ignore[attr-defined]
        open_account(home.owner.page, "desk")  # type: ignore[attr-defined]
        yield home


@pytest.fixture
def owner(desk: PagedHome) -> Iterator[Tab]:
    tab: Tab = desk.owner  # type: ignore[attr-defined]
    tab.page.goto("/keys")
    yield tab
    assert tab.complaints == []


def open_account(page: Page, name: str) -> None:
    page.get_by_role("link", name="Open an account").first.click()
    page.get_by_label("Name of the account").fill(name)
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_text("The account is open.")).to_be_visible()


def make_key(page: Page, label: str, **more: Any) -> TestnetKey:
    """Make an HMAC key for spot trading from this machine, by clicking."""
    page.get_by_role("link", name="Create API key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill(label)
    dialog.get_by_text("Spot trading").click()
    dialog.get_by_label("Trusted addresses").fill(more.get("ips", "127.0.0.1"))
    dialog.get_by_role("button", name="Create API key").click()
    expect(page.get_by_role("heading", name="API key created")).to_be_visible()
    made = TestnetKey(
        "HMAC", page.locator("#made-key").inner_text(), page.locator("#made-secret").inner_text()
    )
    page.get_by_role("link", name="Done").click()
    return made


def test_key_is_made_used_restricted_and_deleted(desk: PagedHome, owner: Tab) -> None:
    page = owner.page
    key = make_key(page, "grid bot")
    bot = Bot(desk.testnet.rest, key)
    assert bot.ask("GET", "/api/v3/account").status == 200
    page.reload()
    row = page.get_by_role("row", name="grid bot")
    expect(row).to_contain_text("Spot & margin")
    expect(row).to_contain_text("127.0.0.1")
    row.get_by_role("link", name="Edit").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Edit restrictions")).to_be_visible()
    dialog.get_by_label("Trusted addresses").fill("198.51.100.9")
    dialog.get_by_label("Symbols").fill("BTCUSDT")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The API key was changed.")).to_be_visible()
    expect(page.get_by_role("row", name="grid bot")).to_contain_text("198.51.100.9")
    assert bot.ask("GET", "/api/v3/account").code == -2015
    page.get_by_role("row", name="grid bot").get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The API key was deleted.")).to_be_visible()
    expect(page.get_by_text("No API keys yet")).to_be_visible()


def test_search_finds_while_typing_and_empties(owner: Tab) -> None:
    page = owner.page
    for label in ("alpha", "beta"):
        make_key(page, label)
    page.get_by_label("Search by label, account or key").press_sequentially("alp")
    expect(page.get_by_role("link", name="beta", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="alpha", exact=True)).to_be_visible()
    assert page.url.endswith("sort=created")
    page.get_by_label("Search by label, account or key").press_sequentially("zzz")
    expect(page.locator("#list").get_by_text("Nothing found")).to_be_visible()


def test_all_keys_go_at_once_after_the_name_was_typed(desk: PagedHome, owner: Tab) -> None:
    page = owner.page
    keys = [make_key(page, label) for label in ("one", "two")]
    page.get_by_text("Delete all keys of an account").click()
    page.get_by_role("link", name="Delete all of desk").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete all keys").click()
    dialog.get_by_label("Type the account's name").fill("desks")
    dialog.get_by_role("button", name="Delete all keys").click()
    expect(dialog.get_by_text("This is not the account's name.")).to_be_visible()
    dialog.get_by_label("Type the account's name").fill("desk")
    dialog.get_by_role("button", name="Delete all keys").click()
    expect(page.get_by_text("All API keys of the account were deleted.")).to_be_visible()
    for key in keys:
        assert Bot(desk.testnet.rest, key).ask("GET", "/api/v3/account").code == -2015


def test_secret_is_copied_and_downloaded_while_it_is_shown(desk: PagedHome, owner: Tab) -> None:
    tab = desk.signed_in(owner, permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    page = tab.page
    page.goto("/keys/new")
    page.get_by_label("Label").fill("copied")
    page.get_by_label("Trusted addresses").fill("127.0.0.1")
    page.get_by_role("button", name="Create API key").click()
    secret = page.locator("#made-secret").inner_text()
    page.get_by_role("button", name="Copy Secret key").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    assert secret in started.value.path().read_text()
    assert tab.complaints == []


def test_keyboard_alone_opens_fills_and_closes_the_dialogue(owner: Tab) -> None:
    page = owner.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_role("link", name="Create API key").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    focused_inside = "document.querySelector('#dialog').contains(document.activeElement)"
    assert page.evaluate(focused_inside)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Create API key").first).to_be_focused()


def test_without_javascript_a_key_is_read_and_deleted(desk: PagedHome, owner: Tab) -> None:
    make_key(owner.page, "plain")
    plain = desk.signed_in(owner, java_script_enabled=False)
    page = plain.page
    page.goto("/keys?query=plain")
    page.get_by_role("link", name="plain", exact=True).click()
    expect(page.get_by_role("heading", name="Edit restrictions")).to_be_visible()
    page.goto("/keys?query=plain")
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The API key was deleted.")).to_be_visible()
