"""Approvers and key owners are told once, and only what is theirs."""

from typing import Any

import msgspec
import pytest
from tests.support.console_fakes import NOW_US
from tests.support.console_people import PeopleConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.telling import KEYS_EVERY_LOOKS, TOLD_COUNT_MAX, Telling


class FixedNeighbours:
    """Answers what a test says."""

    def __init__(self) -> None:
        self.approvals: Any = []
        self.events: Any = []

    async def ask_gateway(self, request: object) -> Any:
        found = self.approvals
        return found if isinstance(found, Problem) else {"approvals": found}

    async def ask_testnet(self, request: object) -> Any:
        return self.events


def approval(number: int, *approvers: str) -> dict[str, Any]:
    demands = [{"approvers": list(approvers)}]
    return {
        "id": f"ap-{number}", "demands": demands, "key_label": "grid\nbot", "reason": "notional 3000 above 2000",
        "expires_us": 1_700_000_000_000_000,
    }  # fmt: skip


def event(account: int, days_left: int, due: str = "2026-12-01T00:00:00Z") -> dict[str, Any]:
    return {
        "account_id": account, "account": "alice", "api_key": "k" * 64, "kind": "warned", "fate": "deleted",
        "due": due, "days_left": days_left, "text": "key kkkkkkkk… will be deleted",
    }  # fmt: skip


@pytest.fixture
def console() -> PeopleConsole:
    found = PeopleConsole()
    found.at_hand = {Neighbours: FixedNeighbours()}  # type: ignore[attr-defined]
    return found


def neighbours_in(console: PeopleConsole) -> FixedNeighbours:
    found: FixedNeighbours = console.at_hand[Neighbours]  # type: ignore[attr-defined]
    return found


async def told_by(telling: Telling, console: PeopleConsole) -> list[tuple[str, str]]:
    """Look until keys were looked at too; who was told what."""
    before = len(console.outbox.sent)
    for _ in range(KEYS_EVERY_LOOKS):
        await telling.look()
    return [(one.address, one.subject) for one in console.outbox.sent[before:]]


async def test_approvers_are_told_once_and_nobody_else(console: PeopleConsole) -> None:
    for name in ("ann", "bob", "eve"):
        console.person(name, "trader")
    neighbours_in(console).approvals = [approval(1, "ann", "bob")]
    telling = Telling(console)  # type: ignore[arg-type]
    subject = "A request waits for you"
    assert await told_by(telling, console) == [("ann@example.org", subject), ("bob@example.org", subject)]
    assert await told_by(telling, console) == []
    neighbours_in(console).approvals.append(approval(2, "bob"))
    assert await told_by(telling, console) == [("bob@example.org", subject)]


async def test_what_a_bot_wrote_stays_on_one_line(console: PeopleConsole) -> None:
    console.person("ann", "trader")
    neighbours_in(console).approvals = [approval(1, "ann")]
    await Telling(console).look()  # type: ignore[arg-type]
    (message,) = console.outbox.sent
    assert "grid?bot" in message.text


async def test_disabled_approver_is_not_told(console: PeopleConsole) -> None:
    ann = console.person("ann", "trader")
    console.register.write([msgspec.structs.replace(ann, disabled_us=1)])
    neighbours_in(console).approvals = [approval(1, "ann")]
    assert await told_by(Telling(console), console) == []  # type: ignore[arg-type]


async def test_owner_of_an_account_is_told_of_each_warning_once(console: PeopleConsole) -> None:
    ann = console.person("ann", "trader")
    console.assignments.own(7, ann.id, ann.id, NOW_US)
    telling, neighbours = Telling(console), neighbours_in(console)  # type: ignore[arg-type]
    neighbours.events = [event(7, 7), event(8, 7)]
    assert await told_by(telling, console) == [("ann@example.org", "About one of your API keys")]
    assert await told_by(telling, console) == []
    neighbours.events = [event(7, 3), event(7, 7)]
    assert len(await told_by(telling, console)) == 1


async def test_neighbour_that_does_not_run_stops_nothing(console: PeopleConsole) -> None:
    ann = console.person("ann", "trader")
    console.assignments.own(7, ann.id, ann.id, NOW_US)
    neighbours_in(console).approvals = Problem(told.UNAVAILABLE)
    neighbours_in(console).events = [event(7, 1)]
    assert len(await told_by(Telling(console), console)) == 1  # type: ignore[arg-type]


async def test_what_was_told_is_remembered_within_a_bound(console: PeopleConsole) -> None:
    telling = Telling(console)  # type: ignore[arg-type]
    for number in range(TOLD_COUNT_MAX + 5):
        assert telling._new("approval", str(number))
    assert len(telling._told) == TOLD_COUNT_MAX
