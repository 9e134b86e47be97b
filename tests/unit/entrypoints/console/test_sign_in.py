"""Signing in over the management API: what lets in, what does not, and that nobody can tell the causes apart."""

import msgspec
import pytest
from tests.support.console_people import PASSWORD, STEP_US, PeopleConsole

from watchword.accounts import sessions
from watchword.accounts.lockout import PERSON_FAILURES_FREE
from watchword.accounts.passwords import check_password
from watchword.audit.event import Change, Refusal
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem


@pytest.fixture
def console() -> PeopleConsole:
    made = PeopleConsole()
    made.person("ann", "owner")
    return made


async def _first_step(console: PeopleConsole, password: str = PASSWORD, login: str = "ann") -> object:
    return await console.call("POST", "/sign-in", None, {"login": login, "password": password})


async def _totp(console: PeopleConsole, token: str, code: str, path: str = "/sign-in/factor") -> object:
    return await console.call("POST", path, token, {"attempt": {"type": "totp", "code": code}})


async def test_password_and_code_sign_in_under_a_new_token(console: PeopleConsole) -> None:
    first = await _first_step(console)
    assert (first.stage, first.offered, first.person) == ("factor", ["totp"], "ann")
    second = await _totp(console, first.token, console.code_of("ann"))
    assert (second.stage, second.session) == ("full", first.session)
    assert second.token != first.token
    # Fixation: what was known before the second step opens nothing.
    assert (await console.call("GET", "/self", first.token)).kind is told.NOT_SIGNED_IN
    assert (await console.call("GET", "/self", second.token)).fresh


async def test_session_waiting_for_its_factor_can_do_nothing_else(console: PeopleConsole) -> None:
    first = await _first_step(console)
    for method, path in (("GET", "/people"), ("GET", "/self/sessions"), ("POST", "/step-up")):
        body = {"attempt": {"type": "totp", "code": console.code_of("ann")}} if method == "POST" else None
        assert (await console.call(method, path, first.token, body)).kind is told.FACTOR_MISSING


async def test_used_step_is_refused_and_the_next_is_taken(console: PeopleConsole) -> None:
    code = console.code_of("ann")
    first = await _first_step(console)
    assert isinstance(await _totp(console, first.token, code), msgspec.Struct)
    again = await _first_step(console)
    refused = await _totp(console, again.token, code)
    assert isinstance(refused, Problem)
    assert refused.kind is told.FACTOR_REFUSED
    console.clock.us += STEP_US
    assert (await _totp(console, again.token, console.code_of("ann"))).stage == "full"


async def test_refusals_say_the_same_whatever_the_cause(console: PeopleConsole) -> None:
    wrong = await _first_step(console, "wrong password here")
    unknown = await _first_step(console, PASSWORD, "nobody-at-all")
    console.people.disable(None, console.person("dan", "trader").id, console.clock.us)
    disabled = await _first_step(console, PASSWORD, "dan")
    assert wrong == unknown == disabled
    causes = [(row.key[:2], row.rule) for row in console.trail.of(Refusal)]
    assert causes == [
        ("p-", "sign-in:password_wrong"),
        ("no", "sign-in:password_wrong"),
        ("p-", "sign-in:disabled"),
    ]


async def test_what_was_typed_as_an_unknown_name_is_not_recorded(console: PeopleConsole) -> None:
    await _first_step(console, "x", "hunter2-typed-as-name")
    assert "hunter2" not in repr(console.trail.events)


async def test_unknown_name_costs_the_same_check(console: PeopleConsole) -> None:
    checked: list[tuple[object, ...]] = []
    hashing = console.hashing

    async def noted(function: object, *args: object) -> object:
        checked.append((function, len(args)))
        return await hashing(function, *args)  # type: ignore[arg-type]

    console.hashing = noted  # type: ignore[method-assign]
    await _first_step(console, "wrong password here")
    await _first_step(console, "wrong password here", "nobody-at-all")
    assert checked[0] == checked[1] == (check_password, 3)


async def test_locked_person_with_the_right_password_hears_the_same(console: PeopleConsole) -> None:
    wrong = [await _first_step(console, "wrong password here") for _ in range(PERSON_FAILURES_FREE)]
    locked = await _first_step(console)
    assert locked == wrong[0]
    assert console.trail.of(Refusal)[-1].rule == "sign-in:locked"
    console.clock.us += 30_000_000
    assert (await _first_step(console)).stage == "factor"


async def test_codes_cannot_be_tried_without_end(console: PeopleConsole) -> None:
    first = await _first_step(console)
    for _ in range(PERSON_FAILURES_FREE):
        assert (await _totp(console, first.token, "000000")).kind is told.FACTOR_REFUSED
    assert (await _totp(console, first.token, console.code_of("ann"))).kind is told.FACTOR_REFUSED
    assert console.trail.of(Refusal)[-1].rule == "sign-in:locked"


async def test_recovery_code_is_good_once(console: PeopleConsole) -> None:
    codes = (await console.call("POST", "/self/recovery-codes", console.session_of("ann"))).codes
    assert len(set(codes)) == 10
    attempt = {"attempt": {"type": "recovery", "code": codes[3]}}
    first = await _first_step(console)
    assert (await console.call("POST", "/sign-in/factor", first.token, attempt)).stage == "full"
    again = await _first_step(console)
    assert (await console.call("POST", "/sign-in/factor", again.token, attempt)).kind is told.FACTOR_REFUSED
    almost = {"attempt": {"type": "recovery", "code": codes[4][:-1] + ("a" if codes[4][-1] != "a" else "b")}}
    assert (await console.call("POST", "/sign-in/factor", again.token, almost)).kind is told.FACTOR_REFUSED


async def test_recovery_codes_cannot_be_tried_without_end(console: PeopleConsole) -> None:
    codes = (await console.call("POST", "/self/recovery-codes", console.session_of("ann"))).codes
    first = await _first_step(console)
    for number in range(PERSON_FAILURES_FREE):
        guess = {"attempt": {"type": "recovery", "code": f"aaaa-aaaa-aaaa-aaa{'bcdefg'[number]}"}}
        await console.call("POST", "/sign-in/factor", first.token, guess)
    right = {"attempt": {"type": "recovery", "code": codes[0]}}
    assert (await console.call("POST", "/sign-in/factor", first.token, right)).kind is told.FACTOR_REFUSED


async def test_code_by_mail_signs_in_and_another_persons_address_does_not(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    draft = {"channel": "mail", "address": "ann@example.org"}
    started = await console.call("POST", "/self/factors/addresses", token, draft)
    code = console.outbox.sent[-1].text[:6]
    confirmation = f"/self/factors/addresses/{started.id}/confirmation"
    assert (await console.call("POST", confirmation, token, {"code": code})).factor.kind == "mail"
    console.clock.us += 60_000_000
    first = await _first_step(console)
    assert first.addresses[0].label == "an…@example.org"
    assert await console.call("POST", "/sign-in/code", first.token, {"factor_id": started.id}) is None
    attempt = {"type": "message", "factor_id": started.id, "code": console.outbox.sent[-1].text[:6]}
    console.person("bob", "trader")
    other = await _first_step(console, login="bob")
    stolen = await console.call("POST", "/sign-in/factor", other.token, {"attempt": attempt})
    assert stolen.kind is told.FACTOR_REFUSED
    wanted = await console.call("POST", "/sign-in/code", other.token, {"factor_id": started.id})
    assert wanted.kind is told.NOT_FOUND
    assert (await console.call("POST", "/sign-in/factor", first.token, {"attempt": attempt})).stage == "full"


async def test_step_up_rotates_the_token_and_makes_the_factor_fresh(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    console.clock.us += (sessions.FRESH_MS_MAX + 1) * 1_000
    draft = {"label": "bot", "scopes": ["self.read"], "expires_us": console.clock.us + 10**9}
    assert (await console.call("POST", "/self/tokens", token, draft)).kind is told.STALE_FACTOR
    stepped = await _totp(console, token, console.code_of("ann"), "/step-up")
    assert (await console.call("GET", "/self", token)).kind is told.NOT_SIGNED_IN
    assert (await console.call("POST", "/self/tokens", stepped.token, draft)).token.startswith("wwt_")


@pytest.mark.parametrize("ms", [sessions.IDLE_MS_MAX - 1, sessions.IDLE_MS_MAX])
async def test_idle_session_ends(console: PeopleConsole, ms: int) -> None:
    token = console.session_of("ann")
    console.clock.us += ms * 1_000
    answer = await console.call("GET", "/self", token)
    assert isinstance(answer, Problem) is (ms >= sessions.IDLE_MS_MAX)


async def test_session_ends_after_half_a_day_though_it_is_used(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    for _ in range(sessions.ABSOLUTE_MS_MAX // sessions.IDLE_MS_MAX * 2 - 1):
        console.clock.us += sessions.IDLE_MS_MAX * 500
        assert not isinstance(await console.call("GET", "/self", token), Problem)
    console.clock.us += sessions.IDLE_MS_MAX * 500
    assert isinstance(await console.call("GET", "/self", token), Problem)


async def test_sign_in_leaves_rows_with_who_where_and_factor(console: PeopleConsole) -> None:
    first = await _first_step(console)
    await _totp(console, first.token, console.code_of("ann"))
    opened, signed_in = console.trail.of(Change)
    assert (opened.action, opened.actor, opened.values["shown"]) == ("session:opened", "ann", "password")
    assert (signed_in.action, signed_in.subject) == ("session:signed-in", first.session)
    assert (signed_in.values["shown"], signed_in.values["from"]) == ("totp", "127.0.0.1")


async def test_sign_in_that_cannot_be_recorded_opens_nothing(console: PeopleConsole) -> None:
    console.trail.broken = True
    assert (await _first_step(console)).kind is told.NO_RECORD
    assert console.sessions.listed(console.people.called("ann").id, console.clock.us) == []


async def test_new_address_is_told_by_mail(console: PeopleConsole) -> None:
    for ip in ("127.0.0.1", "192.0.2.7"):
        body = {"login": "ann", "password": PASSWORD}
        first = await console.call("POST", "/sign-in", None, body, ip=ip)
        attempt = {"attempt": {"type": "totp", "code": console.code_of("ann")}}
        await console.call("POST", "/sign-in/factor", first.token, attempt, ip=ip)
        console.clock.us += STEP_US
    assert [message.subject for message in console.outbox.sent] == ["New sign-in to Watchword"]
    assert "192.0.2.7" in console.outbox.sent[0].text
