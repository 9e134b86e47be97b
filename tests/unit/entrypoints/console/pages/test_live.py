"""The pages' stream of changes before anybody reads it: who is led elsewhere, what is refused, what parts say of themselves."""

from pathlib import Path

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console.pages.finding import PageTable
from watchword.entrypoints.console.pages.live import PATH
from watchword.entrypoints.console.pages.table import PAGES


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    return PagesConsole(tmp_path)


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


async def test_who_is_not_signed_in_is_led_to_the_sign_in(console: PagesConsole) -> None:
    answer = await console.browser().get(f"{PATH}?topics=people")
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize(
    "query", ["", "topics=", "topics=house", "topics=people&since_us=-1", "topics=people&since_us=x"]
)
async def test_what_cannot_be_read_is_refused(olga: FakeBrowser, query: str) -> None:
    assert (await olga.get(f"{PATH}?{query}")).status_code == 422


async def test_page_of_elsewhere_gets_nothing(olga: FakeBrowser) -> None:
    for headers in (
        {"origin": "https://elsewhere.example"},
        {"sec_fetch_site": "cross-site", "sec_fetch_dest": "empty"},
    ):
        answer = await olga.get(f"{PATH}?topics=people", **headers)
        assert (answer.status_code, "event-stream" in answer.headers["content-type"]) == (403, False)


async def test_stream_is_no_page_to_be_led_to() -> None:
    assert PATH not in {link.path for _, links in PageTable(PAGES).links("owner", "/") for link in links}


async def test_part_says_its_topic_and_when_it_was_rendered(console: PagesConsole, olga: FakeBrowser) -> None:
    shown = await olga.get("/people")
    assert f'id="list" class="list" data-live="people" data-live-at="{console.clock.us}"' in shown.text
    tom = console.person("tom", "trader")
    assert f'data-live="people:{tom.id}"' in (await olga.get(f"/people/{tom.id}")).text


async def test_part_that_is_read_again_takes_no_toast_from_the_page_that_comes_next(
    olga: FakeBrowser,
) -> None:
    olga.http.cookies.set("watchword_toast", "welcome", domain="localhost.local")
    part = await olga.get("/people", hx_request="true")
    assert "watchword_toast" not in part.headers.get("set-cookie", "")
    assert "data-toast" in (await olga.get("/people")).text
