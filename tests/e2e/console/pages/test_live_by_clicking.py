"""Two browsers against real processes: what one changes the other sees without reloading, and loses nothing by it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.managed_home import ManagedHome, managed_home

from watchword.entrypoints.console.live.desk import LiveDesk
from watchword.entrypoints.console.pages.cookies import SESSION
from watchword.entrypoints.console.routes.vault import CredentialList
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyPage
from watchword.entrypoints.gateway.admin.requests import KeyView

#: With the long tests: processes and two browsers.
pytestmark = [pytest.mark.browser, pytest.mark.long]

#: What a page that is looked at may lag behind.
SEEN_MS: int = 3_000
POLICY = """\
version: 1
name: asks
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {name: large orders, notional_above: {USDT: 200}, mode: refuse, approvers: [olga], time_limit: 10m}
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def home(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedHome]:
    with managed_home(tmp_path_factory.mktemp("live")) as made:
        yield made


class Tabs:
    """Browsers of the owner, or of others."""

    def __init__(self, chromium: Browser, home: ManagedHome) -> None:
        self.chromium, self.home = chromium, home
        self.opened: list[Tab] = []

    def of(self, token: str = "", **more: object) -> Page:
        tab = Tab(self.chromium, self.home.console.origin, **more)
        token = token or self.home.owner.token
        tab.context.add_cookies([{"name": SESSION, "value": token, "url": tab.origin}])
        self.opened.append(tab)
        return tab.page


@pytest.fixture
def tabs(chromium: Browser, home: ManagedHome) -> Iterator[Tabs]:
    made = Tabs(chromium, home)
    yield made
    complaints = [complaint for tab in made.opened for complaint in tab.complaints]
    for tab in made.opened:
        tab.close()
    assert complaints == []


def is_live(page: Page) -> None:
    """Wait until the page's stream stands: what happens from now on is told."""
    expect(page.locator("html[data-stream=live]")).to_have_count(1)


def stream_of(page: Page) -> str:
    """How the page's stream is."""
    return str(page.evaluate("document.documentElement.dataset.stream"))


def marked(page: Page) -> None:
    """Mark the page: a mark that is gone means that it was loaded anew."""
    page.evaluate("document.body.dataset.mark = 'here'")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("document.body.dataset.mark") == "here")


def test_key_made_elsewhere_appears_while_search_text_and_focus_stay(home: ManagedHome, tabs: Tabs) -> None:
    account = home.account("live keys")
    looking, changing = tabs.of(), tabs.of()
    home.done("POST", "/keys", {"account": account, "key_type": "HMAC", "label": "grid one"})
    looking.goto("/keys")
    field = looking.get_by_label("Search by label, account or key")
    field.press_sequentially("grid")
    expect(looking.locator("#list tbody tr")).to_have_count(1)
    marked(looking)
    is_live(looking)
    field.focus()
    looking.evaluate("document.querySelector('#f-query').setSelectionRange(1, 3)")
    changing.goto(f"/keys/new?account={account}")
    changing.get_by_label("Label").fill("grid two")
    changing.get_by_label("Trusted addresses").fill("127.0.0.1")
    changing.get_by_role("button", name="Create API key").click()
    expect(changing.locator("#made-key")).to_be_visible()
    expect(looking.locator("#list tbody tr")).to_have_count(2, timeout=SEEN_MS)
    assert is_marked(looking)
    assert field.input_value() == "grid"
    assert looking.evaluate("[document.activeElement.id, document.activeElement.selectionStart]") == [
        "f-query",
        1,
    ]


def test_use_of_a_key_and_its_deletion_are_seen(home: ManagedHome, tabs: Tabs) -> None:
    credential = home.real_key(home.account("live bots", USDT="1000000", BTC="10"), "live main")
    key = home.virtual_key(credential, "live bot", POLICY)
    page = tabs.of()
    page.goto(f"/virtual-keys/{key.id}")
    lately = page.get_by_role("table", name="Rows of the audit trail")
    expect(lately.locator("tbody tr")).to_have_count(1)
    is_live(page)
    assert home.bot(key).ask("GET", "/api/v3/account").status == 200
    expect(lately.get_by_role("row", name="Signed")).to_be_visible(timeout=SEEN_MS)
    home.done("POST", f"/virtual-keys/{key.id}/revoke")
    # It was read again a moment ago, and is at most every two seconds.
    expect(page.locator(".head").get_by_text("Revoked")).to_be_visible(timeout=2 * SEEN_MS)


def test_waiting_request_counts_in_navigation_and_title_and_appears(home: ManagedHome, tabs: Tabs) -> None:
    credential = home.real_key(home.account("live asks", USDT="1000000", BTC="10"), "asking")
    bot = home.bot(home.virtual_key(credential, "asking bot", POLICY))
    page, elsewhere = tabs.of(), tabs.of()
    page.goto("/approvals")
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    elsewhere.goto("/keys")
    is_live(page)
    assert bot.place().code == -2010
    began = time.monotonic()
    row = page.get_by_role("link", name="Decide BUY")
    expect(row).to_be_visible(timeout=SEEN_MS)
    assert time.monotonic() - began < SEEN_MS / 1_000
    for one in (page, elsewhere):
        expect(one.locator('nav a[href="/approvals"] [data-waiting]')).to_have_text(
            "1 waiting", timeout=SEEN_MS
        )
        assert one.title().startswith("(1) ")
    row.click()
    page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("Refused. The request is not sent.")).to_be_visible()
    expect(elsewhere.locator("[data-waiting]")).to_have_count(0, timeout=SEEN_MS)
    assert not elsewhere.title().startswith("(")


def test_sealing_and_checks_are_seen_and_say_what_to_do(home: ManagedHome, tabs: Tabs) -> None:
    home.real_key(home.account("live vault"), "vaulted")
    looking, changing = tabs.of(), tabs.of()
    for page in (looking, changing):
        page.goto("/vault")
        is_live(page)
    row = looking.get_by_role("row", name="vaulted")
    expect(row.get_by_text("Never checked")).to_be_visible()
    changing.get_by_role("button", name="Check all").click()
    expect(row.get_by_text("Any IP")).to_be_visible(timeout=2 * SEEN_MS)
    expect(row.get_by_text("checked just now")).to_be_visible()
    expect(changing.get_by_role("button", name="Check all")).to_be_visible(timeout=2 * SEEN_MS)
    marked(looking)
    home.done("POST", "/vault/seal")
    expect(looking.get_by_text("While it is sealed no request is signed")).to_be_visible(timeout=SEEN_MS)
    expect(looking.get_by_role("button", name="Check all")).to_have_count(0)
    looking.get_by_role("link", name="Unseal").click()
    looking.get_by_role("dialog").get_by_role("button", name="Unseal").click()
    expect(looking.get_by_text("Keys can sign")).to_be_visible()
    expect(changing.get_by_text("Keys can sign")).to_be_visible(timeout=SEEN_MS)


def test_audit_offers_new_rows_and_does_not_jump(home: ManagedHome, tabs: Tabs) -> None:
    page = tabs.of()
    page.goto("/audit?text=account:opened")
    first = page.locator("#list tbody tr").first.inner_text()
    is_live(page)
    home.account("live audit one")
    home.account("live audit two")
    button = page.get_by_role("button", name="2 new rows")
    expect(button).to_be_visible(timeout=3 * SEEN_MS)
    assert page.locator("#list tbody tr").first.inner_text() == first
    button.click()
    expect(page.locator("#list tbody tr").first).not_to_have_text(first)
    expect(button).to_be_hidden()


def test_dialogue_selection_and_scroll_survive(home: ManagedHome, tabs: Tabs) -> None:
    for number in range(12):
        home.done(
            "POST", "/people", {"name": f"guest{number}", "mail": f"g{number}@example.org", "role": "trader"}
        )
    page = tabs.of(viewport={"width": 1000, "height": 400})
    page.goto("/people")
    is_live(page)
    rows = page.locator("#list tbody tr")
    before = rows.count()
    page.get_by_role("link", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("half typed")
    home.done("POST", "/people", {"name": "aaron", "mail": "aaron@example.org", "role": "trader"})
    expect(rows).to_have_count(before + 1, timeout=SEEN_MS)
    assert dialog.get_by_label("Name", exact=True).input_value() == "half typed"
    page.keyboard.press("Escape")
    link = page.get_by_role("link", name="Show guest9")
    link.focus()
    link.scroll_into_view_if_needed()
    page.evaluate("window.box = document.activeElement.getBoundingClientRect().top")
    home.done("POST", "/people", {"name": "abel", "mail": "abel@example.org", "role": "trader"})
    expect(rows).to_have_count(before + 2, timeout=SEEN_MS)
    assert page.evaluate("document.activeElement.textContent.trim()") == "Show guest9"
    moved = page.evaluate("Math.abs(document.activeElement.getBoundingClientRect().top - window.box)")
    assert moved < 2, f"the page jumped by {moved} px"
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#list tbody tr:last-child th'))")
    selected = page.evaluate("getSelection().toString()")
    home.done("POST", "/people", {"name": "adam", "mail": "adam@example.org", "role": "trader"})
    page.wait_for_timeout(SEEN_MS)
    assert page.evaluate("getSelection().toString()") == selected
    assert rows.count() == before + 2, "a list is not replaced under a selection"
    page.evaluate("getSelection().removeAllRanges()")
    expect(rows).to_have_count(before + 3, timeout=SEEN_MS)


def test_ended_session_ends_the_stream_and_says_so(home: ManagedHome, tabs: Tabs) -> None:
    member = home.person("lena", "trader")
    page = tabs.of(member.token)
    page.goto("/keys")
    is_live(page)
    home.done("DELETE", f"/people/{home.id_of(member)}/sessions")
    expect(page.get_by_text("Not live: you are signed out")).to_be_visible(timeout=SEEN_MS)
    assert page.evaluate("document.documentElement.dataset.stream") == "ended"


def test_without_javascript_pages_are_whole_and_ask_for_nothing_live(home: ManagedHome, tabs: Tabs) -> None:
    page = tabs.of(java_script_enabled=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/keys", "/vault", "/virtual-keys", "/approvals", "/audit", "/people", "/account"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("new rows")).to_be_hidden()
    assert not [url for url in asked if "/live/" in url]


def test_broken_stream_is_said_and_what_was_missed_comes_with_the_next_one(
    chromium: Browser, tmp_path: Path
) -> None:
    console = PagesConsole(tmp_path, built=True)
    with served(console) as origin:
        tab = Tab(chromium, origin)
        hold(tab, console)
        page = tab.page
        page.goto("/people")
        is_live(page)
        desk = console.at_hand[LiveDesk]
        desk.close()
        console.person("mia", "trader")
        expect(page.get_by_text("Not live: reconnecting…")).to_be_visible(timeout=20_000)
        assert page.get_by_role("link", name="mia", exact=True).count() == 0
        desk._closed = False
        expect(page.get_by_text("Not live: reconnecting…")).to_have_count(0, timeout=40_000)
        expect(page.get_by_role("link", name="mia", exact=True)).to_be_visible(timeout=SEEN_MS)
        tab.close()


def test_many_windows_leave_the_browser_connections_for_everything_else(
    chromium: Browser, tmp_path: Path
) -> None:
    console = PagesConsole(tmp_path, built=True)
    with served(console) as origin:
        tab = Tab(chromium, origin)
        hold(tab, console)
        pages = [tab.page, *(tab.context.new_page() for _ in range(6))]
        for page in pages:
            page.goto("/people")
        crowded = [page for page in pages if page.get_by_text("too many windows are open").is_visible()]
        deadline = time.monotonic() + 15
        while len(crowded) != 3 and time.monotonic() < deadline:
            pages[0].wait_for_timeout(200)
            crowded = [page for page in pages if page.get_by_text("too many windows are open").is_visible()]
        assert len(crowded) == 3, "four have a stream"
        crowded[0].goto("/security")
        expect(crowded[0].get_by_role("heading", name="Security", exact=True)).to_be_visible()
        live = next(page for page in pages if page not in crowded)
        live.close()
        crowded[0].close()
        deadline = time.monotonic() + 20
        waiting = crowded[1:]
        while time.monotonic() < deadline and not any(stream_of(page) == "live" for page in waiting):
            waiting[0].wait_for_timeout(200)
        assert "live" in [stream_of(page) for page in waiting], "who waited gets the stream that is free"
        tab.close()


def test_key_among_many_is_found_and_given_in_the_dialogue_and_without_script(
    chromium: Browser, tmp_path: Path
) -> None:
    console = PagesConsole(tmp_path, built=True)
    tom = console.person("tom", "trader")
    labels = [f"bot {number}" for number in range(120)]

    def found(ask: object) -> VirtualKeyPage:
        wanted = [label for label in labels if ask.query.query in label]  # type: ignore[attr-defined]
        items = [key_called(label) for label in wanted[: ask.query.limit]]  # type: ignore[attr-defined]
        return VirtualKeyPage(items, "next" if len(wanted) > len(items) else None, len(wanted))

    console.answers.update(listVirtualKeys=found, listCredentials=CredentialList([]))
    with served(console) as origin:
        for script in (True, False):
            tab = Tab(chromium, origin, java_script_enabled=script)
            hold(tab, console)
            page = tab.page
            page.goto(f"/people/{tom.id}")
            page.get_by_role("link", name="Assign").click()
            panel = page.locator("#panel")
            expect(panel.get_by_text("search to find others")).to_be_visible()
            assert panel.locator("option", has_text="bot 117").count() == 0
            label = "bot 117" if script else "bot 118"
            panel.get_by_label("Search by label").press_sequentially(label)
            if not script:
                panel.get_by_role("button", name="Search").click()
            panel.get_by_label("What").select_option(label)
            panel.get_by_role("button", name="Assign").click()
            expect(page.get_by_text("It is theirs to use now.")).to_be_visible()
            expect(page.locator("#live").get_by_text(f"vk-{label.replace(' ', '-')}")).to_be_visible()
            assert tab.complaints == []
            tab.close()


def key_called(label: str) -> KeyView:
    return KeyView(
        id=f"vk-{label.replace(' ', '-')}", label=label, state="works", ends_in="", credential="", credential_label="",
        upstream="", policy="", policy_sha256="", ips=[], expires=None, effective_expires=None, own_orders_only=False,
        weight_per_minute_max=0, orders_per_10s_max=0, parent="", children=[], versions=[], created="",
        revoked=None, last_used=None, last_ip="",
    )  # fmt: skip
