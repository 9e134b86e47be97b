"""Virtual keys: which bots have one, what each did lately, who may use it, and ending it. Issuing: `virtual_key_forms`."""

from typing import Any, Final
from urllib.parse import urlencode

from watchword.entrypoints.console.pages.page import Answer, Go, Nav, Page, View
from watchword.entrypoints.console.pages.vault_forms import EXCHANGES
from watchword.entrypoints.console.pages.virtual_key_forms import (
    PATH,
    gateway_of,
    show_edit,
    show_new,
    show_roll,
    take_edit,
    take_new,
    take_roll,
)
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.audit import AuditRow

ROWS: Final = 25
LATELY_ROWS: Final = 10
#: People offered at once; who is looked for among more is found by searching.
CHOICES: Final = 50
SEARCH_LENGTH_MAX: Final = 64
SORTS: Final = {"created": "Created", "label": "Label", "last_used": "Last used", "expires": "Expires"}
STATES: Final = {
    "works": "Works",
    "expired": "Expired",
    "revoked": "Revoked",
    "parent revoked": "Parent revoked",
    "faulty": "Faulty",
}
_FILTERS: Final = ("query", "state", "key_type", "credential")


async def show_keys(visit: Visit) -> Answer:
    """List virtual keys."""
    chosen = {name: visit.query.get(name, "") for name in _FILTERS}
    sort = visit.query.get("sort", "")
    order = sort if sort in SORTS else "created"
    query = {
        **chosen, "sort": order, "descending": "" if order == "label" else "true", "limit": str(ROWS),
        "after": visit.query.get("after", ""), "revoked": "true" if "revoked" in chosen["state"] else "",
    }  # fmt: skip
    found = await visit.call("listVirtualKeys", query=query)
    following = (
        {**chosen, "sort": sort, "after": found.next} if not isinstance(found, Problem) and found.next else {}
    )
    kept = urlencode({name: value for name, value in following.items() if value})
    context: dict[str, Any] = {
        "found": found,
        "failed": found if isinstance(found, Problem) else None,
        "chosen": chosen,
        "sort": order,
        "sorts": SORTS,
        "states": STATES,
        "filtered": any(chosen.values()),
        "first_page": not visit.query.get("after"),
        "next_page": f"{PATH}?{kept}" if following else "",
        "exchanges": EXCHANGES,
    }
    return View("virtual_keys.html", context)


async def show_key(visit: Visit) -> Answer:
    """Show one key: its terms, its policy, what it used up today and did lately, who may use it."""
    key = await visit.call("showVirtualKey", path=visit.path)
    if isinstance(key, Problem):
        return key
    lately: Any = None
    if visit.may("audit.read"):
        query = {"trail": "gateway", "key": key.id, "limit": str(LATELY_ROWS)}
        lately = await visit.call("searchAudit", query=query)
    context = {
        "key": key,
        "exchanges": EXCHANGES,
        "lately": [_told(row) for row in lately.items] if lately and not isinstance(lately, Problem) else [],
        "lately_problem": lately if isinstance(lately, Problem) else None,
        "people": await _people_of(visit, key.id),
        "gateway": await gateway_of(visit),
    }
    return View("virtual_key.html", context)


async def show_revoke(visit: Visit) -> Answer:
    """Say what revoking does."""
    key = await visit.call("showVirtualKey", path=visit.path)
    return key if isinstance(key, Problem) else View("virtual_key_revoke.html", {"key": key})


async def take_revoke(visit: Visit) -> Answer:
    """Revoke a key and all that descend from it."""
    gone = await visit.call("revokeVirtualKey", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(PATH, "virtual-revoked")


async def show_assign(visit: Visit) -> Answer:
    """Show who may use a key, and to whom it can be given: all, or those that are searched for."""
    search = visit.query.get("query", "").strip()[:SEARCH_LENGTH_MAX]
    key = await visit.call("showVirtualKey", path=visit.path)
    people = await visit.call("listPeople", query={"limit": str(CHOICES), "query": search})
    for found in (key, people):
        if isinstance(found, Problem):
            return found
    assigned = await _people_of(visit, key.id)
    taken = {person for person, _ in assigned}
    free = [(one.id, f"{one.name} ({one.role})") for one in people.items if one.id not in taken]
    context = {
        "key": key,
        "assigned": assigned,
        "free": free,
        "search": search,
        "more": people.next is not None,
    }
    return View("virtual_key_assign.html", context)


async def take_assign(visit: Visit) -> Answer:
    """Give a key to somebody, or take it back."""
    form = visit.form
    back = form.text("back_from")
    path = {"person": back or form.text("person"), "kind": "virtual", "subject": visit.path["key"]}
    done = await visit.call("unassign" if back else "assign", path=path)
    if isinstance(done, Problem):
        return done
    return Go(PATH, "virtual-unassigned" if back else "virtual-assigned")


async def _people_of(visit: Visit, key_id: str) -> list[tuple[str, str]]:
    """Id and name of those a key is given to; nobody where the caller may not know people."""
    if not visit.may("person.read"):
        return []
    assigned = await visit.call("listAssignments", query={"kind": "virtual", "subject": key_id})
    if isinstance(assigned, Problem):
        return []
    people = [await visit.call("showPerson", path={"person": one.person}) for one in assigned.items]
    return [
        (one.person, one.person if isinstance(person, Problem) else person.name)
        for one, person in zip(assigned.items, people, strict=True)
    ]


def _told(row: AuditRow) -> dict[str, Any]:
    """Say a row of the trail in few words."""
    event = row.event
    kind = str(event.get("type", ""))
    parameters = event.get("parameters") or {}
    order = " ".join(str(parameters[name]) for name in ("side", "type", "symbol") if name in parameters)
    told = {
        "at_us": row.time_us,
        "what": event.get("endpoint") or event.get("action") or kind,
        "more": order,
        "ip": event.get("ip", ""),
    }
    if kind == "request:refused":
        return {
            **told,
            "mark": "bad",
            "state": "Refused",
            "more": event.get("reason") or event.get("rule", ""),
        }
    if kind == "signature:intended":
        return {**told, "mark": "good", "state": "Signed"}
    return {
        **told,
        "mark": "",
        "state": "Changed",
        "more": f"by {event.get('actor', '')}".removesuffix("by "),
    }


_ONE: Final = PATH + "/{key}"

PAGES: Final = (
    Page(path=PATH, get=show_keys, action="virtual.read", nav=Nav("Keys", "Virtual keys", "virtual", 30)),
    Page(path=f"{PATH}/new", get=show_new, post=take_new, action="virtual.write"),
    Page(path=_ONE, get=show_key, action="virtual.read"),
    Page(path=f"{_ONE}/edit", get=show_edit, post=take_edit, action="virtual.write"),
    Page(path=f"{_ONE}/roll", get=show_roll, post=take_roll, action="virtual.write"),
    Page(path=f"{_ONE}/revoke", get=show_revoke, post=take_revoke, action="virtual.use", confirmed=True),
    Page(path=f"{_ONE}/assign", get=show_assign, post=take_assign, action="person.write"),
)
