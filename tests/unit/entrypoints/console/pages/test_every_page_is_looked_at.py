"""The tests in a browser look at every page of the table: whoever adds one says where it is, or that it is no page."""

import re

import pytest
from tests.support.furnished_home import GATES, NO_PAGES, PARAMETERS, PARTS, shown_pages

from watchword.entrypoints.console.pages.page import Page
from watchword.entrypoints.console.pages.table import PAGES

PATHS = {page.path for page in PAGES if page.get is not None}


@pytest.mark.parametrize("page", shown_pages(), ids=lambda page: page.path)
def test_place_of_every_page_is_known(page: Page) -> None:
    first = page.path.split("/")[1]
    wanted = {(first, name) for name in re.findall(r"\{(\w+)\}", page.path)}
    assert wanted <= PARAMETERS, "give it a value in FurnishedHome.at"


def test_what_is_left_out_is_in_the_table() -> None:
    assert PATHS >= NO_PAGES | GATES | PARTS


def test_pages_that_are_left_out_are_before_a_session_or_no_pages() -> None:
    for page in PAGES:
        if page.path in GATES:
            assert page.stages != frozenset({"full"})
    assert not any(page.nav for page in PAGES if page.path in NO_PAGES)
