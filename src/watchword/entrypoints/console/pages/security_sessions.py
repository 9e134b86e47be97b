"""A person's own sessions, ended after it was said what that does, and their sign-in history. Opens no session."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from watchword.entrypoints.console.pages.page import Answer, Go, Page, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import FACTORS, OUTCOMES, device
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.own import FAILURES, HistoryLine
from watchword.entrypoints.console.routes.paging import cut
from watchword.entrypoints.console.routes.sessions import SessionList

BACK: Final = "/security"
HISTORY_PATH: Final = "/security/history"
ROWS: Final = 20
QUERY_LENGTH_MAX: Final = 128
RESULTS: Final[dict[str, str]] = {"succeeded": "Went well", "failed": "Failed"}


async def show_end(visit: Visit) -> Answer:
    """Say what ending a session does."""
    sessions = await visit.call("listOwnSessions")
    return sessions if isinstance(sessions, Problem) else end_view(visit, sessions, BACK)


def end_view(visit: Visit, sessions: SessionList, back: str, name: str = "") -> Answer:
    """Say what ending one of the sessions does.

    Args:
        visit: Of a path that names the session.
        sessions: Of the person.
        back: Where they are listed.
        name: Whose they are, where they are not one's own.
    """
    found = next((one for one in sessions.items if one.id == visit.path["session"]), None)
    # It ended meanwhile, or is somebody else's: then there is nothing to end here.
    return Go(back) if found is None else View("session_end.html", {"one": found, "back": back, "name": name})


async def end_session(visit: Visit) -> Answer:
    """End one session."""
    ended = await visit.call("endOwnSession", path=visit.path)
    return ended if isinstance(ended, Problem) else Go(BACK, "session-ended")


async def show_end_others(visit: Visit) -> Answer:
    """Say which sessions end."""
    sessions = await visit.call("listOwnSessions")
    if isinstance(sessions, Problem):
        return sessions
    return View("sessions_end.html", {"others": [one for one in sessions.items if not one.current]})


async def end_others(visit: Visit) -> Answer:
    """End all sessions but this one."""
    ended = await visit.call("endOtherSessions")
    return ended if isinstance(ended, Problem) else Go(BACK, "sessions-ended")


async def show_history(visit: Visit) -> Answer:
    """Show who signed in or tried to, page by page."""
    query = visit.query.get("query", "").strip()[:QUERY_LENGTH_MAX]
    result, outcome = visit.query.get("result", ""), visit.query.get("outcome", "")
    chosen = {
        "query": query,
        "result": result if result in RESULTS else "",
        "outcome": outcome if outcome in OUTCOMES else "",
    }
    found = await visit.call(
        "listOwnHistory", query={"result": chosen["result"], "outcome": chosen["outcome"]}
    )
    after = visit.query.get("after", "")
    lines = lines_having(found, query)
    page, following = cut(lines, lambda line: line.id, ROWS, after)
    same = {name: value for name, value in chosen.items() if value}
    context = {
        "failed": found if isinstance(found, Problem) else None,
        "lines": page,
        "total": len(lines),
        "chosen": chosen,
        "filtered": bool(same),
        "results": RESULTS,
        "failures": FAILURES,
        "first_page": not after,
        "next_page": f"{HISTORY_PATH}?{urlencode({**same, 'after': following})}" if following else "",
        "start": f"{HISTORY_PATH}?{urlencode(same)}" if same else HISTORY_PATH,
    }
    return View("history.html", context, found.kind.status if isinstance(found, Problem) else 200)


def lines_having(found: Any, wanted: str) -> Sequence[HistoryLine]:
    """Pick the lines in whose words a text is: as they are shown, and as the device says itself.

    Args:
        found: A `HistoryList`; of a `Problem` there are none.
        wanted: The text.
    """
    if isinstance(found, Problem):
        return ()
    return [line for line in found.items if wanted.lower() in _words(line).lower()]


def _words(line: HistoryLine) -> str:
    factor = FACTORS[line.factor] if line.factor else "Password"
    return f"{OUTCOMES[line.outcome]} {factor} {line.ip} {device(line.agent)} {line.agent}"


PAGES: Final = (
    Page(path=HISTORY_PATH, get=show_history, action="self.read"),
    Page(path="/security/sessions/others", get=show_end_others, post=end_others),
    Page(path="/security/sessions/{session}/end", get=show_end, post=end_session),
)
