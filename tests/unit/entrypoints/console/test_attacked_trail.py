"""The trail, for every route of the table: who, from where, with which factor; nothing a client sends takes their place."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_people import PASSWORD, PeopleConsole
from tests.support.route_samples import BODIES, route_named
from tests.support.tinas_world import World

from watchword.audit.event import Change, Outcome, Refusal
from watchword.audit.redaction import FIELDS_MAX, redacted
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.table import ROUTES

CHANGING = [route for route in ROUTES if route.method != "GET"]
RECORDED = [route for route in CHANGING if route.audit is not None and not route.audit.by_handler]
#: These record by themselves, because only they know who; each has a test below.
BY_HANDLER = {"signIn", "showFactor", "stepUp", "enrol"}
SECRET = "Zx9canaryQw7Secret"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return World(monkeypatch, tmp_path)


def test_every_route_that_changes_something_is_recorded_by_the_dispatch_or_looked_at_here() -> None:
    assert {route.name for route in CHANGING} - {route.name for route in RECORDED} == BY_HANDLER


@pytest.mark.parametrize("route", RECORDED, ids=lambda route: route.name)
async def test_row_says_who_from_where_and_with_which_factor(world: World, route: Any) -> None:
    olga = world.console.person("olga", "owner")
    token = world.console.session_of("olga")
    session = world.console.sessions.listed(olga.id, world.console.clock.us)[0]
    answer = await world.call(route, token)
    assert not isinstance(answer, Problem) or answer.kind is not told.FAULT, answer
    row = world.console.trail.of(Change)[0]
    assert (row.action, row.actor) == (route.audit.action, "olga")
    assert row.subject
    who = {"by": olga.id, "from": "127.0.0.1", "factor": "totp", "through": session.id, "request": "00ff"}
    assert {name: row.values[name] for name in who} == who
    assert all(type(value) is str for value in row.values.values()), row.values
    # What was refused after all says so.
    outcomes = [outcome.result for outcome in world.console.trail.of(Outcome)]
    unavailable = isinstance(answer, Problem) and answer.kind is told.UNAVAILABLE
    assert outcomes == (["unknown"] if unavailable else ["not_sent"] if isinstance(answer, Problem) else [])


@pytest.mark.parametrize("route", RECORDED, ids=lambda route: route.name)
async def test_nothing_is_done_that_cannot_be_recorded(world: World, route: Any) -> None:
    token = world.console.session_of("olga")
    register = world.console.register
    before = {kind: list(rows.values()) for kind, rows in register._rows.items()}
    world.console.trail.broken = True
    assert (await world.call(route, token)).kind is told.NO_RECORD
    assert {kind: list(rows.values()) for kind, rows in register._rows.items()} == before
    assert world.neighbours.changes() == []


@pytest.mark.parametrize("route", [one for one in RECORDED if one.action], ids=lambda route: route.name)
async def test_refusal_of_somebody_known_leaves_a_row(world: World, route: Any) -> None:
    role = "auditor" if route.action != "self.write" and not route.action.endswith(".read") else "owner"
    token = world.console.session_of("uma", role)  # type: ignore[arg-type]
    world.console.clock.us += 301_000_000
    answer = await world.call(route, token)
    if role == "auditor" or route.fresh == "always":
        assert answer.kind in {told.FORBIDDEN, told.STALE_FACTOR}
        (row,) = world.console.trail.of(Refusal)
        assert (row.rule, row.ip, row.values["person"]) == (answer.kind.code, "127.0.0.1", "uma")
        assert world.console.trail.of(Change) == []


async def test_steps_into_a_session_are_recorded_with_who_and_how() -> None:
    console = PeopleConsole()
    ann = console.person("ann", "owner")
    first = await console.call("POST", "/sign-in", None, {"login": "ann", "password": PASSWORD})
    shown = {"attempt": {"type": "totp", "code": console.code_of("ann")}}
    second = await console.call("POST", "/sign-in/factor", first.token, shown)
    shown = {"attempt": {"type": "totp", "code": console.code_of("ann", 1)}}
    await console.call("POST", "/step-up", second.token, shown)
    draft = {"name": "mia", "mail": "mia@example.org", "role": "trader"}
    invited = await console.call("POST", "/people", console.session_of("ann"), draft)
    await console.call("POST", "/enrolment", None, {"token": invited.enrolment, "password": PASSWORD})
    rows = [(row.action, row.actor, row.values["from"], row.values["by"]) for row in console.trail.of(Change)]
    mia = console.people.called("mia")
    assert mia is not None
    home = "127.0.0.1"
    assert rows == [
        ("session:opened", "ann", home, ann.id),
        ("session:signed-in", "ann", home, ann.id),
        ("session:stepped-up", "ann", home, ann.id),
        ("person:invited", "ann", home, ann.id),
        ("person:enrolled", "mia", home, mia.id),
        ("session:opened", "mia", home, mia.id),
    ]
    assert [row.values["shown"] for row in console.trail.of(Change)[:3]] == ["password", "totp", "totp"]


async def test_session_that_cannot_be_recorded_is_not_handed_out() -> None:
    console = PeopleConsole()
    ann = console.person("ann", "owner")
    console.trail.broken = True
    answer = await console.call("POST", "/sign-in", None, {"login": "ann", "password": PASSWORD})
    assert answer.kind is told.NO_RECORD
    assert console.sessions.listed(ann.id, console.clock.us) == []


async def test_values_a_client_names_neither_replace_nor_push_out_who_did_it(world: World) -> None:
    who = ("by", "from", "factor", "through", "request")
    deposits = dict.fromkeys(who, "1") | {f"ASSET{number}": "1" for number in range(45)}
    assert len(deposits) + len(who) > FIELDS_MAX
    token = world.console.session_of("olga")
    await world.console.call("POST", "/accounts/7/deposits", token, {"deposits": deposits})
    kept = redacted(world.console.trail.of(Change)[0].values)
    assert set(who) <= set(kept)
    assert "1" not in [kept[name] for name in who]


@pytest.mark.parametrize("name", [name for name in BODIES if name not in BY_HANDLER])
async def test_no_secret_of_a_body_stands_in_a_row(world: World, name: str) -> None:
    secrets = {
        "password",
        "present",
        "secret",
        "passphrase",
        "code",
        "shares",
        "public_key",
        "policy",
        "text",
        "old",
        "new",
    }
    route, body = route_named(name), dict(BODIES[name])
    for member in secrets & set(route.body.__struct_fields__ if route.body else ()):
        body[member] = [SECRET] if member == "shares" else SECRET
    known = {**world.tinas(), "key": "K" * 64}
    answer = await world.console.call(
        route.method, route.path.format(**known), world.console.session_of("olga"), body
    )
    assert world.console.trail.events
    assert SECRET not in repr(world.console.trail.events)
    assert SECRET not in json.dumps(answer.detail if isinstance(answer, Problem) else "")


@pytest.mark.parametrize("name", BODIES)
async def test_no_secret_is_repeated_to_who_sent_it_in_the_wrong_place(world: World, name: str) -> None:
    route = route_named(name)
    known = {**world.tinas(), "key": "K" * 64}
    path, token = route.path.format(**known), world.console.session_of("olga")
    for member in BODIES[name]:
        for wrong in ({member: SECRET}, [SECRET], SECRET * 2000, f"{SECRET}'", f'a"{SECRET}\n'):
            answer = await world.console.call(route.method, path, token, {**BODIES[name], member: wrong})
            if isinstance(answer, Problem):
                assert SECRET not in answer.detail, (member, answer.detail[:200])
