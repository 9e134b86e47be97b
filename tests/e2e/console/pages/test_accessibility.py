"""axe-core finds nothing: on every page of the table, in every dialogue, on what forms answer; empty and full, in every look.

A page or template that is new is looked at by itself or fails a test of `test_every_page_is_looked_at.py`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.axe import LOOKED_AT, need_axe, violations
from tests.support.browser import Tab, browser
from tests.support.console_process import PASSWORD
from tests.support.furnished_home import FurnishedHome, bare_home, shown_pages

from watchword.accounts.roles import may

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(400)]

OPENERS = "[hx-target='#dialog-body'][hx-get]"
#: A key of one's own has more to be seen than one of the system's, and a policy of one's own more than limits.
UNFOLD = """() => {
  document.querySelectorAll("input[type=radio]:is([value=ED25519], [value=own], [value=''])").forEach((one) => one.click());
  document.querySelectorAll("main details, dialog details").forEach((one) => { one.open = true; });
}"""
SECTIONS = sorted({page.path.split("/")[1] for page in shown_pages()})
#: How a form answers that was filled in wrongly or rightly; the page, what is typed, the button, and what is waited for.
Filled = tuple[str, dict[str, str], str, str]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    need_axe()
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def home(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedHome]:
    with bare_home(tmp_path_factory.mktemp("axe")) as made:
        yield made


@pytest.fixture(scope="module")
def empty(chromium: Browser, home: FurnishedHome) -> Iterator[Tab]:
    """The owner's tab, of a home with nothing in it."""
    tab = home.tab_of(chromium, home.owner, **LOOKED_AT)
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def full(chromium: Browser, home: FurnishedHome) -> Iterator[Tab]:
    """The same, after the home was furnished."""
    home.furnish()
    tab = home.tab_of(chromium, **LOOKED_AT)
    yield tab
    tab.close()


def opened_up(page: Page) -> Page:
    """Unfold what is folded: what is hidden is not looked at."""
    page.evaluate(UNFOLD)
    for panel in page.locator("details[data-keygen][open]").all():
        expect(panel.locator("[data-part=controls]")).to_be_visible()
    return page


def found_at(page: Page, places: list[str]) -> dict[str, list[str]]:
    """What axe finds at each place where it finds something."""
    found = {}
    for place in places:
        page.goto(place)
        found[place] = list(violations(opened_up(page)))
    return {place: lines for place, lines in found.items() if lines}


def test_pages_without_anything_to_show(empty: Tab) -> None:
    """Those of the sidebar: forms are the same, full or empty."""
    places = [page.path for page in shown_pages() if page.nav is not None]
    assert found_at(empty.page, [*places, "/nowhere"]) == {}


@pytest.mark.parametrize("section", SECTIONS)
def test_pages_with_everything(home: FurnishedHome, full: Tab, section: str) -> None:
    assert found_at(full.page, [place for place in home.places() if place.split("/")[1] == section]) == {}
    assert full.complaints == []


def test_lists_that_find_nothing_and_pages_of_problems(home: FurnishedHome, full: Tab) -> None:
    lists = ("keys", "vault", "virtual-keys", "approvals", "policies", "people")
    places = [f"/{name}?query=zzzz" for name in lists]
    places += [
        "/audit?text=zzzz",
        "/audit?since=odd",
        "/account/orders?search=ZZZ",
        f"/keys/{'A' * 64}",
        "/virtual-keys/vk-none",
    ]
    assert found_at(full.page, places) == {}


def test_what_a_trader_sees(chromium: Browser, home: FurnishedHome, full: Tab) -> None:
    tab = home.tab_of(chromium, home.tom, **LOOKED_AT)
    places = [
        page.path
        for page in shown_pages()
        if page.nav is not None and (page.action is None or may("trader", page.action))
    ]
    assert found_at(tab.page, places) == {}
    tab.close()


#: Kinds of dialogues that were looked at, over all sections.
LOOKED_INTO: set[str] = set()


@pytest.mark.parametrize("section", SECTIONS)
def test_dialogues_of_every_page(home: FurnishedHome, full: Tab, section: str) -> None:
    """Every link that opens a dialogue, once; found on the pages themselves."""
    page, found = full.page, {}
    home.freshen(full)
    for place in [one for one in home.places() if one.split("/")[1] == section]:
        page.goto(place)
        # A page that is a dialogue's panel itself leads on to the next one as a page.
        if page.locator("main > #panel").count():
            continue
        targets = page.locator(OPENERS).evaluate_all("all => all.map(one => one.getAttribute('hx-get'))")
        for target in dict.fromkeys(targets):
            kind = _kind(target)
            if kind in LOOKED_INTO:
                continue
            LOOKED_INTO.add(kind)
            page.goto(place)
            # Some stand behind a fold: the dialogue is what counts here.
            page.locator(f"{OPENERS}[hx-get='{target}']").first.evaluate("link => link.click()")
            expect(page.locator("#dialog")).to_be_visible()
            found[target] = list(violations(opened_up(page)))
    assert {target: lines for target, lines in found.items() if lines} == {}


def test_dialogues_were_found() -> None:
    assert len(LOOKED_INTO) >= 25, sorted(LOOKED_INTO)


def _kind(target: str) -> str:
    """An address without what differs from row to row."""
    path = target.partition("?")[0]
    fitting = [one.path for one in shown_pages() if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one.path), path)]
    return min(fitting, key=lambda one: one.count("{"))


def test_menus_that_are_open(full: Tab) -> None:
    page = full.page
    page.goto("/keys")
    page.get_by_role("button", name="Your account").click()
    assert list(violations(page)) == []
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/keys")
    page.get_by_role("button", name="Menu").click()
    assert list(violations(page)) == []


#: By template: what forms answer with a page of their own, or with the dialogue they stand in.
ANSWERS: dict[str, Filled] = {
    "key_new.html": ("/keys/new", {"Label": "odd", "Trusted addresses": "nowhere"}, "Create API key", ".wrong"),
    "key_made.html": ("/keys/new", {"Label": "made", "Trusted addresses": "127.0.0.1"}, "Create API key", "#made-secret"),
    "keys_delete_all.html": ("/keys/accounts/1/delete", {"Type the account's name": "other"}, "Delete all keys", ".wrong"),
    "account_open.html": ("/keys/accounts/new", {"Name of the account": "desk"}, "Open the account", ".wrong, .alert"),
    "vault_credential.html": ("/vault/pairs/new", {"Label": "new pair"}, "Make the pair", "#public-key"),
    "virtual_key_new.html": ("/virtual-keys/new", {"Label": "odd", "Pairs": "?"}, "Issue the key", ".wrong, .alert"),
    "virtual_key_made.html": ("/virtual-keys/new", {"Label": "made"}, "Issue the key", "#made-secret"),
    "person_invited.html": ("/people/new", {"Name": "mia", "Mail address": "mia@example.org"}, "Invite", "#enrolment-token"),
    "policy_check.html": ("/policies/check", {"Text of the policy": "version: 1\nname: x\nsymbols: no"}, "Check", ".findings"),
    "policy_compare.html": ("/policies/compare?key={key}", {"New": "version: 1\nname: x\npermissions: [read]"}, "Compare", ".found"),
    "policy_explain.html": ("/policies/explain?key={key}", {"Quantity": "0.02"}, "Decide", ".found"),
    "password.html": ("/security/password", {"Present password": "x", "New password": "short"}, "Change the password", ".wrong"),
    "recovery_codes.html": ("/security/recovery-codes", {}, "Draw ten codes", "#codes"),
    "scan_app.html": ("/security/app", {"What you call it": "pad"}, "Continue", "#app-secret"),
    "market_order.html": ("/market", {"Amount, BTC": "999"}, "Buy BTC", "#order-form .alert"),
}  # fmt: skip


@pytest.mark.parametrize("template", ANSWERS)
def test_what_a_form_answers(home: FurnishedHome, full: Tab, template: str) -> None:
    place, typed, button, waited_for = ANSWERS[template]
    page = full.page
    home.freshen(full)
    page.goto(place.format(key=home.virtual.id))
    page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true; })")
    for label, text in typed.items():
        exact = label in {"Name", "Label", "New password", "New", "Mail address", "Pairs", "Quantity"}
        page.locator("main").get_by_label(label, exact=exact).first.fill(text)
    page.locator("main").get_by_role("button", name=button, exact=True).click()
    expect(page.locator(waited_for).first).to_be_attached()
    assert list(violations(opened_up(page))) == []


def test_gates(chromium: Browser, home: FurnishedHome, full: Tab) -> None:
    """Before somebody is signed in: each step of coming in, with what it says to a mistake."""
    tab = Tab(chromium, home.console.origin, **LOOKED_AT)
    page = tab.page
    home.freshen(full)
    found = found_at(page, ["/sign-in", "/set-up"])

    def look(name: str, ready: Callable[[], Any]) -> None:
        ready()
        found[name] = list(violations(opened_up(page)))

    page.goto("/sign-in")
    page.get_by_label("Name or mail address").fill("olga")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Continue").click()
    look("a wrong password", page.get_by_role("alert").wait_for)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    look("a second factor", page.get_by_role("heading", name="Second factor").wait_for)
    page.get_by_label("Code of your authenticator app").fill("000000")
    page.get_by_role("button", name="Confirm").first.click()
    look("a wrong code", page.get_by_role("alert").wait_for)
    token = home.done("POST", "/people", {"name": "uma", "mail": "uma@example.org", "role": "auditor"})[
        "enrolment"
    ]
    page.goto("/set-up")
    page.get_by_label("Enrolment token").fill("wwe_no")
    page.get_by_label("New password", exact=True).fill("a long enough passphrase")
    page.get_by_label("New password, again").fill("another passphrase")
    page.get_by_role("button", name="Continue").click()
    look("a wrong token", page.locator(".wrong, .alert").first.wait_for)
    page.get_by_label("Enrolment token").fill(token)
    page.get_by_label("New password", exact=True).fill("a long enough passphrase")
    page.get_by_label("New password, again").fill("a long enough passphrase")
    page.get_by_role("button", name="Continue").click()
    look("a factor to choose", page.get_by_role("heading", name="Choose a second factor").wait_for)
    page.get_by_role("button", name="Authenticator app").click()
    look("an app to scan", page.get_by_role("heading", name="Set up the authenticator app").wait_for)
    assert {name: lines for name, lines in found.items() if lines} == {}
    tab.close()
