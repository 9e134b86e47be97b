import hashlib

import pytest
from tests.support.people import one_bit_off
from tests.support.trails import FixedEntropy

from watchword.accounts.bearer import (
    API_TOKEN_MARKER,
    ENROLMENT_MARKER,
    SESSION_MARKER,
    TOKEN_LENGTH,
    digest_of,
    draw,
)


def test_token_is_marker_and_256_bits_and_found_by_its_digest() -> None:
    drawn = draw(FixedEntropy(), SESSION_MARKER)
    assert len(drawn.text) == TOKEN_LENGTH
    assert drawn.text.startswith("wws_")
    assert (
        digest_of(drawn.text, SESSION_MARKER) == drawn.digest == hashlib.sha256(drawn.text.encode()).digest()
    )


def test_token_one_bit_off_has_another_digest() -> None:
    drawn = draw(FixedEntropy(), SESSION_MARKER)
    assert digest_of(one_bit_off(drawn.text), SESSION_MARKER) not in {None, drawn.digest}


@pytest.mark.parametrize("marker", [API_TOKEN_MARKER, ENROLMENT_MARKER])
def test_token_of_another_kind_is_no_token(marker: str) -> None:
    assert digest_of(draw(FixedEntropy(), SESSION_MARKER).text, marker) is None


@pytest.mark.parametrize("text", ["", "wws_", "wws_" + "é" * 43, "wws_" + "a" * 44, "wws_" + "a" * 42])
def test_text_of_another_form_is_no_token(text: str) -> None:
    assert digest_of(text, SESSION_MARKER) is None


def test_token_does_not_print() -> None:
    drawn = draw(FixedEntropy(), SESSION_MARKER)
    assert drawn.text not in f"{drawn!r} {drawn}"
