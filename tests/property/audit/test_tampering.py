"""Whatever is done to a trail's lines, it is found or it is nothing; whatever is recorded, no row breaks."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.trails import TRAIL_KEY, as_lines, intent, small_trail

from watchword.audit.chain import Head, holds, read_line, seal
from watchword.audit.event import Intent, encode_event
from watchword.audit.verify import verify

LINES = [row.line for row in small_trail()]
HEAD = small_trail()[-1].head
VERIFIER = TRAIL_KEY.public.verifier()

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.sampled_from(range(12)), max_size=16))
def test_any_other_selection_of_rows_is_found(chosen: list[int]) -> None:
    report = verify([LINES[index] for index in chosen], VERIFIER, [HEAD])
    assert report.good == (chosen == list(range(12)))


@given(st.integers(0, 11), st.binary(max_size=40), st.integers(0, 400), st.integers(0, 40))
def test_any_splice_of_bytes_is_found(index: int, put: bytes, at: int, cut: int) -> None:
    line = LINES[index]
    at %= len(line)
    changed = line[:at] + put + line[at + cut :]
    whole = b"".join([*LINES[:index], changed, *LINES[index + 1 :]])
    report = verify(as_lines(whole), VERIFIER, [HEAD])
    assert report.good == (whole == b"".join(LINES))
    if not report.good:
        assert index in {report.findings[0].row - 1, report.findings[0].row}


@given(anything, anything, st.dictionaries(st.text(), anything, max_size=5))
def test_anything_recorded_makes_one_sound_row(one: Any, other: Any, fields: dict[str, Any]) -> None:
    event = Intent(
        request=one, key=other, credential=one, upstream=other, endpoint=one, parameters=fields, reason=other
    )
    row = seal(encode_event(event), Head(), 1)
    assert read_line(row.line) == row
    assert holds(row)
    json.loads(row.body)


@given(st.binary(max_size=300))
def test_reading_any_bytes_never_raises(line: bytes) -> None:
    found = read_line(line)
    assert found is None or not holds(found) or found.line == line
    verify([line], VERIFIER)


def test_the_trail_these_tests_use_has_an_intent() -> None:
    assert encode_event(intent("r-1")) in LINES[2]
