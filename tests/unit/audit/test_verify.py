"""Every way to tamper with a trail, and the row that `verify` names for it."""

import pytest
from tests.support.trails import (
    NOW_US,
    OTHER_KEY,
    TRAIL_ID,
    TRAIL_KEY,
    as_lines,
    replaced,
    resealed,
    small_trail,
)

from watchword.audit import verify as verify_module
from watchword.audit.chain import Head, Row, seal
from watchword.audit.compare import compare
from watchword.audit.event import TrailClosed, TrailOpened, encode_event
from watchword.audit.sealer import Sealer
from watchword.audit.verify import Report, verify
from watchword.kernel.errors import StorageError

VERIFIER = TRAIL_KEY.public.verifier()


def proved(rows: list[Row] | list[bytes], *known: Head) -> Report:
    return verify([row.line if isinstance(row, Row) else row for row in rows], VERIFIER, known)


def named(report: Report) -> list[tuple[int, str]]:
    return [(finding.row, finding.kind) for finding in report.findings]


def test_whole_trail_is_good() -> None:
    rows = small_trail()
    report = proved(rows, rows[-1].head, rows[4].head)
    assert report.good
    assert (report.rows, report.head, report.trail) == (12, rows[-1].head, TRAIL_ID)
    assert (report.checkpoints, report.signed_row) == (4, 11)


def test_empty_trail_is_good_unless_rows_are_known() -> None:
    assert proved([]).good
    report = proved([], Head(3, b"x" * 32))
    assert named(report) == [(1, "cut")]
    assert report.findings[0].text == "rows 1 to 3 are missing at the end: row 3 was stored"


def test_flipped_bit_anywhere_names_its_row() -> None:
    """One-bit twins over every byte of the trail."""
    rows = small_trail()
    lines = [row.line for row in rows]
    for index, line in enumerate(lines):
        for at in range(len(line)):
            twin = bytearray(line)
            twin[at] ^= 1 << (at % 8)
            broken = b"".join([*lines[:index], bytes(twin), *lines[index + 1 :]])
            report = proved(as_lines(broken))
            assert not report.good
            assert min(finding.row for finding in report.findings) == index + 1, at


@pytest.mark.parametrize("index", range(12))
def test_deleted_row_is_named(index: int) -> None:
    rows = small_trail()
    report = proved(rows[:index] + rows[index + 1 :], rows[-1].head)
    assert named(report) == [(index + 1, "missing" if index < 11 else "cut")]
    assert f"row {index + 1} is missing" in report.findings[0].text


def test_deleted_range_is_named_as_one() -> None:
    rows = small_trail()
    report = proved(rows[:3] + rows[7:])
    assert [finding.text for finding in report.findings] == ["rows 4 to 7 are missing"]


@pytest.mark.parametrize("index", range(11))
def test_swapped_rows_are_named(index: int) -> None:
    rows = small_trail()
    rows[index], rows[index + 1] = rows[index + 1], rows[index]
    report = proved(rows)
    assert named(report) == [(index + 1, "moved")]
    assert report.findings[0].text == f"row {index + 1} is out of place: it stands after row {index + 2}"


def test_row_moved_far_is_named_where_it_belongs() -> None:
    rows = small_trail()
    report = proved([*rows[:3], *rows[4:9], rows[3], *rows[9:]])
    assert named(report) == [(4, "moved")]


def test_two_rows_of_one_gap_moved_are_both_named() -> None:
    rows = small_trail()
    report = proved([*rows[:3], *rows[6:9], rows[4], *rows[9:]])
    assert named(report) == [(4, "missing"), (5, "moved"), (6, "missing")]


def test_repeated_row_is_named() -> None:
    rows = small_trail()
    assert named(proved([*rows[:5], rows[2], *rows[5:]])) == [(3, "repeated")]


@pytest.mark.parametrize("kept", range(12))
def test_cut_trail_is_named_by_a_row_known_from_elsewhere(kept: int) -> None:
    rows = small_trail()
    report = proved(rows[:kept], rows[-1].head)
    assert named(report) == [(kept + 1, "cut")]


@pytest.mark.parametrize("index", range(11))
def test_rewritten_row_with_its_own_digest_is_named_by_the_next(index: int) -> None:
    rows = small_trail()
    rows[index] = replaced(rows[index], encode_event(TrailClosed(reason="nothing happened")))
    report = proved(rows)
    assert (index + 1, "rewritten") in named(report)
    assert {finding.row for finding in report.findings} <= {index + 1, 1}


def test_rewritten_last_row_is_named_by_its_known_digest() -> None:
    rows = small_trail()
    known = rows[-1].head
    rows[-1] = replaced(rows[-1], encode_event(TrailClosed(reason="another")))
    assert proved(rows).good, "nothing stands after the last row; that is what marks and copies are for"
    assert named(proved(rows, known)) == [(12, "rewritten")]
    assert named(proved(rows, Head(known.row, known.digest[:4]))) == [(12, "rewritten")]


def test_first_row_rewritten_and_everything_recomputed_is_named_by_checkpoints() -> None:
    rows = small_trail()
    first = encode_event(TrailOpened(trail=TRAIL_ID, format=1, fingerprint="another"))
    changed = resealed([replaced(rows[0], first), *rows[1:]], Head())
    report = proved(changed)
    assert (1, "rewritten") in named(report)
    assert report.checkpoints == 0
    assert verify([row.line for row in changed], None).good, "without a key a recomputed chain cannot be told"


@pytest.mark.parametrize("index", range(2, 11))
def test_trail_recomputed_from_a_row_on_is_bracketed_by_checkpoints(index: int) -> None:
    rows = small_trail()
    forged = replaced(rows[index], encode_event(TrailClosed(reason="forged")), after=rows[index - 1].head)
    report = proved([*rows[:index], forged, *resealed(rows[index + 1 :], forged.head)])
    signed = [1, 6, 9, 11]
    last_good = max(row for row in signed if row < index)
    assert not report.good
    assert min(finding.row for finding in report.findings) == last_good + 1
    assert report.signed_row == last_good


def test_first_row_that_names_one_before_itself_is_named() -> None:
    rows = small_trail()
    rows[0] = seal(rows[0].body, Head(0, b"x" * 32), rows[0].now_us)
    assert (1, "rewritten") in named(proved(rows))


def test_checkpoint_of_another_key_is_named() -> None:
    sealer = Sealer(OTHER_KEY.signer(), TRAIL_ID)
    rows = [
        sealer.seal(encode_event(TrailOpened(trail=TRAIL_ID, format=1, fingerprint="x")), NOW_US),
        sealer.sign(NOW_US),
    ]
    assert named(proved(rows)) == [(2, "unsigned")]


def test_checkpoint_of_another_trail_is_named() -> None:
    sealer = Sealer(TRAIL_KEY.signer(), "another")
    rows = [
        sealer.seal(encode_event(TrailOpened(trail=TRAIL_ID, format=1, fingerprint="x")), NOW_US),
        sealer.sign(NOW_US),
    ]
    assert named(proved(rows)) == [(2, "unsigned")]


def test_old_checkpoint_put_in_again_is_named() -> None:
    rows = small_trail()
    forged = replaced(rows[8], rows[6].body, after=rows[7].head)
    report = proved([*rows[:8], forged])
    assert named(report) == [(7, "rewritten")]


def test_trail_without_checkpoints_for_too_long_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "UNSIGNED_ROWS_MAX", 4)
    rows = small_trail()
    more, head = [], rows[1].head
    for _ in range(9):
        more.append(seal(encode_event(TrailClosed()), head, NOW_US + 9_000))
        head = more[-1].head
    assert named(proved([*rows[:2], *more])) == [(2, "unsigned")]
    assert verify([row.line for row in [*rows[:2], *more]], None).good


def test_store_that_breaks_off_is_named() -> None:
    def lines():  # type: ignore[no-untyped-def]
        yield from (row.line for row in small_trail()[:4])
        raise StorageError("disk image is malformed")

    report = verify(lines(), VERIFIER)
    assert named(report) == [(5, "unreadable")]
    assert "malformed" in report.findings[0].text


def test_findings_are_bounded_and_counted() -> None:
    report = proved([b"garbage\n"] * 1_000)
    assert report.found == 1_000
    assert len(report.findings) == verify_module.FINDINGS_MAX


def test_ranges_of_missing_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "MISSING_RANGES_MAX", 2)
    assert named(proved(small_trail()[1::2])) == [(1, "missing"), (3, "missing")]


def differences(ours: list[Row], theirs: list[Row], upto: int = 12) -> list[str]:
    found = compare([r.line for r in ours], [r.line for r in theirs], ("ours", "theirs"), upto)
    return [finding.text for finding in found]


def test_copies_that_agree_show_nothing() -> None:
    assert differences(small_trail(), small_trail()) == []
    assert differences(small_trail(), small_trail()[:7], upto=7) == []


def test_copy_shows_a_trail_that_was_cut_or_recomputed_with_the_key() -> None:
    rows = small_trail()
    assert differences(rows[:7], rows) == ["rows 8 to 12 are missing in ours"]
    forged = replaced(rows[3], encode_event(TrailClosed(reason="forged")), after=rows[2].head)
    changed = [*rows[:3], forged, *resealed(rows[4:], forged.head)]
    assert differences(changed, rows)[0] == "row 4 is not the same in ours and theirs"


def test_copy_that_lacks_rows_in_several_places_shows_each() -> None:
    rows = small_trail()
    found = differences([*rows[:2], *rows[3:]], [*rows[:6], rows[8], *rows[10:]])
    assert found == [
        "row 3 is missing in ours",
        "rows 7 to 8 are missing in theirs",
        "row 10 is missing in theirs",
    ]


def test_damaged_rows_do_not_lead_the_comparison_astray() -> None:
    rows = small_trail()
    lines = [row.line for row in rows]
    lines[4] = lines[4].replace(b"r-2", b"r-9")
    found = compare([b"garbage\n", *lines], [row.line for row in rows], ("ours", "theirs"), 12)
    assert [(one.row, one.kind) for one in found] == [(5, "missing")]


def test_differences_are_bounded() -> None:
    head, ours = Head(), []
    for _ in range(500):
        ours.append(seal(b"{}", head, 1))
        head = ours[-1].head
    assert len(differences(ours[::2], ours[1::2], 500)) == verify_module.FINDINGS_MAX
