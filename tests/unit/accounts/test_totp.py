import base64

import pyotp
import pytest
from tests.support.people import NOW_US, app_code
from tests.support.trails import FixedEntropy

from watchword.accounts.totp import SEED_BYTES, enrolment_uri, new_seed, step_of
from watchword.kernel.secret import Secret

#: RFC 6238 appendix B, SHA-1; the last six of its eight digits.
RFC_SEED = Secret(b"12345678901234567890")
STEP_US = 30_000_000


@pytest.mark.parametrize(
    ("at_seconds", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")],
)
def test_code_of_the_standard_is_taken(at_seconds: int, code: str) -> None:
    assert step_of(RFC_SEED, code, at_seconds * 1_000_000, 0) == at_seconds // 30


def code_at(step: int) -> str:
    return pyotp.TOTP(base64.b32encode(b"12345678901234567890").decode()).generate_otp(step)


NOW_STEP = NOW_US // STEP_US


@pytest.mark.parametrize(("drift", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_code_is_taken_one_step_either_way(drift: int, *, taken: bool) -> None:
    step = step_of(RFC_SEED, code_at(NOW_STEP + drift), NOW_US, 0)
    assert step == (NOW_STEP + drift if taken else "wrong")


def test_used_step_and_all_before_it_are_refused() -> None:
    assert step_of(RFC_SEED, code_at(NOW_STEP), NOW_US, NOW_STEP) == "used"
    assert step_of(RFC_SEED, code_at(NOW_STEP - 1), NOW_US, NOW_STEP) == "used"
    assert step_of(RFC_SEED, code_at(NOW_STEP + 1), NOW_US, NOW_STEP) == NOW_STEP + 1


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "-12345", "1" * 100_000])
def test_text_that_is_no_code_is_wrong(typed: str) -> None:
    assert step_of(RFC_SEED, typed, NOW_US, 0) == "wrong"


def test_code_with_a_space_is_taken_and_with_one_digit_off_is_not() -> None:
    code = code_at(NOW_STEP)
    assert step_of(RFC_SEED, f"{code[:3]} {code[3:]}", NOW_US, 0) == NOW_STEP
    off = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert off not in {code_at(NOW_STEP - 1), code_at(NOW_STEP + 1)}
    assert step_of(RFC_SEED, off, NOW_US, 0) == "wrong"


def test_code_at_the_beginning_of_time_is_judged() -> None:
    assert step_of(RFC_SEED, code_at(0), 0, -1) == 0
    assert step_of(RFC_SEED, code_at(5), 0, -1) == "wrong"


def test_seed_is_drawn_and_uri_says_all_an_app_needs() -> None:
    seed = new_seed(FixedEntropy())
    uri = enrolment_uri(seed, "ana")
    assert len(seed.reveal()) == SEED_BYTES
    assert uri.startswith("otpauth://totp/Watchword:ana?")
    assert step_of(seed, app_code(uri, NOW_US), NOW_US, 0) == NOW_STEP
    assert step_of(new_seed(FixedEntropy(9)), app_code(uri, NOW_US), NOW_US, 0) == "wrong"
