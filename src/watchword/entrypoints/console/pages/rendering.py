"""Turns views into HTML: one Jinja2 environment, everything escaped. Calls no route and decides nothing."""

import functools
from pathlib import Path
from typing import Any, Final

import jinja2

from watchword.entrypoints.console.pages import wording
from watchword.entrypoints.console.pages.assets import Assets
from watchword.entrypoints.console.pages.cookies import THEMES, TOAST
from watchword.entrypoints.console.pages.csrf import FIELD, FormTokens
from watchword.entrypoints.console.pages.finding import Link, PageTable
from watchword.entrypoints.console.pages.icons import icon
from watchword.entrypoints.console.pages.page import View
from watchword.entrypoints.console.pages.toasts import text_of
from watchword.entrypoints.console.pages.visit import Visit

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates"


class Renderer:
    """Renders views for one process."""

    def __init__(self, table: PageTable, tokens: FormTokens, assets: Assets) -> None:
        """Take what every page shows.

        Args:
            table: For the sidebar.
            tokens: For forms.
            assets: For scripts and styles.
        """
        self._table, self._tokens = table, tokens
        self._asset = assets.url

    def render(self, visit: Visit, view: View, bound: str) -> str:
        """Render a view.

        Args:
            visit: Who looks at what.
            view: Template and what it shows.
            bound: What forms are bound to: id of the session or visit.

        Returns:
            The page, complete; htmx takes out the part it asked for.
        """
        # A piece of a page has no place for it: it is for the page that comes next.
        toast = "" if visit.partial else text_of(visit.jar.get(TOAST))
        if toast:
            visit.jar.drop(TOAST)
        return (
            _environment()
            .get_template(view.template)
            .render(
                visit=visit,
                asset=self._asset,
                signed_in=_signed_in(visit),
                groups=self._groups(visit),
                theme=visit.jar.theme,
                toast=toast,
                csrf=self._tokens.token_for(bound),
                when=lambda at_us: wording.when(at_us, visit.now_us),
                **view.context,
            )
        )

    def _groups(self, visit: Visit) -> list[tuple[str, list[Link]]]:
        if not _signed_in(visit):
            return []
        return self._table.links(visit.person.role, visit.address)


def _signed_in(visit: Visit) -> bool:
    who: Any = visit.who
    return who is not None and who.session is not None and who.session.stage == "full"


@functools.cache
def _environment() -> jinja2.Environment:
    """Return the environment; templates are compiled once in a process."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(themes=THEMES, csrf_field=FIELD, words=wording, draw_icon=icon)
    environment.filters.update(stamp=wording.stamp, shortened=wording.shortened, device=wording.device)
    return environment
