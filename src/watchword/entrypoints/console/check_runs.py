"""Checks of many credentials, one after the other: few at once, not too fast, never two runs of one person. Judges nothing.

A run is memory: it ends with the process, and what it found is remembered by the vault's process.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

import msgspec

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.neighbours import neighbours_of
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.vault import requests as vault
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.audit.on_behalf import OnBehalf
    from watchword.bootstrap.console import Console

LOG: Final = logging.getLogger("watchword.console")

#: Checks under way at once, of all runs: each takes one of the vault's administrative connections and asks an exchange twice.
AT_ONCE: Final = 3
#: Between two checks of one lane.
PAUSE_S: Final = 0.1
#: Before the same person may begin another run.
REST_US: Final = 10_000_000
RUNS_MAX: Final = 8
#: Runs that are remembered after their end.
REMEMBERED_MAX: Final = 64


class CheckRun(msgspec.Struct):
    """One run.

    Attributes:
        total, done: Credentials.
        began_us: Epoch microseconds.
        over: Whether it has ended.
        stopped: Why it ended early; empty where it did not.
    """

    total: int
    began_us: int
    done: int = 0
    over: bool = False
    stopped: str = ""


@final
class CheckRuns:
    """Those of one console."""

    def __init__(self, console: "Console") -> None:
        """Begin with none."""
        self._console = console
        self._runs: dict[str, CheckRun] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, person_id: str) -> CheckRun | None:
        """Return somebody's newest run."""
        return self._runs.get(person_id)

    def begin(
        self, person_id: str, credentials: Sequence[str], by: "OnBehalf", on_step: Callable[[], None]
    ) -> CheckRun | Problem:
        """Begin to check credentials.

        Args:
            person_id: Who wants to know.
            credentials: Ids, within their reach.
            by: For whom the vault is asked.
            on_step: Called after each check.
        """
        now_us, before = self._console.clock.now_us(), self._runs.get(person_id)
        if before is not None and not before.over:
            return Problem(told.CONFLICT, f"a check is under way: {before.done} of {before.total} are done")
        rest_us = before.began_us + REST_US - now_us if before is not None else 0
        if rest_us > 0 or len(self._tasks) >= RUNS_MAX:
            wait_s = max(1, -(-rest_us // 1_000_000))
            return Problem(
                told.TOO_MANY, f"everything was checked a moment ago: wait {wait_s} s", retry_after_s=wait_s
            )
        run = CheckRun(len(credentials), now_us)
        self._runs.pop(person_id, None)
        self._runs[person_id] = run
        if len(self._runs) > REMEMBERED_MAX:
            over = next((one for one, kept in self._runs.items() if kept.over), person_id)
            del self._runs[over]
        task = asyncio.create_task(
            self._check_all(run, credentials, by, on_step), name="checking credentials"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def _check_all(
        self, run: CheckRun, credentials: Sequence[str], by: "OnBehalf", on_step: Callable[[], None]
    ) -> None:
        try:
            await asyncio.gather(*(self._check(run, one, by, on_step) for one in credentials))
        finally:
            run.over = True
            on_step()

    async def _check(
        self, run: CheckRun, credential: str, by: "OnBehalf", on_step: Callable[[], None]
    ) -> None:
        async with self._room:
            if run.stopped:
                return
            try:
                found: Any = await neighbours_of(self._console).ask_vault(
                    vault.CheckCredential(credential, on_behalf=by)
                )
            except WatchwordError as error:
                LOG.info("a credential could not be checked: %s", error)
                found = None
            # Sealed, or no process there: the others would say the same.
            if isinstance(found, Problem) and found.kind in {told.CONFLICT, told.UNAVAILABLE}:
                run.stopped = found.detail
                return
            run.done += 1
            on_step()
            await asyncio.sleep(PAUSE_S)


def check_runs_of(console: "Console") -> CheckRuns:
    """Return a console's; made at the first call."""
    found = console.at_hand.get(CheckRuns)
    if found is None:
        found = console.at_hand[CheckRuns] = CheckRuns(console)
    runs: CheckRuns = found
    return runs
