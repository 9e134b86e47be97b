"""With JavaScript off: every page can be read, searched and gone on from, nothing dead is shown, and keys are revoked."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.bot import Bot
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.furnished_home import FurnishedHome, bare_home, shown_pages
from tests.support.testnet_process import TestnetKey

from watchword.accounts.roles import may
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyPage, ApiKeyView
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyPage, VirtualKeysRevoked
from watchword.entrypoints.gateway.admin.requests import KeyView

pytestmark = pytest.mark.browser

KEY = "A" * 64
#: What is shown and does nothing without a script: buttons of no form, choices that would submit themselves, hidden ways.
DEAD = """() => [...document.querySelectorAll(
  "button, select[data-submits], [data-script], [hx-get], [hx-post], a:not([href])"
)].filter((one) => one.checkVisibility({visibilityProperty: true})).filter((one) => {
  if (one.matches("button")) return one.type === "button" ? !one.hasAttribute("popovertarget") : one.form === null;
  if (one.matches("select[data-submits]")) return one.form.querySelector("button:not([hidden])") === null;
  if (one.matches("[data-script]")) return true;
  return !one.matches("a[href], form[action], section, div") || one.matches("a:not([href])");
}).map((one) => one.outerHTML.slice(0, 160))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedHome]:
    with bare_home(tmp_path_factory.mktemp("plain")) as made:
        yield made


@pytest.fixture(scope="module")
def empty(chromium: Browser, home: FurnishedHome) -> Iterator[Tab]:
    tab = home.tab_of(chromium, home.owner, java_script_enabled=False)
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def full(chromium: Browser, home: FurnishedHome) -> Iterator[Tab]:
    home.furnish()
    tab = home.tab_of(chromium, java_script_enabled=False, accept_downloads=True)
    yield tab
    tab.close()


@pytest.fixture
def page(full: Tab) -> Page:
    return full.page


def unreadable(tab: Tab, places: list[str]) -> dict[str, Any]:
    """Places that do not read: another status than 200, no heading, something dead."""
    found: dict[str, Any] = {}
    for place in places:
        answer = tab.page.goto(place)
        assert answer is not None
        dead = tab.page.evaluate(DEAD)
        if answer.status != 200 or not tab.page.locator("h1").first.inner_text().strip() or dead:
            found[place] = (answer.status, dead)
    return found


@pytest.mark.long
def test_every_page_reads_without_anything_to_show(empty: Tab) -> None:
    assert unreadable(empty, [page.path for page in shown_pages() if "{" not in page.path]) == {}


@pytest.mark.long
def test_every_page_reads(home: FurnishedHome, full: Tab) -> None:
    assert unreadable(full, home.places()) == {}


@pytest.mark.long
def test_every_page_of_a_trader_reads(chromium: Browser, home: FurnishedHome, full: Tab) -> None:
    tab = home.tab_of(chromium, home.tom, java_script_enabled=False)
    places = [
        page.path
        for page in shown_pages()
        if page.nav and (page.action is None or may("trader", page.action))
    ]
    assert len(places) >= 6
    assert unreadable(tab, places) == {}
    tab.close()


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "field", "finds", "misses"),
    [
        ("/keys", "Search by label, account or key", "grid", "zzzz"),
        ("/vault", "Search by label, note or key", "unreg", "zzzz"),
        ("/virtual-keys", "Search by label, real key, policy or key", "arbitr", "zzzz"),
        ("/policies", "Search by policy or key", "asks", "zzzz"),
        ("/people", "Search by name or mail address", "tom", "zzzz"),
        ("/approvals", "Search by key, symbol or operation", "0.02", "zzzz"),
        ("/audit", "Words in the row", "virtual", "zzzz"),
        ("/account/orders", "Symbol", "BTCUSDT", "ETHBTC"),
    ],
)
def test_list_is_searched(page: Page, path: str, field: str, finds: str, misses: str) -> None:
    page.goto(path)
    everything = page.locator("#list tbody tr").count()
    page.get_by_label(field).fill(finds)
    page.get_by_role("button", name="Search").click()
    assert 1 <= page.locator("#list tbody tr").count() <= everything
    expect(page.get_by_label(field)).to_have_value(finds)
    page.get_by_label(field).fill(misses)
    page.get_by_label(field).press("Enter")
    expect(page.locator("#list tbody tr")).to_have_count(0)
    expect(page.locator("#list .empty-title")).to_contain_text(re.compile("found", re.IGNORECASE))


@pytest.mark.long
def test_rows_lead_to_their_details(page: Page) -> None:
    for path, row, words in (
        ("/keys", "grid bot", "Edit restrictions"), ("/vault", "main", "main"), ("/virtual-keys", "arbitrage bot", "arbitrage bot"),
        ("/policies", "asks people", "asks people"), ("/people", "tom", "tom"),
    ):  # fmt: skip
        page.goto(path)
        page.locator("#list").get_by_role("link", name=row, exact=True).click()
        expect(page.locator("h1")).to_contain_text(words)
    page.goto("/audit")
    page.locator("#list tbody a").first.click()
    expect(page.locator("h1")).to_contain_text(re.compile(r"row \d+"))


@pytest.mark.long
def test_market_and_portfolio_are_tables(home: FurnishedHome, page: Page) -> None:
    page.goto(f"/market?account={home.desk}")
    expect(page.locator('[data-side="bids"] tr').first).to_contain_text("30,000.00")
    expect(page.locator("[data-trades] tr").first).to_contain_text("30,000.00")
    expect(page.locator("#open-orders tbody tr")).to_have_count(3)
    page.get_by_role("link", name="As a table").click()
    expect(page.get_by_role("table", name="Candles of BTCUSDT, 1m").locator("tbody tr").first).to_be_visible()
    page.get_by_role("link", name="1h", exact=True).click()
    expect(page.get_by_role("table", name="Candles of BTCUSDT, 1h").locator("tbody tr").first).to_be_visible()
    page.get_by_role("link", name="BTCUSDT", exact=True).click()
    page.get_by_label("Symbol").select_option("ETHUSDT")
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator("h1")).to_have_text("Market ETHUSDT")
    page.goto(f"/portfolio?account={home.desk}")
    expect(page.get_by_role("table", name="Allocation").get_by_role("row", name="BTC")).to_be_visible()
    expect(
        page.get_by_role("table", name="Profit by symbol").get_by_role("row", name="BTCUSDT")
    ).to_be_visible()


@pytest.mark.long
def test_files_are_saved(home: FurnishedHome, page: Page) -> None:
    page.goto(f"/account/trades?account={home.desk}")
    with page.expect_download():
        page.get_by_role("link", name="Export CSV").click()
    page.goto("/audit")
    for name in ("CSV", "JSON"):
        with page.expect_download():
            page.get_by_role("link", name=name).click()


@pytest.mark.long
def test_keys_are_revoked(home: FurnishedHome, page: Page) -> None:
    made = home.done(
        "POST", "/keys",
        {"account": home.desk, "key_type": "HMAC", "label": "mislaid", "ips": ["127.0.0.1"], "permissions": ["READING"]},
    )  # fmt: skip
    bot = Bot(home.testnet.rest, TestnetKey("HMAC", made["key"]["api_key"], made["secret_key"]))
    assert bot.ask("GET", "/api/v3/account").status == 200
    page.goto("/keys")
    page.get_by_role("row", name="mislaid").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The API key was deleted.")).to_be_visible()
    assert bot.ask("GET", "/api/v3/account").code == -2015
    behind = home.bot(home.virtual)
    assert behind.ask("GET", "/api/v3/account").status == 200
    page.goto("/virtual-keys")
    page.get_by_role("row", name="arbitrage bot").get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The virtual key was revoked.")).to_be_visible()
    assert behind.ask("GET", "/api/v3/account").code == -2015
    page.goto("/keys")
    page.get_by_text("Delete all keys of an account").click()
    page.get_by_role("link", name="Delete all of desk").click()
    page.get_by_label("Type the account's name").fill("desk")
    page.get_by_role("button", name="Delete all keys").click()
    expect(page.get_by_text("All API keys of the account were deleted.")).to_be_visible()
    page.goto("/vault")
    page.get_by_role("link", name="Seal", exact=True).click()
    page.get_by_role("button", name="Seal").click()
    expect(page.get_by_text("The vault is sealed.")).to_be_visible()


# What follows is short: people in memory, whose clock the test moves, so that the factor is stale.


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> PagesConsole:
    api_key = ApiKeyView(
        api_key=KEY, account="desk", account_id=1, key_type="HMAC", label="grid", permissions=["READING"], ips=[], symbols=[],
        expires=None, created="2026-11-01T10:00:00Z", last_used=None,
    )  # fmt: skip
    virtual = KeyView(
        id="vk-1", label="grid", state="works", ends_in="", credential="cred-1", credential_label="main", upstream="local",
        policy="trader", policy_sha256="", ips=[], expires=None, effective_expires=None, own_orders_only=True,
        weight_per_minute_max=0, orders_per_10s_max=0, parent="", children=[], versions=[], created="2026-11-01T10:00:00Z",
        revoked=None, last_used=None, last_ip="",
    )  # fmt: skip
    return PagesConsole(
        tmp_path_factory.mktemp("memory"), built=True, showKey=api_key, listKeys=ApiKeyPage([api_key], None, 1),
        showVirtualKey=virtual, listVirtualKeys=VirtualKeyPage([virtual], None, 1),
    )  # fmt: skip


@pytest.fixture
def plain(chromium: Browser, console: PagesConsole) -> Iterator[Tab]:
    with served(console) as origin:
        made = Tab(chromium, origin, java_script_enabled=False)
        hold(made, console)
        yield made
        made.close()


@pytest.mark.parametrize(
    ("route", "path", "button"),
    [
        ("deleteKey", f"/keys/{KEY}/delete", "Delete"),
        ("revokeVirtualKey", "/virtual-keys/vk-1/revoke", "Revoke"),
    ],
)
def test_key_is_revoked_once_the_factor_was_shown(
    plain: Tab, console: PagesConsole, route: str, path: str, button: str
) -> None:
    gone: list[Any] = []

    def revoke(ask: Any) -> VirtualKeysRevoked | None:
        gone.append(ask)
        return VirtualKeysRevoked([]) if route == "revokeVirtualKey" else None

    console.answers[route] = revoke
    console.stale()
    plain.page.goto(path)
    plain.page.get_by_role("button", name=button).click()
    expect(plain.page.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    assert gone == []
    # A later step than the one the test before has used up.
    console.clock.us += 30_000_000
    plain.page.get_by_label("Code of your authenticator app").fill(console.code_of("olga"))
    plain.page.get_by_role("button", name="Confirm").first.click()
    expect(plain.page).to_have_url(re.compile("/(virtual-)?keys"))
    assert len(gone) == 1


def test_person_is_disabled_after_the_factor_was_asked_for(plain: Tab, console: PagesConsole) -> None:
    tom = console.person("tom", "trader")
    console.stale()
    page = plain.page
    page.goto(f"/people/{tom.id}")
    page.get_by_role("link", name="Disable").click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    for code in ("000000", console.code_of("olga")):
        found = console.people.called("tom")
        assert found is not None
        assert found.disabled_us == 0, "not before the factor was shown"
        page.get_by_label("Code of your authenticator app").fill(code)
        page.get_by_role("button", name="Confirm").first.click()
    expect(page.get_by_text("Disabled. Their sessions ended.")).to_be_visible()
    found = console.people.called("tom")
    assert found is not None
    assert found.disabled_us > 0
