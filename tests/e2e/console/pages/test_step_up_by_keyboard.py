"""By keyboard alone, in short: the skip link, a list that says what was found, a dialogue that keeps the focus and gives it back.

And the factor that is asked for in between. People are in memory, so that the test moves their clock. `test_by_keyboard.py`
has every flow, `test_accessibility.py` every page.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.support.axe import LOOKED_AT, need_axe, violations
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.keyboard import Keyboard

pytestmark = pytest.mark.browser

DIALOG = "#dialog"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> PagesConsole:
    return PagesConsole(tmp_path_factory.mktemp("keyboard"), built=True)


@pytest.fixture(scope="module")
def origin(console: PagesConsole) -> Iterator[str]:
    with served(console) as address:
        yield address


@pytest.fixture
def tab(chromium: Browser, console: PagesConsole, origin: str) -> Iterator[Tab]:
    made = Tab(chromium, origin, **LOOKED_AT)
    hold(made, console)
    yield made
    assert made.complaints == []
    made.close()


def test_dialogue_keeps_the_focus_and_gives_it_back(tab: Tab, console: PagesConsole) -> None:
    console.person("tom", "trader")
    page, keys = tab.page, Keyboard(tab.page)
    page.goto("/people")
    keys.skip()
    keys.write("Search by name or mail address", "tom")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#said")).to_have_text("People: 1")
    expect(page.get_by_label("Search by name or mail address")).to_be_focused()
    keys.press_on("link", "tom")
    keys.press_on("link", "Disable")
    expect(page.locator(f"{DIALOG} h1")).to_have_text("Disable tom?")
    assert keys.has_focus(page.locator(DIALOG).get_by_role("link", name="Cancel")), "on what does no harm"
    for key in ("Tab", "Shift+Tab"):
        stops = [keys.stop(key) for _ in range(7)]
        assert all(stop is not None and stop["dialogue"] for stop in stops), stops
    keys.press("Escape")
    expect(page.locator(DIALOG)).to_be_hidden()
    assert keys.has_focus(page.get_by_role("link", name="Disable")), "back on what opened it"


def test_factor_is_asked_for_and_given_by_keyboard(tab: Tab, console: PagesConsole) -> None:
    tina = console.person("tina", "trader")
    page, keys = tab.page, Keyboard(tab.page)
    page.goto(f"/people/{tina.id}")
    console.stale()
    keys.press_on("link", "Disable")
    expect(page.locator(f"{DIALOG} h1")).to_be_visible()
    keys.press_on("button", "Disable", within=DIALOG)
    expect(page.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    for code, heard in (
        ("000000", page.get_by_role("dialog").get_by_role("alert")),
        (console.code_of("tina"), None),
    ):
        expect(page.get_by_label("Code of your authenticator app")).to_be_focused()
        page.keyboard.type(code if heard else console.code_of("olga"))
        keys.press("Enter")
        if heard is not None:
            expect(heard).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Disabled. Their sessions ended.")).to_be_visible()
    assert keys.sent >= {"/people/{person}/disable", "/step-up"}


def test_axe_finds_nothing_in_the_dialogue_for_the_factor(tab: Tab, console: PagesConsole) -> None:
    need_axe()
    page, uma = tab.page, console.person("uma", "auditor")
    page.goto(f"/people/{uma.id}")
    console.stale()
    page.get_by_role("link", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    assert list(violations(page)) == []
