"""The front door, and the look of the pages: where `/` leads, and which theme was chosen. Shows nothing itself."""

from typing import Final

from watchword.entrypoints.console.pages.cookies import THEME, THEMES, YEAR_S
from watchword.entrypoints.console.pages.finding import HOME
from watchword.entrypoints.console.pages.guarding import SIGN_IN
from watchword.entrypoints.console.pages.page import Go, Page
from watchword.entrypoints.console.pages.visit import Visit


async def show_home(visit: Visit) -> Go:
    """Lead to the first page of the sidebar."""
    groups = visit.table.links(visit.person.role, visit.address)
    return Go(groups[0][1][0].path if groups else SIGN_IN)


async def choose_theme(visit: Visit) -> Go:
    """Remember the theme in this browser, and go back."""
    chosen = visit.form.text("theme")
    visit.jar.put(THEME, next((theme for theme in THEMES if theme == chosen), "auto"), age_s=YEAR_S)
    return Go(visit.table.local(visit.form.text("back")))


PAGES: Final = (
    Page(path=HOME, get=show_home),
    Page(path="/theme", post=choose_theme, stages=None),
)
