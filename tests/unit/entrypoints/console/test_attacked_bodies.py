"""Mass assignment and two members with one name, for every route of the table: a body says what its route asks, once."""

import json
from typing import Any

import msgspec
import pytest
from tests.support.console_people import PeopleConsole
from tests.support.route_samples import BODIES, FOREIGN, route_named, with_foreign

from watchword.accounts.model import ROW_KINDS, Person
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.reading import read_body, read_query
from watchword.entrypoints.console.routes.table import ROUTES

JSON = "application/json"
WITH_QUERY = [route for route in ROUTES if route.query is not None]


def rows(console: PeopleConsole) -> dict[str, list[Any]]:
    """All that is known about people, but when sessions were last used."""
    register = console.register
    found = {kind.__name__: register.everything(kind) for kind in ROW_KINDS}
    found["Session"] = [msgspec.structs.replace(one, seen_us=0) for one in found["Session"]]
    return found


def test_every_body_has_a_sample_that_fits() -> None:
    assert sorted(BODIES) == sorted(route.name for route in ROUTES if route.body is not None)
    for name, body in BODIES.items():
        route = route_named(name)
        assert isinstance(read_body(route.body, JSON, json.dumps(body).encode()), route.body or object), name


@pytest.mark.parametrize("name", BODIES)
def test_foreign_member_is_refused_wherever_it_stands(name: str) -> None:
    kind, tried = route_named(name).body, 0
    for where, body in with_foreign(BODIES[name]):
        found = read_body(kind, JSON, json.dumps(body).encode())
        last = where.rpartition(".")[2]
        if kind is not None and where in kind.__struct_fields__:
            continue  # the route's own, left out of the sample
        assert isinstance(found, Problem), (where, body)
        assert found.kind is told.INVALID, (where, last)
        tried += 1
    assert tried > 6 * (len(FOREIGN) - 3)


@pytest.mark.parametrize("route", WITH_QUERY, ids=lambda route: route.name)
def test_foreign_parameter_of_a_query_is_refused(route: Any) -> None:
    for name in FOREIGN:
        if name not in route.query.__struct_fields__:
            assert isinstance(read_query(route.query, [(name, "owner")]), Problem), name
    first = route.query.__struct_fields__[0]
    assert isinstance(read_query(route.query, [(first, "a"), (first, "b")]), Problem)


@pytest.mark.parametrize("name", BODIES)
def test_member_named_twice_is_refused_wherever_it_stands(name: str) -> None:
    kind, text = route_named(name).body, json.dumps(BODIES[name])
    member, value = next(iter(BODIES[name].items()))
    again = f"{json.dumps(member)}: {json.dumps(value)}"
    for doubled in (f"{{{again}, {text[1:]}", f"{text[:-1]}, {again}}}"):
        found = read_body(kind, JSON, doubled.encode())
        assert isinstance(found, Problem), doubled
        assert found.kind is told.INVALID
    assert not isinstance(read_body(kind, JSON, text.encode()), Problem)


@pytest.mark.parametrize(
    "body",
    [
        '{"attempt": {"type": "totp", "code": "1", "code": "2"}}',
        '{"attempt": {"type": "totp", "type": "recovery", "code": "1"}}',
        '{"attempt": {"type": "webauthn", "answer": {"rawId": "a", "rawId": "b"}}}',
        '{"attempt": {"type": "webauthn", "answer": {"a": [{"b": 1, "b": 1}]}}}',
        '{"attempt": {"type": "totp", "code": "1", "\\u0063ode": "2"}}',
    ],
)
def test_member_named_twice_inside_is_refused(body: str) -> None:
    found = read_body(route_named("stepUp").body, JSON, body.encode())
    assert isinstance(found, Problem)
    assert found.kind is told.INVALID


async def test_nothing_changes_when_something_foreign_is_sent() -> None:
    console = PeopleConsole()
    token = console.session_of("olga", "owner")
    victim = console.person("tina", "trader")
    before = rows(console)
    paths = {
        "person": victim.id,
        "factor": "f-1",
        "account": "1",
        "key": "k",
        "credential": "c",
        "approval": "a",
    }
    for name in BODIES:
        route = route_named(name)
        path = route.path.format(**paths)
        for where, body in list(with_foreign(BODIES[name]))[::7]:
            if where not in (route.body.__struct_fields__ if route.body else ()):
                answer = await console.call(route.method, path, token, body)
                assert isinstance(answer, Problem), (name, where)
    assert rows(console) == before
    assert console.register.get(Person, victim.id) == victim
