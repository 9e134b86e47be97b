"""Names of virtual keys and keys in the vault, for pages that have only their ids. Decides nothing."""

from typing import Final

from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem

#: As many as one page of a list gives.
LABELS_MAX: Final = "200"


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
