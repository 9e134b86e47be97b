"""The stream that tells an open page what changed. Shows nothing: what changed is read again by the page itself."""

from typing import Final

from watchword.entrypoints.console.pages.page import Answer, Page
from watchword.entrypoints.console.pages.visit import Visit

PATH: Final = "/live/changes"


async def watch_changes(visit: Visit) -> Answer:
    """Give the events of a page, to the session of its cookie."""
    query = {name: visit.query.get(name, "") for name in ("topics", "since_us")}
    events: Answer = await visit.call("watchChanges", query=query)
    return events


PAGES: Final = (Page(path=PATH, get=watch_changes, action="self.read"),)
