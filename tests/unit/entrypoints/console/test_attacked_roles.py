"""Chains that would end in more than somebody was given: roles, tokens' scopes, assignments, people who are gone."""

from typing import Any

import pytest
from tests.support.console_people import PASSWORD, PeopleConsole

from watchword.accounts.model import ROW_KINDS, FormerName, Person, SignIn
from watchword.accounts.register import Register
from watchword.accounts.roles import ACTIONS, ROLES, actions_of
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem

LATER_US = 900_000_000


@pytest.fixture
def console() -> PeopleConsole:
    made = PeopleConsole()
    for name, role in (("olga", "owner"), ("adam", "admin"), ("tom", "trader"), ("uma", "auditor")):
        made.person(name, role)  # type: ignore[arg-type]
    return made


def _id(console: PeopleConsole, name: str) -> str:
    found = console.people.called(name)
    assert found is not None
    return found.id


async def _token(console: PeopleConsole, name: str, *scopes: str) -> Any:
    draft = {"label": f"t{len(scopes)}", "scopes": list(scopes), "expires_us": console.clock.us + LATER_US}
    return await console.call("POST", "/self/tokens", console.session_of(name), draft)


@pytest.mark.parametrize("caller", ["adam", "tom", "uma"])
async def test_nobody_below_an_owner_makes_an_owner(console: PeopleConsole, caller: str) -> None:
    token = console.session_of(caller)
    invited = {"name": "eve", "mail": "eve@example.org", "role": "owner"}
    tries = [
        ("POST", "/people", invited),
        *(
            ("PUT", f"/people/{_id(console, name)}/role", {"role": "owner"})
            for name in ("adam", "tom", "uma")
        ),
        ("POST", f"/people/{_id(console, 'olga')}/invitation", None),
        ("PUT", f"/people/{_id(console, 'olga')}/contact", {"mail": "adam@evil.example"}),
        ("PUT", f"/people/{_id(console, 'olga')}/role", {"role": "trader"}),
        ("POST", f"/people/{_id(console, 'olga')}/disable", None),
        ("DELETE", f"/people/{_id(console, 'olga')}", None),
    ]
    for method, path, body in tries:
        answer = await console.call(method, path, token, body)
        assert answer.kind is told.FORBIDDEN, (method, path)
    assert [one.name for one in console.people.listed() if one.role == "owner"] == ["olga"]
    assert (await console.call("POST", "/people", console.session_of("olga"), invited)).person.role == "owner"


@pytest.mark.parametrize("caller", ["tom", "uma"])
@pytest.mark.parametrize("role", ROLES)
async def test_trader_and_auditor_change_nobodys_role_not_even_their_own(
    console: PeopleConsole, caller: str, role: str
) -> None:
    path = f"/people/{_id(console, caller)}/role"
    answer = await console.call("PUT", path, console.session_of(caller), {"role": role})
    assert answer.kind is told.FORBIDDEN


@pytest.mark.parametrize("caller", ["tom", "uma"])
async def test_nobody_assigns_themselves_anything(console: PeopleConsole, caller: str) -> None:
    own, token = _id(console, caller), console.session_of(caller)
    for method, path, body in (
        ("PUT", f"/people/{own}/assignments/virtual/vk-1", None),
        ("PUT", f"/people/{own}/assignments/credential/cred-1", None),
        ("PUT", "/accounts/1/owner", {"person": own}),
        ("DELETE", "/accounts/1/owner", None),
    ):
        assert (await console.call(method, path, token, body)).kind is told.FORBIDDEN
    assert console.assignments.listed() == []


async def test_last_owner_stays_whichever_way_is_tried(console: PeopleConsole) -> None:
    own, token = _id(console, "olga"), console.session_of("olga")
    for method, path, body in (
        ("DELETE", f"/people/{own}", None),
        ("POST", f"/people/{own}/disable", None),
        ("PUT", f"/people/{own}/role", {"role": "admin"}),
        ("POST", f"/people/{own}/invitation", None),
    ):
        assert isinstance(await console.call(method, path, token, body), Problem), path
    # An owner who never enrolled is no second one.
    draft = {"name": "oto", "mail": "oto@example.org", "role": "owner"}
    await console.call("POST", "/people", token, draft)
    assert isinstance(await console.call("DELETE", f"/people/{own}", token), Problem)
    assert (await console.call("GET", "/self", token)).role == "owner"


@pytest.mark.parametrize("name", ["adam", "tom", "uma"])
async def test_token_gets_no_scope_its_owners_role_has_not(console: PeopleConsole, name: str) -> None:
    person = console.people.called(name)
    assert person is not None
    for action in ACTIONS:
        made = await _token(console, name, action)
        assert isinstance(made, Problem) is (action not in actions_of(person.role)), action
        if not isinstance(made, Problem):
            assert (
                await console.call("DELETE", f"/self/tokens/{made.about.id}", console.session_of(name))
                is None
            )
    assert isinstance(await _token(console, name, *ACTIONS), Problem)


async def test_token_widens_neither_itself_nor_anybody(console: PeopleConsole) -> None:
    scopes = sorted(actions_of("owner"))
    made = await _token(console, "olga", *scopes)
    token, own = made.token, _id(console, "olga")
    more = {"label": "more", "scopes": ["self.read"], "expires_us": console.clock.us + LATER_US}
    shown = {"attempt": {"type": "totp", "code": console.code_of("olga")}}
    for method, path, body in (
        ("POST", "/self/tokens", more),
        ("POST", "/step-up", shown),
        ("POST", "/sign-in/factor", shown),
        ("POST", "/sign-in/challenge", None),
        ("POST", "/self/factors/apps", {"label": "x"}),
        ("POST", "/self/recovery-codes", None),
        ("PUT", "/self/password", {"present": PASSWORD, "password": "another long passphrase"}),
        ("PUT", "/self/contact", {"mail": "x@example.org"}),
        ("POST", "/people", {"name": "eve", "mail": "eve@example.org", "role": "owner"}),
        ("PUT", f"/people/{_id(console, 'tom')}/role", {"role": "owner"}),
        ("DELETE", f"/people/{_id(console, 'tom')}", None),
        ("POST", f"/people/{_id(console, 'tom')}/invitation", None),
        ("POST", "/vault/unseal", {}),
        ("POST", "/approvals/ap-1/decision", {"decision": "confirm", "digest": "0"}),
        ("DELETE", "/self/sessions", None),
    ):
        answer = await console.call(method, path, token, body)
        assert answer.kind is told.TOKEN_REFUSED, (method, path, answer)
    # A right code shown through a token is not used up, and the token is not fresh.
    assert not (await console.call("GET", "/self", token)).fresh
    assert console.tokens.listed(own)[0].scopes == frozenset(scopes)


async def test_token_shrinks_with_its_owner(console: PeopleConsole) -> None:
    made = await _token(console, "adam", "person.write", "self.read", "person.read")
    path = f"/people/{_id(console, 'tom')}/assignments/virtual/vk-1"
    assert not isinstance(await console.call("PUT", path, made.token), Problem)
    for role, kind in (("auditor", told.FORBIDDEN), ("trader", told.FORBIDDEN)):
        change = {"role": role}
        await console.call("PUT", f"/people/{_id(console, 'adam')}/role", console.session_of("olga"), change)
        assert (await console.call("DELETE", path, made.token)).kind is kind
        assert set((await console.call("GET", "/self", made.token)).actions) <= actions_of(role)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["disable", "remove", "invitation"])
async def test_nothing_of_somebody_who_is_gone_opens_anything(console: PeopleConsole, how: str) -> None:
    draft = {"name": "mia", "mail": "mia@example.org", "role": "trader"}
    invited = await console.call("POST", "/people", console.session_of("olga"), draft)
    session, token = console.session_of("tom"), (await _token(console, "tom", "self.read")).token
    first = await console.call("POST", "/sign-in", None, {"login": "tom", "password": PASSWORD})
    for name in ("tom", "mia"):
        path = f"/people/{_id(console, name)}" + ("" if how == "remove" else f"/{how}")
        method = "DELETE" if how == "remove" else "POST"
        assert not isinstance(await console.call(method, path, console.session_of("olga")), Problem)
    for held in (session, token, first.token):
        assert (await console.call("GET", "/self", held)).kind is told.NOT_SIGNED_IN
    shown = {"attempt": {"type": "totp", "code": "000000"}}
    assert (await console.call("POST", "/sign-in/factor", first.token, shown)).kind is told.NOT_SIGNED_IN
    again = await console.call("POST", "/sign-in", None, {"login": "tom", "password": PASSWORD})
    nobody = await console.call("POST", "/sign-in", None, {"login": "nobody", "password": PASSWORD})
    assert again == nobody
    enrolment = {"token": invited.enrolment, "password": PASSWORD}
    assert isinstance(await console.call("POST", "/enrolment", None, enrolment), Problem)


async def test_nothing_of_somebody_removed_is_left_for_whoever_gets_their_id_or_name(
    console: PeopleConsole,
) -> None:
    tom = _id(console, "tom")
    console.assignments.assign(tom, "virtual", "vk-1", "p-olga", console.clock.us)
    console.assignments.own(7, tom, "p-olga", console.clock.us)
    await _token(console, "tom", "self.read")
    assert not isinstance(await console.call("DELETE", f"/people/{tom}", console.session_of("olga")), Problem)
    for kind in ROW_KINDS:
        if kind not in {Person, FormerName}:
            assert console.register.of_person(kind, tom) == [], kind
    assert console.assignments.owner_of(7) is None
    # What is left can be loaded: no row belongs to nobody.
    console.register.flush()
    assert Register(console.register._store).everything(SignIn) == console.register.everything(SignIn)


async def test_name_of_somebody_removed_is_given_again_by_owners_only(console: PeopleConsole) -> None:
    # Policies name approvers by their names: whoever gets the name gets the say.
    olga, adam = console.session_of("olga"), console.session_of("adam")
    draft = {"name": "tom", "mail": "somebody.else@example.org", "role": "trader"}
    for person in ("tom", "uma"):
        assert not isinstance(await console.call("DELETE", f"/people/{_id(console, person)}", adam), Problem)
    taken = await console.call("POST", "/people", adam, draft)
    assert (taken.kind, console.people.called("tom")) == (told.CONFLICT, None)
    # A restart does not forget it.
    console.register.flush()
    console.people._register = Register(console.register._store)
    assert (
        await console.call("POST", "/people", adam, {**draft, "mail": "y@example.org"})
    ).kind is told.CONFLICT
    assert (await console.call("POST", "/people", adam, {**draft, "name": "tommy"})).person.name == "tommy"
    again = {**draft, "mail": "tom.again@example.org"}
    assert (await console.call("POST", "/people", olga, again)).person.name == "tom"


async def test_person_hears_of_a_fresh_start_somebody_gave_them(console: PeopleConsole) -> None:
    path = f"/people/{_id(console, 'tom')}"
    await console.call("POST", f"{path}/invitation", console.session_of("adam"))
    (mail,) = console.outbox.sent
    assert (mail.address, mail.subject) == ("tom@example.org", "Fresh start of your account")
    # Sending it elsewhere first is told to where they were reached before.
    console.outbox.sent.clear()
    await console.call("PUT", f"{path}/contact", console.session_of("adam"), {"mail": "adam2@example.org"})
    assert [one.address for one in console.outbox.sent] == ["tom@example.org"]


async def test_password_of_before_and_factors_of_before_do_not_outlive_a_fresh_start(
    console: PeopleConsole,
) -> None:
    tom = _id(console, "tom")
    invited = await console.call("POST", f"/people/{tom}/invitation", console.session_of("adam"))
    assert console.factors.listed(tom) == []
    again = await console.call("POST", "/sign-in", None, {"login": "tom", "password": PASSWORD})
    assert again.kind is told.SIGN_IN_REFUSED
    enrolment = {"token": invited.enrolment, "password": "another long passphrase"}
    opened = await console.call("POST", "/enrolment", None, enrolment)
    # It may set up a first factor, and nothing else.
    for method, path in (
        ("GET", "/people"),
        ("GET", "/keys"),
        ("GET", "/self/tokens"),
        ("POST", "/self/recovery-codes"),
    ):
        assert (await console.call(method, path, opened.token)).kind is told.FACTOR_MISSING
