"""What happens in accounts of the testnet, relayed: one long question at a time for each account somebody looks at.

When unavailable: viewers hear nothing until the testnet is back; then they are told `again`, to read what they missed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from watchword.entrypoints.console.live.events import account_event
from watchword.entrypoints.console.live.market_relay import AGAIN, PAUSE_S
from watchword.entrypoints.console.live.viewers import Viewer
from watchword.entrypoints.console.neighbours import shaped
from watchword.entrypoints.console.problem import Problem
from watchword.kernel.errors import WatchwordError

LOG = logging.getLogger("watchword.console")

#: Each takes one of the testnet's administrative connections while it waits.
ACCOUNTS_MAX: Final = 24
WAIT_MS: Final = 20_000

#: Account, `after`, milliseconds to wait → what `account.watch` answers.
AskWatch = Callable[[int, int, int], Awaitable[Any | Problem]]


class Watched(msgspec.Struct, frozen=True):
    """What `account.watch` answers."""

    next: int
    events: list[dict[str, Any]]
    missed: bool


class AccountRelay:
    """The viewers of all accounts."""

    def __init__(self, ask: AskWatch) -> None:
        """Prepare; the first viewer of an account begins to ask and the last one ends it.

        Args:
            ask: Asks the testnet.
        """
        self._ask = ask
        self._viewers: dict[int, list[Viewer]] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}

    def join(self, account: int, viewer: Viewer) -> bool:
        """Relay an account to a viewer; False where too many accounts are looked at."""
        if account not in self._viewers:
            if len(self._viewers) >= ACCOUNTS_MAX:
                return False
            self._viewers[account] = []
            self._asking[account] = asyncio.create_task(self._keep(account), name="relaying an account")
        self._viewers[account].append(viewer)
        return True

    def leave(self, account: int, viewer: Viewer) -> None:
        """End a viewer's part."""
        viewers = self._viewers.get(account, [])
        if viewer in viewers:
            viewers.remove(viewer)
        if not viewers and self._viewers.pop(account, None) is not None:
            self._asking.pop(account).cancel()

    def close(self) -> None:
        """End every viewer and every question."""
        for viewers in self._viewers.values():
            for viewer in viewers:
                viewer.drop()
        for task in self._asking.values():
            task.cancel()

    async def _keep(self, account: int) -> None:
        """Ask again and again; after a break begin anew."""
        after = -1
        while True:
            try:
                told = shaped(await self._ask(account, after, 0 if after < 0 else WAIT_MS), Watched)
                if isinstance(told, Watched):
                    self._tell(account, told, anew=after < 0)
                    after = -1 if told.missed else told.next
                    continue
                after = -1
            except WatchwordError as error:
                LOG.info("account %d cannot be relayed: %s", account, error)
                after = -1
            except Exception:
                LOG.exception("relaying account %d broke", account)
                after = -1
            await asyncio.sleep(PAUSE_S)

    def _tell(self, account: int, told: Watched, *, anew: bool) -> None:
        pieces = [AGAIN] if anew or told.missed else [account_event(one) for one in told.events]
        for viewer in self._viewers.get(account, ()):
            for piece in filter(None, pieces):
                viewer.give(piece)
