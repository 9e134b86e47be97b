"""The chain's rows: what is read back is what was written, and every one-bit twin is refused."""

import pytest
from tests.support.trails import small_trail

from watchword.audit.chain import LINE_BYTES_MAX, Head, checked_row, follows, holds, read_line, seal
from watchword.kernel.errors import CorruptStoreError


def test_row_comes_back_as_it_was_sealed() -> None:
    row = seal(b'{"type":"x"}', Head(6, bytes(range(32)), 5), 7)
    assert (
        row.line
        == b"7 7 " + bytes(range(32)).hex().encode() + b" " + row.digest.hex().encode() + b' {"type":"x"}\n'
    )
    assert read_line(row.line) == row
    assert holds(row)
    assert row.head == Head(7, row.digest, 7)


def test_one_bit_twin_of_every_line_is_refused() -> None:
    for row in small_trail():
        for at in range(len(row.line)):
            for bit in range(8):
                twin = bytearray(row.line)
                twin[at] ^= 1 << bit
                found = read_line(bytes(twin))
                assert found is None or not holds(found), (row.number, at, bit)


def test_rows_of_a_trail_follow_each_other_and_only_so() -> None:
    rows = small_trail()
    heads = [Head(), *(row.head for row in rows)]
    for number, row in enumerate(rows):
        assert [follows(row, head) for head in heads] == [at == number for at in range(len(heads))]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"1 2 3\n",
        b"0 1 " + b"0" * 64 + b" " + b"0" * 64 + b" {}\n",
        b"01 1 " + b"0" * 64 + b" " + b"0" * 64 + b" {}\n",
        b"1 01 " + b"0" * 64 + b" " + b"0" * 64 + b" {}\n",
        b"1 1 " + b"A" * 64 + b" " + b"0" * 64 + b" {}\n",
        b"1 1 " + b"0" * 64 + b" " + b"0" * 64 + b" {}",
        b"1 1 " + b"0" * 64 + b" " + b"0" * 64 + b" {}\n\n",
        b"1 1 " + b"0" * 64 + b" " + b"0" * 64 + b" {" + b"x" * LINE_BYTES_MAX + b"}\n",
    ],
)
def test_line_in_another_form_is_no_row(line: bytes) -> None:
    assert read_line(line) is None


def test_checked_row_refuses_what_is_altered_or_does_not_follow() -> None:
    rows = small_trail()
    assert checked_row(rows[4].line, "here", rows[3].head) == rows[4]
    with pytest.raises(CorruptStoreError, match="here: row 5 was altered"):
        checked_row(rows[4].line.replace(b"r-2", b"r-3"), "here", rows[3].head)
    with pytest.raises(CorruptStoreError, match="here: row 5 does not follow row 3"):
        checked_row(rows[4].line, "here", rows[2].head)
    with pytest.raises(CorruptStoreError, match="here: row the last was altered"):
        checked_row(b"nonsense\n", "here")
    with pytest.raises(CorruptStoreError, match="here: row 5 was altered"):
        checked_row(rows[4].line.replace(b"r-2", b"r-3"), "here")
