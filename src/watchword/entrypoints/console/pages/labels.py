"""Names of virtual keys, keys in the vault and accounts, for pages that have only their ids. Decides nothing."""

import asyncio
from typing import Any, Final

from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.assignments import UsableView

#: As many as one page of a list gives.
LABELS_MAX: Final = "200"
#: Accounts asked for at once; the others go by their numbers.
ACCOUNTS_MAX: Final = 20


async def labels_of(visit: Visit) -> dict[str, str]:
    """Return labels by id, as far as the person reaches them; empty where no gateway or vault runs."""
    found: dict[str, str] = {}
    for route, query in (
        ("listVirtualKeys", {"limit": LABELS_MAX, "revoked": "true"}),
        ("listCredentials", {}),
    ):
        listed = await visit.call(route, query=query)
        if not isinstance(listed, Problem):
            found |= {one.id: one.label for one in listed.items}
    return found


async def names_of(visit: Visit, usable: UsableView) -> dict[str, Any]:
    """Return what somebody can use by its names, for a template: `labels` by id, `account_names` by number."""
    labels, names = await asyncio.gather(labels_of(visit), _account_names(visit, usable))
    return {"labels": labels, "account_names": names}


async def _account_names(visit: Visit, usable: UsableView) -> dict[int, str]:
    asked = [str(owned.account) for owned in usable.accounts[:ACCOUNTS_MAX]]
    found = await asyncio.gather(
        *[visit.call("showExchangeAccount", path={"account": number}) for number in asked]
    )
    return {one.account_id: one.account for one in found if not isinstance(one, Problem)}
