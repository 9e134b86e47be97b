import msgspec
import pytest
from tests.support.people import ELSEWHERE, HOME, NOW_US, House, one_bit_off

from watchword.accounts.model import Session
from watchword.accounts.sessions import (
    ABSOLUTE_MS_MAX,
    ENROL_STEP_MS_MAX,
    FACTOR_STEP_MS_MAX,
    FRESH_MS_MAX,
    IDLE_MS_MAX,
    SESSIONS_PER_PERSON_MAX,
    fresh,
    over,
)

FULL = Session(
    id="s-1",
    person_id="p-1",
    digest=b"1" * 32,
    stage="full",
    factor="totp",
    factor_us=NOW_US,
    created_us=NOW_US,
    seen_us=NOW_US,
)


@pytest.fixture
def house() -> House:
    house = House()
    house.enrolled("ana")
    return house


@pytest.mark.parametrize(
    ("stage", "created_ms", "seen_ms", "ended"),
    [
        ("full", ABSOLUTE_MS_MAX - 1, 0, False),
        ("full", ABSOLUTE_MS_MAX, 0, True),
        ("full", IDLE_MS_MAX, IDLE_MS_MAX - 1, False),
        ("full", IDLE_MS_MAX, IDLE_MS_MAX, True),
        ("factor", FACTOR_STEP_MS_MAX - 1, 0, False),
        ("factor", FACTOR_STEP_MS_MAX, 0, True),
        ("enrol", ENROL_STEP_MS_MAX - 1, 0, False),
        ("enrol", ENROL_STEP_MS_MAX, 0, True),
    ],
)
def test_session_is_over_by_idling_and_by_age(
    stage: str, created_ms: int, seen_ms: int, *, ended: bool
) -> None:
    session = msgspec.structs.replace(
        FULL, stage=stage, created_us=NOW_US - created_ms * 1_000, seen_us=NOW_US - seen_ms * 1_000
    )
    assert over(session, NOW_US) is ended


@pytest.mark.parametrize(
    ("ago_us", "is_fresh"),
    [(0, True), (FRESH_MS_MAX * 1_000, True), (FRESH_MS_MAX * 1_000 + 1, False), (-1, False)],
)
def test_factor_is_fresh_for_five_minutes(ago_us: int, *, is_fresh: bool) -> None:
    assert fresh(msgspec.structs.replace(FULL, factor_us=NOW_US - ago_us), NOW_US) is is_fresh


def test_session_without_factor_or_stage_is_never_fresh() -> None:
    assert not fresh(msgspec.structs.replace(FULL, factor=None), NOW_US)
    assert not fresh(msgspec.structs.replace(FULL, stage="factor"), NOW_US)


def test_token_finds_its_session_and_one_bit_off_none(house: House) -> None:
    opened = house.at_factor("ana").opened
    assert opened.session.stage == "factor"
    assert house.found(opened.token, NOW_US) is not None
    assert house.found(one_bit_off(opened.token), NOW_US) is None
    assert house.found(opened.session.digest.hex(), NOW_US) is None


def test_rotation_voids_the_token_before(house: House) -> None:
    person = house.person("ana")
    first = house.at_factor("ana").opened
    second = house.sessions.rotate(first.session, "totp", HOME, NOW_US)
    assert second.session.id == first.session.id
    assert house.found(first.token, NOW_US) is None
    found = house.found(second.token, NOW_US)
    assert found is not None
    assert (found.stage, found.factor, found.factor_us, found.created_us) == ("full", "totp", NOW_US, NOW_US)
    assert len(house.sessions.listed(person.id, NOW_US)) == 1


def test_planted_token_is_never_taken_over(house: House) -> None:
    planted = "wws_" + "A" * 43
    opened = house.at_factor("ana").opened
    assert house.found(planted, NOW_US) is None
    assert opened.token != planted


def test_use_is_seen_at_once_and_survives_after_flush(house: House) -> None:
    opened = house.signed_in("ana").opened
    later_us = opened.session.seen_us + 60_000_000
    house.found(opened.token, later_us, "198.51.100.9")
    person = house.person("ana")
    assert house.sessions.listed(person.id, later_us)[0].seen_ip == "198.51.100.9"
    house.register.flush()
    seen = house.reloaded().sessions.listed(person.id, later_us)[0]
    assert (seen.seen_us, seen.seen_ip, seen.ip) == (later_us, "198.51.100.9", HOME.ip)


def test_using_a_session_keeps_it_until_its_absolute_end(house: House) -> None:
    opened = house.signed_in("ana").opened
    at_us = opened.session.created_us
    for _ in range(ABSOLUTE_MS_MAX // (IDLE_MS_MAX - 1_000)):
        assert house.found(opened.token, at_us) is not None
        at_us += (IDLE_MS_MAX - 1_000) * 1_000
    assert house.found(opened.token, opened.session.created_us + ABSOLUTE_MS_MAX * 1_000) is None


def test_twenty_first_session_ends_the_longest_unused(house: House) -> None:
    opened = [
        house.signed_in("ana", now_us=NOW_US + at * 30_000_000).opened
        for at in range(1, SESSIONS_PER_PERSON_MAX + 1)
    ]
    at_us = NOW_US + 30_000_000 * (SESSIONS_PER_PERSON_MAX + 1)
    assert house.found(opened[0].token, at_us) is not None
    house.signed_in("ana", now_us=at_us)
    alive = [one for one in opened if house.found(one.token, at_us) is not None]
    assert [one.session.id for one in opened if one not in alive] == [opened[1].session.id]


def test_unfinished_sessions_do_not_push_out_full_ones(house: House) -> None:
    full = house.signed_in("ana").opened
    for at in range(SESSIONS_PER_PERSON_MAX + 3):
        house.at_factor("ana", ELSEWHERE, NOW_US + 40_000_000 + at)
    assert house.found(full.token, NOW_US + 50_000_000) is not None
    assert len(house.register.everything(Session)) == SESSIONS_PER_PERSON_MAX


def test_session_of_somebody_disabled_is_refused_even_where_it_was_left(house: House) -> None:
    opened, ana = house.signed_in("ana").opened, house.person("ana")
    house.register.write([msgspec.structs.replace(ana, disabled_us=NOW_US)])
    assert house.found(opened.token, opened.session.seen_us) is None
    house.register.write([ana])
    assert house.found(opened.token, opened.session.seen_us) is not None


def test_session_is_ended_by_its_person_only(house: House) -> None:
    opened = house.signed_in("ana").opened
    ben = house.enrolled("ben")
    assert not house.sessions.end(ben.id, opened.session.id)
    assert house.found(opened.token, opened.session.seen_us) is not None
    assert house.sessions.end(opened.session.person_id, opened.session.id)
    assert house.found(opened.token, opened.session.seen_us) is None
    assert not house.sessions.end(opened.session.person_id, opened.session.id)


def test_all_sessions_but_one_are_ended(house: House) -> None:
    kept = house.signed_in("ana", now_us=NOW_US + 30_000_000).opened
    house.signed_in("ana", now_us=NOW_US + 60_000_000)
    assert house.sessions.end_all(kept.session.person_id, kept.session.id) == 1
    assert house.found(kept.token, NOW_US + 60_000_000) is not None
    assert house.sessions.end_all(kept.session.person_id) == 1


def test_sweep_removes_only_what_is_over(house: House) -> None:
    full = house.signed_in("ana").opened
    house.at_factor("ana", HOME, NOW_US)
    assert house.sessions.sweep(NOW_US + FACTOR_STEP_MS_MAX * 1_000 - 1) == 0
    assert house.sessions.sweep(NOW_US + FACTOR_STEP_MS_MAX * 1_000) == 1
    assert house.register.everything(Session) == [full.session]


def test_sessions_survive_a_restart(house: House) -> None:
    opened = house.signed_in("ana").opened
    assert house.reloaded().found(opened.token, opened.session.seen_us) is not None


def test_opened_session_does_not_print_its_token(house: House) -> None:
    opened = house.signed_in("ana").opened
    assert opened.token not in f"{opened!r} {opened}"
