import pytest
from tests.support.people import HOME, MINUTE_US, NOW_US, House, one_bit_off

from watchword.accounts.model import ROW_KINDS, FormerName, Invitation, Person, Session, TotpFactor
from watchword.accounts.people import INVITATION_LIFE_MS, Invited, Removed
from watchword.accounts.refusal import Refused
from watchword.accounts.roles import Role
from watchword.accounts.sign_in import SignedIn
from watchword.accounts.tokens import IssuedToken

LIFE_US = INVITATION_LIFE_MS * 1_000


@pytest.fixture
def house() -> House:
    """An owner, an admin, a trader."""
    house = House()
    house.enrolled("olga")
    house.enrolled("adam", "admin")
    house.enrolled("ana", "trader")
    return house


def code(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.code


def test_first_owner_is_made_once_and_has_no_password() -> None:
    house = House()
    first = house.invited("olga")
    assert (first.person.role, first.person.password, first.person.enrolled_us) == ("owner", "", 0)
    house.enrolled("ben", "admin")
    assert code(house.people.found("eve", "eve@example.org", NOW_US)) == "already_founded"


def test_founding_again_before_anybody_enrolled_voids_the_token_before() -> None:
    house = House()
    first = house.invited("olga")
    second = house.people.found("olga", "olga@example.org", NOW_US)
    assert isinstance(second, Invited)
    assert house.people.invited(first.token, NOW_US) is None
    assert house.people.invited(second.token, NOW_US) == second.person
    assert len(house.people.listed()) == 1


def test_founding_after_the_owner_enrolled_is_refused(house: House) -> None:
    assert code(house.people.found("eve", "eve@example.org", NOW_US)) == "already_founded"


def test_invitation_works_once(house: House) -> None:
    token = house.invited("ben").token
    assert token.startswith("wwe_")
    assert isinstance(house.people.redeem(token, "phc", NOW_US), Person)
    assert code(house.people.redeem(token, "phc of a thief", NOW_US)) == "invitation_over"
    assert house.person("ben").password == "phc"


def test_invitation_one_bit_off_is_refused(house: House) -> None:
    made = house.invited("ben")
    assert code(house.people.redeem(one_bit_off(made.token), "phc", NOW_US)) == "invitation_over"
    assert made.token not in f"{made!r}"


@pytest.mark.parametrize(("late_us", "good"), [(LIFE_US - 1, True), (LIFE_US, False)])
def test_invitation_ends_after_three_days(house: House, late_us: int, *, good: bool) -> None:
    token = house.invited("ben").token
    assert isinstance(house.people.redeem(token, "phc", NOW_US + late_us), Person) is good


def test_sweep_removes_invitations_that_are_over(house: House) -> None:
    house.invited("ben")
    assert house.people.sweep(NOW_US + LIFE_US - 1) == 0
    assert house.people.sweep(NOW_US + LIFE_US) == 1
    assert house.register.everything(Invitation) == []


@pytest.mark.parametrize(
    ("name", "mail", "refusal"),
    [
        ("ana", "other@example.org", "taken"),
        ("other", "ana@example.org", "taken"),
        ("Ana", "other@example.org", "bad_name"),
        ("other", "other@example.org\r\nBcc: x@example.org", "bad_mail"),
    ],
)
def test_invitation_needs_a_name_and_mail_of_its_own(
    house: House, name: str, mail: str, refusal: str
) -> None:
    assert code(house.people.invite(None, name, mail, "trader", NOW_US)) == refusal
    assert house.people.called("other") is None


@pytest.mark.parametrize(
    ("actor", "role", "allowed"),
    [
        ("olga", "owner", True),
        ("adam", "admin", True),
        ("adam", "owner", False),
        ("ana", "auditor", False),
    ],
)
def test_people_are_invited_by_whom_they_may_be(
    house: House, actor: str, role: Role, *, allowed: bool
) -> None:
    made = house.people.invite(house.person(actor), "ben", "ben@example.org", role, NOW_US)
    assert isinstance(made, Invited) is allowed


def test_number_of_people_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.accounts.people.PEOPLE_COUNT_MAX", 3)
    assert code(house.people.invite(None, "ben", "ben@example.org", "trader", NOW_US)) == "too_many"


def test_removed_person_is_gone_with_all_of_theirs_in_one_step(house: House) -> None:
    ana = house.person("ana")
    opened = house.signed_in("ana").opened
    house.assignments.assign(ana.id, "virtual", "vk-1", "", NOW_US)
    house.assignments.assign(ana.id, "credential", "main", "", NOW_US)
    house.assignments.own(7, ana.id, "", NOW_US)
    made = house.tokens.issue(ana, "ci", frozenset({"key.read"}), NOW_US + MINUTE_US, NOW_US)
    assert isinstance(made, IssuedToken)
    house.factors.new_recovery_codes(ana, NOW_US)
    removed = house.people.remove(house.person("olga"), ana.id)
    assert isinstance(removed, Removed)
    assert sorted(one.subject for one in removed.could_use.assignments) == ["main", "vk-1"]
    assert [one.account_id for one in removed.could_use.accounts] == [7]
    assert [one.label for one in removed.could_use.tokens] == ["ci"]
    assert [one.id for one in removed.could_use.sessions] == [opened.session.id]
    assert house.found(opened.token, NOW_US) is None
    assert house.tokens.find(made.token, HOME.ip, NOW_US) is None
    house.register.flush()
    again = house.reloaded()
    left = [row for kind in ROW_KINDS for row in again.register.of_person(kind, ana.id)]
    assert left == [FormerName(id="ana", person_id=ana.id)]
    assert {person.name for person in again.people.listed()} == {"olga", "adam"}


def test_removing_shows_the_same_before_and_after(house: House) -> None:
    ana = house.person("ana")
    house.assignments.assign(ana.id, "virtual", "vk-1", "", NOW_US)
    shown = house.people.usable(ana.id)
    removed = house.people.remove(None, ana.id)
    assert isinstance(removed, Removed)
    assert removed.could_use == shown


def test_last_owner_stays_owner_and_stays(house: House) -> None:
    olga = house.person("olga")
    assert code(house.people.remove(olga, olga.id)) == "last_owner"
    assert code(house.people.disable(olga, olga.id, NOW_US)) == "last_owner"
    assert code(house.people.set_role(olga, olga.id, "admin")) == "last_owner"
    assert house.person("olga") == olga


def test_owner_beside_another_may_go(house: House) -> None:
    house.enrolled("otto", "owner")
    assert isinstance(house.people.remove(house.person("otto"), house.person("olga").id), Removed)
    assert code(house.people.remove(None, house.person("otto").id)) == "last_owner"


@pytest.mark.parametrize("way", ["invited only", "disabled"])
def test_owner_who_cannot_sign_in_does_not_count(house: House, way: str) -> None:
    if way == "disabled":
        house.people.disable(None, house.enrolled("otto", "owner").id, NOW_US)
    else:
        house.invited("otto", "owner")
    assert code(house.people.remove(None, house.person("olga").id)) == "last_owner"
    assert isinstance(house.people.remove(None, house.person("otto").id), Removed)


@pytest.mark.parametrize("actor", ["adam", "ana"])
def test_owner_is_touched_by_owners_only(house: House, actor: str) -> None:
    house.enrolled("otto", "owner")
    by, olga = house.person(actor), house.person("olga")
    codes = {
        code(house.people.remove(by, olga.id)),
        code(house.people.disable(by, olga.id, NOW_US)),
        code(house.people.enable(by, olga.id)),
        code(house.people.invite_anew(by, olga.id, NOW_US)),
        code(house.people.set_role(by, olga.id, "trader")),
    }
    assert codes == {"not_allowed"}
    assert house.person("olga") == olga


def test_admin_does_not_make_owners(house: House) -> None:
    adam, ana = house.person("adam"), house.person("ana")
    assert code(house.people.set_role(adam, ana.id, "owner")) == "not_allowed"
    assert code(house.people.set_role(adam, adam.id, "owner")) == "not_allowed"
    changed = house.people.set_role(adam, ana.id, "auditor")
    assert isinstance(changed, Person)
    assert house.person("ana").role == "auditor"


def test_disabled_person_is_out_at_once_and_comes_back_without_sessions(house: House) -> None:
    opened, ana = house.signed_in("ana").opened, house.person("ana")
    house.people.disable(house.person("adam"), ana.id, NOW_US)
    assert house.found(opened.token, NOW_US) is None
    house.people.enable(house.person("adam"), ana.id)
    assert house.found(opened.token, NOW_US) is None
    assert isinstance(house.password("ana"), SignedIn)


def test_invitation_of_somebody_disabled_is_refused(house: House) -> None:
    made = house.invited("ben")
    house.people.disable(None, made.person.id, NOW_US)
    assert code(house.people.redeem(made.token, "phc", NOW_US)) == "invitation_over"


def test_inviting_anew_takes_every_way_in_and_keeps_what_is_assigned(house: House) -> None:
    ana = house.person("ana")
    opened = house.signed_in("ana").opened
    house.assignments.assign(ana.id, "virtual", "vk-1", "", NOW_US)
    made = house.people.invite_anew(house.person("adam"), ana.id, NOW_US)
    assert isinstance(made, Invited)
    assert house.found(opened.token, NOW_US) is None
    assert house.register.of_person(TotpFactor, ana.id) == []
    assert (house.person("ana").password, house.person("ana").enrolled_us) == ("", 0)
    assert house.assignments.subjects_of(ana.id, "virtual") == {"vk-1"}
    again = house.people.invite_anew(None, ana.id, NOW_US)
    assert isinstance(again, Invited)
    assert house.people.invited(made.token, NOW_US) is None
    assert house.people.invited(again.token, NOW_US) == house.person("ana")


def test_nobody_invites_themselves_anew(house: House) -> None:
    olga = house.person("olga")
    assert code(house.people.invite_anew(olga, olga.id, NOW_US)) == "not_allowed"


def test_new_password_ends_all_other_sessions(house: House) -> None:
    kept = house.signed_in("ana", now_us=NOW_US + MINUTE_US).opened
    other = house.signed_in("ana", now_us=NOW_US + 2 * MINUTE_US).opened
    changed = house.people.set_password(kept.session.person_id, "phc 2", NOW_US + 3, kept.session.id)
    assert isinstance(changed, Person)
    assert [one.id for one in house.register.everything(Session)] == [kept.session.id]
    assert house.found(other.token, NOW_US + 2 * MINUTE_US) is None
    assert (house.person("ana").password, house.person("ana").password_us) == ("phc 2", NOW_US + 3)


def test_contact_is_changed_to_what_nobody_else_has(house: House) -> None:
    ana = house.person("ana")
    assert code(house.people.set_contact(ana.id, "adam@example.org", "")) == "taken"
    assert code(house.people.set_contact(ana.id, "ana@example.org", "0301")) == "bad_phone"
    assert isinstance(house.people.set_contact(ana.id, "new@example.org", "+4930123456"), Person)
    assert house.people.called("ana@example.org") is None
    assert house.people.called("new@example.org") == house.person("ana")
    assert isinstance(house.people.set_contact(ana.id, "new@example.org", ""), Person)


def test_nobody_is_not_found(house: House) -> None:
    results = [
        house.people.remove(None, "p-x"),
        house.people.disable(None, "p-x", NOW_US),
        house.people.enable(None, "p-x"),
        house.people.invite_anew(None, "p-x", NOW_US),
        house.people.set_role(None, "p-x", "trader"),
        house.people.set_password("p-x", "phc", NOW_US),
        house.people.set_contact("p-x", "x@example.org", ""),
    ]
    assert {code(result) for result in results} == {"not_found"}


def test_person_does_not_print_their_password_hash(house: House) -> None:
    assert "phc of ana" not in f"{house.person('ana')!r}"
