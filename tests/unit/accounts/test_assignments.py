import pytest
from tests.support.people import NOW_US, House

from watchword.accounts import assignments
from watchword.accounts.model import Assignment, ExchangeOwnership
from watchword.accounts.refusal import Refused


@pytest.fixture
def house() -> House:
    house = House()
    for name in ("olga", "ana", "ben"):
        house.enrolled(name)
    return house


def assign(house: House, name: str, subject: str) -> Assignment:
    row = house.assignments.assign(house.person(name).id, "virtual", subject, "p-by", NOW_US)
    assert isinstance(row, Assignment), row
    return row


def test_assigned_key_is_theirs_and_nobody_elses(house: House) -> None:
    assign(house, "ana", "vk-1")
    ana, ben = house.person("ana"), house.person("ben")
    assert house.assignments.subjects_of(ana.id, "virtual") == {"vk-1"}
    assert house.assignments.subjects_of(ana.id, "credential") == frozenset()
    assert house.assignments.subjects_of(ben.id, "virtual") == frozenset()
    assert house.assignments.people_with("virtual", "vk-1") == {ana.id}


def test_assigning_again_changes_nothing(house: House) -> None:
    assert assign(house, "ana", "vk-1") == assign(house, "ana", "vk-1")
    assert len(house.assignments.listed()) == 1


def test_key_may_be_given_to_several_and_taken_from_one(house: House) -> None:
    assign(house, "ana", "vk-1")
    assign(house, "ben", "vk-1")
    house.assignments.unassign(house.person("ana").id, "virtual", "vk-1")
    assert house.assignments.people_with("virtual", "vk-1") == {house.person("ben").id}
    again = house.assignments.unassign(house.person("ana").id, "virtual", "vk-1")
    assert isinstance(again, Refused)


def test_key_that_is_gone_is_taken_from_everybody(house: House) -> None:
    assign(house, "ana", "vk-1")
    assign(house, "ben", "vk-1")
    assign(house, "ben", "vk-2")
    assert house.assignments.forget("virtual", "vk-1") == 2
    assert [row.subject for row in house.assignments.listed()] == ["vk-2"]


def test_nothing_is_given_to_nobody(house: House) -> None:
    given = house.assignments.assign("p-nobody", "virtual", "vk-1", "", NOW_US)
    owned = house.assignments.own(7, "p-nobody", "", NOW_US)
    bad = house.assignments.assign(house.person("ana").id, "virtual", "a b", "", NOW_US)
    codes = [one.code for one in (given, owned, bad) if isinstance(one, Refused)]
    assert codes == ["not_found", "not_found", "bad_subject"]


def test_assignments_are_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignments, "ASSIGNMENTS_PER_PERSON_MAX", 2)
    assign(house, "ana", "vk-1")
    assign(house, "ana", "vk-2")
    third = house.assignments.assign(house.person("ana").id, "virtual", "vk-3", "", NOW_US)
    assert isinstance(third, Refused)
    assert third.code == "too_many"


def test_exchange_account_has_one_owner(house: House) -> None:
    ana, ben = house.person("ana"), house.person("ben")
    assert isinstance(house.assignments.own(7, ana.id, "", NOW_US), ExchangeOwnership)
    house.assignments.own(7, ben.id, "", NOW_US)
    assert house.assignments.owner_of(7) == ben.id
    assert (house.assignments.accounts_of(ana.id), house.assignments.accounts_of(ben.id)) == (
        frozenset(),
        {7},
    )
    house.assignments.disown(7)
    assert house.assignments.owner_of(7) is None
    assert isinstance(house.assignments.disown(7), Refused)
    assert isinstance(house.assignments.own(0, ana.id, "", NOW_US), Refused)


def test_assignments_survive_a_restart(house: House) -> None:
    assign(house, "ana", "vk-1")
    house.assignments.own(7, house.person("ana").id, "", NOW_US)
    again = house.reloaded()
    assert again.assignments.listed() == house.assignments.listed()
    assert again.assignments.owner_of(7) == house.person("ana").id
