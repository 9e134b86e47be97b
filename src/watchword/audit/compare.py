"""Holds a trail against its copy in another sink, so that what was cut off or recomputed shows. Believes neither more."""

from collections.abc import Iterable, Iterator

from watchword.audit.chain import holds, read_line
from watchword.audit.verify import FINDINGS_MAX, Finding


def compare(
    lines: Iterable[bytes], copy: Iterable[bytes], names: tuple[str, str], upto: int
) -> list[Finding]:
    """Compare row by row, in one pass.

    Args:
        lines: The trail's, in order.
        copy: The copy's, in order.
        names: Of both, for the texts.
        upto: Rows above this may still be on their way to one of them and do not count.

    Returns:
        What differs, at most FINDINGS_MAX. A row that only one of them has is missing in the other; damaged rows count
        as missing here, `verify` says more about them.
    """
    findings: list[Finding] = []
    gap: tuple[int, int, str] | None = None
    for number, ours, theirs in _pairs(_rows(lines, upto), _rows(copy, upto)):
        if ours is not None and theirs is not None:
            if ours != theirs:
                text = f"row {number} is not the same in {names[0]} and {names[1]}"
                findings.append(Finding(number, "differs", text))
            continue
        lacking = names[0] if ours is None else names[1]
        if gap is not None and gap[2] == lacking and gap[1] == number - 1:
            gap = (gap[0], number, lacking)
            continue
        if gap is not None:
            findings.append(_missing(gap))
        gap = (number, number, lacking)
        if len(findings) >= FINDINGS_MAX:
            break
    if gap is not None:
        findings.append(_missing(gap))
    return sorted(findings, key=lambda finding: finding.row)[:FINDINGS_MAX]


def _pairs(
    ours: Iterator[tuple[int, bytes]], theirs: Iterator[tuple[int, bytes]]
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Walk two rising series side by side."""
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            yield one[0], one[1], None  # type: ignore[index]  # both None ends the loop
            one = next(ours, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = next(theirs, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(ours, None), next(theirs, None)


def _rows(lines: Iterable[bytes], upto: int) -> Iterator[tuple[int, bytes]]:
    """Yield the sound rows in rising order; others are left to `verify`."""
    reached = 0
    for line in lines:
        row = read_line(line)
        if row is not None and reached < row.number <= upto and holds(row):
            reached = row.number
            yield row.number, line


def _missing(gap: tuple[int, int, str]) -> Finding:
    first, last, lacking = gap
    span = f"row {first} is" if first == last else f"rows {first} to {last} are"
    return Finding(first, "missing", f"{span} missing in {lacking}")
