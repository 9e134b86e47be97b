import msgspec
import pytest
from tests.support.people import HOME, NOW_US, House, one_bit_off

from watchword.accounts.model import ApiToken
from watchword.accounts.refusal import Refused
from watchword.accounts.roles import Action
from watchword.accounts.tokens import LIFE_MS_MAX, TOKENS_PER_PERSON_MAX, IssuedToken, token_may

DAY_US = 86_400_000_000
READS: frozenset[Action] = frozenset({"key.read", "virtual.read"})


@pytest.fixture
def house() -> House:
    house = House()
    house.enrolled("olga")
    house.enrolled("ana")
    return house


def issued(house: House, label: str = "ci", scopes: frozenset[Action] = READS) -> IssuedToken:
    made = house.tokens.issue(house.person("ana"), label, scopes, NOW_US + DAY_US, NOW_US)
    assert isinstance(made, IssuedToken), made
    return made


def found(house: House, token: str, now_us: int = NOW_US) -> ApiToken | None:
    hit = house.tokens.find(token, HOME.ip, now_us)
    return None if hit is None else hit[0]


def test_token_is_found_and_one_bit_off_is_not(house: House) -> None:
    made = issued(house)
    assert made.token.startswith("wwt_")
    assert found(house, made.token) is not None
    assert found(house, one_bit_off(made.token)) is None
    assert made.token not in f"{made!r}"


def test_token_is_no_session_and_session_no_token(house: House) -> None:
    made, opened = issued(house), house.signed_in("ana").opened
    assert house.found(made.token, NOW_US) is None
    assert found(house, opened.token) is None
    assert house.found("wws_" + made.token[4:], NOW_US) is None


def test_token_ends_on_time(house: House) -> None:
    made = issued(house)
    assert found(house, made.token, NOW_US + DAY_US - 1) is not None
    assert found(house, made.token, NOW_US + DAY_US) is None


@pytest.mark.parametrize(
    ("ends_us", "taken"),
    [
        (NOW_US, False),
        (NOW_US + 1, True),
        (NOW_US + LIFE_MS_MAX * 1_000, True),
        (NOW_US + LIFE_MS_MAX * 1_000 + 1, False),
        (0, False),
    ],
)
def test_token_needs_an_end_within_a_year(house: House, ends_us: int, *, taken: bool) -> None:
    made = house.tokens.issue(house.person("ana"), "ci", READS, ends_us, NOW_US)
    assert isinstance(made, IssuedToken) is taken


def test_token_has_scopes_its_owner_may(house: House) -> None:
    ana = house.person("ana")
    none = house.tokens.issue(ana, "ci", frozenset(), NOW_US + DAY_US, NOW_US)
    beyond = house.tokens.issue(ana, "ci", READS | {"audit.read"}, NOW_US + DAY_US, NOW_US)
    assert [made.code for made in (none, beyond) if isinstance(made, Refused)] == ["bad_scopes"] * 2


def test_token_may_what_its_scopes_and_todays_role_say(house: House) -> None:
    row = issued(house, scopes=frozenset({"key.read", "key.write"})).row
    assert token_may(row, "trader", "key.write")
    assert not token_may(row, "auditor", "key.write")
    assert not token_may(row, "owner", "virtual.read")


def test_labels_are_unique_per_person(house: House) -> None:
    issued(house)
    again = house.tokens.issue(house.person("ana"), "ci", READS, NOW_US + DAY_US, NOW_US)
    assert isinstance(again, Refused)
    assert again.code == "taken"
    assert isinstance(
        house.tokens.issue(house.person("olga"), "ci", READS, NOW_US + DAY_US, NOW_US), IssuedToken
    )


def test_fifty_first_token_is_refused(house: House) -> None:
    for at in range(TOKENS_PER_PERSON_MAX):
        issued(house, f"ci {at}")
    more = house.tokens.issue(house.person("ana"), "more", READS, NOW_US + DAY_US, NOW_US)
    assert isinstance(more, Refused)
    assert more.code == "too_many"


def test_token_is_revoked_by_its_owner_only(house: House) -> None:
    made = issued(house)
    assert house.tokens.revoke(house.person("olga").id, made.row.id) is None
    assert found(house, made.token) is not None
    assert house.tokens.revoke(house.person("ana").id, made.row.id) is not None
    assert found(house, made.token) is None


def test_token_of_somebody_disabled_is_refused_until_they_are_back(house: House) -> None:
    made, ana = issued(house), house.person("ana")
    house.people.disable(None, ana.id, NOW_US)
    assert found(house, made.token) is None
    house.people.enable(None, ana.id)
    assert found(house, made.token) is not None


def test_last_use_is_listed_and_survives_after_flush(house: House) -> None:
    made, ana = issued(house), house.person("ana")
    found(house, made.token, NOW_US + 5)
    assert house.tokens.listed(ana.id)[0].used_us == NOW_US + 5
    house.register.flush()
    kept = house.reloaded().tokens.listed(ana.id)[0]
    assert (kept.used_us, kept.used_ip) == (NOW_US + 5, HOME.ip)


LISTED = ("192.0.2.0/24", "2001:db8::7")


def issued_for(house: House, *ips: str) -> IssuedToken | Refused:
    return house.tokens.issue(house.person("ana"), "ci", READS, NOW_US + DAY_US, NOW_US, ips)


@pytest.mark.parametrize(
    ("ip", "taken"),
    [
        ("192.0.2.1", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.1", True),
        ("2001:db8::7", True),
        ("2001:db8::8", False),
        ("", False),
        ("localhost", False),
        ("192.0.2.1 ", False),
    ],
)
def test_token_with_a_list_is_taken_from_there_only(house: House, ip: str, *, taken: bool) -> None:
    made = issued_for(house, *LISTED)
    assert isinstance(made, IssuedToken)
    assert made.row.ips == LISTED
    assert (house.tokens.find(made.token, ip, NOW_US) is not None) is taken
    elsewhere = house.tokens.from_elsewhere(made.token, ip, NOW_US)
    assert (elsewhere is None) is taken
    # What was refused is no use.
    assert bool(house.tokens.listed(house.person("ana").id)[0].used_us) is taken


def test_only_a_good_token_is_one_from_elsewhere(house: House) -> None:
    made = issued_for(house, "198.51.100.1")
    assert isinstance(made, IssuedToken)
    assert house.tokens.from_elsewhere(made.token, "203.0.113.1", NOW_US) is not None
    assert house.tokens.from_elsewhere(one_bit_off(made.token), "203.0.113.1", NOW_US) is None
    assert house.tokens.from_elsewhere(made.token, "203.0.113.1", NOW_US + DAY_US) is None


@pytest.mark.parametrize(
    "ips",
    [
        ("0.0.0.0/0",), ("0.0.0.0/1", "128.0.0.0/1"), ("::/0",), ("nowhere",), ("192.0.2.7/33",), ("",), ("192.0.2.1", "x"),
        tuple(f"192.0.2.{number}" for number in range(31)),
    ],
)  # fmt: skip
def test_list_that_restricts_nothing_or_cannot_be_read_is_refused(house: House, ips: tuple[str, ...]) -> None:
    made = issued_for(house, *ips)
    assert isinstance(made, Refused)
    assert made.code == "bad_ips"


def test_stored_list_that_cannot_be_read_accepts_nobody(house: House) -> None:
    made = issued_for(house, "192.0.2.1")
    assert isinstance(made, IssuedToken)
    house.register.write([msgspec.structs.replace(made.row, ips=("damaged",))])
    assert found(house, made.token) is None
