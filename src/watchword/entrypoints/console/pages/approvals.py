"""Approvals: requests of bots that wait for people, what exactly each would do, and the yes or no. Judges nobody's say."""

from typing import Any, Final
from urllib.parse import urlencode

from watchword.entrypoints.console.pages.page import Answer, Go, Nav, Page, View
from watchword.entrypoints.console.pages.toasts import ToastName
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.paging import cut
from watchword.entrypoints.gateway.admin.approval_requests import ApprovalView

PATH: Final = "/approvals"
QUERY_LENGTH_MAX: Final = 128
ROWS: Final = 25
STATES: Final = {
    "waiting": "Waiting",
    "confirmed": "Confirmed",
    "refused": "Refused",
    "lapsed": "Lapsed",
    "used": "Sent",
}
#: Said first, in this order, where a request has them; all else follows as it was sent.
_MAIN: Final = ("symbol", "side", "type", "quantity", "quoteOrderQty", "price", "coin", "amount", "address")
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})
_DONE: Final[dict[str, ToastName]] = {"confirm": "approval-confirmed", "refuse": "approval-refused"}


async def show_approvals(visit: Visit) -> Answer:
    """List what waits, or all that is remembered."""
    state = "all" if visit.query.get("state") == "all" else "waiting"
    search = visit.query.get("query", "").strip()[:QUERY_LENGTH_MAX]
    found = await visit.call("listApprovals", query={"state": state})
    failed = found if isinstance(found, Problem) else None
    items: list[ApprovalView] = [] if isinstance(found, Problem) else found.items
    after = visit.query.get("after", "")
    # The gateway remembers a few hundred at most; a page shows some of them.
    held = [one for one in items if _holds(one, search.lower())]
    shown, following = cut(held, lambda one: one.id, ROWS, after)
    context: dict[str, Any] = {
        "failed": failed,
        "items": shown,
        "total": len(items),
        "first_page": not after,
        "next_page": f"{PATH}?{urlencode({'state': state, 'query': search, 'after': following})}"
        if following
        else "",
        "now_us": visit.now_us if isinstance(found, Problem) else found.now_us,
        "state": state,
        "query": search,
        "states": STATES,
        "summary": summary,
        "left": left,
        "same": f"{PATH}?{urlencode({'state': state, 'query': search})}",
    }
    return View("approvals.html", context, failed.kind.status if failed else 200)


async def show_approval(visit: Visit) -> Answer:
    """Show exactly what a request would do."""
    found = await visit.call("showApproval", path=visit.path)
    return found if isinstance(found, Problem) else _view(visit, found, None)


async def take_decision(visit: Visit) -> Answer:
    """Take a yes or no to the request that was shown: it is named by its digest."""
    decision = visit.form.text("decision")
    said = {"decision": decision, "digest": visit.form.text("digest")}
    decided = await visit.call("decideApproval", path=visit.path, body=said)
    if not isinstance(decided, Problem):
        waits = decision == "confirm" and decided.state == "waiting"
        return Go(PATH, "approval-noted" if waits else _DONE[decision])
    if decided.kind not in _SAID_HERE:
        return decided
    found = await visit.call("showApproval", path=visit.path)
    return decided if isinstance(found, Problem) else _view(visit, found, decided)


def summary(one: ApprovalView) -> str:
    """Say a request in one line; all of it is on its page."""
    parameters = one.parameters
    amount = parameters.get("quantity") or parameters.get("quoteOrderQty") or parameters.get("amount", "")
    parts = [parameters.get(name, "") for name in ("side", "type")]
    parts += [amount, parameters.get("symbol") or parameters.get("coin", "")]
    if parameters.get("price"):
        parts.append(f"at {parameters['price']}")
    said = " ".join(part for part in parts if part)
    return said or one.operation


def left(expires_us: int, now_us: int) -> str:
    """Say how long a request still waits."""
    seconds = max(0, (expires_us - now_us) // 1_000_000)
    return f"{seconds // 60} min {seconds % 60:02d} s" if seconds >= 60 else f"{seconds} s"


def ordered(parameters: dict[str, str]) -> list[tuple[str, str]]:
    """Put what matters most first; nothing is left out."""
    first = [(name, parameters[name]) for name in _MAIN if name in parameters]
    return [*first, *((name, value) for name, value in sorted(parameters.items()) if name not in _MAIN)]


def _view(visit: Visit, one: ApprovalView, problem: Problem | None) -> View:
    named = {name for demand in one.demands for name in demand.approvers}
    context = {
        "one": one,
        "parameters": ordered(one.parameters),
        "summary": summary(one),
        "states": STATES,
        "named": sorted(named),
        "has_say": one.state == "waiting" and visit.person.name in named and visit.may("approval.decide"),
        "problem": problem,
    }
    return View("approval.html", context, problem.kind.status if problem is not None else 200)


def _holds(one: ApprovalView, wanted: str) -> bool:
    """Whether an approval is searched for."""
    texts = (one.key_label, one.key, one.operation, one.reason, one.id, *one.parameters.values())
    return not wanted or any(wanted in text.lower() for text in texts)


PAGES: Final = (
    Page(path=PATH, get=show_approvals, action="approval.read", nav=Nav("Watch", "Approvals", "approve", 10)),
    Page(path="/approvals/{approval}", get=show_approval, post=take_decision, action="approval.read"),
)  # fmt: skip
