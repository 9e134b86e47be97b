import msgspec
import pytest
from tests.support.people import NOW_US
from tests.support.trails import FixedEntropy

from watchword.accounts.recovery_codes import RECOVERY_CODES_COUNT, draw_codes, matching

DRAWN = draw_codes(FixedEntropy(), "p-ana", NOW_US)


def test_ten_codes_are_drawn_and_none_is_kept_in_clear() -> None:
    assert len(set(DRAWN.texts)) == len(DRAWN.rows) == RECOVERY_CODES_COUNT
    kept = msgspec.json.encode(DRAWN.rows).decode()
    assert [
        text for text in DRAWN.texts if text in kept or text.replace("-", "") in kept or text in repr(DRAWN)
    ] == []


@pytest.mark.parametrize("at", range(RECOVERY_CODES_COUNT))
def test_each_code_matches_its_row(at: int) -> None:
    assert matching(DRAWN.rows, "p-ana", DRAWN.texts[at]) == DRAWN.rows[at]


def test_code_is_read_however_it_is_typed() -> None:
    typed = " " + DRAWN.texts[0].upper().replace("-", " ") + " "
    assert matching(DRAWN.rows, "p-ana", typed) == DRAWN.rows[0]


def test_spent_code_does_not_match() -> None:
    spent = msgspec.structs.replace(DRAWN.rows[0], used_us=NOW_US)
    assert matching([spent, *DRAWN.rows[1:]], "p-ana", DRAWN.texts[0]) is None


def test_code_of_somebody_else_does_not_match() -> None:
    assert matching(DRAWN.rows, "p-ben", DRAWN.texts[0]) is None


@pytest.mark.parametrize("typed", ["", "a" * 15, "a" * 17, "é" * 16, "-" * 100_000])
def test_text_that_is_no_code_does_not_match(typed: str) -> None:
    assert matching(DRAWN.rows, "p-ana", typed) is None


def test_code_one_letter_off_does_not_match() -> None:
    text = DRAWN.texts[0]
    off = text[:-1] + ("a" if text[-1] != "a" else "b")
    assert matching(DRAWN.rows, "p-ana", off) is None
