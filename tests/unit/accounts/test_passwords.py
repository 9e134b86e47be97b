import time

import pytest
from tests.support.trails import FixedEntropy

from watchword.accounts import passwords
from watchword.accounts.passwords import (
    HASH_COST,
    HASH_COST_MIN,
    HashCost,
    check_password,
    hash_password,
    judge_password,
)
from watchword.kernel.errors import CorruptStoreError, InvariantError
from watchword.kernel.secret import Secret

GOOD = "correct horse battery staple"


def judged(text: str) -> str | None:
    refused = judge_password(Secret(text.encode()), "ana", "ana.torres@example.org")
    return None if refused is None else refused.code


def checked(stored: str, text: str, cost: HashCost = HASH_COST_MIN) -> passwords.PasswordCheck:
    return check_password(stored, Secret(text.encode()), FixedEntropy(), cost)


@pytest.fixture(scope="module")
def stored() -> str:
    return hash_password(Secret(GOOD.encode()), FixedEntropy(), HASH_COST_MIN)


def test_cost_is_what_owasp_asks_for_or_more() -> None:
    assert (HASH_COST_MIN.memory_kib, HASH_COST_MIN.passes) == (19_456, 2)
    assert HASH_COST.memory_kib >= 46 * 1_024
    assert HASH_COST.passes >= 2


def test_hash_is_argon2id_phc_with_drawn_salt(stored: str) -> None:
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password(Secret(GOOD.encode()), FixedEntropy(7), HASH_COST_MIN) != stored


def test_right_password_holds_and_one_letter_off_does_not(stored: str) -> None:
    assert checked(stored, GOOD).holds
    assert not checked(stored, GOOD[:-1] + "f").holds
    assert not checked(stored, GOOD + " ").holds


def test_same_text_in_another_unicode_form_holds() -> None:
    composed, decomposed = "caf\u00e9 caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301 cafe\u0301"
    stored = hash_password(Secret(composed.encode()), FixedEntropy(), HASH_COST_MIN)
    assert checked(stored, decomposed).holds
    assert not checked(stored, "cafe cafe cafe").holds


def test_overlong_password_is_never_right_though_its_beginning_is() -> None:
    longest = "a1" * 512
    stored = hash_password(Secret(longest.encode()), FixedEntropy(), HASH_COST_MIN)
    assert checked(stored, longest).holds
    assert not checked(stored, longest + "x").holds


def test_nobody_costs_a_hash_and_never_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[HashCost] = []
    real = passwords._raw
    monkeypatch.setattr(passwords, "_raw", lambda *given: hashed.append(given[2]) or real(*given))
    assert checked("", GOOD) == passwords.PasswordCheck(holds=False)
    assert hashed == [HASH_COST_MIN]


def test_nobody_takes_as_long_as_somebody(stored: str) -> None:
    def seconds(text: str) -> float:
        begun = time.perf_counter()
        checked(text, "some other password")
        return time.perf_counter() - begun

    # In turns, and the quickest of each: what else the machine does falls on both.
    pairs = [(seconds(""), seconds(stored)) for _ in range(8)]
    nobody, somebody = (min(taken) for taken in zip(*pairs, strict=True))
    assert 0.5 < nobody / somebody < 2.0


def test_nobody_is_not_let_in_by_what_the_dummy_would_hash() -> None:
    assert not checked("", "").holds


def test_grown_cost_hashes_anew_on_a_right_password_only(stored: str) -> None:
    grown = HashCost(memory_kib=19_456, passes=3)
    check = checked(stored, GOOD, grown)
    assert check.rehashed.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert checked(check.rehashed, GOOD, grown) == passwords.PasswordCheck(holds=True)
    assert checked(stored, "wrong password", grown).rehashed == ""


def test_cost_below_the_smallest_is_never_hashed_with() -> None:
    with pytest.raises(InvariantError):
        hash_password(Secret(b"x"), FixedEntropy(), HashCost(memory_kib=19_455, passes=2))
    with pytest.raises(InvariantError):
        hash_password(Secret(b"x"), FixedEntropy(), HashCost(memory_kib=19_456, passes=1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("argon2id", "argon2i"),
        ("m=19456", "m=1024"),
        ("m=19456", "m=99999999"),
        ("t=2", "t=1"),
        ("v=19", "v=16"),
        ("$argon2id", "argon2id"),
        ("p=1", "p=0"),
    ],
)
def test_text_that_is_not_ours_is_corrupt(stored: str, before: str, after: str) -> None:
    with pytest.raises(CorruptStoreError) as fault:
        checked(stored.replace(before, after), GOOD)
    assert stored.rsplit("$", 1)[1] not in str(fault.value)


def test_flipped_hash_is_refused(stored: str) -> None:
    flipped = stored[:-2] + ("A" if stored[-2] != "A" else "B") + stored[-1]
    assert not checked(flipped, GOOD).holds


@pytest.mark.parametrize(
    "text", ["tr0ub4dor&3 x", GOOD, "x9!Kq#mP2$vL", "ñandú volador azul", "a1" * 3 + "qwXY7?"]
)
def test_password_that_is_not_guessed_is_taken(text: str) -> None:
    assert judged(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "x9!Kq#mP2$v",  # eleven
        "ab" * 129,  # too long, and repeated
        "password2026!",
        "PassWord12345",
        "1234567890123",
        "abcabcabcabc",
        "aaaaaaaaaaaab",
        "passwordpassword",
        "ana.torres-2026",
        "my watchword key",
        "unbelievable",
        "poiuytrewqpo",
        "1qaz2wsx3edc",
    ],
)
def test_password_that_is_guessed_is_refused(text: str) -> None:
    assert judged(text) == "bad_password"


def test_password_of_longest_length_is_taken_and_one_more_refused() -> None:
    text = "".join(chr(0x4E00 + at) for at in range(256))
    assert judged(text) is None
    assert judged(text + "x") == "bad_password"


def test_password_that_is_no_text_is_refused() -> None:
    refused = judge_password(Secret(b"\xff" * 16), "ana", "a@example.org")
    assert refused is not None


def test_check_does_not_print_its_hash(stored: str) -> None:
    assert stored not in repr(passwords.PasswordCheck(holds=True, rehashed=stored))
