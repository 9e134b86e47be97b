"""Tells people what waits for them: requests to be approved, keys that end. Looks at the neighbours every few seconds.

Never decides: a mail that does not leave stops nothing, and what nobody answers is refused all the same.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from watchword.accounts import notices
from watchword.accounts.model import Person
from watchword.entrypoints.console.neighbours import neighbours_of
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.gateway.admin.approval_requests import ListApprovals
from watchword.entrypoints.testnet.admin.requests import ListKeyEvents
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

LOG: Final = logging.getLogger("watchword.console.telling")

#: How often it looks; a held request waits a minute at most.
LOOK_S: Final = 2.0
#: What was told is remembered so far back; older than that nothing is told again either.
TOLD_COUNT_MAX: Final = 10_000
#: All that a testnet remembers: a month that passes at once brings many.
EVENTS_LOOKED_AT: Final = 1_000
#: Keys end after days; every so manieth look is often enough for them.
KEYS_EVERY_LOOKS: Final = 5


class Telling:
    """What was told already, and what is to be told now."""

    def __init__(self, console: "Console") -> None:
        """Begin with nothing told."""
        self._console = console
        self._told: dict[tuple[str, ...], None] = {}
        self._looks = 0

    async def look(self) -> None:
        """Look once, and tell what is new."""
        await self._approvals()
        if self._looks % KEYS_EVERY_LOOKS == 0:
            await self._keys()
        self._looks += 1

    async def _approvals(self) -> None:
        found = await neighbours_of(self._console).ask_gateway(ListApprovals())
        if isinstance(found, Problem):
            return
        for approval in found["approvals"]:
            names = sorted({name for demand in approval["demands"] for name in demand["approvers"]})
            for person in self._people(names):
                if self._new("approval", approval["id"], person.id):
                    self._console.tell(
                        person.id,
                        notices.approval_waits(
                            person,
                            approval["id"],
                            approval["key_label"],
                            approval["reason"],
                            approval["expires_us"],
                        ),
                    )

    async def _keys(self) -> None:
        found = await neighbours_of(self._console).ask_testnet(ListKeyEvents(limit=EVENTS_LOOKED_AT))
        if isinstance(found, Problem):
            return
        for event in reversed(found):
            owner = self._console.assignments.owner_of(event["account_id"])
            person = self._console.register.get(Person, owner) if owner is not None else None
            if person is not None and self._new("key", *_identity(event)):
                self._console.tell(person.id, notices.key_ends(person, event["account"], event["text"]))

    def _people(self, names: list[str]) -> list[Person]:
        return [one for one in self._console.people.listed() if one.name in names and not one.disabled_us]

    def _new(self, *what: str) -> bool:
        if what in self._told:
            return False
        self._told[what] = None
        if len(self._told) > TOLD_COUNT_MAX:
            del self._told[next(iter(self._told))]
        return True


@contextlib.asynccontextmanager
async def telling(console: "Console") -> AsyncIterator[None]:
    """Tell people until left. Where nothing can be sent, nothing is looked at."""
    if not console.sender.channels():
        yield
        return
    task = asyncio.create_task(_again_and_again(Telling(console)), name="telling people what waits")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _again_and_again(telling_people: Telling) -> None:
    while True:
        try:
            await telling_people.look()
        except WatchwordError as error:
            LOG.warning("people could not be told what waits: %s", error)
        await asyncio.sleep(LOOK_S)


def _identity(event: dict[str, Any]) -> tuple[str, ...]:
    return (event["api_key"], event["kind"], event["fate"], str(event["due"]), str(event["days_left"]))
