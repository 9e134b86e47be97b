"""Makes the console's approval key known to the gateway, before the first request waits for people. Decides nothing.

The gateway takes the first key it is told and no other after it (docs/formats/approvals.md); until it knows one, whatever
needs an approval is refused.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from watchword.audit.on_behalf import OnBehalf
from watchword.bootstrap.approval_signer import ApprovalSigner
from watchword.entrypoints.console.neighbours import neighbours_of
from watchword.entrypoints.console.problem import CONFLICT, Problem
from watchword.entrypoints.console.routes.asking import shaped
from watchword.entrypoints.gateway.admin.approval_requests import (
    ApprovalsAnswer,
    ListApprovals,
    PinApprover,
)
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

LOG: Final = logging.getLogger("watchword.console.approver")

#: How often a gateway is looked for that does not run yet.
LOOK_S: Final = 2.0
OTHER_PINNED: Final = Problem(
    CONFLICT, "the gateway has another console's approval key pinned; see docs/formats/approvals.md"
)


def signer_of(console: "Console") -> ApprovalSigner:
    """Return the console's approval key; made when it is first asked for.

    Raises:
        ConfigurationError: Its file cannot be used.
        StorageError: It could not be written.
    """
    found: ApprovalSigner | None = console.at_hand.get(ApprovalSigner)
    if found is None:
        found = console.at_hand[ApprovalSigner] = ApprovalSigner(console.settings.home, console.entropy)
    return found


async def pinned(console: "Console", by: OnBehalf | None = None) -> Problem | None:
    """Make sure that the gateway knows the console's approval key.

    Args:
        console: Whose key.
        by: Who asks, for the gateway's trail; None for the console itself.

    Returns:
        Why it does not: no gateway runs, or another key is pinned there.

    Raises:
        WatchwordError: A key file or the gateway is broken.
    """
    signer, neighbours = signer_of(console), neighbours_of(console)
    found = shaped(await neighbours.ask_gateway(ListApprovals(limit=1, on_behalf=by)), ApprovalsAnswer)
    if isinstance(found, Problem):
        return found
    if not found.approver:
        done = await neighbours.ask_gateway(PinApprover(signer.public_pem, on_behalf=by))
        return done if isinstance(done, Problem) else None
    return OTHER_PINNED if found.approver != signer.fingerprint else None


@contextlib.asynccontextmanager
async def introducing(console: "Console") -> AsyncIterator[None]:
    """Look for the gateway until it knows the key, or this is left. A service of the console."""
    task = asyncio.create_task(_until_known(console), name="introducing the approval key")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until_known(console: "Console") -> None:
    said = ""
    while True:
        try:
            problem = await pinned(console)
        except WatchwordError as error:
            why = str(error)
        else:
            if problem is None:
                return
            why = problem.detail if problem is OTHER_PINNED else ""
        if why and why != said:
            LOG.warning("nothing can be approved here: %s", why)
            said = why
        await asyncio.sleep(LOOK_S)
