"""Mail addresses and phone numbers: taken when the code sent there came back, once, by who asked, in time."""

import pytest
from tests.support.people import NOW_US, House

from watchword.accounts.contacts import WAITING_MAX, Contacts, ContactStart
from watchword.accounts.factors import MessageStart
from watchword.accounts.message_codes import CODE_LIFE_MS, CODES_PER_HOUR_MAX, TRIES_MAX, WAIT_BETWEEN_MS
from watchword.accounts.model import Channel, MessageFactor, Person
from watchword.accounts.refusal import Refused

WAIT_US = WAIT_BETWEEN_MS * 1_000
NEW = "ana@elsewhere.example"


@pytest.fixture
def house() -> House:
    made = House()
    made.enrolled("olga", "owner")
    made.enrolled("ana")
    return made


@pytest.fixture
def contacts(house: House) -> Contacts:
    return Contacts(house.people, house.entropy, house.factors.pace)


def started(
    house: House, contacts: Contacts, address: str = NEW, channel: Channel = "mail", now_us: int = NOW_US
) -> tuple[str, str]:
    """Start a change of Ana's; returns its id and the code."""
    made = contacts.start(house.person("ana"), channel, address, now_us)
    assert isinstance(made, ContactStart), made
    words = made.message.text.split()
    return made.id, words[0] if channel == "mail" else words[1]


def off(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def test_mail_address_is_taken_once_its_code_came_back(house: House, contacts: Contacts) -> None:
    change, code = started(house, contacts)
    ana = house.person("ana")
    assert ana.mail != NEW
    assert refusal(contacts.confirm(ana.id, change, off(code), NOW_US)) == "bad_factor"
    changed = contacts.confirm(ana.id, change, f" {code[:3]} {code[3:]} ", NOW_US + 1)
    assert isinstance(changed, Person)
    assert (changed.mail, changed.mail_us, changed.phone_us) == (NEW, NOW_US + 1, 0)
    assert house.people.called(NEW) == changed
    assert house.people.called("ana@example.org") is None
    # Once.
    assert refusal(contacts.confirm(ana.id, change, code, NOW_US + 2)) == "not_found"


def test_confirmed_address_is_no_second_factor(house: House, contacts: Contacts) -> None:
    change, code = started(house, contacts)
    ana = house.person("ana")
    before = house.factors.offered(ana.id)
    contacts.confirm(ana.id, change, code, NOW_US)
    assert house.factors.offered(ana.id) == before
    assert house.register.everything(MessageFactor) == []


def test_phone_number_is_confirmed_by_itself_and_unconfirmed_by_another(
    house: House, contacts: Contacts
) -> None:
    change, code = started(house, contacts, "+4930123456", "sms")
    ana = contacts.confirm(house.person("ana").id, change, code, NOW_US)
    assert isinstance(ana, Person)
    assert (ana.phone, ana.phone_us, ana.mail_us) == ("+4930123456", NOW_US, 0)
    same = house.people.set_contact(ana.id, ana.mail, ana.phone)
    assert same == ana
    other = house.people.set_contact(ana.id, "new@example.org", "+4930123457")
    assert isinstance(other, Person)
    assert (other.mail_us, other.phone_us) == (0, 0)


def test_present_address_is_confirmed_without_a_change(house: House, contacts: Contacts) -> None:
    change, code = started(house, contacts, "ana@example.org")
    changed = contacts.confirm(house.person("ana").id, change, code, NOW_US)
    assert isinstance(changed, Person)
    assert (changed.mail, changed.mail_us) == ("ana@example.org", NOW_US)


def test_second_change_ends_the_first(house: House, contacts: Contacts) -> None:
    ana = house.person("ana")
    first, code = started(house, contacts)
    second, other = started(house, contacts, "ana@third.example", now_us=NOW_US + WAIT_US)
    assert contacts.waiting(ana.id, first) is None
    # Neither the first one's id, nor its code under the second one's.
    assert refusal(contacts.confirm(ana.id, first, code, NOW_US + WAIT_US)) == "not_found"
    if code != other:
        assert refusal(contacts.confirm(ana.id, second, code, NOW_US + WAIT_US)) == "bad_factor"
    assert isinstance(contacts.confirm(ana.id, second, other, NOW_US + WAIT_US), Person)


def test_code_of_one_person_is_nothing_to_another(house: House, contacts: Contacts) -> None:
    change, code = started(house, contacts)
    olga = house.person("olga")
    assert refusal(contacts.confirm(olga.id, change, code, NOW_US)) == "not_found"
    contacts.start(olga, "mail", "olga@elsewhere.example", NOW_US)
    assert refusal(contacts.confirm(olga.id, change, code, NOW_US)) == "not_found"
    assert house.person("olga").mail == "olga@example.org"


@pytest.mark.parametrize(("late_us", "taken"), [(-1, True), (0, False)])
def test_code_lives_ten_minutes(house: House, contacts: Contacts, late_us: int, *, taken: bool) -> None:
    change, code = started(house, contacts)
    at_us = NOW_US + CODE_LIFE_MS * 1_000 + late_us
    assert isinstance(contacts.confirm(house.person("ana").id, change, code, at_us), Person) is taken


def test_code_has_five_tries_and_an_hour_ten_codes(house: House, contacts: Contacts) -> None:
    ana = house.person("ana")
    change, code = started(house, contacts)
    for _ in range(TRIES_MAX):
        assert refusal(contacts.confirm(ana.id, change, off(code), NOW_US)) == "bad_factor"
    assert refusal(contacts.confirm(ana.id, change, code, NOW_US)) == "not_found"
    sent = 1 + sum(
        isinstance(contacts.start(ana, "mail", NEW, NOW_US + number * WAIT_US), ContactStart)
        for number in range(1, 30)
    )
    assert sent == CODES_PER_HOUR_MAX


def test_pace_is_one_with_that_of_second_factors(house: House, contacts: Contacts) -> None:
    started(house, contacts)
    ana = house.person("ana")
    assert refusal(house.factors.start_message(ana.id, "mail", NEW, NOW_US + WAIT_US - 1)) == "too_soon"
    assert isinstance(house.factors.start_message(ana.id, "mail", NEW, NOW_US + WAIT_US), MessageStart)


def test_address_somebody_has_is_refused_before_and_after_the_code(house: House, contacts: Contacts) -> None:
    ana, olga = house.person("ana"), house.person("olga")
    assert refusal(contacts.start(ana, "mail", olga.mail, NOW_US)) == "taken"
    change, code = started(house, contacts)
    house.people.set_contact(olga.id, NEW, "")
    assert refusal(contacts.confirm(ana.id, change, code, NOW_US)) == "taken"
    assert house.person("ana").mail == "ana@example.org"


@pytest.mark.parametrize(
    ("channel", "address", "why"),
    [
        ("mail", "ana", "bad_mail"),
        ("mail", "Ana@example.org", "bad_mail"),
        ("mail", "ana@example.org\r\nBcc: eve@evil.example", "bad_mail"),
        ("mail", "ana@example.org\n", "bad_mail"),
        ("mail", "ana@example.org,eve@evil.example", "bad_mail"),
        ("mail", "<ana@example.org>", "bad_mail"),
        ("mail", "a" * 250 + "@example.org", "bad_mail"),
        ("sms", "004930123456", "bad_phone"),
        ("sms", "+4930123456\r\nX: y", "bad_phone"),
        ("sms", "+49301234567890123", "bad_phone"),
        ("sms", "ana@example.org", "bad_phone"),
    ],
)
def test_what_is_no_address_gets_no_code_and_costs_no_turn(
    house: House, contacts: Contacts, channel: Channel, address: str, why: str
) -> None:
    assert refusal(contacts.start(house.person("ana"), channel, address, NOW_US)) == why
    started(house, contacts)


def test_somebody_removed_meanwhile_gets_nothing(house: House, contacts: Contacts) -> None:
    ana = house.person("ana")
    change, code = started(house, contacts)
    house.people.remove(None, ana.id)
    assert refusal(contacts.confirm(ana.id, change, code, NOW_US)) == "not_found"


def test_waiting_changes_are_bounded(house: House, contacts: Contacts) -> None:
    change, _ = started(house, contacts)
    ana = house.person("ana")
    for number in range(WAITING_MAX):
        other = Person(id=f"p-{number}", name=f"n{number}", mail=f"n{number}@example.org", role="trader")
        assert isinstance(contacts.start(other, "mail", f"m{number}@example.org", NOW_US), ContactStart)
    assert contacts.waiting(ana.id, change) is None
    assert len(contacts._waiting) == WAITING_MAX


def test_code_for_a_new_address_tells_a_stranger_what_it_is(house: House, contacts: Contacts) -> None:
    made = contacts.start(house.person("ana"), "mail", NEW, NOW_US)
    assert isinstance(made, ContactStart)
    assert "somebody else typed your address" in made.message.text
    assert "your password" not in made.message.text
    assert made.message.text not in repr(made)
