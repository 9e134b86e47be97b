"""Session fixation, and requests on their way while what lets them through ends: nothing from before opens anything after."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.support.console_people import PASSWORD, STEP_US, PeopleConsole
from tests.support.route_samples import route_named

from watchword.accounts.model import ApiToken, Invitation, Origin, Person, Session, TotpFactor
from watchword.accounts.sessions import SESSIONS_PER_PERSON_MAX
from watchword.audit.event import Change, Outcome
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.dispatch import Arrived, Dispatch
from watchword.entrypoints.console.problem import Problem

NEW_PASSWORD = "another long passphrase"
Deed = Callable[[PeopleConsole], object]


@pytest.fixture
def console() -> PeopleConsole:
    made = PeopleConsole()
    made.person("olga", "owner")
    return made


async def slowly(
    console: PeopleConsole, name: str, token: str, body: Any, meanwhile: Deed, **path: str
) -> Any:
    """Send a request whose body arrives after something else happened."""

    async def read() -> bytes:
        meanwhile(console)
        return msgspec.json.encode(body) if body is not None else b""

    arrived = Arrived(path, [], token, "application/json", Origin("127.0.0.1", "pytest"), "00ff", read)
    return await Dispatch(console, console.limits).answer(route_named(name), arrived)  # type: ignore[arg-type]


def recorded_after(console: PeopleConsole, meanwhile: Deed) -> None:
    """Let something happen while the next row of the trail is written."""
    keep = console.trail.record_change

    async def record(change: Change) -> int:
        number = await keep(change)
        console.trail.record_change = keep  # type: ignore[method-assign]
        meanwhile(console)
        return number

    console.trail.record_change = record  # type: ignore[method-assign]


async def _first(console: PeopleConsole, login: str = "olga") -> Any:
    return await console.call("POST", "/sign-in", None, {"login": login, "password": PASSWORD})


async def _show(console: PeopleConsole, token: str, path: str = "/sign-in/factor") -> Any:
    return await console.call(
        "POST", path, token, {"attempt": {"type": "totp", "code": console.code_of("olga")}}
    )


async def test_no_token_from_before_a_step_is_good_after_it(console: PeopleConsole) -> None:
    first = await _first(console)
    second = await _show(console, first.token)
    console.clock.us += STEP_US
    third = await _show(console, second.token, "/step-up")
    assert len({first.token, second.token, third.token}) == 3
    assert {first.session, second.session, third.session} == {first.session}
    for void in (first.token, second.token):
        assert (await console.call("GET", "/self", void)).kind is told.NOT_SIGNED_IN
        assert (await _show(console, void, "/step-up")).kind is told.NOT_SIGNED_IN
    assert (await console.call("GET", "/self", third.token)).fresh


async def test_who_knows_the_password_only_is_not_told_where_codes_go(console: PeopleConsole) -> None:
    first = await _first(console)
    myself = await console.call("GET", "/self", first.token)
    assert (myself.stage, myself.mail, myself.phone) == ("factor", "", "")
    second = await _show(console, first.token)
    assert (await console.call("GET", "/self", second.token)).mail == "olga@example.org"


async def test_token_somebody_planted_is_not_taken_over(console: PeopleConsole) -> None:
    planted = "wws_" + "A" * 43
    assert (await console.call("GET", "/self", planted)).kind is told.NOT_SIGNED_IN
    opened = await console.call("POST", "/sign-in", planted, {"login": "olga", "password": PASSWORD})
    assert opened.token != planted
    assert (await console.call("GET", "/self", planted)).kind is told.NOT_SIGNED_IN


async def test_enrolling_token_is_void_once_the_first_factor_is_there(console: PeopleConsole) -> None:
    owner = console.session_of("olga")
    draft = {"name": "mia", "mail": "mia@example.org", "role": "trader"}
    invited = await console.call("POST", "/people", owner, draft)
    opened = await console.call(
        "POST", "/enrolment", None, {"token": invited.enrolment, "password": NEW_PASSWORD}
    )
    assert (await console.call("GET", "/self", invited.enrolment)).kind is told.NOT_SIGNED_IN
    started = await console.call("POST", "/self/factors/apps", opened.token, {"label": "phone"})
    app = console.register.get(TotpFactor, started.id)
    assert app is not None
    from watchword.accounts import totp

    code = totp._totp(app.seed).generate_otp(console.clock.us // STEP_US)
    added = await console.call(
        "POST", f"/self/factors/apps/{started.id}/confirmation", opened.token, {"code": code}
    )
    assert added.token
    assert (await console.call("GET", "/self", opened.token)).kind is told.NOT_SIGNED_IN
    again = {"token": invited.enrolment, "password": NEW_PASSWORD}
    assert isinstance(await console.call("POST", "/enrolment", None, again), Problem)


async def test_who_knows_a_password_only_ends_no_session_of_who_showed_both(console: PeopleConsole) -> None:
    full = console.session_of("olga")
    for _ in range(2 * SESSIONS_PER_PERSON_MAX):
        assert (await _first(console)).stage == "factor"
    assert (await console.call("GET", "/self", full)).stage == "full"


def _end(console: PeopleConsole) -> None:
    console.sessions.end_all(console.people.called("adam").id)  # type: ignore[union-attr]


def _disable(console: PeopleConsole) -> None:
    console.people.disable(None, console.people.called("adam").id, console.clock.us)  # type: ignore[union-attr]


def _demote(console: PeopleConsole) -> None:
    console.people.set_role(None, console.people.called("adam").id, "trader")  # type: ignore[union-attr]


def _remove(console: PeopleConsole) -> None:
    console.people.remove(None, console.people.called("adam").id)  # type: ignore[union-attr]


def _invite_anew(console: PeopleConsole) -> None:
    console.people.invite_anew(None, console.people.called("adam").id, console.clock.us)  # type: ignore[union-attr]


ENDINGS = pytest.mark.parametrize(
    "ending", [_end, _disable, _demote, _remove, _invite_anew], ids=lambda one: one.__name__[1:]
)
_HELPER = {"name": "helper", "mail": "helper@example.org", "role": "admin"}


@ENDINGS
async def test_request_on_its_way_does_nothing_once_its_caller_may_not(
    console: PeopleConsole, ending: Deed
) -> None:
    answer = await slowly(console, "invitePerson", console.session_of("adam", "admin"), _HELPER, ending)
    assert answer.kind in {told.NOT_SIGNED_IN, told.FORBIDDEN}
    assert console.people.called("helper") is None
    assert "person:invited" not in [row.action for row in console.trail.of(Change)]
    # One step off: nothing happened meanwhile.
    fine = await slowly(console, "invitePerson", console.session_of("ada", "admin"), _HELPER, lambda _: None)
    assert fine.person.name == "helper"


@ENDINGS
async def test_request_being_recorded_does_nothing_once_its_caller_may_not(
    console: PeopleConsole, ending: Deed
) -> None:
    token = console.session_of("adam", "admin")
    recorded_after(console, ending)
    answer = await console.call("POST", "/people", token, _HELPER)
    assert answer.kind in {told.NOT_SIGNED_IN, told.FORBIDDEN}
    assert console.people.called("helper") is None
    (outcome,) = console.trail.of(Outcome)
    assert outcome.result == "not_sent"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("makeToken", {"label": "late", "scopes": ["self.read"], "expires_us": 1_800_000_900_000_000}),
        ("startApp", {"label": "late"}),
        ("drawRecoveryCodes", None),
        ("changeContact", {"mail": "late@example.org", "phone": ""}),
    ],
)
@pytest.mark.parametrize("ending", [_end, _disable, _remove, _invite_anew], ids=lambda one: one.__name__[1:])
async def test_nothing_is_left_behind_by_who_leaves(
    console: PeopleConsole, name: str, body: Any, ending: Deed
) -> None:
    route, adam = route_named(name), console.person("adam", "admin")
    apps = console.register.of_person(TotpFactor, adam.id)
    recorded_after(console, ending)
    answer = await console.call(route.method, route.path, console.session_of("adam", "admin"), body)
    assert answer.kind is told.NOT_SIGNED_IN
    assert console.register.of_person(ApiToken, adam.id) == []
    assert [one for one in console.register.of_person(TotpFactor, adam.id) if one not in apps] == []
    assert console.people.called("late@example.org") is None


@pytest.mark.parametrize("ending", [_end, _disable, _remove, _invite_anew], ids=lambda one: one.__name__[1:])
async def test_password_being_hashed_is_not_set_once_the_session_ended(
    console: PeopleConsole, ending: Deed
) -> None:
    adam, token = console.person("adam", "admin"), console.session_of("adam", "admin")
    keep = console.hashing

    async def hashing(function: Callable[..., Any], *args: Any) -> Any:
        found = await keep(function, *args)
        if function.__name__ == "hash_password":
            ending(console)
        return found

    console.hashing = hashing  # type: ignore[method-assign]
    change = {"present": PASSWORD, "password": NEW_PASSWORD}
    answer = await console.call("PUT", "/self/password", token, change)
    assert isinstance(answer, Problem)
    after = console.register.get(Person, adam.id)
    assert after is None or after.password in {adam.password, ""}
    if ending is _invite_anew:
        assert console.register.of_person(Invitation, adam.id)


async def test_step_up_with_the_token_before_the_step_gets_no_second_session(console: PeopleConsole) -> None:
    token = console.session_of("olga")
    other: list[Any] = []

    def rotate(made: PeopleConsole) -> None:
        (session,) = made.register.of_person(Session, made.people.called("olga").id)  # type: ignore[union-attr]
        other.append(made.sessions.rotate(session, "totp", Origin("127.0.0.1", "x"), made.clock.us))

    body = {"attempt": {"type": "totp", "code": console.code_of("olga")}}
    assert (await slowly(console, "stepUp", token, body, rotate)).kind is told.NOT_SIGNED_IN
    assert (await console.call("GET", "/self", other[0].token)).fresh
