"""The vault's page: whether it is open, which real keys are in it, how each of them is. Putting in: `vault_forms`."""

from collections.abc import Sequence
from typing import Any, Final

from watchword.binance.upstreams import UPSTREAMS
from watchword.entrypoints.console.pages.page import Answer, Go, Nav, Page, View, showing
from watchword.entrypoints.console.pages.vault_forms import (
    EXCHANGES,
    PATH,
    show_add,
    show_credential,
    show_pair,
    take_add,
    take_pair,
    take_registration,
    take_unseal,
)
from watchword.entrypoints.console.pages.vault_health import LEVELS, counted, health_of
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import CONFLICT, REFUSED, TOO_MANY, UNAVAILABLE, Problem
from watchword.entrypoints.console.routes.vault import CredentialView

FILTER_LENGTH_MAX: Final = 128
_SAID_HERE: Final = frozenset({CONFLICT, REFUSED, TOO_MANY, UNAVAILABLE})


async def show_vault(visit: Visit) -> Answer:
    """Show the vault's state and the credentials in it, with how each is."""
    return await _vault_view(visit, None)


async def take_checks(visit: Visit) -> Answer:
    """Have all credentials checked; how far that is shows on the page."""
    begun = await visit.call("checkCredentials")
    if not isinstance(begun, Problem):
        return Go(PATH)
    return await _vault_view(visit, begun) if begun.kind in _SAID_HERE else begun


async def _vault_view(visit: Visit, problem: Problem | None) -> Answer:
    state = await visit.call("showVault") if visit.may("vault.read") else None
    found = await visit.call("listCredentials")
    chosen = {
        "query": visit.query.get("query", "")[:FILTER_LENGTH_MAX],
        "upstream": visit.query.get("upstream", ""),
    }
    level = visit.query.get("health", "")
    failed = found if isinstance(found, Problem) else None
    items = [] if isinstance(found, Problem) else found.items
    checks = await visit.call("listChecks")
    last = {} if isinstance(checks, Problem) else {one.credential: one for one in checks.items}
    health = {one.id: health_of(one, last.get(one.id), visit.now_us) for one in items}
    shown = [
        one for one in _matching(items, **chosen) if level not in LEVELS or health[one.id].level == level
    ]
    context: dict[str, Any] = {
        "problem": problem,
        "checks": None if isinstance(checks, Problem) else checks,
        "checks_problem": checks if isinstance(checks, Problem) else None,
        "health": health,
        "counts": counted(health.values()),
        "levels": LEVELS,
        "level": level,
        "state": None if isinstance(state, Problem) else state,
        "state_problem": state if isinstance(state, Problem) else None,
        "failed": failed,
        "items": shown,
        "total": len(items),
        "chosen": chosen,
        "exchanges": EXCHANGES,
        "upstreams": UPSTREAMS,
    }
    return View("vault.html", context, problem.kind.status if problem is not None else 200)


async def show_check(visit: Visit) -> Answer:
    """Ask the exchange about a credential, and say what it answered."""
    report = await visit.call("checkCredential", path=visit.path)
    if isinstance(report, Problem):
        return report
    return View("vault_check.html", {"report": report, "exchanges": EXCHANGES})


async def show_remove(visit: Visit) -> Answer:
    """Say what removing a credential does."""
    found = await visit.call("showCredential", path=visit.path)
    if isinstance(found, Problem):
        return found
    used = await visit.call("listVirtualKeys", query={"credential": found.id, "limit": "1"})
    users = None if isinstance(used, Problem) else used.total
    return View("vault_remove.html", {"one": found, "users": users, "exchanges": EXCHANGES})


async def take_remove(visit: Visit) -> Answer:
    """Remove a credential and its secret."""
    gone = await visit.call("removeCredential", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(PATH, "credential-removed")


async def take_seal(visit: Visit) -> Answer:
    """Seal the vault."""
    state = await visit.call("sealVault")
    return state if isinstance(state, Problem) else Go(PATH, "vault-sealed")


def _matching(items: Sequence[CredentialView], query: str, upstream: str) -> list[CredentialView]:
    """Keep what fits what somebody looks for; there are few credentials, so nobody has to ask the vault."""
    wanted = query.strip().lower()
    return [
        one
        for one in items
        if (not upstream or one.upstream == upstream)
        and (
            wanted in one.label.lower()
            or wanted in one.notes.lower()
            or one.api_key.lower().startswith(wanted)
        )
    ]


_ONE: Final = PATH + "/credentials/{credential}"

PAGES: Final = (
    Page(path=PATH, get=show_vault, action="credential.read", nav=Nav("Keys", "Vault", "vault", 20)),
    # Their forms hold secrets, which are not to wait in a page while the factor is asked for.
    Page(path=f"{PATH}/add", get=show_add, post=take_add, action="credential.write", fresh=True),
    # In the path, not the query: it is still there after the factor was asked for.
    Page(path="/keys/{key}/vault", get=show_add, action="credential.write", fresh=True),
    Page(path=f"{PATH}/pairs/new", get=show_pair, post=take_pair, action="credential.write"),
    Page(path=f"{PATH}/checks", post=take_checks, action="credential.read"),
    Page(path=f"{PATH}/seal", get=showing("vault_seal.html"), post=take_seal, action="vault.seal"),
    Page(
        path=f"{PATH}/unseal",
        get=showing("vault_unseal.html", problem=None, errors={}),
        post=take_unseal,
        action="vault.unseal",
        fresh=True,
    ),
    Page(path=_ONE, get=show_credential, post=take_registration, action="credential.read"),
    Page(path=f"{_ONE}/check", get=show_check, action="credential.read"),
    Page(path=f"{_ONE}/remove", get=show_remove, post=take_remove, action="credential.write"),
)
