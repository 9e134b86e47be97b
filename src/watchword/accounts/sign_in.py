"""The way in, step by step: password, second factor, session. Hashes nothing itself and never says who exists.

    1 `password_to_check`  who is meant, and the text to check; somebody unknown gets the empty text
    2 (the caller)         `passwords.check_password` in a thread: the same cost for everybody
    3 `password_shown`     locked out? → wrong? → disabled or unknown? → a session at stage `factor`
    4 `factor_shown`       locked out? → judge the factor → the session becomes full, under a new token
    5 later, the same `factor_shown` steps up: the factor is fresh again, the token is new again

A refusal carries its cause for the audit trail; people hear `PASSWORD_REFUSED` or `FACTOR_REFUSED`, whatever the
cause, and a locked person with the right password hears the same. A code sent by mail or short message lets in; what is
dangerous it confirms only for who has no app and no security key (`Factors.sent_codes_confirm`). Nothing here waits or writes more for somebody who
exists than for somebody who does not, until the password was right.
"""

import hmac
from typing import Final

import msgspec

from watchword.accounts import security_messages
from watchword.accounts.factors import Factors
from watchword.accounts.history import History
from watchword.accounts.lockout import Lockout, tallied_as
from watchword.accounts.model import FactorKind, Origin, Outcome, Person, Session, Stage
from watchword.accounts.passwords import PasswordCheck
from watchword.accounts.people import People
from watchword.accounts.ports import Message
from watchword.accounts.refusal import Refused
from watchword.accounts.register import Register
from watchword.accounts.sessions import OpenedSession, Sessions
from watchword.accounts.showing import Attempt, NotShown, SentDigits, Showing

PASSWORD_REFUSED: Final = "name or password is wrong, or there were too many tries; wait and try again"  # noqa: S105
FACTOR_REFUSED: Final = "the second factor was not accepted, or there were too many tries; wait and try again"
#: How long after setting their first password somebody may come back with it to set up their first factor.
ENROL_MS_MAX: Final = 86_400_000


class PasswordToCheck(msgspec.Struct, frozen=True):
    """Step 1's answer: what step 2 checks. Handed on to step 3 as it is; `stored` is not in the repr.

    Attributes:
        login: What was typed as the name.
        person_id: Who is meant; empty for nobody.
        stored: PHC text for `check_password`; empty for nobody.
    """

    login: str
    person_id: str
    stored: str

    def __repr__(self) -> str:
        return "PasswordToCheck(…)"


class SignedIn(msgspec.Struct, frozen=True):
    """A step that went well.

    Attributes:
        opened: The session and its new token; every token before is void.
        person: Whose.
        offered: With which kinds the next step can be shown.
        messages: Security mails to send, after answering.
    """

    opened: OpenedSession
    person: Person
    offered: frozenset[FactorKind] = frozenset()
    messages: tuple[Message, ...] = ()


class SignInRefused(msgspec.Struct, frozen=True):
    """A step that went wrong.

    Attributes:
        outcome: The cause, for the trail only.
        person_id: Who was meant; empty for nobody. For the trail only.
        detail: More of the cause, for the trail only.
        messages: Security mails to send, after answering.
    """

    outcome: Outcome
    person_id: str = ""
    detail: str = ""
    messages: tuple[Message, ...] = ()


class SignInDesk:
    """Lets people in."""

    def __init__(
        self,
        register: Register,
        people: People,
        sessions: Sessions,
        factors: Factors,
        showing: Showing,
        history: History,
        lockout: Lockout,
    ) -> None:
        self._register = register
        self._people = people
        self._sessions = sessions
        self._factors = factors
        self._showing = showing
        self._history = history
        self._lockout = lockout

    def password_to_check(self, login: str) -> PasswordToCheck:
        """Step 1: say what to check.

        Args:
            login: Name or mail address as typed.
        """
        person = self._people.called(login)
        return (
            PasswordToCheck(login, "", "")
            if person is None
            else PasswordToCheck(login, person.id, person.password)
        )

    def password_shown(
        self, asked: PasswordToCheck, check: PasswordCheck, origin: Origin, now_us: int
    ) -> SignedIn | SignInRefused:
        """Step 3: judge the outcome of the check.

        Args:
            asked: Step 1's answer.
            check: Step 2's.
            origin: From where.
            now_us: Epoch microseconds.

        Returns:
            A session at stage `factor`; at `enrol` for somebody who set their password within a day and has no
            factor yet. Or a refusal.

        Raises:
            StorageError: The session could not be stored; then nobody is in.
        """
        person = self._people.get(asked.person_id)
        who = tallied_as(person, asked.login)
        if self._lockout.until_us(who, origin.ip, now_us):
            return SignInRefused("locked", asked.person_id)
        # The password may have been changed while it was checked: then what was checked is not the password.
        current = person is not None and hmac.compare_digest(person.password.encode(), asked.stored.encode())
        if person is None or not (check.holds and current):
            return self._failed(person, who, "password_wrong", None, "", origin, now_us)
        stage = _stage(person, now_us)
        if stage is None:
            return self._failed(person, who, "disabled", None, "", origin, now_us)
        also = [msgspec.structs.replace(person, password=check.rehashed)] if check.rehashed else []
        opened = self._sessions.open(person.id, stage, origin, now_us, also)
        return SignedIn(opened, self._people.get(person.id) or person, self._factors.offered(person.id))

    def factor_shown(
        self, session: Session, attempt: Attempt, origin: Origin, now_us: int
    ) -> SignedIn | SignInRefused:
        """Steps 4 and 5: judge a second factor, and rotate the session.

        Args:
            session: At stage `factor`, or `full` for a step-up; found by its token just now.
            attempt: What was shown.
            origin: From where.
            now_us: Epoch microseconds.

        Returns:
            The full session under its new token; or a refusal, and the session stays as it was.

        Raises:
            StorageError: It could not be stored; then the factor is not used up and the session is as it was.
        """
        person = self._people.get(session.person_id)
        current = self._register.get(Session, session.id)
        if person is None or person.disabled_us or current is None or current.stage == "enrol":
            return SignInRefused("disabled", session.person_id)
        if self._lockout.until_us(person.id, origin.ip, now_us):
            return SignInRefused("locked", person.id)
        confirms = not isinstance(attempt, SentDigits) or self._factors.sent_codes_confirm(person.id)
        if current.stage == "full" and not confirms:
            return SignInRefused("factor_wrong", person.id, "a sent code where a stronger factor is set up")
        judged = self._showing.judge(person.id, session.id, attempt, now_us)
        if isinstance(judged, NotShown):
            if judged.put or judged.gone:
                self._register.write(judged.put, judged.gone)
            return self._failed(person, person.id, "factor_wrong", judged.factor, judged.why, origin, now_us)
        opened = self._sessions.rotate(
            current, judged.factor, origin, now_us, judged.put, judged.gone, confirms=confirms
        )
        return self._let_in(person, current.stage, opened, judged.factor, origin, now_us)

    def enrol(self, token: str, password: str, origin: Origin, now_us: int) -> SignedIn | Refused:
        """Redeem an enrolment token: set the password, and open a session that may only set up a first factor.

        Args:
            token: As it was shown.
            password: PHC text of the judged and hashed password.
            origin: From where.
            now_us: Epoch microseconds.

        Raises:
            StorageError: Something could not be stored; where the password was, signing in with it goes on.
        """
        person = self._people.redeem(token, password, now_us)
        if isinstance(person, Refused):
            return person
        return SignedIn(self._sessions.open(person.id, "enrol", origin, now_us), person)

    def enrolled(
        self, session: Session, factor: FactorKind, origin: Origin, now_us: int
    ) -> SignedIn | Refused:
        """Make an `enrol` session full after its person confirmed their first factor, just now."""
        person = self._people.get(session.person_id)
        if person is None or session.stage != "enrol" or not person.enrolled_us:
            return Refused("not_enrolled", "set up a second factor first")
        current = self._register.get(Session, session.id)
        if current is None or factor not in self._factors.offered(person.id):
            return Refused("not_enrolled", "set up a second factor first")
        opened = self._sessions.rotate(current, factor, origin, now_us)
        return self._let_in(person, "factor", opened, factor, origin, now_us)

    def _let_in(
        self,
        person: Person,
        stage: Stage,
        opened: OpenedSession,
        factor: FactorKind,
        origin: Origin,
        now_us: int,
    ) -> SignedIn:
        self._lockout.succeeded(person.id)
        messages: list[Message] = []
        if stage == "factor" and self._history.is_new_address(person.id, origin.ip):
            messages.append(security_messages.new_address(person, origin, now_us))
        if factor == "recovery":
            left = self._factors.recovery_codes_left(person.id)
            messages.append(security_messages.recovery_used(person, left, origin, now_us))
        outcome: Outcome = "signed_in" if stage == "factor" else "stepped_up"
        self._history.note(person.id, outcome, factor, origin, now_us)
        return SignedIn(opened, person, self._factors.offered(person.id), tuple(messages))

    def _failed(
        self,
        person: Person | None,
        who: str,
        outcome: Outcome,
        factor: FactorKind | None,
        detail: str,
        origin: Origin,
        now_us: int,
    ) -> SignInRefused:
        failed = self._lockout.failed(who, origin.ip, now_us)
        if person is None:
            return SignInRefused(outcome, detail=detail)
        messages: tuple[Message, ...] = ()
        if failed.person_until_us:
            messages = (security_messages.locked(person, failed.person_until_us, origin, now_us),)
        self._history.note(person.id, "locked" if failed.person_until_us else outcome, factor, origin, now_us)
        return SignInRefused(outcome, person.id, detail, messages)


def _stage(person: Person, now_us: int) -> Stage | None:
    """Return at which stage a right password lets somebody in; None for not at all."""
    if person.disabled_us:
        return None
    if person.enrolled_us:
        return "factor"
    return "enrol" if now_us - person.password_us < ENROL_MS_MAX * 1_000 else None
