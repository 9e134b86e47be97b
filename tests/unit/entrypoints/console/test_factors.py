"""Second factors over the management API: set up only with a fresh one, shown once, proven, never the last one removed."""

from typing import Any

import pytest
from tests.support.authenticator import SoftAuthenticator
from tests.support.console_people import ORIGIN, PASSWORD, STEP_US, PeopleConsole

from watchword.accounts import sessions
from watchword.audit.event import Change
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem

#: Of ORIGIN.
RP_ID = "localhost"


@pytest.fixture
def console() -> PeopleConsole:
    return PeopleConsole()


async def _registered(
    console: PeopleConsole, token: str, key: SoftAuthenticator, origin: str = ORIGIN
) -> Any:
    options = await console.call("POST", "/self/factors/keys/options", token)
    body = {"label": "yubi", "answer": key.register(options.options, origin, RP_ID)}
    return await console.call("POST", "/self/factors/keys", token, body)


async def _shown(console: PeopleConsole, key: SoftAuthenticator, origin: str = ORIGIN) -> Any:
    first = await console.call("POST", "/sign-in", None, {"login": "ann", "password": PASSWORD})
    challenge = await console.call("POST", "/sign-in/challenge", first.token)
    attempt = {"attempt": {"type": "webauthn", "answer": key.show(challenge.options, origin, RP_ID)}}
    return first.token, attempt


async def test_security_key_is_registered_and_signs_in(console: PeopleConsole) -> None:
    key = SoftAuthenticator()
    added = await _registered(console, console.session_of("ann"), key)
    assert (added.factor.kind, added.factor.label, added.token) == ("webauthn", "yubi", "")
    token, attempt = await _shown(console, key)
    assert (await console.call("POST", "/sign-in/factor", token, attempt)).stage == "full"


async def test_answer_of_a_security_key_is_good_once(console: PeopleConsole) -> None:
    key = SoftAuthenticator()
    await _registered(console, console.session_of("ann"), key)
    token, attempt = await _shown(console, key)
    await console.call("POST", "/sign-in/factor", token, attempt)
    again, _ = await _shown(console, key)
    assert (await console.call("POST", "/sign-in/factor", again, attempt)).kind is told.FACTOR_REFUSED


async def test_security_key_that_counts_back_is_refused(console: PeopleConsole) -> None:
    key = SoftAuthenticator()
    key.sign_count = 7
    await _registered(console, console.session_of("ann"), key)
    key.sign_count = 5
    token, attempt = await _shown(console, key)
    assert (await console.call("POST", "/sign-in/factor", token, attempt)).kind is told.FACTOR_REFUSED


async def test_security_key_on_another_origin_is_refused(console: PeopleConsole) -> None:
    key = SoftAuthenticator()
    await _registered(console, console.session_of("ann"), key)
    evil = "http://localhost.evil.example:8700"
    token, attempt = await _shown(console, key, evil)
    assert (await console.call("POST", "/sign-in/factor", token, attempt)).kind is told.FACTOR_REFUSED
    assert (await _registered(console, console.session_of("ann"), key, evil)).kind is told.REFUSED


async def test_someone_elses_security_key_is_refused(console: PeopleConsole) -> None:
    await _registered(console, console.session_of("ann"), SoftAuthenticator())
    other = SoftAuthenticator(b"software-key-two")
    await _registered(console, console.session_of("bob", "trader"), other)
    token, attempt = await _shown(console, other)
    assert (await console.call("POST", "/sign-in/factor", token, attempt)).kind is told.FACTOR_REFUSED


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/self/factors/apps", {"label": "phone"}),
        ("POST", "/self/factors/keys/options", None),
        ("POST", "/self/factors/addresses", {"channel": "mail", "address": "x@example.org"}),
        ("POST", "/self/recovery-codes", None),
        ("DELETE", "/self/factors/f-123", None),
        ("PUT", "/self/password", {"present": PASSWORD, "password": "an entirely new passphrase"}),
        ("PUT", "/self/contact", {"mail": "new@example.org"}),
    ],
)
async def test_changing_factors_needs_a_fresh_one(
    console: PeopleConsole, method: str, path: str, body: Any
) -> None:
    token = console.session_of("ann")
    console.clock.us += (sessions.FRESH_MS_MAX + 1) * 1_000
    assert (await console.call(method, path, token, body)).kind is told.STALE_FACTOR
    draft = {"label": "bot", "scopes": ["self.write"], "expires_us": console.clock.us + 10**9}
    bot = await console.call("POST", "/self/tokens", console.session_of("ann"), draft)
    assert (await console.call(method, path, bot.token, body)).kind is told.TOKEN_REFUSED


async def test_authenticator_app_is_a_factor_once_it_showed_a_code(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    started = await console.call("POST", "/self/factors/apps", token, {"label": "phone"})
    assert started.uri.startswith("otpauth://totp/")
    confirmation = f"/self/factors/apps/{started.id}/confirmation"
    assert (await console.call("POST", confirmation, token, {"code": "000000"})).kind is told.REFUSED
    assert len((await console.call("GET", "/self/factors", token)).items) == 1
    code = _code(started.uri, console.clock.us)
    assert (await console.call("POST", confirmation, token, {"code": code})).factor.id == started.id
    assert (await console.call("POST", confirmation, token, {"code": code})).kind is told.NOT_FOUND
    assert [message.subject for message in console.outbox.sent] == ["Second factor added"]


async def test_another_persons_app_cannot_be_confirmed_or_removed(console: PeopleConsole) -> None:
    started = await console.call("POST", "/self/factors/apps", console.session_of("ann"), {"label": "phone"})
    other, code = console.session_of("bob", "trader"), _code(started.uri, console.clock.us)
    confirmation = f"/self/factors/apps/{started.id}/confirmation"
    assert (await console.call("POST", confirmation, other, {"code": code})).kind is told.NOT_FOUND
    assert (await console.call("DELETE", f"/self/factors/{started.id}", other)).kind is told.NOT_FOUND


async def test_last_factor_stays(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    (only,) = (await console.call("GET", "/self/factors", token)).items
    assert (await console.call("DELETE", f"/self/factors/{only.id}", token)).kind is told.CONFLICT
    await _registered(console, token, SoftAuthenticator())
    assert await console.call("DELETE", f"/self/factors/{only.id}", token) is None


async def test_address_without_a_way_to_send_is_not_begun(console: PeopleConsole) -> None:
    console.outbox.broken = True
    draft = {"channel": "sms", "address": "+4915112345678"}
    answer = await console.call("POST", "/self/factors/addresses", console.session_of("ann"), draft)
    assert answer.kind is told.UNAVAILABLE


async def test_password_change_ends_other_sessions_and_needs_the_present_one(console: PeopleConsole) -> None:
    token, other = console.session_of("ann"), console.session_of("ann")
    body = {"present": "not the present one", "password": "an entirely new passphrase"}
    assert (await console.call("PUT", "/self/password", token, body)).kind is told.REFUSED
    weak = {"present": PASSWORD, "password": "Password2026!"}
    assert (await console.call("PUT", "/self/password", token, weak)).kind is told.REFUSED
    body["present"] = PASSWORD
    assert await console.call("PUT", "/self/password", token, body) is None
    assert (await console.call("GET", "/self", other)).kind is told.NOT_SIGNED_IN
    assert not isinstance(await console.call("GET", "/self", token), Problem)
    signed = await console.call("POST", "/sign-in", None, {"login": "ann", "password": body["password"]})
    assert signed.stage == "factor"


async def test_invited_person_enrols_step_by_step(console: PeopleConsole) -> None:
    draft = {"name": "eve", "mail": "eve@example.org", "role": "trader"}
    invited = await console.call("POST", "/people", console.session_of("ann"), draft)
    body = {"token": invited.enrolment, "password": "a passphrase that eve chose"}
    almost = {**body, "token": invited.enrolment[:-1] + ("A" if invited.enrolment[-1] != "A" else "B")}
    assert (await console.call("POST", "/enrolment", None, almost)).kind is told.SIGN_IN_REFUSED
    weak = {**body, "password": "password1234"}
    assert (await console.call("POST", "/enrolment", None, weak)).kind is told.REFUSED
    opened = await console.call("POST", "/enrolment", None, body)
    assert opened.stage == "enrol"
    assert (await console.call("POST", "/enrolment", None, body)).kind is told.SIGN_IN_REFUSED
    assert (await console.call("GET", "/self/tokens", opened.token)).kind is told.FACTOR_MISSING
    started = await console.call("POST", "/self/factors/apps", opened.token, {"label": "phone"})
    code = {"code": _code(started.uri, console.clock.us)}
    added = await console.call("POST", f"/self/factors/apps/{started.id}/confirmation", opened.token, code)
    assert (await console.call("GET", "/self", opened.token)).kind is told.NOT_SIGNED_IN
    assert (await console.call("GET", "/self", added.token)).stage == "full"
    actors = {row.action: row.actor for row in console.trail.of(Change)}
    assert (actors["person:invited"], actors["person:enrolled"]) == ("ann", "eve")


async def test_seed_and_codes_never_reach_the_trail(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    started = await console.call("POST", "/self/factors/apps", token, {"label": "phone"})
    codes = (await console.call("POST", "/self/recovery-codes", token)).codes
    await console.call(
        "PUT", "/self/password", token, {"present": PASSWORD, "password": "a brand new passphrase"}
    )
    seed = started.uri.partition("secret=")[2].partition("&")[0]
    written = repr(console.trail.events)
    assert console.trail.of(Change)
    assert all(secret not in written for secret in (seed, codes[0], PASSWORD, "brand new passphrase", token))


def _code(uri: str, now_us: int) -> str:
    import pyotp

    return pyotp.parse_uri(uri).generate_otp(now_us // STEP_US)  # type: ignore[attr-defined]
