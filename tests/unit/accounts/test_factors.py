import pytest
from tests.support.authenticator import SoftAuthenticator
from tests.support.people import MINUTE_US, NOW_US, House, app_code

from watchword.accounts.factors import FACTORS_PER_PERSON_MAX, MessageStart, TotpStart
from watchword.accounts.message_codes import TRIES_MAX
from watchword.accounts.model import (
    MessageCode,
    MessageFactor,
    Person,
    RecoveryCode,
    TotpFactor,
    WebauthnFactor,
)
from watchword.accounts.recovery_codes import DrawnCodes
from watchword.accounts.refusal import Refused

LATER_US = NOW_US + 10 * MINUTE_US


@pytest.fixture
def house() -> House:
    house = House()
    house.enrolled("olga")
    return house


@pytest.fixture
def olga(house: House) -> Person:
    return house.person("olga")


def code(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.code


def start(house: House, person: Person, label: str = "tablet") -> TotpStart:
    started = house.factors.start_totp(person, label, LATER_US)
    assert isinstance(started, TotpStart), started
    return started


def start_mail(
    house: House, person: Person, now_us: int = LATER_US, address: str = "o@example.net"
) -> MessageStart:
    started = house.factors.start_message(person.id, "mail", address, now_us)
    assert isinstance(started, MessageStart), started
    return started


def digits(started: MessageStart) -> str:
    return started.sent.message.text[:6]


def off(text: str) -> str:
    return text[:-1] + str((int(text[-1]) + 1) % 10)


def register_key(
    house: House, person: Person, device: SoftAuthenticator, label: str = "key"
) -> WebauthnFactor | Refused:
    options = house.factors.start_webauthn(person, "s-1", LATER_US)
    assert isinstance(options, dict)
    return house.factors.finish_webauthn(person.id, "s-1", label, device.register(options), LATER_US)


def test_app_is_a_factor_only_after_its_first_code(house: House, olga: Person) -> None:
    started = start(house, olga)
    assert len(house.factors.listed(olga.id)) == 1
    right = app_code(started.uri, LATER_US)
    assert code(house.factors.confirm_totp(olga.id, started.factor.id, off(right), LATER_US)) == "bad_factor"
    assert isinstance(house.factors.confirm_totp(olga.id, started.factor.id, right, LATER_US), TotpFactor)
    assert len(house.factors.listed(olga.id)) == 2
    assert code(house.factors.confirm_totp(olga.id, started.factor.id, right, LATER_US)) == "not_found"


def test_app_is_confirmed_by_its_owner_only(house: House, olga: Person) -> None:
    ben = house.enrolled("ben")
    started = start(house, olga)
    right = app_code(started.uri, LATER_US)
    assert code(house.factors.confirm_totp(ben.id, started.factor.id, right, LATER_US)) == "not_found"


def test_app_started_again_replaces_the_unfinished(house: House, olga: Person) -> None:
    first = start(house, olga)
    start(house, olga)
    assert code(house.factors.confirm_totp(olga.id, first.factor.id, "123456", LATER_US)) == "not_found"
    assert len(house.register.of_person(TotpFactor, olga.id)) == 2


def test_seed_is_in_the_uri_and_in_no_repr(house: House, olga: Person) -> None:
    started = start(house, olga)
    secret = started.uri.split("secret=")[1].split("&")[0]
    assert secret not in f"{started!r} {started.factor!r}"


def test_first_factor_enrols_and_later_ones_do_not_again(house: House) -> None:
    made = house.invited("ben")
    house.people.redeem(made.token, "phc", NOW_US)
    ben = house.person("ben")
    assert code(house.factors.new_recovery_codes(ben, NOW_US)) == "not_enrolled"
    register_key(house, ben, SoftAuthenticator())
    assert house.person("ben").enrolled_us == LATER_US
    house.factors.confirm_message(ben.id, "", "", LATER_US)
    started = start(house, ben)
    house.factors.confirm_totp(ben.id, started.factor.id, app_code(started.uri, LATER_US), LATER_US + 1)
    assert house.person("ben").enrolled_us == LATER_US


def test_second_device_with_the_first_password_sets_up_no_factor(house: House) -> None:
    house.people.redeem(house.invited("ben").token, "phc", NOW_US)
    ben, thief = house.person("ben"), SoftAuthenticator()
    started, mailed = start(house, ben), start_mail(house, ben)
    options = house.factors.start_webauthn(ben, "s-thief", LATER_US)
    assert isinstance(options, dict)
    right = app_code(started.uri, LATER_US)
    made = house.factors.confirm_totp(ben.id, started.factor.id, right, LATER_US, first=True)
    assert isinstance(made, TotpFactor)
    again = start(house, ben)
    right = app_code(again.uri, LATER_US)
    results = [
        house.factors.confirm_totp(ben.id, again.factor.id, right, LATER_US, first=True),
        house.factors.confirm_message(ben.id, mailed.factor.id, digits(mailed), LATER_US, first=True),
        house.factors.finish_webauthn(
            ben.id, "s-thief", "key", thief.register(options), LATER_US, first=True
        ),
    ]
    assert [code(result) for result in results] == ["not_allowed"] * 3
    assert [one.id for one in house.factors.listed(ben.id)] == [started.factor.id]


def test_key_is_registered_once_for_everybody(house: House, olga: Person) -> None:
    device, ben = SoftAuthenticator(), house.enrolled("ben")
    assert isinstance(register_key(house, olga, device), WebauthnFactor)
    assert code(register_key(house, ben, device)) == "taken"
    assert house.factors.offered(olga.id) == {"totp", "webauthn"}


def test_key_needs_the_challenge_of_its_session(house: House, olga: Person) -> None:
    device = SoftAuthenticator()
    options = house.factors.start_webauthn(olga, "s-1", LATER_US)
    assert isinstance(options, dict)
    answer = device.register(options)
    assert code(house.factors.finish_webauthn(olga.id, "s-2", "key", answer, LATER_US)) == "bad_factor"
    assert isinstance(house.factors.finish_webauthn(olga.id, "s-1", "key", answer, LATER_US), WebauthnFactor)
    assert code(house.factors.finish_webauthn(olga.id, "s-1", "key", answer, LATER_US)) == "bad_factor"


def test_address_is_a_factor_after_its_code_came_back(house: House, olga: Person) -> None:
    started = start_mail(house, olga)
    assert started.sent.message.address == "o@example.net"
    assert "mail" not in house.factors.offered(olga.id)
    wrong = house.factors.confirm_message(olga.id, started.factor.id, off(digits(started)), LATER_US)
    assert code(wrong) == "bad_factor"
    right = house.factors.confirm_message(olga.id, started.factor.id, digits(started), LATER_US)
    assert isinstance(right, MessageFactor)
    assert "mail" in house.factors.offered(olga.id)
    assert house.register.of_person(MessageCode, olga.id) == []


def test_sixth_try_of_a_code_is_refused_though_right(house: House, olga: Person) -> None:
    started = start_mail(house, olga)
    for _ in range(TRIES_MAX):
        house.factors.confirm_message(olga.id, started.factor.id, off(digits(started)), LATER_US)
    assert (
        code(house.factors.confirm_message(olga.id, started.factor.id, digits(started), LATER_US))
        == "bad_factor"
    )
    assert house.register.of_person(MessageCode, olga.id) == []


def test_tries_survive_a_restart(house: House, olga: Person) -> None:
    started = start_mail(house, olga)
    for _ in range(TRIES_MAX):
        house.factors.confirm_message(olga.id, started.factor.id, off(digits(started)), LATER_US)
    again = house.reloaded()
    assert (
        code(again.factors.confirm_message(olga.id, started.factor.id, digits(started), LATER_US))
        == "bad_factor"
    )


def test_code_sent_later_voids_the_one_before(house: House, olga: Person) -> None:
    started = start_mail(house, olga)
    assert code(house.factors.send_code(olga.id, started.factor.id, LATER_US)) == "too_soon"
    sent = house.factors.send_code(olga.id, started.factor.id, LATER_US + MINUTE_US)
    assert not isinstance(sent, Refused)
    assert len(house.register.of_person(MessageCode, olga.id)) == 1
    before = house.factors.confirm_message(olga.id, started.factor.id, digits(started), LATER_US + MINUTE_US)
    assert code(before) == "bad_factor"
    now = house.factors.confirm_message(
        olga.id, started.factor.id, sent.message.text[:6], LATER_US + MINUTE_US
    )
    assert isinstance(now, MessageFactor)


@pytest.mark.parametrize(
    ("channel", "address", "refusal"),
    [
        ("mail", "O@example.net", "bad_mail"),
        ("sms", "0301", "bad_phone"),
        ("mail", "o@x\r\nTo: y@z", "bad_mail"),
    ],
)
def test_address_out_of_form_is_refused(
    house: House, olga: Person, channel: str, address: str, refusal: str
) -> None:
    assert code(house.factors.start_message(olga.id, channel, address, LATER_US)) == refusal  # type: ignore[arg-type]


def test_address_is_set_up_once(house: House, olga: Person) -> None:
    started = start_mail(house, olga)
    house.factors.confirm_message(olga.id, started.factor.id, digits(started), LATER_US)
    assert (
        code(house.factors.start_message(olga.id, "mail", "o@example.net", LATER_US + MINUTE_US)) == "taken"
    )


def test_unfinished_address_is_replaced_with_its_code(house: House, olga: Person) -> None:
    start_mail(house, olga)
    start_mail(house, olga, LATER_US + MINUTE_US, "other@example.net")
    assert [one.address for one in house.register.of_person(MessageFactor, olga.id)] == ["other@example.net"]
    assert len(house.register.of_person(MessageCode, olga.id)) == 1


def test_code_for_somebody_elses_address_is_not_sent(house: House, olga: Person) -> None:
    ben = house.enrolled("ben")
    started = start_mail(house, olga)
    assert code(house.factors.send_code(ben.id, started.factor.id, LATER_US + MINUTE_US)) == "not_found"


def test_new_recovery_codes_void_the_old(house: House, olga: Person) -> None:
    first = house.factors.new_recovery_codes(olga, LATER_US)
    assert isinstance(first, DrawnCodes)
    assert house.factors.recovery_codes_left(olga.id) == 10
    house.factors.new_recovery_codes(olga, LATER_US)
    kept = {row.digest for row in house.register.of_person(RecoveryCode, olga.id)}
    assert len(kept) == 10
    assert kept.isdisjoint(row.digest for row in first.rows)


def test_last_factor_stays_and_one_of_two_goes(house: House, olga: Person) -> None:
    app = house.app(olga)
    start(house, olga)
    start_mail(house, olga)
    house.factors.new_recovery_codes(olga, LATER_US)
    assert code(house.factors.remove(olga.id, app.id)) == "last_factor"
    register_key(house, olga, SoftAuthenticator())
    assert not isinstance(house.factors.remove(olga.id, app.id), Refused)
    assert house.factors.offered(olga.id) == {"webauthn", "recovery"}


def test_unfinished_factor_and_its_code_may_go(house: House, olga: Person) -> None:
    started = start_mail(house, olga)
    assert not isinstance(house.factors.remove(olga.id, started.factor.id), Refused)
    assert house.register.of_person(MessageCode, olga.id) == []


def test_factor_is_removed_by_its_owner_only(house: House, olga: Person) -> None:
    ben = house.enrolled("ben")
    assert code(house.factors.remove(ben.id, house.app(olga).id)) == "not_found"


def test_eleventh_factor_is_refused(house: House, olga: Person) -> None:
    for at in range(FACTORS_PER_PERSON_MAX - 1):
        assert isinstance(register_key(house, olga, SoftAuthenticator(b"key-%d" % at)), WebauthnFactor)
    assert code(house.factors.start_totp(olga, "one more", LATER_US)) == "too_many"
    assert code(house.factors.start_webauthn(olga, "s-1", LATER_US)) == "too_many"
    assert code(house.factors.start_message(olga.id, "mail", "o@example.net", LATER_US)) == "too_many"


def test_factors_survive_a_restart(house: House, olga: Person) -> None:
    register_key(house, olga, SoftAuthenticator())
    again = house.reloaded()
    assert [one.id for one in again.factors.listed(olga.id)] == [
        one.id for one in house.factors.listed(olga.id)
    ]


def test_challenge_needs_a_security_key(house: House, olga: Person) -> None:
    assert code(house.factors.challenge(olga.id, "s-1", LATER_US)) == "not_found"


@pytest.mark.parametrize("label", ["", "x" * 65, "a\nb"])
def test_factor_needs_a_label_of_one_line(house: House, olga: Person, label: str) -> None:
    assert code(house.factors.start_totp(olga, label, LATER_US)) == "bad_label"
    assert code(house.factors.finish_webauthn(olga.id, "s-1", label, {}, LATER_US)) == "bad_label"


def confirmed(house: House, person: Person, address: str, now_us: int = LATER_US) -> MessageFactor:
    """An address that is a factor."""
    started = house.factors.start_message(person.id, "mail", address, now_us)
    assert isinstance(started, MessageStart), started
    made = house.factors.confirm_message(person.id, started.factor.id, digits(started), now_us)
    assert isinstance(made, MessageFactor), made
    return made


def test_address_replaces_another_in_one_step(house: House, olga: Person) -> None:
    former = confirmed(house, olga, "old@example.net")
    at_us = LATER_US + MINUTE_US
    sent = house.factors.send_code(olga.id, former.id, at_us)
    assert not isinstance(sent, Refused)
    at_us += MINUTE_US
    started = house.factors.start_message(olga.id, "mail", "new@example.net", at_us)
    assert isinstance(started, MessageStart)
    wrong = house.factors.confirm_message(
        olga.id, started.factor.id, off(digits(started)), at_us, replaces=former.id
    )
    assert code(wrong) == "bad_factor"
    assert house.factors.address(olga.id, former.id) == former
    made = house.factors.confirm_message(
        olga.id, started.factor.id, digits(started), at_us, replaces=former.id
    )
    assert isinstance(made, MessageFactor)
    addresses = [one.address for one in house.factors.listed(olga.id) if isinstance(one, MessageFactor)]
    assert addresses == ["new@example.net"]
    # The code that was on its way to the one before is gone with it.
    assert house.register.everything(MessageCode) == []


def test_address_of_somebody_else_is_not_replaced(house: House, olga: Person) -> None:
    ben = house.enrolled("ben")
    bens = confirmed(house, ben, "ben@example.net")
    started = house.factors.start_message(olga.id, "mail", "new@example.net", LATER_US)
    assert isinstance(started, MessageStart)
    app = house.app(olga)
    for replaces in (bens.id, app.id, started.factor.id, "f-nobodys"):
        made = house.factors.confirm_message(
            olga.id, started.factor.id, digits(started), LATER_US, replaces=replaces
        )
        assert code(made) == "not_found"
    assert house.factors.address(ben.id, bens.id) == bens
    # And the code is still good.
    right = house.factors.confirm_message(olga.id, started.factor.id, digits(started), LATER_US)
    assert isinstance(right, MessageFactor)


def test_code_sent_to_ones_own_address_confirms_it(house: House, olga: Person) -> None:
    assert olga.mail_us == 0
    confirmed(house, olga, "other@example.net")
    assert house.person("olga").mail_us == 0
    confirmed(house, olga, olga.mail, LATER_US + MINUTE_US)
    assert house.person("olga").mail_us == LATER_US + MINUTE_US


def test_sent_codes_confirm_only_without_app_and_key(house: House, olga: Person) -> None:
    factor = confirmed(house, olga, "other@example.net")
    assert not house.factors.sent_codes_confirm(olga.id)
    house.factors.remove(olga.id, house.app(olga).id)
    assert house.factors.sent_codes_confirm(olga.id)
    house.factors.new_recovery_codes(olga, LATER_US)
    assert house.factors.sent_codes_confirm(olga.id)
    # One that is only begun is no factor.
    start(house, olga)
    assert house.factors.sent_codes_confirm(olga.id)
    assert code(house.factors.remove(olga.id, factor.id)) == "last_factor"
