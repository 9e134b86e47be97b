"""To come."""

from watchword.entrypoints.console.pages.page import Page

PAGES: tuple[Page, ...] = ()
