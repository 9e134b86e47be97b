"""Audit: both trails searched, each row as it stands, files to take away, and the proof that nothing was changed."""

from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from watchword.entrypoints.console.pages import audit_words
from watchword.entrypoints.console.pages.page import Answer, Nav, Page, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.audit_export import EXPORT_ROWS_MAX

PATH: Final = "/audit"
ROWS: Final = "50"
DAY_US: Final = 86_400_000_000
SECOND_US: Final = 1_000_000
TRAILS: Final = {"gateway": "Gateway", "console": "Console"}
#: Members of a search as a form has them; days are turned into moments.
_TEXTS: Final = ("text", "trail", "kind", "key", "actor", "endpoint", "symbol", "rule", "request")
_DAYS: Final = ("since", "until")


async def show_audit(visit: Visit) -> Answer:
    """Search the trails."""
    chosen, wanted, wrong = _wanted(visit)
    after = visit.query.get("after", "")
    found = await visit.call("searchAudit", query={**wanted, "limit": ROWS, "after": after})
    failed = found if isinstance(found, Problem) else None
    same = {name: value for name, value in chosen.items() if value}
    context: dict[str, Any] = {
        "failed": failed,
        "found": found,
        "chosen": chosen,
        "wrong": wrong,
        "filtered": bool(same),
        "narrowed": any(chosen[name] for name in (*_TEXTS[2:], *_DAYS)),
        "trails": TRAILS,
        "say": audit_words,
        "first_page": not after,
        "here": f"{PATH}?{urlencode(same)}",
        "next_page": f"{PATH}?{urlencode({**same, 'after': found.next})}" if not isinstance(found, Problem) and found.next else "",
        "csv": f"{PATH}/export.csv?{urlencode(same)}",
        "json": f"{PATH}/export.json?{urlencode(same)}",
        "export_rows_max": EXPORT_ROWS_MAX,
    }  # fmt: skip
    return View("audit.html", context, failed.kind.status if failed else 200)


async def show_row(visit: Visit) -> Answer:
    """Show all a row says."""
    found = await visit.call("showAuditRow", path=visit.path)
    if isinstance(found, Problem):
        return found
    context = {"row": found, "say": audit_words, "trails": TRAILS, "at": _moment(found.time_us)}
    return View("audit_row.html", context)


async def show_proof(visit: Visit) -> Answer:
    """Prove the trails whole."""
    found = await visit.call("verifyAudit")
    if isinstance(found, Problem):
        return found
    return View("audit_proof.html", {"proof": found, "trails": TRAILS})


async def export_csv(visit: Visit) -> Answer:
    """Give what is found as CSV."""
    answer: Answer = await visit.call("exportAuditCsv", query=_wanted(visit)[1])
    return answer


async def export_json(visit: Visit) -> Answer:
    """Give what is found as JSON."""
    answer: Answer = await visit.call("exportAuditJson", query=_wanted(visit)[1])
    return answer


def _wanted(visit: Visit) -> tuple[dict[str, str], dict[str, str], str]:
    """Read what is searched for: as typed, as the API wants it, and what of it cannot be read."""
    chosen = {name: visit.query.get(name, "").strip() for name in (*_TEXTS, *_DAYS)}
    if chosen["trail"] not in TRAILS:
        chosen["trail"] = ""
    wanted = {name: chosen[name] for name in _TEXTS}
    wrong = ""
    for name, later_us in (("since", 0), ("until", DAY_US - 1)):
        if not chosen[name]:
            continue
        start_us = _day_us(chosen[name])
        if start_us is None:
            wrong = "Write days like 2026-11-21; this one was left out."
            chosen[name] = ""
        else:
            wanted[f"{name}_us"] = str(start_us + later_us)
    return chosen, wanted, wrong


def _day_us(text: str) -> int | None:
    """Return when a day begins in UTC; None where the text is no day since 1970."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    at_us = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_US
    return at_us if at_us > 0 else None


def _moment(at_us: int) -> str:
    seconds, micros = divmod(at_us, SECOND_US)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{micros:06d} UTC"


PAGES: Final = (
    Page(path=PATH, get=show_audit, action="audit.read", nav=Nav("Watch", "Audit", "audit", 20)),
    Page(path="/audit/verify", get=show_proof, action="audit.read"),
    Page(path="/audit/export.csv", get=export_csv, action="audit.read"),
    Page(path="/audit/export.json", get=export_json, action="audit.read"),
    Page(path="/audit/{trail}/{row}", get=show_row, action="audit.read"),
)
