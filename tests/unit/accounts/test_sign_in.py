import msgspec
import pytest
from tests.support.authenticator import SoftAuthenticator
from tests.support.people import (
    ELSEWHERE,
    HOME,
    MINUTE_US,
    NOW_US,
    RIGHT,
    STEP_US,
    WRONG,
    House,
    app_code,
)

from watchword.accounts.factors import MessageStart, TotpStart
from watchword.accounts.lockout import PERSON_FAILURES_FREE, WAIT_MS_MAX
from watchword.accounts.model import MessageFactor, RecoveryCode, Session
from watchword.accounts.passwords import PasswordCheck
from watchword.accounts.people import Invited
from watchword.accounts.recovery_codes import DrawnCodes
from watchword.accounts.refusal import Refused
from watchword.accounts.sessions import fresh
from watchword.accounts.showing import Attempt, RecoveryText, SentDigits, TotpCode, WebauthnAnswer
from watchword.accounts.sign_in import ENROL_MS_MAX, SignedIn, SignInRefused

LATER_US = NOW_US + 10 * MINUTE_US


@pytest.fixture
def house() -> House:
    house = House()
    house.enrolled("olga")
    house.enrolled("ana")
    return house


def refused(step: object) -> str:
    assert isinstance(step, SignInRefused), step
    return step.outcome


def show(
    house: House, session: Session, attempt: Attempt, now_us: int = LATER_US
) -> SignedIn | SignInRefused:
    return house.desk.factor_shown(session, attempt, HOME, now_us)


def off(code: TotpCode) -> TotpCode:
    return TotpCode(code.code[:-1] + str((int(code.code[-1]) + 5) % 10))


def test_password_alone_opens_a_session_that_waits_for_the_factor(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    session = step.opened.session
    assert (session.stage, session.factor, fresh(session, LATER_US)) == ("factor", None, False)
    assert step.offered == {"totp"}


def test_password_and_factor_open_a_fresh_session_under_a_new_token(house: House) -> None:
    first = house.at_factor("ana", now_us=LATER_US)
    full = show(house, first.opened.session, house.code(first.person, LATER_US))
    assert isinstance(full, SignedIn)
    assert (full.opened.session.stage, full.opened.session.factor) == ("full", "totp")
    assert fresh(full.opened.session, LATER_US)
    assert house.found(first.opened.token, LATER_US) is None
    assert house.found(full.opened.token, LATER_US) is not None


@pytest.mark.parametrize("login", ["ana", "ANA", " ana@example.org"])
def test_name_or_mail_in_any_case_is_who_is_meant(house: House, login: str) -> None:
    assert house.at_factor(login).person.name == "ana"


def test_wrong_password_and_nobody_are_answered_alike(house: House) -> None:
    assert (
        refused(house.password("ana", WRONG)) == refused(house.password("nobody", WRONG)) == "password_wrong"
    )
    asked = house.desk.password_to_check("nobody")
    assert (asked.stored, refused(house.desk.password_shown(asked, RIGHT, HOME, NOW_US))) == (
        "",
        "password_wrong",
    )
    assert house.register.everything(Session) == []


def test_nobody_is_locked_like_somebody(house: House) -> None:
    outcomes = {
        login: [refused(house.password(login, WRONG, msgspec.structs.replace(HOME, ip=ip))) for _ in range(8)]
        for login, ip in (("ana", "192.0.2.1"), ("nobody", "192.0.2.2"))
    }
    assert outcomes["ana"] == outcomes["nobody"] == ["password_wrong"] * 5 + ["locked"] * 3


def test_locked_person_with_the_right_password_is_locked_until_the_wait_is_over(house: House) -> None:
    for _ in range(PERSON_FAILURES_FREE):
        house.password("ana", WRONG)
    assert refused(house.password("ana", RIGHT)) == "locked"
    assert refused(house.password("ana", RIGHT, ELSEWHERE)) == "locked"
    until_us = house.lockout.until_us(house.person("ana").id, HOME.ip, NOW_US)
    assert refused(house.password("ana", RIGHT, HOME, until_us - 1)) == "locked"
    assert isinstance(house.password("ana", RIGHT, HOME, until_us), SignedIn)


def test_brute_force_on_the_password_is_bounded_in_a_day(house: House) -> None:
    at_us, judged = NOW_US, 0
    while at_us < NOW_US + 86_400_000_000:
        judged += refused(house.password("ana", WRONG, ELSEWHERE, at_us)) == "password_wrong"
        at_us += 10_000_000
    assert judged <= PERSON_FAILURES_FREE + 6 + 86_400_000 // WAIT_MS_MAX


def test_right_password_between_does_not_buy_tries_at_the_factor(house: House) -> None:
    judged = 0
    for at in range(50):
        step = house.password("ana", RIGHT, HOME, LATER_US + at)
        if isinstance(step, SignedIn):
            wrong = off(house.code(step.person, LATER_US))
            judged += refused(show(house, step.opened.session, wrong, LATER_US + at)) == "factor_wrong"
    assert judged == PERSON_FAILURES_FREE


def test_locked_factor_step_refuses_the_right_code(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    right = house.code(step.person, LATER_US)
    for _ in range(PERSON_FAILURES_FREE):
        assert refused(show(house, step.opened.session, off(right))) == "factor_wrong"
    assert refused(show(house, step.opened.session, right)) == "locked"


def test_brute_force_on_recovery_codes_is_bounded(house: House) -> None:
    drawn = house.factors.new_recovery_codes(house.person("ana"), NOW_US)
    assert isinstance(drawn, DrawnCodes)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    tries = [refused(show(house, session, RecoveryText("abcd-efgh-ijkl-mnop"))) for _ in range(20)]
    assert tries.count("factor_wrong") == PERSON_FAILURES_FREE
    assert refused(show(house, session, RecoveryText(drawn.texts[0]))) == "locked"


def test_full_sign_in_forgets_failures(house: House) -> None:
    for _ in range(PERSON_FAILURES_FREE - 1):
        house.password("ana", WRONG)
    house.signed_in("ana")
    for _ in range(PERSON_FAILURES_FREE - 1):
        assert refused(house.password("ana", WRONG)) == "password_wrong"
    assert isinstance(house.password("ana"), SignedIn)


def test_used_step_is_refused_in_any_session_and_after_a_restart(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    code = house.code(step.person, LATER_US)
    assert isinstance(show(house, step.opened.session, code), SignedIn)
    second = house.at_factor("ana", now_us=LATER_US)
    again = show(house, second.opened.session, code)
    assert isinstance(again, SignInRefused)
    assert (again.outcome, again.detail) == ("factor_wrong", "used")
    reloaded = house.reloaded()
    third = reloaded.at_factor("ana", now_us=LATER_US)
    assert refused(show(reloaded, third.opened.session, code)) == "factor_wrong"


def test_factor_of_somebody_else_is_refused(house: House) -> None:
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    assert refused(show(house, session, house.code(house.person("olga"), LATER_US))) == "factor_wrong"


def test_unconfirmed_app_is_no_factor(house: House) -> None:
    ana = house.person("ana")
    started = house.factors.start_totp(ana, "tablet", NOW_US)
    assert isinstance(started, TotpStart)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    assert refused(show(house, session, TotpCode(app_code(started.uri, LATER_US)))) == "factor_wrong"


def test_step_up_makes_fresh_again_and_rotates(house: House) -> None:
    full = house.signed_in("ana").opened
    at_us = full.session.factor_us + 6 * MINUTE_US
    session = house.found(full.token, at_us)
    assert session is not None
    assert not fresh(session, at_us)
    up = show(house, session, house.code(house.person("ana"), at_us), at_us)
    assert isinstance(up, SignedIn)
    assert fresh(up.opened.session, at_us)
    assert up.opened.session.created_us == full.session.created_us
    assert house.found(full.token, at_us) is None


def test_wrong_step_up_leaves_the_session_as_it_was(house: House) -> None:
    full = house.signed_in("ana").opened
    at_us = full.session.factor_us + 6 * MINUTE_US
    assert (
        refused(show(house, full.session, off(house.code(house.person("ana"), at_us)), at_us))
        == "factor_wrong"
    )
    session = house.found(full.token, at_us)
    assert session is not None
    assert session.factor_us == full.session.factor_us


def test_ended_session_is_not_rotated_into_life(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    house.sessions.end_all(step.person.id)
    assert isinstance(show(house, step.opened.session, house.code(step.person, LATER_US)), SignInRefused)
    assert house.register.everything(Session) == []


def test_disabled_person_is_refused_like_a_wrong_password_outside(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    house.people.disable(None, step.person.id, LATER_US)
    assert refused(house.password("ana", RIGHT, HOME, LATER_US)) == "disabled"
    assert refused(show(house, step.opened.session, house.code(step.person, LATER_US))) == "disabled"


def test_factor_of_somebody_disabled_is_refused_even_where_a_session_was_left(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    house.register.write([msgspec.structs.replace(step.person, disabled_us=LATER_US)])
    assert refused(show(house, step.opened.session, house.code(step.person, LATER_US))) == "disabled"


def test_removed_person_is_nobody(house: House) -> None:
    asked = house.desk.password_to_check("ana")
    house.people.remove(None, asked.person_id)
    assert refused(house.desk.password_shown(asked, RIGHT, HOME, NOW_US)) == "password_wrong"
    assert house.desk.password_to_check("ana").stored == ""


def test_password_changed_while_it_was_checked_is_refused(house: House) -> None:
    asked = house.desk.password_to_check("ana")
    house.people.set_password(asked.person_id, "phc 2", NOW_US)
    assert refused(house.desk.password_shown(asked, RIGHT, HOME, NOW_US)) == "password_wrong"
    assert isinstance(house.password("ana"), SignedIn)


def test_grown_hash_is_stored_at_the_next_sign_in(house: House) -> None:
    step = house.password("ana", PasswordCheck(holds=True, rehashed="phc grown"))
    assert isinstance(step, SignedIn)
    assert house.person("ana").password == step.person.password == "phc grown"


def test_security_key_opens_and_cannot_be_replayed(house: House) -> None:
    device, ana = SoftAuthenticator(), house.person("ana")
    options = house.factors.start_webauthn(ana, "s-x", NOW_US)
    assert isinstance(options, dict)
    house.factors.finish_webauthn(ana.id, "s-x", "key", device.register(options), NOW_US)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    options = house.factors.challenge(ana.id, session.id, LATER_US)
    assert isinstance(options, dict)
    answer = WebauthnAnswer(device.show(options))
    full = show(house, session, answer)
    assert isinstance(full, SignedIn)
    assert full.opened.session.factor == "webauthn"
    assert refused(show(house, full.opened.session, answer)) == "factor_wrong"


def test_security_key_that_never_counts_cannot_be_replayed_either(house: House) -> None:
    device, ana = SoftAuthenticator(), house.person("ana")
    options = house.factors.start_webauthn(ana, "s-x", NOW_US)
    assert isinstance(options, dict)
    house.factors.finish_webauthn(ana.id, "s-x", "key", device.register(options), NOW_US)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    options = house.factors.challenge(ana.id, session.id, LATER_US)
    assert isinstance(options, dict)
    device.sign_count = -1
    answer = WebauthnAnswer(device.show(options))
    full = show(house, session, answer)
    assert isinstance(full, SignedIn)
    assert refused(show(house, full.opened.session, answer)) == "factor_wrong"


def test_security_key_answers_for_its_session_only(house: House) -> None:
    device, ana = SoftAuthenticator(), house.person("ana")
    options = house.factors.start_webauthn(ana, "s-x", NOW_US)
    assert isinstance(options, dict)
    house.factors.finish_webauthn(ana.id, "s-x", "key", device.register(options), NOW_US)
    mine, other = (house.at_factor("ana", now_us=LATER_US + at).opened.session for at in range(2))
    options = house.factors.challenge(ana.id, mine.id, LATER_US)
    house.factors.challenge(ana.id, other.id, LATER_US)
    assert isinstance(options, dict)
    assert refused(show(house, other, WebauthnAnswer(device.show(options)))) == "factor_wrong"


def test_recovery_code_opens_once_and_says_how_many_are_left(house: House) -> None:
    drawn = house.factors.new_recovery_codes(house.person("ana"), NOW_US)
    assert isinstance(drawn, DrawnCodes)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    full = show(house, session, RecoveryText(drawn.texts[3]))
    assert isinstance(full, SignedIn)
    assert full.opened.session.factor == "recovery"
    assert "9 are left" in full.messages[-1].text
    again = house.at_factor("ana", now_us=LATER_US + 1).opened.session
    assert refused(show(house, again, RecoveryText(drawn.texts[3]))) == "factor_wrong"
    assert sum(not one.used_us for one in house.register.everything(RecoveryCode)) == 9


def mailed(house: House) -> MessageFactor:
    ana = house.person("ana")
    started = house.factors.start_message(ana.id, "sms", "+4930123456", NOW_US)
    assert isinstance(started, MessageStart)
    digits = started.sent.message.text.split()[1]
    factor = house.factors.confirm_message(ana.id, started.factor.id, digits, NOW_US)
    assert isinstance(factor, MessageFactor)
    return factor


def test_sent_digits_open_once(house: House) -> None:
    factor = mailed(house)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    sent = house.factors.send_code(factor.person_id, factor.id, LATER_US)
    assert not isinstance(sent, Refused)
    digits = SentDigits(factor.id, sent.message.text.split()[1])
    full = show(house, session, digits)
    assert isinstance(full, SignedIn)
    assert full.opened.session.factor == "sms"
    again = house.at_factor("ana", now_us=LATER_US).opened.session
    assert refused(show(house, again, digits)) == "factor_wrong"


def sent_digits(house: House, factor: MessageFactor, now_us: int) -> SentDigits:
    sent = house.factors.send_code(factor.person_id, factor.id, now_us)
    assert not isinstance(sent, Refused), sent
    return SentDigits(factor.id, sent.message.text.split()[1])


def test_sent_code_lets_in_but_confirms_nothing_beside_an_app(house: House) -> None:
    factor = mailed(house)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    full = show(house, session, sent_digits(house, factor, LATER_US))
    assert isinstance(full, SignedIn)
    opened = full.opened.session
    assert (opened.stage, opened.factor_us, fresh(opened, LATER_US)) == ("full", 0, False)
    # Nor by showing another one later: it is not even judged, and costs no try.
    later_us = LATER_US + MINUTE_US
    digits = sent_digits(house, factor, later_us)
    step = house.desk.factor_shown(opened, digits, HOME, later_us)
    assert isinstance(step, SignInRefused)
    assert step.detail == "a sent code where a stronger factor is set up"
    assert house.lockout.until_us(factor.person_id, HOME.ip, later_us) == 0
    app = house.desk.factor_shown(opened, house.code(full.person, later_us), HOME, later_us)
    assert isinstance(app, SignedIn)
    assert fresh(app.opened.session, later_us)


def test_sent_code_confirms_where_there_is_nothing_stronger(house: House) -> None:
    factor, ana = mailed(house), house.person("ana")
    house.register.write([], [house.app(ana)])
    assert house.factors.sent_codes_confirm(ana.id)
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    full = show(house, session, sent_digits(house, factor, LATER_US))
    assert isinstance(full, SignedIn)
    assert fresh(full.opened.session, LATER_US)
    later_us = LATER_US + 10 * MINUTE_US
    assert not fresh(full.opened.session, later_us)
    step = house.desk.factor_shown(full.opened.session, sent_digits(house, factor, later_us), HOME, later_us)
    assert isinstance(step, SignedIn)
    assert fresh(step.opened.session, later_us)


def test_digits_sent_to_somebody_else_do_not_open(house: House) -> None:
    factor = mailed(house)
    sent = house.factors.send_code(factor.person_id, factor.id, LATER_US)
    assert not isinstance(sent, Refused)
    digits = SentDigits(factor.id, sent.message.text.split()[1])
    session = house.at_factor("olga", now_us=LATER_US).opened.session
    assert refused(show(house, session, digits)) == "factor_wrong"
    session = house.at_factor("ana", now_us=LATER_US).opened.session
    assert isinstance(show(house, session, digits), SignedIn)


def test_digits_of_an_unconfirmed_or_strange_address_do_not_open(house: House) -> None:
    olga = house.person("olga")
    started = house.factors.start_message(olga.id, "mail", "o@example.net", LATER_US)
    assert isinstance(started, MessageStart)
    digits = SentDigits(started.factor.id, started.sent.message.text[:6])
    for name in ("olga", "ana"):
        session = house.at_factor(name, now_us=LATER_US).opened.session
        assert refused(show(house, session, digits)) == "factor_wrong"


def test_first_sign_in_sends_no_mail_and_a_new_address_does(house: House) -> None:
    assert house.signed_in("ana", HOME, NOW_US + STEP_US).messages == ()
    assert house.signed_in("ana", HOME, NOW_US + 3 * STEP_US).messages == ()
    mails = house.signed_in("ana", ELSEWHERE, NOW_US + 5 * STEP_US).messages
    assert [(mail.address, ELSEWHERE.ip in mail.text) for mail in mails] == [("ana@example.org", True)]


def test_lock_is_mailed_once_to_somebody_and_never_for_nobody(house: House) -> None:
    for login, expected in (("ana", 1), ("nobody", 0)):
        steps = [house.password(login, WRONG, msgspec.structs.replace(HOME, ip=login)) for _ in range(10)]
        assert sum(len(step.messages) for step in steps) == expected


def test_history_says_how_each_try_ended(house: House) -> None:
    ana = house.person("ana")
    house.password("ana", WRONG, ELSEWHERE, NOW_US + 1)
    house.signed_in("ana", HOME, NOW_US + STEP_US)
    lines = [(line.outcome, line.factor, line.ip) for line in house.history.listed(ana.id)]
    assert lines == [("signed_in", "totp", HOME.ip), ("password_wrong", None, ELSEWHERE.ip)]


def test_tries_during_a_wait_leave_no_lines(house: House) -> None:
    for _ in range(30):
        house.password("ana", WRONG)
    outcomes = [line.outcome for line in house.history.listed(house.person("ana").id)]
    assert sorted(outcomes) == ["locked"] + ["password_wrong"] * 4


def test_enrolment_leads_from_token_to_full_session(house: House) -> None:
    made = house.invited("ben")
    step = house.desk.enrol(made.token, "phc", HOME, NOW_US)
    assert isinstance(step, SignedIn)
    session = step.opened.session
    assert session.stage == "enrol"
    assert isinstance(house.desk.enrolled(session, "totp", HOME, NOW_US), Refused)
    started = house.factors.start_totp(step.person, "phone", NOW_US)
    assert isinstance(started, TotpStart)
    house.factors.confirm_totp(step.person.id, started.factor.id, app_code(started.uri, NOW_US), NOW_US)
    full = house.desk.enrolled(session, "totp", HOME, NOW_US)
    assert isinstance(full, SignedIn)
    assert fresh(full.opened.session, NOW_US)
    assert house.found(step.opened.token, NOW_US) is None
    assert isinstance(house.desk.enrolled(full.opened.session, "totp", HOME, NOW_US), Refused)


def test_enrol_session_shows_no_factor_and_ends_when_somebody_else_enrolled(house: House) -> None:
    made = house.invited("ben")
    step = house.desk.enrol(made.token, "phc", HOME, NOW_US)
    thief = house.password("ben", RIGHT, ELSEWHERE, NOW_US)
    assert isinstance(step, SignedIn)
    assert isinstance(thief, SignedIn)
    assert thief.opened.session.stage == "enrol"
    assert refused(show(house, thief.opened.session, TotpCode("123456"))) == "disabled"
    started = house.factors.start_totp(step.person, "phone", NOW_US)
    assert isinstance(started, TotpStart)
    house.factors.confirm_totp(step.person.id, started.factor.id, app_code(started.uri, NOW_US), NOW_US)
    assert house.found(thief.opened.token, NOW_US) is None


@pytest.mark.parametrize(
    ("late_us", "allowed"), [(ENROL_MS_MAX * 1_000 - 1, True), (ENROL_MS_MAX * 1_000, False)]
)
def test_half_enrolled_person_comes_back_within_a_day(house: House, late_us: int, *, allowed: bool) -> None:
    made = house.invited("ben")
    house.desk.enrol(made.token, "phc", HOME, NOW_US)
    step = house.password("ben", RIGHT, HOME, NOW_US + late_us)
    assert isinstance(step, SignedIn) is allowed


def test_invited_person_without_a_password_is_refused_with_any(house: House) -> None:
    house.invited("ben")
    assert house.desk.password_to_check("ben").stored == ""
    assert refused(house.password("ben", WRONG)) == "password_wrong"


def test_person_invited_anew_is_out_until_they_redeem(house: House) -> None:
    ana = house.person("ana")
    made = house.people.invite_anew(None, ana.id, LATER_US)
    assert isinstance(made, Invited)
    assert refused(house.password("ana", WRONG, HOME, LATER_US)) == "password_wrong"
    assert isinstance(house.desk.enrol(made.token, "phc 2", HOME, LATER_US), SignedIn)


def test_nothing_in_a_step_prints_its_secrets(house: House) -> None:
    step = house.at_factor("ana", now_us=LATER_US)
    code = house.code(step.person, LATER_US)
    printed = f"{step!r} {code!r} {RecoveryText('abcd')!r} {SentDigits('f', '123456')!r} {house.desk.password_to_check('ana')!r}"
    assert [
        one for one in (step.opened.token, code.code, "abcd", "123456", "phc of ana") if one in printed
    ] == []
