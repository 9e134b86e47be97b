"""One look at each neighbour: what changed since the look before goes onto the bulletin. Asks for names, never for content.

When unavailable: that is told once, and that it is back; what changed meanwhile is known then.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

import msgspec

from watchword.entrypoints.console.live.bulletin import Bulletin
from watchword.entrypoints.console.live.topics import Reading, Topic
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.gateway.admin.change_requests import ApprovalMark, ChangesAnswer, ShowChanges
from watchword.entrypoints.testnet.admin.requests import ShowKeyChanges

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

#: Told once a number is known: topic.
Counted = Callable[[Topic], None]
NO_COUNT: Final = -1
#: Uses of so long before a look are told by the next one too: what the trail says of a use comes a moment after it.
USED_AGAIN_US: Final = 500_000


class _KeyChanges(msgspec.Struct, frozen=True):
    """What the testnet answers."""

    began_us: int
    next: int
    now_us: int
    missed: bool
    accounts: list[int]


@final
class TestnetLook:
    """Whose API keys changed or were used."""

    __test__ = False

    def __init__(self, console: "Console", bulletin: Bulletin) -> None:
        """Prepare to look.

        Args:
            console: Knows the testnet.
            bulletin: Where changes go.
        """
        self._console, self._bulletin = console, bulletin
        self._before: _KeyChanges | None = None
        self._answers = False

    async def look(self) -> None:
        """Look once."""
        before = self._before
        request = ShowKeyChanges(
            before.next if before is not None else NO_COUNT, before.now_us if before is not None else 0
        )
        found = shaped(await neighbours_of(self._console).ask_testnet(request), _KeyChanges)
        answered, self._answers = self._answers, not isinstance(found, Problem)
        now_us = self._console.clock.now_us()
        if isinstance(found, Problem):
            if answered:
                self._bulletin.publish_all("keys", now_us)
            return
        self._before = found
        if before is None or not answered or found.missed or before.began_us != found.began_us:
            self._bulletin.publish_all("keys", now_us)
        elif found.accounts:
            self._bulletin.publish("keys", [str(account) for account in found.accounts], now_us)


@final
class GatewayLook:
    """Which virtual keys changed or were used, and what waits for people."""

    def __init__(self, console: "Console", bulletin: Bulletin, counted: Counted) -> None:
        """Prepare to look.

        Args:
            console: Knows the gateway.
            bulletin: Where changes go.
            counted: Called once it is known how many requests wait.
        """
        self._console, self._bulletin, self._counted = console, bulletin, counted
        self._before: ChangesAnswer | None = None
        self._answers = False
        #: Who has a say in what waits, and in what waited until the last look.
        self._approvers: dict[str, frozenset[str]] = {}

    def approvers(self) -> dict[str, frozenset[str]]:
        """Say who has a say in what waits now, or did until a moment ago."""
        return self._approvers

    def waiting(self, reading: Reading) -> int | None:
        """Count the requests that wait, as far as somebody may know; None where that is not known."""
        if self._before is None or not self._answers:
            return None
        waiting = [one for one in self._before.approvals if one.state == "waiting"]
        return sum(reading.reads("approvals", one.id) for one in waiting)

    async def look(self) -> None:
        """Look once."""
        before = self._before
        request = ShowChanges(
            after=before.next if before is not None else NO_COUNT,
            used_after_us=before.now_us - USED_AGAIN_US if before is not None else 0,
        )
        found = shaped(await neighbours_of(self._console).ask_gateway(request), ChangesAnswer)
        answered, self._answers = self._answers, not isinstance(found, Problem)
        now_us = self._console.clock.now_us()
        if isinstance(found, Problem):
            if answered:
                self._bulletin.publish_all("virtual_keys", now_us)
                self._bulletin.publish_all("approvals", now_us)
            return
        self._before = found
        anew = before is None or not answered or before.began_us != found.began_us
        if anew or found.missed:
            self._bulletin.publish_all("virtual_keys", now_us)
        elif found.keys:
            self._bulletin.publish("virtual_keys", found.keys, now_us)
        self._compare([] if before is None else before.approvals, found.approvals, now_us, anew=anew)

    def _compare(
        self, before: list[ApprovalMark], now: list[ApprovalMark], now_us: int, *, anew: bool
    ) -> None:
        was, stands = {one.id: one for one in before}, {one.id: one for one in now}
        self._approvers = {one.id: frozenset(one.approvers) for one in (*before, *now)}
        if anew:
            self._bulletin.publish_all("approvals", now_us)
            self._counted("approvals")
            return
        changed = [name for name in {**was, **stands} if was.get(name) != stands.get(name)]
        if changed:
            self._bulletin.publish("approvals", changed, now_us)


@final
class SnapshotLook:
    """Something that is read whole and compared: subjects, and whatever tells two states of them apart."""

    def __init__(self, console: "Console", bulletin: Bulletin, topic: Topic, read: Callable[[], Any]) -> None:
        """Prepare to look.

        Args:
            console: Has the clock.
            bulletin: Where changes go.
            topic: Under which.
            read: Awaited: subjects with their states, small; None where that is not known now.
        """
        self._console, self._bulletin, self._topic, self._read = console, bulletin, topic, read
        self._before: dict[str, Any] | None = None

    async def look(self) -> None:
        """Look once."""
        found: dict[str, Any] | None = await self._read()
        if found is None:
            return
        before, self._before = self._before, found
        now_us = self._console.clock.now_us()
        if before is None:
            self._bulletin.publish_all(self._topic, now_us)
            return
        changed = [name for name in {**before, **found} if before.get(name) != found.get(name)]
        if changed:
            self._bulletin.publish(self._topic, changed, now_us)
