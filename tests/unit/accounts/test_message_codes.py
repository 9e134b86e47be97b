import msgspec
import pytest
from tests.support.people import NOW_US
from tests.support.trails import FixedEntropy

from watchword.accounts.message_codes import (
    CODE_LIFE_MS,
    CODES_PER_HOUR_MAX,
    PEOPLE_REMEMBERED_MAX,
    TRIES_MAX,
    WAIT_BETWEEN_MS,
    SendingPace,
    draw_code,
    judge_code,
)
from watchword.accounts.model import MessageFactor

FACTOR = MessageFactor(id="f-1", person_id="p-1", channel="sms", address="+4930123456")
SENT = draw_code(FixedEntropy(), FACTOR, NOW_US)
DIGITS = SENT.message.text.split()[1]
OFF = DIGITS[:-1] + str((int(DIGITS[-1]) + 1) % 10)
LIFE_US = CODE_LIFE_MS * 1_000


def test_code_is_six_digits_and_only_in_the_message() -> None:
    assert len(DIGITS) == 6
    assert DIGITS.isdigit()
    assert DIGITS not in f"{SENT!r}{SENT.message!r}{SENT.row!r}"
    assert DIGITS.encode() not in msgspec.msgpack.encode(SENT.row)


def test_right_code_is_right_and_one_digit_off_wrong() -> None:
    assert judge_code(SENT.row, DIGITS, NOW_US) == "right"
    assert judge_code(SENT.row, OFF, NOW_US) == "wrong"


@pytest.mark.parametrize(
    ("at_us", "verdict"),
    [(NOW_US + LIFE_US - 1, "right"), (NOW_US + LIFE_US, "late"), (NOW_US - 1, "late")],
)
def test_code_lives_ten_minutes(at_us: int, verdict: str) -> None:
    assert judge_code(SENT.row, DIGITS, at_us) == verdict


@pytest.mark.parametrize(("tries", "verdict"), [(TRIES_MAX - 1, "right"), (TRIES_MAX, "spent")])
def test_code_has_five_tries(tries: int, verdict: str) -> None:
    assert judge_code(msgspec.structs.replace(SENT.row, tries=tries), DIGITS, NOW_US) == verdict


@pytest.mark.parametrize("typed", ["", "12345", "١٢٣٤٥٦", "1" * 100_000])
def test_text_that_is_no_code_is_wrong(typed: str) -> None:
    assert judge_code(SENT.row, typed, NOW_US) == "wrong"


def test_code_belongs_to_the_row_it_was_drawn_for() -> None:
    other = msgspec.structs.replace(SENT.row, id="c-other")
    assert judge_code(other, DIGITS, NOW_US) == "wrong"


def test_codes_are_sent_at_a_bounded_pace() -> None:
    pace, at_us = SendingPace(), NOW_US
    for _ in range(CODES_PER_HOUR_MAX):
        assert pace.ask("p-1", at_us) is None
        assert pace.ask("p-1", at_us + WAIT_BETWEEN_MS * 1_000 - 1) is not None
        at_us += WAIT_BETWEEN_MS * 1_000
    assert pace.ask("p-1", at_us) is not None
    assert pace.ask("p-2", at_us) is None
    assert pace.ask("p-1", NOW_US + 3_600_000_000) is None


def test_pace_forgets_who_asked_long_ago() -> None:
    pace = SendingPace()
    for at in range(PEOPLE_REMEMBERED_MAX):
        pace.ask(f"p-{at}", NOW_US)
    pace.ask("p-late", NOW_US + 3_600_000_000)
    assert len(pace._asked_us) == 1
