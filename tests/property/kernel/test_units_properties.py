"""Scaled integers: reading and writing agree with exact fractions, for anything a client may send."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.kernel.entropy import ALPHANUMERICS, alphanumeric
from watchword.kernel.units import SCALE, TooPrecise, format_scaled, format_trimmed, parse_scaled

LEGAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
digits = st.text("0123456789", min_size=0, max_size=22)
texts = st.one_of(
    st.builds("{}.{}".format, digits, digits),
    digits,
    st.text("0123456789.-+e ٣²", max_size=12),
)


@given(texts)
def test_parse_accepts_exactly_the_legal_range_and_keeps_the_value(text: str) -> None:
    legal = LEGAL.fullmatch(text) is not None
    precise = legal and (Fraction(text) * SCALE) % 1 == 0
    if legal and not precise:
        with pytest.raises(TooPrecise):
            parse_scaled(text)
        return
    value = parse_scaled(text)
    assert (value is not None) == legal
    if value is not None:
        assert value == Fraction(text) * SCALE


@given(st.integers(-(10**30), 10**30))
def test_format_writes_eight_decimals_of_the_exact_value(value: int) -> None:
    text = format_scaled(value)
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)\.[0-9]{8}", text)
    assert Fraction(text) * SCALE == value
    assert Fraction(format_trimmed(value)) == Fraction(text)
    assert value < 0 or len(text) > 29 or parse_scaled(text) == value


class Counting:
    """Bytes that run through all values."""

    def token(self, size_bytes: int) -> bytes:
        return bytes((number * 7 + 243) % 256 for number in range(size_bytes))


@given(st.integers(0, 300))
def test_alphanumeric_gives_the_length_asked_for_and_nothing_else(length: int) -> None:
    text = alphanumeric(Counting(), length)
    assert len(text) == length
    assert set(text) <= set(ALPHANUMERICS)


def test_alphanumeric_gives_every_character_the_same_share() -> None:
    class All:
        def token(self, size_bytes: int) -> bytes:
            return (bytes(range(256)) * 4)[:size_bytes]

    text = alphanumeric(All(), 248)
    assert {text.count(character) for character in ALPHANUMERICS} == {4}
