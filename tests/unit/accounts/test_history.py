from tests.support.people import ELSEWHERE, HOME, NOW_US, House

from watchword.accounts.history import FAILURES_PER_PERSON_MAX, SUCCESSES_PER_PERSON_MAX


def test_history_is_listed_newest_first_and_bounded() -> None:
    house = House()
    ana = house.enrolled("ana")
    for at in range(SUCCESSES_PER_PERSON_MAX + 5):
        house.history.note(ana.id, "signed_in", "totp", HOME, NOW_US + at)
    lines = house.history.listed(ana.id)
    assert [line.at_us for line in lines] == [
        NOW_US + at for at in range(SUCCESSES_PER_PERSON_MAX + 4, 4, -1)
    ]


def test_failing_often_does_not_hide_a_success() -> None:
    house = House()
    ana = house.enrolled("ana")
    house.history.note(ana.id, "signed_in", "totp", HOME, NOW_US)
    for at in range(FAILURES_PER_PERSON_MAX + 5):
        house.history.note(ana.id, "password_wrong", None, ELSEWHERE, NOW_US + at)
    assert [line.ip for line in house.history.listed(ana.id) if line.outcome == "signed_in"] == [HOME.ip]
    assert len(house.history.listed(ana.id)) == FAILURES_PER_PERSON_MAX + 1


def test_address_is_new_when_no_success_came_from_it() -> None:
    house = House()
    ana = house.enrolled("ana")
    assert not house.history.is_new_address(ana.id, HOME.ip)
    house.history.note(ana.id, "signed_in", "totp", HOME, NOW_US)
    house.history.note(ana.id, "password_wrong", None, ELSEWHERE, NOW_US)
    assert house.history.is_new_address(ana.id, ELSEWHERE.ip)
    assert not house.history.is_new_address(ana.id, HOME.ip)


def test_history_survives_after_flush_within_its_bound() -> None:
    house = House()
    ana = house.enrolled("ana")
    for at in range(SUCCESSES_PER_PERSON_MAX + 5):
        house.history.note(ana.id, "signed_in", "totp", HOME, NOW_US + at)
        if at % 10 == 0:
            house.register.flush()
    house.register.flush()
    assert house.reloaded().history.listed(ana.id) == house.history.listed(ana.id)
