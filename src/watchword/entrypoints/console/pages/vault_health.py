"""How a real key is, at a glance: few words for what its last check found, worst first. Pure; asks nobody."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from watchword.entrypoints.console.routes.vault import CredentialView
from watchword.entrypoints.console.routes.vault_checks import CheckView
from watchword.vault.checkup import OFFSET_MS_MAX, CheckReport

Level = Literal["good", "warn", "bad", "never", "none"]

#: Filters of the list, and what each counts as.
LEVELS: Final[dict[str, str]] = {
    "bad": "Broken",
    "warn": "With warnings",
    "good": "Good",
    "never": "Never checked",
}
#: A trading right that ends within so many days is said.
EXPIRY_DAYS: Final = 14
EXPIRY_DAYS_BAD: Final = 3
#: A check that is older says little.
OLD_US: Final = 86_400_000_000
_REFUSED: Final[dict[int, str]] = {
    -1021: "Clock off",
    -1022: "Wrong secret",
    -2008: "Unknown there",
    -2014: "Malformed API key",
    -2015: "Deleted or blocked there",
}


class Mark(msgspec.Struct, frozen=True):
    """One thing to know: a badge.

    Attributes:
        text: In a few words.
        kind: Of the badge.
        says: In a sentence.
    """

    text: str
    kind: str
    says: str = ""


class Health(msgspec.Struct, frozen=True):
    """How one key is.

    Attributes:
        level: The worst of it; `none` for a key that cannot be checked yet.
        marks: Worst first.
        at_us: When it was checked; 0 for never.
        is_old: Whether that is long ago.
    """

    level: Level
    marks: list[Mark] = []
    at_us: int = 0
    is_old: bool = False


def health_of(one: CredentialView, check: CheckView | None, now_us: int) -> Health:
    """Say how a key is.

    Args:
        one: The key.
        check: Its last one; None for none that is remembered.
        now_us: Epoch microseconds.
    """
    if not one.api_key or one.state != "in vault":
        return Health("none")
    if check is None:
        return Health(
            "never", [Mark("Never checked", "", "Nobody asked its exchange since checks are remembered.")]
        )
    marks = _marks(check.report)
    kinds = {mark.kind for mark in marks}
    level: Level = "bad" if "bad" in kinds else "warn" if "warn" in kinds else "good"
    return Health(level, marks, check.at_us, now_us - check.at_us > OLD_US)


def counted(found: Iterable[Health]) -> list[tuple[Level, str, int]]:
    """Count keys by level, those that are there: level, words, how many."""
    levels = [health.level for health in found]
    return [(level, words, levels.count(level)) for level, words in LEVELS.items() if level in levels]


def _marks(report: CheckReport) -> list[Mark]:
    if report.accepted is None:
        return [Mark("Not reached", "warn", _said(report.findings))]
    if not report.accepted:
        text = _REFUSED.get(report.code, "Refused there")
        return [Mark(text, "bad", _said(report.findings))]
    found = [*_rights(report), *_times(report)]
    found.sort(key=lambda mark: mark.kind != "bad")
    return found or [Mark("Good", "good", "Its exchange takes its signature, and all is as declared.")]


def _rights(report: CheckReport) -> list[Mark]:
    """What it may do that it should not, and from where."""
    found = []
    if report.withdrawals:
        found.append(Mark("Withdrawals on", "bad", "Whoever gets this key can empty the account."))
    if not report.ip_restricted:
        found.append(Mark("Any IP", "warn", "It has no IP list: it works from anywhere."))
    more = [name for name in report.undeclared if name != "WITHDRAWALS"]
    if more:
        found.append(Mark("May do more", "warn", f"Beyond what was declared: {', '.join(more)}."))
    if report.missing:
        found.append(Mark("May do less", "warn", f"Declared, not given: {', '.join(report.missing)}."))
    return found


def _times(report: CheckReport) -> list[Mark]:
    """What will end, and whose clock is off."""
    found = []
    days = report.days_until_expiry
    if days is not None and days <= EXPIRY_DAYS:
        text = "Trading ended" if days < 0 else f"Trading ends in {days} {'day' if days == 1 else 'days'}"
        found.append(
            Mark(text, "bad" if days <= EXPIRY_DAYS_BAD else "warn", "Its right to trade ends there.")
        )
    offset = report.clock_offset_ms
    if offset is not None and abs(offset) > OFFSET_MS_MAX:
        found.append(
            Mark("Clock off", "warn", f"This machine's clock is {abs(offset)} ms off its exchange's.")
        )
    return found


def _said(findings: Sequence[str]) -> str:
    return " ".join(findings)
