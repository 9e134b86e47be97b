"""Reaching for what is somebody else's: every path parameter of the table, with an id that exists and is another's."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.tinas_world import TINAS_ACCOUNT, TINAS_KEY, World

from watchword.accounts.model import ApiToken, Origin, Session, TotpFactor
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.table import ROUTES

WITH_PARAMETER = [route for route in ROUTES if "{" in route.path]
_PARAMETERS = re.compile(r"\{([a-z_]+)\}")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return World(monkeypatch, tmp_path)


def test_every_path_parameter_is_reached_for(world: World) -> None:
    named = {name for route in WITH_PARAMETER for name in _PARAMETERS.findall(route.path)}
    assert named - {"key"} == set(world.tinas())


@pytest.mark.parametrize("route", WITH_PARAMETER, ids=lambda route: route.name)
async def test_trader_gets_nothing_of_another_trader(world: World, route: Any) -> None:
    answer = await world.call(route, world.console.session_of("tom", "trader"))
    assert isinstance(answer, Problem), answer
    assert answer.kind in {told.FORBIDDEN, told.NOT_FOUND}, answer
    assert world.neighbours.changes() == []
    assert "tinas" not in answer.detail
    if answer.kind is told.NOT_FOUND:
        # What is another's is answered like what is not there: nobody finds out which ids exist.
        missing = {
            name: "0" if name == "account" else "x-missing" for name in _PARAMETERS.findall(route.path)
        }
        missing |= {"key": "M" * 64} if route.path.startswith("/keys") else {}
        assert await world.call(route, world.console.session_of("tom", "trader"), missing) == answer


async def test_the_same_calls_reach_what_is_ones_own(world: World) -> None:
    reached = []
    for route in WITH_PARAMETER:
        if route.method == "GET" and route.action and route.action not in {"person.read", "credential.read"}:
            answer = await world.call(route, world.console.session_of("tina", "trader"))
            reached += (
                []
                if isinstance(answer, Problem) and answer.kind in {told.NOT_FOUND, told.FORBIDDEN}
                else [route.name]
            )
    assert {"showKey", "showVirtualKey", "showApproval", "showAddresses"} <= set(reached)


@pytest.mark.parametrize("name", ["listKeys", "listExchangeAccounts", "listKeyEvents", "listVirtualKeys", "listPolicies",
                                  "listApprovals", "listCredentials"])  # fmt: skip
async def test_lists_of_a_trader_hold_nothing_of_another(world: World, name: str) -> None:
    route = next(one for one in ROUTES if one.name == name)
    tom, tina = (world.console.session_of(one, "trader") for one in ("tom", "tina"))
    assert (await world.call(route, tom)).items == []
    assert len((await world.call(route, tina)).items) == 1


@pytest.mark.parametrize("query", ["?limit=5", "?query=tinas", f"?query={TINAS_ACCOUNT}&limit=1"])
async def test_part_of_the_accounts_holds_nothing_of_another(world: World, query: str) -> None:
    tom, tina = (world.console.session_of(one, "trader") for one in ("tom", "tina"))
    theirs = await world.console.call("GET", f"/accounts{query}", tom)
    assert (theirs.items, theirs.total) == ([], 0)
    own = await world.console.call("GET", f"/accounts{query}", tina)
    assert [one.account_id for one in own.items] == [TINAS_ACCOUNT]


async def test_filter_by_anothers_account_shows_nothing(world: World) -> None:
    tom = world.console.session_of("tom", "trader")
    for query in (f"?account={TINAS_ACCOUNT}", "?query=tinas", f"?query={TINAS_KEY}"):
        assert (await world.console.call("GET", f"/keys{query}", tom)).items == []


@pytest.mark.parametrize("role", ["owner", "admin", "trader", "auditor"])
@pytest.mark.parametrize(
    "name", ["removeFactor", "endOwnSession", "revokeOwnToken", "confirmApp", "confirmAddress"]
)
async def test_own_things_are_not_ended_by_their_owners_neighbours(
    world: World, role: str, name: str
) -> None:
    route = next(one for one in ROUTES if one.name == name)
    answer = await world.call(route, world.console.session_of(f"some-{role}", role))  # type: ignore[arg-type]
    assert answer.kind is told.NOT_FOUND
    register = world.console.register
    assert register.get(Session, world.session.id) is not None
    assert register.get(ApiToken, world.token.id) is not None
    assert register.get(TotpFactor, world.factor.id) == world.factor


@pytest.mark.parametrize("name", ["endSession", "revokeToken"])
async def test_things_are_looked_up_under_the_person_in_the_path(world: World, name: str) -> None:
    route = next(one for one in ROUTES if one.name == name)
    other = world.console.person("tom", "trader")
    answer = await world.call(route, world.console.session_of("olga"), {"person": other.id})
    assert answer.kind is told.NOT_FOUND
    assert await world.call(route, world.console.session_of("olga")) is None


@pytest.mark.parametrize("route", [one for one in WITH_PARAMETER if "{person}" in one.path and one.method != "GET"],
                         ids=lambda route: route.name)  # fmt: skip
async def test_admin_changes_nothing_about_an_owners_way_in(world: World, route: Any) -> None:
    olga = world.console.person("olga", "owner")
    session = world.console.sessions.open(
        olga.id, "factor", Origin("10.0.0.1", "x"), world.console.clock.us
    ).session
    made = world.console.tokens.issue(
        olga, "ci", {"self.read"}, world.console.clock.us + 10, world.console.clock.us
    )
    before = world.console.register.get(type(olga), olga.id)
    changed = {"person": olga.id, "session": session.id, "token": made.row.id}  # type: ignore[union-attr]
    answer = await world.call(route, world.console.session_of("adam", "admin"), changed)
    if "assignments" not in route.path:  # what an owner uses is no way in
        assert answer.kind is told.FORBIDDEN
    assert world.console.register.get(type(olga), olga.id) == before
    assert world.console.register.get(Session, session.id) is not None
    assert world.console.register.get(ApiToken, made.row.id) is not None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one.method != "GET" and one.action], ids=lambda route: route.name
)
async def test_auditor_changes_nothing_but_their_own(world: World, route: Any) -> None:
    before = {
        kind: world.console.register.of_person(kind, world.tina.id)
        for kind in (Session, ApiToken, TotpFactor)
    }
    answer = await world.call(route, world.console.session_of("uma", "auditor"))
    assert world.neighbours.changes() == []
    assert {kind: world.console.register.of_person(kind, world.tina.id) for kind in before} == before
    if route.action != "self.write" and not route.action.endswith(".read"):
        assert answer.kind is told.FORBIDDEN
    assert route.action == "self.write" or route.action.endswith(".read") or isinstance(answer, Problem)
