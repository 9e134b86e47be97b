"""How safe an account is, as a score with its reasons and what mends each. Pure; reads nothing by itself."""

from collections.abc import Collection
from typing import Final, Literal

import msgspec

from watchword.accounts.model import FactorKind

RECOVERY_CODES_LOW: Final = 3
SESSIONS_MANY: Final = 5
#: Sessions end after twelve hours: one that was opened so long ago is rarely in use.
SESSION_HOURS_OLD: Final = 8
PASSWORD_DAYS_OLD: Final = 365
FULL_POINTS: Final = 100
GOOD_POINTS: Final = 80
FAIR_POINTS: Final = 50
#: `unsendable`: this console has no way to send mail.
MailState = Literal["confirmed", "unconfirmed", "unsendable"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at.

    Attributes:
        kinds: Of the factors that are set up, one each.
        codes_left: Recovery codes that are unspent.
        sessions: How many are open.
        oldest_session_hours: Since the oldest one but this was opened; 0 where there is no other.
        failed: Sign-ins that failed within the last day.
        password_days: Since the password was set.
        mail: Whether security mails are known to be read.
        tokens_open: API tokens that are accepted from anywhere.
        tokens_over: Those that are over and still listed.
        virtual_open: Virtual keys given to this person that work from anywhere. None: no gateway could be asked.
    """

    kinds: Collection[FactorKind]
    codes_left: int
    sessions: int = 1
    oldest_session_hours: int = 0
    failed: int = 0
    password_days: int = 0
    mail: MailState = "confirmed"
    tokens_open: int = 0
    tokens_over: int = 0
    virtual_open: int | None = 0


class Reason(msgspec.Struct, frozen=True):
    """One thing that is looked at.

    Attributes:
        points: What it gives when it holds; 0: it is only said.
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


def score(standing: Standing) -> Score:
    """Judge. What cannot be looked at gives its points to the first reason, so that all together are FULL_POINTS."""
    reasons = [
        _factor(standing.kinds),
        _unphishable(standing.kinds),
        _spare(standing.kinds),
        _codes(standing.codes_left),
        _mail(standing.mail),
        _password(standing.password_days),
        _sessions(standing.sessions, standing.oldest_session_hours),
        _failures(standing.failed),
        _tokens(standing.tokens_open, standing.tokens_over),
    ]
    if standing.virtual_open is not None:
        reasons.append(_virtual(standing.virtual_open))
    missing = FULL_POINTS - sum(reason.points for reason in reasons)
    reasons[0] = msgspec.structs.replace(reasons[0], points=reasons[0].points + missing)
    return Score(tuple(reasons))


def _factor(kinds: Collection[FactorKind]) -> Reason:
    if {"totp", "webauthn"} & set(kinds):
        return Reason(30, holds=True, says="A second factor that does not travel by mail or text message")
    return Reason(
        30,
        False,
        "Your second factor travels by mail or text message",
        "Add an authenticator app",
        "/security/app",
    )


def _unphishable(kinds: Collection[FactorKind]) -> Reason:
    if "webauthn" in kinds:
        return Reason(15, holds=True, says="A security key, which no fake page can use")
    return Reason(
        15,
        False,
        "No security key: a fake page could ask you for a code",
        "Add a security key",
        "/security/key",
    )


def _spare(kinds: Collection[FactorKind]) -> Reason:
    if len(kinds) > 1:
        return Reason(8, holds=True, says="A spare factor, should you lose one")
    return Reason(8, False, "Only one second factor", "Add another one", "/security/app")


def _codes(left: int) -> Reason:
    if left >= RECOVERY_CODES_LOW:
        return Reason(12, holds=True, says=f"{left} recovery codes left")
    says = "No recovery codes" if not left else f"Only {left} recovery code{'s' if left > 1 else ''} left"
    return Reason(12, False, says, "Draw new codes", "/security/recovery-codes")


def _mail(state: MailState) -> Reason:
    if state == "unsendable":
        says = "This console sends no mail: nobody tells you of a new sign-in"
        return Reason(0, False, says, "See how it is set up", "/security#contact")
    if state == "confirmed":
        return Reason(8, holds=True, says="A confirmed mail address, which is told of what happens")
    says = "Nobody knows whether you read your mail address"
    return Reason(8, False, says, "Confirm it", "/security/contact/mail")


def _password(days: int) -> Reason:
    if days <= PASSWORD_DAYS_OLD:
        return Reason(5, holds=True, says="A password of the last year")
    return Reason(5, False, f"Your password is {days} days old", "Change it", "/security/password")


def _sessions(count: int, oldest_hours: int) -> Reason:
    fix, link = "End those you do not know", "/security#sessions"
    if count > SESSIONS_MANY:
        return Reason(5, False, f"{count} open sessions", fix, link)
    if oldest_hours >= SESSION_HOURS_OLD:
        return Reason(5, False, f"Another session is open for {oldest_hours} hours", fix, link)
    return Reason(5, holds=True, says="Few open sessions, none of them old")


def _failures(failed: int) -> Reason:
    if not failed:
        return Reason(5, holds=True, says="No failed sign-in within a day")
    says = f"{failed} failed sign-in{'s' if failed > 1 else ''} within a day"
    fix = "Look at them"
    return Reason(5, False, says, fix, "/security/history?result=failed")


def _tokens(unlisted: int, over: int) -> Reason:
    link = "/security#tokens"
    if unlisted:
        says = f"{unlisted} API token{'s' if unlisted > 1 else ''} accepted from anywhere"
        return Reason(6, False, says, "Make anew with an IP list", link)
    if over:
        says = f"{over} API token{'s that are' if over > 1 else ' that is'} over"
        return Reason(6, False, says, "Revoke what is not used", link)
    return Reason(6, holds=True, says="No API token of yours is accepted from anywhere")


def _virtual(unlisted: int) -> Reason:
    if not unlisted:
        return Reason(6, holds=True, says="No virtual key of yours works from anywhere")
    says = f"{unlisted} virtual key{'s' if unlisted > 1 else ''} of yours work{'' if unlisted > 1 else 's'} from anywhere"
    return Reason(6, False, says, "Give an IP list", "/virtual-keys")
