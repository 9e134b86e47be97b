"""Composition root of proving a home's trails within a bounded time: each read from its first row on, as the command does.

A trail longer than the time is proved as far as it was read, and said to be so. Never writes a trail, never repairs one.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from watchword.adapters.audit.trail_files import open_reader
from watchword.adapters.console_home import console_folder
from watchword.adapters.system import monotonic_ns
from watchword.audit.verify import Finding, Report, verify
from watchword.bootstrap.audit_search import CONSOLE, GATEWAY, trail_paths
from watchword.bootstrap.audit_trail import public_key_path, public_trail_key
from watchword.kernel.errors import ConfigurationError, CorruptStoreError

if TYPE_CHECKING:
    from watchword.audit.chain import Head
    from watchword.credentials.verifier import Verifier

#: How long all trails of a home may take together.
PROOF_S_MAX: Final = 20.0
#: Rows between two looks at the clock.
ROWS_PER_LOOK: Final = 500
NS_PER_S: Final = 1_000_000_000


class Proof(msgspec.Struct, frozen=True):
    """How one trail is.

    Attributes:
        trail: Its name, as `trail_paths` has it.
        report: What was found.
        findings: What is wrong, by row; the report's, and what is wrong beside its rows.
        signed: Whether a public key was there to check checkpoints with.
        finished: Whether its last row was reached.
    """

    trail: str
    report: Report
    findings: tuple[Finding, ...]
    signed: bool
    finished: bool


def prove_trails(home: Path, seconds_max: float = PROOF_S_MAX) -> list[Proof]:
    """Prove each trail a home has. Slow: to be run in a thread.

    Args:
        home: The home, absolute.
        seconds_max: After that what was not read yet is left out.

    Raises:
        StorageError: A file cannot be opened.
    """
    until_ns = monotonic_ns() + int(seconds_max * NS_PER_S)
    keys = {GATEWAY: public_key_path(home), CONSOLE: public_key_path(console_folder(home))}
    return [
        _proof(name, path, keys[name], lambda: monotonic_ns() >= until_ns)
        for name, path in trail_paths(home).items()
        if path.exists()
    ]


def _proof(name: str, path: Path, key_path: Path, is_late: Callable[[], bool]) -> Proof:
    findings: list[Finding] = []
    verifier: Verifier | None = None
    if key_path.exists():
        try:
            verifier = public_trail_key(key_path).verifier()
        except ConfigurationError as error:
            findings.append(Finding(0, "unreadable", str(error)))
    reader = open_reader(path)
    try:
        # Noted before the rows are read: what is written meanwhile comes after it.
        known: list[Head] = []
        try:
            mark = reader.acknowledged()
            known = [mark] if mark is not None else []
        except CorruptStoreError as error:
            findings.append(Finding(0, "unreadable", str(error)))
        lines = _Lines(reader.lines_after(0), is_late)
        report = verify(lines, verifier, known)
    finally:
        reader.close()
    # What was not read is not missing.
    told = [one for one in report.findings if lines.finished or one.kind != "cut"]
    return Proof(name, report, (*findings, *told), verifier is not None, lines.finished)


class _Lines:
    """The lines of a trail, until it is late."""

    def __init__(self, lines: Iterable[bytes], is_late: Callable[[], bool]) -> None:
        self._lines, self._is_late = lines, is_late
        self.finished = False

    def __iter__(self) -> Iterator[bytes]:
        for number, line in enumerate(self._lines):
            if number % ROWS_PER_LOOK == 0 and self._is_late():
                return
            yield line
        self.finished = True
