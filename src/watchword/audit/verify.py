"""Says whether a trail is what was written, and names every row that is not. Believes nothing it reads; repairs nothing.

Steps, numbered again at the line that does them:
    1  the line is exactly what `seal` writes
    2  its number is the next: rows are missing, out of place or there twice
    3  its digest is the one of what it says: the row was altered
    4  it names the digest of the row before: that row was rewritten
    5  a checkpoint is signed by the trail's key and speaks of the row before it, of this trail and of its first row;
       there is one at least every UNSIGNED_ROWS_MAX rows
    6  the last row is not older than what is known from elsewhere: rows were cut off
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from watchword.audit.chain import Head, Row, holds, read_line, same
from watchword.audit.checkpoint import signed_by, vouches_for
from watchword.audit.event import Checkpoint, TrailOpened, decode_event
from watchword.credentials.verifier import Verifier
from watchword.kernel.errors import StorageError

#: Findings told one by one; a trail with more is broken from there on anyway.
FINDINGS_MAX: Final = 100
#: Ranges of missing rows kept in mind, to tell a moved row from a deleted one.
MISSING_RANGES_MAX: Final = 1_000
#: No trail has more rows than this without a checkpoint, not even under the highest load.
UNSIGNED_ROWS_MAX: Final = 20_000

Kind = Literal[
    "altered", "rewritten", "missing", "moved", "repeated", "cut", "unsigned", "unreadable", "differs"
]


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        row: The row it is about; of a range, the first.
        kind: What was done.
        text: For people.
    """

    row: int
    kind: Kind
    text: str


class Report(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        rows: Lines read.
        head: The last row.
        trail: The trail's id, from its first row.
        checkpoints: Good ones.
        signed_row: The last row a good checkpoint vouches for.
        findings: What is wrong, by row, at most FINDINGS_MAX.
        found: How many there were.
    """

    rows: int
    head: Head
    trail: str
    checkpoints: int
    signed_row: int
    findings: tuple[Finding, ...]
    found: int

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0


def verify(lines: Iterable[bytes], verifier: Verifier | None, known: Sequence[Head] = ()) -> Report:
    """Check a whole trail.

    Args:
        lines: All of it, from the first row, as stored.
        verifier: Of the trail's key, kept elsewhere if possible; None leaves checkpoints unchecked.
        known: Rows that are known to have been stored: the mark beside the trail, a head noted elsewhere.

    Returns:
        What was found; see the module's docstring for the steps.
    """
    walk = _Walk(verifier, known)
    try:
        for line in lines:
            walk.take(line)
    except StorageError as error:
        walk.find(
            walk.expected, "unreadable", f"from row {walk.expected} on the store cannot be read: {error}"
        )
    return walk.report()


class _Walk:
    """The state between two rows."""

    def __init__(self, verifier: Verifier | None, known: Sequence[Head]) -> None:
        self.expected = 1
        self._verifier = verifier
        self._known = [head for head in known if head.row]
        self._last: Row | None = None
        self._before: Head | None = Head()
        self._first: Head | None = None
        self._trail: str | None = None
        self._rows = self._checkpoints = self._signed_row = self._found = 0
        self._findings: list[Finding] = []
        self._missing: list[tuple[int, int]] = []

    def find(self, row: int, kind: Kind, text: str) -> None:
        """Note something wrong."""
        self._found += 1
        if len(self._findings) < FINDINGS_MAX:
            self._findings.append(Finding(row, kind, text))

    def take(self, line: bytes) -> None:
        """Look at the next line."""
        self._rows += 1
        row = read_line(line)
        if row is None:  # 1
            self.find(self.expected, "altered", f"row {self.expected} was altered: it is no row at all")
            self._before = None
            self.expected += 1
            return
        sound = holds(row)
        if not sound:  # 3, first, because an altered number must not be believed
            named = row.number if row.number == self.expected else self.expected
            self.find(named, "altered", f"row {named} was altered: its digest is not the one of what it says")
            row = Row(named, row.now_us, row.previous, row.digest, row.body, line)
        elif not self._in_place(row):  # 2
            return
        if sound:
            self._check_link(row)
            self._check_event(row)
        self._pass(row, sound=sound)

    def report(self) -> Report:
        """End the walk."""
        for first, last in self._missing:
            self.find(first, "missing", f"{_span(first, last)} missing")
        head = self._last.head if self._last is not None else Head()
        reached = self.expected - 1
        last = max((known.row for known in self._known), default=0)
        if last > reached:  # 6
            self.find(
                reached + 1, "cut", f"{_span(reached + 1, last)} missing at the end: row {last} was stored"
            )
        return Report(
            self._rows,
            head,
            self._trail or "",
            self._checkpoints,
            self._signed_row,
            tuple(sorted(self._findings, key=lambda finding: finding.row)),
            self._found,
        )

    def _in_place(self, row: Row) -> bool:
        """Step 2. Returns whether the walk goes on from this row."""
        if row.number == self.expected:
            return True
        if row.number > self.expected:
            if len(self._missing) < MISSING_RANGES_MAX:
                self._missing.append((self.expected, row.number - 1))
            self._before = None
            return True
        for index, (first, last) in enumerate(self._missing):
            if first <= row.number <= last:
                self.find(
                    row.number,
                    "moved",
                    f"row {row.number} is out of place: it stands after row {self.expected - 1}",
                )
                rest = [(first, row.number - 1), (row.number + 1, last)]
                self._missing[index : index + 1] = [(a, b) for a, b in rest if a <= b]
                return False
        self.find(
            row.number, "repeated", f"row {row.number} is there a second time, after row {self.expected - 1}"
        )
        return False

    def _check_link(self, row: Row) -> None:
        """Step 4."""
        before = self._before
        if before is not None and not same(row.previous, before.digest):
            text = f"row {before.row} was rewritten: row {row.number} says another stood there"
            if row.number == 1:
                text = "row 1 is not the first row of this chain: it names one before itself"
            self.find(max(before.row, 1), "rewritten", text)

    def _check_event(self, row: Row) -> None:
        event = decode_event(row.body)
        if isinstance(event, TrailOpened) and self._trail is None and row.number == 1:
            self._trail = event.trail
        if isinstance(event, Checkpoint) and self._verifier is not None:
            self._check_checkpoint(row, event, self._verifier)

    def _check_checkpoint(self, row: Row, checkpoint: Checkpoint, verifier: Verifier) -> None:
        """Step 5."""
        if not signed_by(checkpoint, verifier):
            self.find(
                row.number, "unsigned", f"the checkpoint in row {row.number} is not signed by the trail's key"
            )
            return
        whole = True
        if self._first is not None and checkpoint.first != self._first.digest.hex():
            whole = False
            self.find(
                1, "rewritten", f"row 1 is not the one that the signed checkpoint in row {row.number} names"
            )
        if self._trail is not None and checkpoint.trail != self._trail:
            whole = False
            self.find(row.number, "unsigned", f"the checkpoint in row {row.number} belongs to another trail")
        if checkpoint.row != row.number - 1 or not vouches_for(
            checkpoint, Head(checkpoint.row, row.previous)
        ):
            whole = False
            self.find(
                self._signed_row + 1,
                "rewritten",
                f"rows {self._signed_row + 1} to {row.number - 1} were rewritten somewhere: the signed checkpoint in "
                f"row {row.number} speaks of another chain",
            )
        if whole:
            self._checkpoints += 1
            self._signed_row = checkpoint.row

    def _pass(self, row: Row, *, sound: bool) -> None:
        """Go on to the next row."""
        for known in self._known:
            if sound and known.row == row.number and not _agrees(known, row):
                self.find(row.number, "rewritten", f"row {row.number} is not the one that was stored")
        if row.number - self._signed_row == UNSIGNED_ROWS_MAX + 2 and self._verifier is not None:  # 5
            text = f"rows {self._signed_row + 1} to {row.number} have no signed checkpoint among them"
            self.find(self._signed_row + 1, "unsigned", text)
        if row.number == 1:
            self._first = row.head
        self._before, self._last, self.expected = row.head, row, row.number + 1


def _agrees(known: Head, row: Row) -> bool:
    """Compare with a known digest, of which people may have noted only the beginning, or nothing."""
    return same(known.digest, row.digest[: len(known.digest)])


def _span(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
