"""Every free text is somebody's markup: in labels, names, policies, addresses, errors and searches it stays a text, everywhere.

One home in which all that people, bots and strangers can choose was planted; every page and dialogue of it is looked at.
A script that ran would say so in the console, as one that only the content policy stopped.
"""

import csv
import io
import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Tab, browser
from tests.support.furnished_home import FurnishedHome, furnished_home

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(240)]

PAYLOADS = (
    '"><img src=x onerror=hacked=1>',
    "'><svg onload=hacked=1>",
    "</script><script>hacked=1</script>",
    "</title><b hx-get=/security hx-trigger=load>",
    "</textarea><iframe srcdoc=x>",
    "{{7*7}}${7*7}<style>main{display:none}</style>",
    "=cmd|'/c calc'!A1",
    "@SUM(1)<a href=javascript:hacked=1>",
    '-2+3" autofocus onfocus=hacked=1 x="',
)
#: What is no text of anybody's: the name people sign in with is held to a few letters.
HELD = {"tom"}
#: Elements and attributes that no page of ours has in its main part or dialogue, and every payload would put there.
PLANTED = """() => [...document.querySelectorAll(
  "main :is(img, b, script, iframe, style), main [srcdoc], main [onerror], main [onload], main [onfocus], " +
  "dialog :is(img, b, script, iframe, style), [href^='javascript:'], [hx-trigger=load], body > :is(img, b, style, iframe)"
)].map((one) => one.outerHTML.slice(0, 160))"""
WATCH = "Object.defineProperty(window, 'hacked', {set() { console.error('a planted script ran'); }})"
OPENERS = "[hx-target='#dialog-body'][hx-get]"
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
AGENT = 'Mozilla/5.0 "><img src=x onerror=hacked=1> Firefox/130'


class Planting:
    """Gives out one payload after the other, and remembers where."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}
        self._payloads = itertools.cycle(PAYLOADS)

    def __call__(self, text: str) -> str:
        if text in HELD:
            return text
        if text not in self.planted:
            payload = next(self._payloads)
            # What a spreadsheet would calculate must begin with it.
            self.planted[text] = f"{payload} {text}" if payload.startswith(FORMULAS) else f"{text} {payload}"
            assert len(self.planted[text]) <= 64
        return self.planted[text]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def planting() -> Planting:
    return Planting()


@pytest.fixture(scope="module")
def home(
    planting: Planting, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FurnishedHome]:
    with furnished_home(tmp_path_factory.mktemp("planted"), planting) as made:
        bot, nasty = made.bot(made.virtual), PAYLOADS[0]
        for odd in (
            {"symbol": nasty}, {"newClientOrderId": nasty}, {"newClientOrderId": "-2-3"}, {"side": nasty}, {"type": PAYLOADS[1]},
        ):  # fmt: skip
            bot.place(quantity="0.001", **odd)
        bot.send("GET", "/api/v3/" + quote(nasty), "", **{"User-Agent": AGENT, "X-Forwarded-For": nasty})
        made.console.call("POST", "/sign-in", "", {"login": nasty, "password": nasty}, {"user-agent": AGENT})
        made.console.call("POST", "/sign-in", "", {"login": "olga", "password": nasty}, {"user-agent": AGENT})
        made.another_session(AGENT)
        yield made


@pytest.fixture(scope="module")
def tab(chromium: Browser, home: FurnishedHome) -> Iterator[Tab]:
    made = home.tab_of(chromium, accept_downloads=True)
    made.context.add_init_script(WATCH)
    yield made
    made.close()


@pytest.fixture
def page(tab: Tab) -> Iterator[Page]:
    yield tab.page
    assert tab.complaints == []


def test_pages_and_dialogues_show_it_as_text(home: FurnishedHome, planting: Planting, page: Page) -> None:
    shown: list[str] = []
    openers: dict[str, str] = {}
    for place in home.places():
        page.goto(place)
        assert page.evaluate(PLANTED) == [], place
        shown.append(page.evaluate("document.documentElement.textContent"))
        shown.append(
            page.evaluate(
                "[...document.querySelectorAll('input, textarea')].map((one) => one.value).join('\\n')"
            )
        )
        # A page that is a dialogue's panel itself leads on to the next one as a page.
        links = page.locator(f"body:not(:has(main > #panel)) :is({OPENERS})")
        for target in links.evaluate_all("all => all.map((one) => one.getAttribute('hx-get'))"):
            openers.setdefault(target, place)
    for target, place in sorted(openers.items(), key=lambda one: one[1]):
        if not page.url.endswith(place):
            page.goto(place)
        opener = page.locator(f"{OPENERS}[hx-get='{target}']").first
        if not opener.count():
            # Rows of the trail move on to its next page: looking at pages makes new ones.
            page.goto(target)
            assert page.evaluate(PLANTED) == [], target
            shown.append(page.evaluate("document.documentElement.textContent"))
            continue
        opener.evaluate("link => link.click()")
        expect(page.locator("#dialog")).to_be_visible()
        assert page.evaluate(PLANTED) == [], target
        shown.append(page.evaluate("document.querySelector('#dialog').textContent"))
        page.keyboard.press("Escape")
        expect(page.locator("#dialog")).to_be_hidden()
    everything = "\n".join(shown)
    assert [text for text in planting.planted.values() if text not in everything] == [], (
        "planted, and nowhere shown"
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_searched_for_stays_a_text(home: FurnishedHome, page: Page, payload: str) -> None:
    text = quote(payload)
    for address in (
        f"/keys?query={text}&account={text}&sort={text}", f"/vault?query={text}&upstream={text}", f"/virtual-keys?query={text}&after={text}",
        f"/approvals?query={text}&state={text}", f"/audit?text={text}&key={text}&since={text}&after={text}", f"/policies?query={text}",
        f"/people?query={text}&role={text}", f"/account/orders?search={text}&account={text}", f"/market?symbol={text}&interval={text}",
        f"/portfolio?span={text}", f"/security?query={text}", f"/market/candles?symbol={text}", f"/nowhere/{text}", f"/sign-in?next={text}",
    ):  # fmt: skip
        page.goto(address)
        assert page.evaluate(PLANTED) == [], address


def test_what_is_typed_into_forms_comes_back_as_a_text(home: FurnishedHome, page: Page) -> None:
    nasty = PAYLOADS[0]
    for place, label, button in (
        ("/policies/check", "Text of the policy", "Check"), ("/policies/explain", "Text of the policy", "Decide"),
        ("/policies/compare", "New", "Compare"), ("/keys/accounts/new", "Name of the account", "Open the account"),
        ("/people/new", "Name", "Invite"), ("/virtual-keys/new", "Pairs", "Issue the key"), ("/security/tokens/new", "Label", "Make the token"),
    ):  # fmt: skip
        page.goto(place)
        page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true; })")
        page.locator("main").get_by_label(label, exact=True).fill(f"version: {nasty}\n{nasty}: [{nasty}]")
        page.locator("main").get_by_role("button", name=button, exact=True).click()
        expect(
            page.locator(".wrong:visible, .alert:visible, .findings:visible, h1:visible").first
        ).to_be_visible()
        page.wait_for_load_state()
        assert page.evaluate(PLANTED) == [], place


@pytest.mark.parametrize("place", ["/audit/export.csv", "/account/trades.csv?account={desk}"])
def test_no_cell_of_a_file_is_a_formula(home: FurnishedHome, page: Page, place: str) -> None:
    page.goto("/audit")
    with page.expect_download() as saving:
        page.evaluate("place => { location.href = place; }", place.format(desk=home.desk))
    rows = list(csv.reader(io.StringIO(saving.value.path().read_text(encoding="utf-8"), newline="")))
    assert len(rows) >= 2
    assert [cell for row in rows for cell in row if cell.lstrip(" ").startswith(FORMULAS)] == []
    if "audit" in place:
        assert any(cell.startswith(("'=cmd", "'-2")) for row in rows for cell in row), "nothing was planted"
