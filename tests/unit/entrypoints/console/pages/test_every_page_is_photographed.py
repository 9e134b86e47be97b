"""The table of pictures has every page of the table of pages, in states that can be told apart by name."""

from collections import Counter

from tests.screenshots.shots import SHOTS
from tests.screenshots.worlds import WORLDS
from tests.support.furnished_home import NO_PAGES

from watchword.entrypoints.console.pages.page import Page
from watchword.entrypoints.console.pages.table import PAGES

SHOWN = {page.path: page for page in PAGES if page.get is not None and page.path not in NO_PAGES}


def test_every_page_has_a_picture() -> None:
    assert SHOWN.keys() - {shot.path for shot in SHOTS} == set(), "add it to tests/screenshots/shots.py"


def test_every_picture_is_of_a_page() -> None:
    assert {shot.path for shot in SHOTS} - SHOWN.keys() == set()


def test_every_page_of_the_sidebar_is_photographed_full_and_empty() -> None:
    for page in filter(_in_sidebar, SHOWN.values()):
        worlds = {shot.world for shot in SHOTS if shot.path == page.path}
        assert worlds >= {"full", "empty"}, page.path


def test_pictures_have_names_of_their_own_and_worlds_that_are_there() -> None:
    assert [name for name, count in Counter(shot.name for shot in SHOTS).items() if count > 1] == []
    assert {shot.world for shot in SHOTS} == set(WORLDS)


def _in_sidebar(page: Page) -> bool:
    return page.nav is not None
