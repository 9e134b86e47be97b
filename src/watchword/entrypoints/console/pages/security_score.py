"""How safe an account is, as a score with its reasons and what mends each. Pure; reads nothing by itself."""

from collections.abc import Collection
from typing import Final

import msgspec

from watchword.accounts.model import FactorKind

RECOVERY_CODES_LOW: Final = 3
SESSIONS_MANY: Final = 5
FULL_POINTS: Final = 100
GOOD_POINTS: Final = 80
FAIR_POINTS: Final = 50


class Reason(msgspec.Struct, frozen=True):
    """One thing that is looked at.

    Attributes:
        points: What it gives when it holds.
        says: In which state it is.
        fix: What to do where it does not hold; empty where it does.
        link: Where.
    """

    points: int
    holds: bool
    says: str
    fix: str = ""
    link: str = ""


class Score(msgspec.Struct, frozen=True):
    """All of it."""

    reasons: tuple[Reason, ...]

    @property
    def points(self) -> int:
        """Of FULL_POINTS."""
        return sum(reason.points for reason in self.reasons if reason.holds)

    @property
    def level(self) -> str:
        """In a word: `good`, `fair` or `weak`."""
        return "good" if self.points >= GOOD_POINTS else "fair" if self.points >= FAIR_POINTS else "weak"


def score(kinds: Collection[FactorKind], codes_left: int, sessions: int, failed: int) -> Score:
    """Judge.

    Args:
        kinds: Of the factors that are set up, one each.
        codes_left: Recovery codes that are unspent.
        sessions: How many are open.
        failed: Sign-ins that failed within the last day.
    """
    return Score(
        (
            _factor(kinds),
            _unphishable(kinds),
            _spare(kinds),
            _codes(codes_left),
            _sessions(sessions),
            _failures(failed),
        )
    )


def _factor(kinds: Collection[FactorKind]) -> Reason:
    if {"totp", "webauthn"} & set(kinds):
        return Reason(40, holds=True, says="A second factor that does not travel by mail or text message")
    return Reason(
        40,
        False,
        "Your second factor travels by mail or text message",
        "Add an authenticator app",
        "/security/app",
    )


def _unphishable(kinds: Collection[FactorKind]) -> Reason:
    if "webauthn" in kinds:
        return Reason(20, holds=True, says="A security key, which no fake page can use")
    return Reason(
        20,
        False,
        "No security key: a fake page could ask you for a code",
        "Add a security key",
        "/security/key",
    )


def _spare(kinds: Collection[FactorKind]) -> Reason:
    if len(kinds) > 1:
        return Reason(10, holds=True, says="A spare factor, should you lose one")
    return Reason(10, False, "Only one second factor", "Add another one", "/security/app")


def _codes(left: int) -> Reason:
    if left >= RECOVERY_CODES_LOW:
        return Reason(15, holds=True, says=f"{left} recovery codes left")
    says = "No recovery codes" if not left else f"Only {left} recovery code{'s' if left > 1 else ''} left"
    return Reason(15, False, says, "Draw new codes", "/security/recovery-codes")


def _sessions(count: int) -> Reason:
    if count <= SESSIONS_MANY:
        return Reason(10, holds=True, says="Few open sessions")
    return Reason(10, False, f"{count} open sessions", "End those you do not know", "/security#sessions")


def _failures(failed: int) -> Reason:
    if not failed:
        return Reason(5, holds=True, says="No failed sign-in within a day")
    says = f"{failed} failed sign-in{'s' if failed > 1 else ''} within a day"
    return Reason(
        5, False, says, "Look at the history; change your password if it was not you", "/security#history"
    )
