"""`make up`, then clicking and typing only: from the printed link to a bot that trades on a virtual key. In Debian's Chromium.

No address is typed but the printed one, and nobody but the browser and one unmodified client talks to the servers.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect
from tests.support.browser import STEP_MS_MAX
from tests.support.canary import Canary, in_files, seen_in
from tests.support.first_evening import Stranger, first_evening
from tests.support.keygen_page import canaries_of, stored_by

#: With the long tests: all servers of the demo, a browser, and prices that move.
pytestmark = [pytest.mark.browser, pytest.mark.client, pytest.mark.long, pytest.mark.timeout(300)]

PASSPHRASE: Final = "velvet turbines under oath"
LABEL: Final = "evening bot"


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    pytest.importorskip("binance_sdk_spot")
    expect.set_options(timeout=STEP_MS_MAX)
    try:
        with first_evening(tmp_path) as somebody:
            yield somebody
    finally:
        expect.set_options(timeout=None)


def test_first_evening(stranger: Stranger) -> None:
    become_owner(stranger)
    add_security_key(stranger)
    fund_account(stranger)
    private, api_key = register_key(stranger)
    restrict_key_after_a_coffee(stranger)
    place_and_cancel(stranger)
    buy_at_once(stranger)
    put_into_vault(stranger, private, api_key)
    gateway, bot_key, bot_secret = issue_virtual_key(stranger)
    let_bot_trade(stranger, gateway, bot_key, bot_secret)
    look_at_demo_bot(stranger)
    sign_out_and_in_with_the_key(stranger)

    assert stranger.tab.complaints == []
    canaries = [*canaries_of(private.read_bytes(), PASSPHRASE), Canary("virtual secret", bot_secret.encode())]
    assert stranger.leaks(canaries, "/vault/add") == []
    assert list(seen_in(canaries, stored_by(stranger.page), "what the browser keeps")) == []
    assert in_files(canaries, stranger.up.home) == []
    assert stranger.up.stop() == 0


def become_owner(stranger: Stranger) -> None:
    """Follow the printed link; password, app, recovery codes."""
    page = stranger.page
    stranger.up.wait_for("Open this in a browser first")
    page.goto(stranger.up.wait_for("/set-up#token=wwe_").strip())
    expect(page.get_by_label("Enrolment token")).to_have_value(re.compile("^wwe_"))
    assert "wwe_" not in page.url, "the token stays in the history"
    page.get_by_label("New password", exact=True).fill(stranger.password)
    page.get_by_label("New password, again").fill(stranger.password)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Authenticator app").click()
    page.get_by_text("Type it by hand instead").click()
    stranger.seed = page.locator("#app-secret").inner_text().replace(" ", "")
    page.get_by_label("Code of the app").fill(stranger.code())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert len(page.locator("#codes").inner_text().split()) == 10
    expect(page.get_by_text("You sign in as owner")).to_be_visible()
    page.get_by_role("link", name="I kept them").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()


def add_security_key(stranger: Stranger) -> None:
    """Add a security key beside the app."""
    page = stranger.page
    stranger.plug_in_security_key()
    page.get_by_role("link", name="Open Security").click()
    page.get_by_role("link", name="Add security key").click()
    stranger.dialog.get_by_label("What you call it").fill("Blue key")
    stranger.dialog.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("The second factor was added.")).to_be_visible()
    expect(page.get_by_text("Blue key")).to_be_visible()
    expect(page.locator(".score-points")).to_contain_text("100")


def fund_account(stranger: Stranger) -> None:
    """Let the faucet pay into the account that is there."""
    page = stranger.page
    stranger.menu("First steps")
    page.get_by_role("link", name="Open the faucet").click()
    usdt = page.get_by_role("row", name=re.compile("^USDT"))
    expect(usdt).to_contain_text("10,000")
    page.get_by_label(re.compile("Faucet")).select_option("USDT")
    page.get_by_role("button", name="Pay in").click()
    expect(page.get_by_text("The faucet paid.")).to_be_visible()
    expect(usdt).to_contain_text("20,000")
    page.get_by_role("link", name="Deposits").click()
    expect(page.locator("#list tbody tr")).to_contain_text(re.compile("USDT.*10,000"))


def register_key(stranger: Stranger) -> tuple[Path, str]:
    """Make an Ed25519 pair in the browser and register it; returns its file and the API key."""
    page = stranger.page
    stranger.menu("First steps")
    page.get_by_role("link", name="Create a key").click()
    page.get_by_label("Label").fill(LABEL)
    page.get_by_text("Self-generated Ed25519").click()
    page.get_by_text("Make a key pair in this browser").click()
    page.get_by_label("Passphrase of the file").fill(PASSPHRASE)
    page.get_by_label("The same passphrase again").fill(PASSPHRASE)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Make the pair and save the private key").click()
    file = stranger.downloads / saving.value.suggested_filename
    saving.value.save_as(file)
    expect(page.get_by_text(f"The private one is saved as {file.name}")).to_be_visible()
    assert b"ENCRYPTED PRIVATE KEY" in file.read_bytes()
    page.get_by_role("button", name="Create API key").click()
    expect(page.get_by_text("At least one address, or choose unrestricted access.")).to_be_visible()
    expect(page.get_by_text("You come from 127.0.0.1.")).to_be_visible()
    page.get_by_label("Trusted addresses").fill("127.0.0.1")
    page.get_by_role("button", name="Create API key").click()
    expect(page.get_by_role("heading", name="API key created")).to_be_visible()
    api_key = page.locator("#made-key").inner_text()
    page.get_by_role("link", name="Done").click()
    row = page.get_by_role("row", name=LABEL)
    expect(row).to_contain_text("127.0.0.1")
    expect(row).not_to_contain_text("Spot & margin")
    return file, api_key


def restrict_key_after_a_coffee(stranger: Stranger) -> None:
    """Let it trade one symbol; by now the console wants to see a factor again, and gets the security key."""
    page, dialog = stranger.page, stranger.dialog
    stranger.make_coffee()
    page.get_by_role("row", name=LABEL).get_by_role("link", name="Edit").click()
    dialog.get_by_label("Enable spot & margin trading").check()
    dialog.get_by_label("Symbols").fill("BTCUSDT")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    dialog.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_text("The API key was changed.")).to_be_visible()
    row = page.get_by_role("row", name=LABEL)
    expect(row).to_contain_text("Spot & margin")
    expect(row).to_contain_text("BTCUSDT")


def place_and_cancel(stranger: Stranger) -> None:
    """Place an order far from the market, and take it back."""
    page = stranger.page
    stranger.menu("Market")
    expect(page.locator("[data-live]")).to_have_text("Live")
    form = page.locator("#order-form")
    form.get_by_label("Price, USDT").fill("50000")
    form.get_by_label("Amount, BTC").fill("0.02")
    form.get_by_role("button", name="Buy BTC").click()
    expect(form).to_contain_text("Buy 0.02 BTC: Open.")
    row = page.locator("#open-orders tbody tr")
    expect(row).to_contain_text("50,000")
    expect(page.locator("[data-free='USDT']")).to_have_text("19,000")
    row.get_by_role("button", name=re.compile("Cancel order")).click()
    expect(page.locator("#open-orders")).to_contain_text("No open orders on BTCUSDT.")
    expect(page.locator("[data-free='USDT']")).to_have_text("20,000")


def buy_at_once(stranger: Stranger) -> None:
    """Buy at the market's price, and find it in both histories."""
    page = stranger.page
    form = page.locator("#order-form")
    form.get_by_label("Type").select_option("MARKET")
    form.get_by_label("Amount, BTC").fill("0.01")
    form.get_by_role("button", name="Buy BTC").click()
    expect(form).to_contain_text("Buy 0.01 BTC: Filled at")
    page.get_by_role("link", name="Order history").click()
    orders = page.locator("#list tbody tr")
    expect(orders.nth(0)).to_contain_text("Market")
    expect(orders.nth(0)).to_contain_text("Filled")
    expect(orders.nth(1)).to_contain_text("50,000")
    expect(orders.nth(1)).to_contain_text("Cancelled")
    page.get_by_role("link", name="Trade history").click()
    trades = page.locator("#list tbody tr")
    bought = [Decimal(row.locator("[data-label=Quantity]").inner_text()) for row in trades.all()]
    assert sum(bought) == Decimal("0.01")
    expect(trades.first).to_contain_text("Buy")
    expect(trades.first).to_contain_text("BTCUSDT")


def put_into_vault(stranger: Stranger, private: Path, api_key: str) -> None:
    """Put the key just registered into the vault, from the file the browser saved."""
    page = stranger.page
    stranger.menu("API Management")
    page.get_by_role("row", name=LABEL).get_by_role("link", name=LABEL).click()
    stranger.dialog.get_by_role("link", name="put it into the vault").click()
    expect(page.get_by_role("heading", name="Add a key to the vault")).to_be_visible()
    expect(page.get_by_label("API key", exact=True)).to_have_value(api_key)
    expect(page.get_by_label("Label")).to_have_value(LABEL)
    expect(page.get_by_label("Enable spot & margin trading")).to_be_checked()
    page.get_by_label("Or take it from a file").set_input_files(private)
    expect(page.get_by_label("Secret key or private key")).to_have_value(re.compile("ENCRYPTED PRIVATE KEY"))
    expect(page.get_by_label("Passphrase of the private key")).to_be_focused()
    page.get_by_label("Passphrase of the private key").fill(PASSPHRASE)
    page.get_by_role("button", name="Add to the vault").click()
    expect(page.get_by_text("The key is in the vault")).to_be_visible()
    row = page.get_by_role("row", name=LABEL)
    expect(row.get_by_role("link", name="Lend to a bot")).to_be_visible()
    row.get_by_role("link", name="Check").click()
    expect(stranger.dialog).to_contain_text("takes its signature, and everything is as declared.")
    stranger.dialog.get_by_role("link", name="Close").click()
    expect(stranger.dialog).to_be_hidden()


def issue_virtual_key(stranger: Stranger) -> tuple[str, str, str]:
    """Lend the key to a bot, within limits; returns what the bot is given: address, key and secret."""
    page, dialog = stranger.page, stranger.dialog
    page.get_by_role("row", name=LABEL).get_by_role("link", name="Lend to a bot").click()
    expect(dialog.get_by_role("heading", name="Issue a virtual key")).to_be_visible()
    assert dialog.get_by_label("Real key").locator("option:checked").inner_text() == LABEL
    dialog.get_by_label("Label").fill("lent")
    dialog.get_by_role("textbox", name="Pairs").fill("BTCUSDT")
    dialog.get_by_role("textbox", name="Largest order").fill("200")
    dialog.get_by_role("textbox", name="All orders of a day").fill("1000")
    dialog.get_by_label("Trusted addresses").fill("127.0.0.1")
    dialog.get_by_role("button", name="Issue the key").click()
    expect(dialog.get_by_role("heading", name="Virtual key issued")).to_be_visible()
    gateway = dialog.locator("dt:text-is('Gateway') + dd .mono").first.inner_text()
    key, secret = page.locator("#made-key").inner_text(), page.locator("#made-secret").inner_text()
    dialog.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name=re.compile("^lent"))).to_be_visible()
    expect(page.get_by_role("row", name="Changed")).to_contain_text("by owner")
    return gateway, key, secret


def let_bot_trade(stranger: Stranger, gateway: str, key: str, secret: str) -> None:
    """Give key and address to Binance's own SDK, as it is; the page says what became of its orders."""
    from binance_common.configuration import ConfigurationRestAPI
    from binance_common.errors import BadRequestError
    from binance_sdk_spot.rest_api.models import NewOrderSideEnum, NewOrderTypeEnum
    from binance_sdk_spot.spot import Spot

    client = Spot(ConfigurationRestAPI(api_key=key, api_secret=secret, base_path=gateway)).rest_api
    buy, market = NewOrderSideEnum.BUY, NewOrderTypeEnum.MARKET
    order = client.new_order("BTCUSDT", buy, market, quantity=0.001).data()
    assert order.status == "FILLED"
    with pytest.raises(BadRequestError, match="max_order"):
        client.new_order("BTCUSDT", buy, market, quantity=0.01)
    page = stranger.page
    page.get_by_role("link", name="Look again").click()
    lately = page.get_by_role("table", name="Rows of the audit trail")
    signed = lately.get_by_role("row", name="Signed").filter(has_text="BUY MARKET BTCUSDT")
    expect(signed).to_contain_text("127.0.0.1")
    expect(lately.get_by_role("row", name="Refused")).to_contain_text("max_order")
    stranger.menu("Account")
    page.get_by_role("link", name="Trade history").click()
    expect(page.locator("#list tbody tr").first).to_contain_text("0.001")


def look_at_demo_bot(stranger: Stranger) -> None:
    """See what the bot that came with the demo has just done."""
    page = stranger.page
    stranger.menu("Virtual keys")
    page.get_by_role("link", name="demo-bot", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^demo-bot"))).to_be_visible()
    lately = page.get_by_role("table", name="Rows of the audit trail")
    expect(lately.get_by_role("row", name="Signed").first).to_be_visible()
    expect(lately.get_by_role("row").filter(has_text="BTCUSDT").first).to_be_visible()


def sign_out_and_in_with_the_key(stranger: Stranger) -> None:
    """End the evening, and come back with the security key."""
    page = stranger.page
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_label("Name or mail address").fill("owner")
    page.get_by_label("Password").fill(stranger.password)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    stranger.menu("Security")
    expect(page.get_by_role("table", name="Sign-in history").get_by_role("row").nth(1)).to_contain_text(
        "Security key"
    )
