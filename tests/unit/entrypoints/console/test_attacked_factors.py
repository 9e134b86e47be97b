"""Second factors under attack through the management API: steps, codes and security keys shown twice, elsewhere, by others."""

from typing import Any

import pytest
from tests.support.authenticator import SoftAuthenticator
from tests.support.console_people import ORIGIN, PASSWORD, STEP_US, PeopleConsole

from watchword.accounts import totp
from watchword.accounts.lockout import ADDRESS_FAILURES_FREE, PERSON_FAILURES_FREE
from watchword.accounts.message_codes import CODES_PER_HOUR_MAX, TRIES_MAX, WAIT_BETWEEN_MS
from watchword.accounts.model import MessageCode, TotpFactor, WebauthnFactor
from watchword.accounts.passwords import check_password
from watchword.adapters.memory.accounts import MemoryAccounts
from watchword.audit.event import Refusal
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem

PARTY = "localhost"


@pytest.fixture
def console() -> PeopleConsole:
    made = PeopleConsole()
    made.person("ann", "owner")
    return made


async def _first(
    console: PeopleConsole, login: str = "ann", password: str = PASSWORD, ip: str = "127.0.0.1"
) -> Any:
    return await console.call("POST", "/sign-in", None, {"login": login, "password": password}, ip)


async def _show(
    console: PeopleConsole, token: str, kind: str, path: str = "/sign-in/factor", **shown: Any
) -> Any:
    return await console.call("POST", path, token, {"attempt": {"type": kind, **shown}})


async def _with_key(console: PeopleConsole, name: str = "ann") -> SoftAuthenticator:
    key, token = SoftAuthenticator(f"key-of-{name}".encode()), console.session_of(name)
    options = (await console.call("POST", "/self/factors/keys/options", token)).options
    answer = key.register(options, ORIGIN, PARTY)
    added = await console.call("POST", "/self/factors/keys", token, {"label": "k", "answer": answer})
    assert added.factor.kind == "webauthn"
    return key


async def _challenged(console: PeopleConsole, token: str) -> dict[str, Any]:
    found: dict[str, Any] = (await console.call("POST", "/sign-in/challenge", token)).options
    return found


async def test_step_taken_on_one_device_is_refused_on_every_other(console: PeopleConsole) -> None:
    code, session = console.code_of("ann"), console.session_of("ann")
    first, other = await _first(console), await _first(console)
    assert (await _show(console, first.token, "totp", code=code)).stage == "full"
    assert (await _show(console, other.token, "totp", code=code)).kind is told.FACTOR_REFUSED
    assert (await _show(console, session, "totp", "/step-up", code=code)).kind is told.FACTOR_REFUSED
    assert (
        await _show(console, session, "totp", "/step-up", code=f" {code[:3]} {code[3:]}")
    ).kind is told.FACTOR_REFUSED
    # A step before one that was taken is refused too, though it was never shown.
    assert (
        await _show(console, other.token, "totp", code=console.code_of("ann", -1))
    ).kind is told.FACTOR_REFUSED
    console.clock.us += STEP_US
    assert (await _show(console, other.token, "totp", code=console.code_of("ann"))).stage == "full"


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_code_is_good_one_step_either_way(console: PeopleConsole, steps: int, *, taken: bool) -> None:
    shown = await _show(console, (await _first(console)).token, "totp", code=console.code_of("ann", steps))
    assert isinstance(shown, Problem) is not taken


async def test_step_that_confirmed_an_app_signs_nobody_in(console: PeopleConsole) -> None:
    token, ann = console.session_of("ann"), console.person("ann", "owner")
    started = await console.call("POST", "/self/factors/apps", token, {"label": "second"})
    app = next(one for one in console.register.of_person(TotpFactor, ann.id) if one.id == started.id)
    code = totp._totp(app.seed).generate_otp(console.clock.us // STEP_US)
    first = await _first(console)
    # Not before it is confirmed, and not with the code that confirmed it.
    assert (await _show(console, first.token, "totp", code=code)).kind is told.FACTOR_REFUSED
    path = f"/self/factors/apps/{started.id}/confirmation"
    assert (await console.call("POST", path, token, {"code": code})).factor.kind == "totp"
    assert (await _show(console, first.token, "totp", code=code)).kind is told.FACTOR_REFUSED


async def test_recovery_code_of_one_person_opens_nobody_elses_session(console: PeopleConsole) -> None:
    console.person("bea", "trader")
    codes = (await console.call("POST", "/self/recovery-codes", console.session_of("ann"))).codes
    bea = await _first(console, "bea")
    assert (await _show(console, bea.token, "recovery", code=codes[0])).kind is told.FACTOR_REFUSED
    ann = await _first(console)
    assert (await _show(console, ann.token, "recovery", code=codes[0])).stage == "full"
    assert (
        await _show(console, (await _first(console)).token, "recovery", code=codes[0])
    ).kind is told.FACTOR_REFUSED
    fresh = await console.call("POST", "/self/recovery-codes", console.session_of("ann"))
    assert (
        await _show(console, (await _first(console)).token, "recovery", code=codes[1])
    ).kind is told.FACTOR_REFUSED
    assert (
        await _show(console, (await _first(console)).token, "recovery", code=fresh.codes[1])
    ).stage == "full"


async def test_sent_code_is_judged_five_times_and_sent_ten_times_an_hour(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    draft = {"channel": "mail", "address": "ann@elsewhere.example"}
    started = await console.call("POST", "/self/factors/addresses", token, draft)
    path = f"/self/factors/addresses/{started.id}/confirmation"
    right = console.outbox.sent[-1].text[:6]
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(TRIES_MAX):
        assert (await console.call("POST", path, token, {"code": wrong})).kind is told.REFUSED
    assert isinstance(await console.call("POST", path, token, {"code": right}), Problem)
    assert console.register.everything(MessageCode) == []
    sent = 1
    for _ in range(2 * CODES_PER_HOUR_MAX):
        console.clock.us += WAIT_BETWEEN_MS * 1_000
        again = await console.call("POST", "/self/factors/addresses", console.session_of("ann"), draft)
        sent += not isinstance(again, Problem)
    assert sent == CODES_PER_HOUR_MAX


async def test_security_key_answers_are_good_here_now_once_and_for_their_owner(
    console: PeopleConsole,
) -> None:
    key = await _with_key(console)
    token = (await _first(console)).token
    for origin, party in (
        ("http://localhost:8701", PARTY),
        ("https://localhost:8700", PARTY),
        ("http://evil.example", PARTY),
        (ORIGIN, "evil.example"),
        (ORIGIN + "/", PARTY),
    ):
        foreign = key.show(await _challenged(console, token), origin, party)
        assert (await _show(console, token, "webauthn", answer=foreign)).kind is told.FACTOR_REFUSED
        console.lockout.succeeded(console.person("ann", "owner").id)
    answer = key.show(await _challenged(console, token), ORIGIN, PARTY)
    signed_in = await _show(console, token, "webauthn", answer=answer)
    assert signed_in.stage == "full"
    # Replayed: in this session, in another, and after a new challenge.
    assert (
        await _show(console, signed_in.token, "webauthn", "/step-up", answer=answer)
    ).kind is told.FACTOR_REFUSED
    other = (await _first(console)).token
    await _challenged(console, other)
    assert (await _show(console, other, "webauthn", answer=answer)).kind is told.FACTOR_REFUSED


async def test_challenge_of_one_session_is_no_challenge_of_another(console: PeopleConsole) -> None:
    key = await _with_key(console)
    mine, other = (await _first(console)).token, (await _first(console)).token
    answer = key.show(await _challenged(console, mine), ORIGIN, PARTY)
    assert (await _show(console, other, "webauthn", answer=answer)).kind is told.FACTOR_REFUSED
    await _challenged(console, other)
    assert (await _show(console, other, "webauthn", answer=answer)).kind is told.FACTOR_REFUSED
    assert (await _show(console, mine, "webauthn", answer=answer)).stage == "full"


async def test_answer_for_another_persons_challenge_or_with_their_key_is_refused(
    console: PeopleConsole,
) -> None:
    console.person("bea", "owner")
    anns, beas = await _with_key(console), await _with_key(console, "bea")
    bea = (await _first(console, "bea")).token
    ann = (await _first(console)).token
    challenge = await _challenged(console, ann)
    # Bea's password is known, and Ann's key is at hand: it answers Bea's challenge, or in the name of Bea's key.
    shown = anns.show(await _challenged(console, bea), ORIGIN, PARTY)
    assert (await _show(console, bea, "webauthn", answer=shown)).kind is told.FACTOR_REFUSED
    anns.credential_id = beas.credential_id
    shown = anns.show(await _challenged(console, bea), ORIGIN, PARTY)
    assert (await _show(console, bea, "webauthn", answer=shown)).kind is told.FACTOR_REFUSED
    # Bea's key answers Ann's challenge, in Bea's session.
    shown = beas.show(challenge, ORIGIN, PARTY)
    assert (await _show(console, bea, "webauthn", answer=shown)).kind is told.FACTOR_REFUSED
    own = beas.show(await _challenged(console, bea), ORIGIN, PARTY)
    assert (await _show(console, bea, "webauthn", answer=own)).stage == "full"


@pytest.mark.parametrize(("back", "taken"), [(2, False), (1, False), (0, True)])
async def test_key_whose_counter_stands_still_or_goes_back_is_refused(
    console: PeopleConsole, back: int, *, taken: bool
) -> None:
    key = await _with_key(console)
    for _ in range(3):
        token = (await _first(console)).token
        shown = await _show(
            console, token, "webauthn", answer=key.show(await _challenged(console, token), ORIGIN, PARTY)
        )
        assert shown.stage == "full"
    stored = console.register.everything(WebauthnFactor)[0].sign_count
    key.sign_count -= back
    token = (await _first(console)).token
    answer = await _show(
        console, token, "webauthn", answer=key.show(await _challenged(console, token), ORIGIN, PARTY)
    )
    assert isinstance(answer, Problem) is not taken
    assert console.register.everything(WebauthnFactor)[0].sign_count == stored + taken


async def test_registration_challenge_signs_nobody_in_and_the_other_way_round(console: PeopleConsole) -> None:
    key, token = await _with_key(console), console.session_of("ann")
    registering = (await console.call("POST", "/self/factors/keys/options", token)).options
    shown = key.show(registering, ORIGIN, PARTY)
    assert (await _show(console, token, "webauthn", "/step-up", answer=shown)).kind is told.FACTOR_REFUSED
    second = SoftAuthenticator(b"second")
    answer = second.register(await _challenged(console, token), ORIGIN, PARTY)
    added = await console.call("POST", "/self/factors/keys", token, {"label": "k", "answer": answer})
    assert added.kind is told.REFUSED
    # A challenge is taken by the first answer to it, right or wrong.
    again = second.register(registering, ORIGIN, PARTY)
    assert isinstance(
        await console.call("POST", "/self/factors/keys", token, {"label": "k", "answer": again}), Problem
    )


async def test_kinds_of_factors_share_one_count_of_wrong_tries(console: PeopleConsole) -> None:
    key = await _with_key(console)
    token = (await _first(console)).token
    for number in range(PERSON_FAILURES_FREE):
        kind = ("totp", "recovery")[number % 2]
        assert (await _show(console, token, kind, code="000000")).kind is told.FACTOR_REFUSED
    answer = key.show(await _challenged(console, token), ORIGIN, PARTY)
    locked = await _show(console, token, "webauthn", answer=answer)
    assert locked.kind is told.FACTOR_REFUSED
    assert console.trail.of(Refusal)[-1].rule == "sign-in:locked"
    console.clock.us += 31 * 1_000_000
    answer = key.show(await _challenged(console, token), ORIGIN, PARTY)
    assert (await _show(console, token, "webauthn", answer=answer)).stage == "full"


class CountedStore(MemoryAccounts):
    """Counts what is written before an answer."""

    writes = 0

    def write(self, *rows: Any) -> None:
        self.writes += 1
        super().write(*rows)


@pytest.mark.parametrize("login", ["ann", "dan", "nobody", "ANN@example.org", "x" * 254, ""])
async def test_wrong_sign_in_costs_one_hash_and_no_write_whoever_is_meant(
    console: PeopleConsole, login: str
) -> None:
    dan = console.person("dan", "trader")
    console.people.disable(None, dan.id, console.clock.us)
    counted = CountedStore()
    counted._rows = console.register._store._rows  # type: ignore[attr-defined]
    console.register._store = counted
    hashed: list[Any] = []
    keep = console.hashing

    async def hashing(function: Any, *args: Any) -> Any:
        hashed.append(function)
        return await keep(function, *args)

    console.hashing = hashing  # type: ignore[method-assign]
    answer = await _first(console, login, "wrong password here")
    assert answer.kind is (told.SIGN_IN_REFUSED if login else told.INVALID)
    assert hashed == ([check_password] if login else [])
    assert counted.writes == 0
    assert len(console.trail.of(Refusal)) == bool(login)


async def test_addresses_take_turns_on_one_person_without_end(console: PeopleConsole) -> None:
    judged = 0
    for number in range(40):
        await _first(console, "ann", "wrong password here", f"10.0.0.{number}")
        judged += console.trail.of(Refusal)[-1].rule == "sign-in:password_wrong"
    assert judged == PERSON_FAILURES_FREE
    # And one address on many people: those of one IPv6 network count as one.
    for number in range(ADDRESS_FAILURES_FREE + 5):
        await _first(console, f"made-up-{number}", "wrong password here", f"2001:db8::{number + 1:x}")
    assert console.trail.of(Refusal)[-1].rule == "sign-in:locked"
    assert (
        await _first(console, "dan", "wrong password here", "2001:db8:0:1::1")
    ).kind is told.SIGN_IN_REFUSED
    assert console.trail.of(Refusal)[-1].rule == "sign-in:password_wrong"
