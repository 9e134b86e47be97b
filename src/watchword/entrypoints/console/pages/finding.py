"""Which page is meant by a path, and where links may lead: to pages of the table and nowhere else. Renders nothing."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from watchword.accounts.roles import Role, may
from watchword.entrypoints.console.application import PATH_VALUE_PATTERN
from watchword.entrypoints.console.pages.page import Page

#: Where somebody lands who asked for nothing else.
HOME: Final = "/"
PATH_LENGTH_MAX: Final = 512
SECTIONS: Final = ("Trading", "Keys", "Watch", "You")
_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")


class Link(msgspec.Struct, frozen=True):
    """One line of the sidebar."""

    path: str
    label: str
    icon: str
    current: bool


class PageTable:
    """All pages."""

    def __init__(self, pages: Iterable[Page]) -> None:
        """Take the table; paths without parameters come first."""
        self.pages = sorted(pages, key=lambda page: (page.path.count("{"), page.path))
        self._patterns = [(re.compile(_pattern(page.path)), page) for page in self.pages]

    def find(self, path: str) -> tuple[Page, dict[str, str]] | None:
        """Return the page of a path and the values of its parameters."""
        if len(path) > PATH_LENGTH_MAX:
            return None
        for pattern, page in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return page, match.groupdict()
        return None

    def local(self, path: str) -> str:
        """Return a path somebody sent if it is that of a page that can be looked at, else `HOME`: no open redirect.

        What passes is a whole path of the table, so it begins with one `/` and has no host, query or fragment.
        """
        found = self.find(path)
        return path if found is not None and found[0].get is not None else HOME

    def links(self, role: Role, address: str) -> list[tuple[str, list[Link]]]:
        """List the sidebar's groups for a role.

        Args:
            role: Of who looks.
            address: The page that is looked at.
        """
        groups: list[tuple[str, list[Link]]] = []
        for section in SECTIONS:
            pages = [
                page
                for page in self.pages
                if page.nav is not None
                and page.nav.section == section
                and (page.action is None or may(role, page.action))
            ]
            if pages:
                groups.append((section, _links(pages, address)))
        return groups


def _links(pages: Sequence[Page], address: str) -> list[Link]:
    ordered = sorted(pages, key=lambda page: (page.nav.order, page.nav.label) if page.nav else (0, ""))
    return [
        Link(page.path, page.nav.label, page.nav.icon, _within(address, page.path))
        for page in ordered
        if page.nav is not None
    ]


def _within(address: str, path: str) -> bool:
    return address == path or address.startswith(f"{path}/")


def _pattern(path: str) -> str:
    parts = _PARAMETER.split(path)
    return "".join(
        f"(?P<{part}>{PATH_VALUE_PATTERN})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )
