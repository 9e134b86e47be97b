"""axe-core finds nothing on any page and in no dialogue, light and dark, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.support.browser import HEIGHT, NARROW, WIDE, PagedHome, paged_home

from watchword.entrypoints.console.pages.table import PAGES

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long]

AXE = Path(__file__).resolve().parents[4] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
#: Parts of pages, which scripts ask for: no page of their own.
PARTS = {"/market/orders"}
#: Pages for who is signed in, by their path; those with parameters are looked at by the tests of their subject.
SIGNED_IN = sorted(
    page.path
    for page in PAGES
    if page.get is not None and page.stages == {"full"} and "{" not in page.path and page.path not in PARTS
)
OPEN = ("/sign-in", "/set-up", "/nowhere")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
LOOKS: list[tuple[str, int]] = [("light", WIDE), ("dark", NARROW)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagedHome]:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run npm ci in frontend/")
    with paged_home(tmp_path_factory.mktemp("axe")) as home:
        home.owner = home.enrolled()  # type: ignore[attr-defined]
        page = home.owner.page  # type: ignore[attr-defined]
        page.goto("/keys/accounts/new")
        page.get_by_label("Name of the account").fill("desk")
        page.get_by_role("button", name="Open the account").click()
        page.get_by_text("The account is open.").wait_for()
        page.goto("/keys/new")
        page.get_by_label("Label").fill("grid bot")
        page.get_by_text("Unrestricted (less secure)").click()
        page.get_by_role("button", name="Create API key").click()
        page.locator("#made-secret").wait_for()
        yield home


def violations(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    page.add_script_tag(path=AXE)
    options: dict[str, Any] = {
        "runOnly": {"type": "tag", "values": list(RULES)},
        "resultTypes": ["violations"],
    }
    found = page.evaluate("options => axe.run(document, options)", options)
    return [f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]]


def _is_page(page: Page, path: str) -> bool:
    """Whether it is one: parts for scripts, streams and downloads are not."""
    script = "path => fetch(path).then(answer => [answer.headers.get('content-type'), answer.headers.get('content-disposition')])"
    media, saved = page.evaluate(script, path)
    return media is not None and media.startswith("text/html") and saved is None


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_any_page(desk: PagedHome, scheme: str, width: int) -> None:
    looks: dict[str, Any] = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": HEIGHT},
        "bypass_csp": True,
    }
    tab = desk.signed_in(desk.owner, **looks)  # type: ignore[attr-defined]
    nobody = desk.tab(**looks)
    found: dict[str, list[str]] = {}
    for page, paths in ((tab.page, SIGNED_IN), (nobody.page, OPEN)):
        page.goto("/sign-in")
        for path in paths:
            if _is_page(page, path):
                page.goto(path)
                found[path] = violations(page)
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_in_the_dialogues_of_keys(desk: PagedHome, scheme: str, width: int) -> None:
    tab = desk.signed_in(
        desk.owner,  # type: ignore[attr-defined]
        color_scheme=scheme,
        viewport={"width": width, "height": HEIGHT},
        bypass_csp=True,
    )
    for name in ("Create API key", "Edit", "Delete"):
        tab.page.goto("/keys")
        tab.page.get_by_role("link", name=name, exact=True).first.click()
        tab.page.get_by_role("dialog").get_by_role("heading").first.wait_for()
        assert violations(tab.page) == [], name
