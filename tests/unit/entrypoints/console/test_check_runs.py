"""Checking everything: few at once, one run of a person, and it stops where the vault does not answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_people import PeopleConsole

from watchword.audit.on_behalf import OnBehalf
from watchword.bootstrap.vault_view import Listed
from watchword.config import ConsoleSettings
from watchword.entrypoints.console import check_runs
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.check_runs import AT_ONCE, REST_US, RUNS_MAX, CheckRun, CheckRuns
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes import vault as vault_routes
from watchword.entrypoints.console.routes.vault_checks import CheckList, CheckRunView
from watchword.entrypoints.vault import requests as vault
from watchword.kernel.errors import StorageError
from watchword.vault.record import RealCredential

BY = OnBehalf(person="olga", ip="127.0.0.1", factor="totp", session="s-1")


class SlowVault:
    """A vault whose checks end when a test says so."""

    def __init__(self) -> None:
        self.under_way = self.most = 0
        self.checked: list[str] = []
        self.sealed = False
        self.answer: Any = lambda _: {}
        self.go = asyncio.Event()

    async def ask_vault(self, request: Any) -> Any:
        match request:
            case vault.ShowChanges():
                return {"sealed": self.sealed, "checked_us": {}, "since_us": 3}
            case vault.ListChecks():
                report = {"id": "", "label": "x", "upstream": "local", "accepted": True}
                checks = [{"at_us": 5, "report": {**report, "id": one}} for one in ("cred-1", "cred-2")]
                return {"checks": checks, "since_us": 3}
            case vault.CheckCredential(credential_id):
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                await self.go.wait()
                self.under_way -= 1
                self.checked.append(credential_id)
                return self.answer(credential_id)
        raise AssertionError(request)


class Desk(PeopleConsole):
    """A console with that vault."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.settings = ConsoleSettings(home=home)
        self.vault = SlowVault()
        self.at_hand: dict[type, Any] = {Neighbours: self.vault}
        self.runs = CheckRuns(self)  # type: ignore[arg-type]
        self.at_hand[CheckRuns] = self.runs
        self.steps = 0

    def begin(self, person: str, count: int) -> CheckRun | Problem:
        return self.runs.begin(person, [f"cred-{number}" for number in range(count)], BY, self.step)

    def step(self) -> None:
        self.steps += 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_runs, "PAUSE_S", 0)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def over(run: CheckRun) -> None:
    async with asyncio.timeout(5):
        while not run.over:  # noqa: ASYNC110 - a value, not an event
            await asyncio.sleep(0.002)


async def test_everything_is_checked_few_at_once_and_each_step_is_told(desk: Desk) -> None:
    run = desk.begin("p-olga", 12)
    assert isinstance(run, CheckRun)
    await asyncio.sleep(0.02)
    assert (desk.vault.under_way, run.done, run.over) == (AT_ONCE, 0, False)
    desk.vault.go.set()
    await over(run)
    assert (run.done, run.total, desk.vault.most, desk.steps) == (12, 12, AT_ONCE, 13)
    assert sorted(desk.vault.checked) == sorted(f"cred-{number}" for number in range(12))


async def test_second_run_of_a_person_waits_for_the_first_and_a_moment_more(desk: Desk) -> None:
    run = desk.begin("p-olga", 2)
    assert isinstance(run, CheckRun)
    again = desk.begin("p-olga", 2)
    assert isinstance(again, Problem)
    assert again.kind is told.CONFLICT
    assert isinstance(desk.begin("p-ann", 1), CheckRun)
    desk.vault.go.set()
    await over(run)
    soon = desk.begin("p-olga", 2)
    assert isinstance(soon, Problem)
    assert (soon.kind, soon.retry_after_s) == (told.TOO_MANY, REST_US // 1_000_000)
    desk.clock.us += REST_US
    assert isinstance(desk.begin("p-olga", 2), CheckRun)


async def test_runs_of_all_people_are_bounded(desk: Desk) -> None:
    begun = [desk.begin(f"p-{number}", 1) for number in range(RUNS_MAX + 1)]
    assert [isinstance(one, CheckRun) for one in begun] == [True] * RUNS_MAX + [False]
    assert desk.vault.under_way <= AT_ONCE
    desk.vault.go.set()
    await over(begun[0])  # type: ignore[arg-type]


async def test_run_stops_where_the_vault_is_sealed_and_goes_on_over_a_lost_answer(desk: Desk) -> None:
    def answer(credential: str) -> Any:
        if credential == "cred-0":
            raise StorageError("lost the vault's process")
        return Problem(told.CONFLICT, "the vault is sealed") if credential == "cred-4" else {}

    desk.vault.answer = answer
    desk.vault.go.set()
    run = desk.begin("p-olga", 500)
    assert isinstance(run, CheckRun)
    await over(run)
    assert run.stopped == "the vault is sealed"
    assert run.done < 500


async def test_route_checks_what_is_within_reach_and_shows_what_was_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(_: Any) -> list[Listed]:
        records = [
            RealCredential(id=f"cred-{number}", label="x", upstream="local", key_type="HMAC", api_key=key)
            for number, key in ((1, "k"), (2, "k"), (3, ""))
        ]
        return [Listed(one, "in vault") for one in records]

    monkeypatch.setattr(vault_routes, "_listed", listed)
    desk.assignments.assign(desk.person("tom", "trader").id, "credential", "cred-2", "p-olga", 1)
    owner, trader = desk.session_of("olga"), desk.session_of("tom", "trader")
    desk.vault.go.set()
    for token, total in ((owner, 2), (trader, 1)):
        begun = await desk.call("POST", "/credentials/checks", token)
        assert isinstance(begun, CheckRunView)
        assert begun.total == total
    seen = await desk.call("GET", "/credentials/checks", trader)
    assert isinstance(seen, CheckList)
    assert [one.credential for one in seen.items] == ["cred-2"]
    assert seen.run is not None
    assert (seen.run.total, seen.since_us) == (1, 3)
    desk.vault.sealed = True
    refused = await desk.call("POST", "/credentials/checks", owner)
    assert isinstance(refused, Problem)
    assert (refused.kind, "unseal it first" in refused.detail) == (told.CONFLICT, True)
