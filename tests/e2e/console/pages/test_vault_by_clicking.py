"""By clicking only: a pair made in the vault and registered, a virtual key issued, a bot that trades, revoked, sealed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.support.bot import Bot
from tests.support.browser import Tab, browser
from tests.support.gateway_process import TRADER_POLICY, VirtualKey
from tests.support.managed_home import ManagedHome, managed_home

from watchword.entrypoints.console.pages.cookies import SESSION

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedHome]:
    with managed_home(tmp_path_factory.mktemp("vault")) as found:
        found.account("desk")
        yield found


@pytest.fixture(scope="module")
def tab(home: ManagedHome) -> Iterator[Tab]:
    with browser() as launched:
        made = Tab(launched, home.console.origin)
        cookie = {"name": SESSION, "value": home.owner.token, "url": home.console.origin, "httpOnly": True}
        made.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of Playwright's own
        yield made
        made.close()
        assert made.complaints == []


def test_real_key_is_made_inside_registered_checked_and_lent_to_a_bot(home: ManagedHome, tab: Tab) -> None:
    page = tab.page
    api_key = registered_at_the_testnet(page, public_key_of_new_pair(page, "main"))
    page.goto("/vault")
    page.get_by_role("row", name="main").get_by_role("link", name="Register").click()
    page.get_by_role("dialog").get_by_label("API key", exact=True).fill(api_key)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The API key was written down.")).to_be_visible()
    page.get_by_role("row", name="main").get_by_role("link", name="Check").click()
    expect(page.get_by_role("dialog")).to_contain_text("Watchword testnet takes its signature")

    bot = home.bot(issued(page, "grid bot"))
    assert bot.place().status == 200
    assert bot.place(symbol="ETHUSDT").code == -2010
    page.goto("/virtual-keys")
    page.get_by_role("link", name="grid bot", exact=True).click()
    lately = page.get_by_role("table", name="Rows of the audit trail")
    expect(lately.get_by_role("row", name="Signed").filter(has_text="BUY LIMIT BTCUSDT")).to_be_visible()
    expect(lately.get_by_role("row", name="Refused")).to_be_visible()
    rolled(page, home, bot)
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The virtual key was revoked.")).to_be_visible()
    assert bot.place().code == -2015


def test_vault_is_sealed_and_unsealed(home: ManagedHome, tab: Tab) -> None:
    page = tab.page
    page.goto("/vault")
    page.get_by_role("link", name="Seal", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Seal").click()
    expect(page.get_by_text("Nothing is signed", exact=True)).to_be_visible()
    page.get_by_role("link", name="Unseal").click()
    page.get_by_role("dialog").get_by_role("button", name="Unseal").click()
    expect(page.get_by_text("Keys can sign")).to_be_visible()


def test_key_from_elsewhere_is_added_found_and_removed(tab: Tab) -> None:
    page = tab.page
    page.goto("/vault")
    page.get_by_role("link", name="Add a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill("from elsewhere")
    dialog.get_by_label("API key", exact=True).fill("x" * 64)
    dialog.get_by_label("Secret key or private key").fill(
        "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    )
    dialog.get_by_role("button", name="Add to the vault").click()
    expect(page.get_by_text("The key is in the vault")).to_be_visible()
    page.get_by_label("Search by label, note or key").press_sequentially("elsewh")
    expect(page.get_by_role("row", name="main")).to_have_count(0)
    page.get_by_role("row", name="from elsewhere").get_by_role("link", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The key and its secret were removed.")).to_be_visible()
    expect(page.get_by_role("row", name="from elsewhere")).to_have_count(0)


def public_key_of_new_pair(page: Page, label: str) -> str:
    """Make a pair inside the vault."""
    page.goto("/vault")
    page.get_by_role("link", name="Make a pair inside").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill(label)
    dialog.get_by_label("Enable spot & margin trading").check()
    dialog.get_by_role("button", name="Make the pair").click()
    return dialog.get_by_label("Public key", exact=True).input_value()


def registered_at_the_testnet(page: Page, public_key: str) -> str:
    """Register a public key as at any exchange; returns the API key."""
    page.goto("/keys/new")
    page.get_by_text("Self-generated Ed25519").click()
    page.get_by_label("Public key (PEM)").fill(public_key)
    page.get_by_label("Label").fill("vault")
    page.get_by_text("Spot trading").click()
    page.get_by_label("Trusted addresses").fill("127.0.0.1")
    page.get_by_role("button", name="Create API key").click()
    return page.locator("#made-key").inner_text()


def issued(page: Page, label: str) -> VirtualKey:
    """Issue an HMAC virtual key with a policy that needs no price: nobody makes a market here."""
    page.goto("/virtual-keys")
    page.get_by_role("link", name="Issue a key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill(label)
    dialog.get_by_text("Own policy").click()
    dialog.get_by_label("Policy", exact=True).fill(
        TRADER_POLICY.replace("symbols: any", "symbols: [BTCUSDT]")
    )
    dialog.get_by_label("Trusted addresses").fill("127.0.0.1")
    dialog.get_by_role("button", name="Issue the key").click()
    return shown_once(page)


def rolled(page: Page, home: ManagedHome, bot: Bot) -> None:
    """Give the bot the next version of its key, with an overlap."""
    page.get_by_role("link", name="Roll").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll the key").click()
    key = shown_once(page)
    assert key.api_key != bot.key.api_key
    assert bot.ask("GET", "/api/v3/account").status == 200
    assert home.bot(key).ask("GET", "/api/v3/account").status == 200
    page.goto("/virtual-keys")
    page.get_by_role("link", name="grid bot", exact=True).click()


def shown_once(page: Page) -> VirtualKey:
    secret = page.locator("#made-secret")
    expect(secret).to_be_visible()
    return VirtualKey("HMAC", "", page.locator("#made-key").inner_text(), secret.inner_text())
