"""How the real credentials are: what the last check of each found, and checking all of them. Asks exchanges nothing itself.

The vault's process checks and remembers; what was found before it began is forgotten.
"""

from typing import Final

import msgspec

from watchword.entrypoints.console.check_runs import CheckRun, check_runs_of
from watchword.entrypoints.console.live.desk import live_desk_of
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import CONFLICT, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.reaching import reaches_subject
from watchword.entrypoints.console.routes.vault import TAG, list_credentials
from watchword.entrypoints.vault import requests as vault
from watchword.vault.checkup import CheckReport

IN_VAULT: Final = "in vault"


class CheckView(msgspec.Struct, frozen=True):
    """What the last check of a credential found.

    Attributes:
        credential: Its id.
        at_us: When it was checked, epoch microseconds.
    """

    credential: str
    at_us: int
    report: CheckReport


class CheckRunView(msgspec.Struct, frozen=True):
    """A check of all credentials within reach, as far as it is.

    Attributes:
        total, done: Credentials.
        began_us: Epoch microseconds.
        over: Whether it has ended.
        stopped: Why it ended early; empty where it did not.
    """

    total: int
    done: int
    began_us: int
    over: bool
    stopped: str


class CheckList(msgspec.Struct, frozen=True):
    """The last checks of the credentials within reach.

    Attributes:
        since_us: Since when checks are remembered; what was found before is forgotten.
        run: The caller's newest check of all; None for none.
    """

    items: list[CheckView]
    since_us: int
    run: CheckRunView | None


async def list_checks(ask: Ask[None, None]) -> CheckList | Problem:
    """List what the last checks found."""
    request = vault.ListChecks(on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_vault(request), vault.ChecksAnswer)
    if isinstance(found, Problem):
        return found
    items = [
        CheckView(one.report.id, one.at_us, one.report)
        for one in found.checks
        if reaches_subject(ask, "credential", one.report.id)
    ]
    run = check_runs_of(ask.console).of(ask.person.id)
    return CheckList(items, found.since_us, None if run is None else _view(run))


async def check_credentials(ask: Ask[None, None]) -> CheckRunView | Problem:
    """Begin to check every credential within reach that can be."""
    state = shaped(await neighbours_of(ask.console).ask_vault(vault.ShowChanges()), vault.ChangesAnswer)
    if isinstance(state, Problem):
        return state
    if state.sealed:
        return Problem(CONFLICT, "the vault is sealed: unseal it first, then its keys can be checked")
    listed = await list_credentials(ask)
    ready = [one.id for one in listed.items if one.api_key and one.state == IN_VAULT]
    desk, person_id = live_desk_of(ask.console), ask.person.id
    run = check_runs_of(ask.console).begin(
        person_id, ready, behalf_of(ask), lambda: desk.tell_person(person_id, "vault")
    )
    return run if isinstance(run, Problem) else _view(run)


def _view(run: CheckRun) -> CheckRunView:
    return CheckRunView(run.total, run.done, run.began_us, run.over, run.stopped)


ROUTES: Final = (
    Route(
        method="GET", path="/credentials/checks", name="listChecks",
        summary="List what the last check of each credential found.", tag=TAG, action="credential.read",
        handler=list_checks, answer=CheckList,
    ),
    Route(
        method="POST", path="/credentials/checks", name="checkCredentials",
        summary="Begin to ask the exchanges about all credentials.", tag=TAG, action="credential.read",
        handler=check_credentials, answer=CheckRunView, status=202, limit="heavy",
        audit=Audit("credentials:checked", subject=lambda _: "vault"),
    ),
)  # fmt: skip
