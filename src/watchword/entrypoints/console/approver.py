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
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import CONFLICT, Problem
from watchword.entrypoints.gateway.admin.approval_requests import (
    ApprovalsAnswer,
    ListApprovals,
    PinApprover,
)
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

LOG: Final = logging.getLogger("watchword.console.approver")

#: How often a gateway is looked for that does not run yet, or has another key. Until it knows ours it refuses what people
#: would have to approve.
LOOK_S: Final = 0.5
#: How often one that knows the key is looked at: its owner may have taken the pin away, for a new one.
KNOWN_LOOK_S: Final = 15.0
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
    """See to it that a gateway that runs knows the key, until left. A service of the console."""
    task = asyncio.create_task(_again_and_again(console), name="introducing the approval key")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _again_and_again(console: "Console") -> None:
    said = ""
    while True:
        known, why = False, ""
        try:
            problem = await pinned(console)
            known, why = problem is None, OTHER_PINNED.detail if problem is OTHER_PINNED else ""
        except WatchwordError as error:
            why = str(error)
        if why and why != said:
            LOG.warning("nothing can be approved here: %s", why)
        said = why or said
        await asyncio.sleep(KNOWN_LOOK_S if known else LOOK_S)
