"""Sessions: opened after a password, rotated at every step, over after idling or half a day. Never checks a password.

The token changes whenever the session may do more than before: what somebody planted or saw earlier opens nothing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from watchword.accounts.bearer import SESSION_MARKER, digest_of, draw
from watchword.accounts.model import FactorKind, Origin, Person, Row, Session, Stage, new_id
from watchword.accounts.naming import tidy_agent
from watchword.accounts.register import Register
from watchword.kernel.entropy import Entropy

IDLE_MS_MAX: Final = 1_800_000
ABSOLUTE_MS_MAX: Final = 43_200_000
#: A session that still waits for its second factor, or for its first one to be set up.
FACTOR_STEP_MS_MAX: Final = 600_000
ENROL_STEP_MS_MAX: Final = 1_800_000
#: How long a second factor counts as just shown.
FRESH_MS_MAX: Final = 300_000
SESSIONS_PER_PERSON_MAX: Final = 20

_STAGE_MS_MAX: Final[dict[Stage, int]] = {
    "factor": FACTOR_STEP_MS_MAX,
    "enrol": ENROL_STEP_MS_MAX,
    "full": ABSOLUTE_MS_MAX,
}


class OpenedSession(msgspec.Struct, frozen=True):
    """A session and its new token, which exists here and with its person only; so it is not in the repr."""

    session: Session
    token: str

    def __repr__(self) -> str:
        return f"OpenedSession({self.session.id}, {self.session.stage}, …)"


class Sessions:
    """Everybody's sessions."""

    def __init__(self, register: Register, entropy: Entropy) -> None:
        self._register = register
        self._entropy = entropy

    def open(
        self, person_id: str, stage: Stage, origin: Origin, now_us: int, also: Sequence[Row] = ()
    ) -> OpenedSession:
        """Open a session; where there are too many, one ends: unfinished ones first, then the longest unused.

        Args:
            person_id: Whose.
            stage: `factor` or `enrol`; `full` only comes by `rotate`.
            origin: From where.
            now_us: Epoch microseconds.
            also: Rows stored in the same change.

        Raises:
            StorageError: It could not be stored; then it does not exist.
        """
        drawn = draw(self._entropy, SESSION_MARKER)
        session = Session(
            id=new_id(self._entropy, "s"),
            person_id=person_id,
            digest=drawn.digest,
            stage=stage,
            ip=origin.ip,
            agent=tidy_agent(origin.agent),
            created_us=now_us,
            seen_us=now_us,
            seen_ip=origin.ip,
        )
        # Who only knows the password must not be able to end sessions of who showed both.
        held = sorted(
            self._register.of_person(Session, person_id),
            key=lambda one: (one.stage == "full", one.seen_us, one.id),
        )
        ending = held[: max(0, len(held) + 1 - SESSIONS_PER_PERSON_MAX)]
        self._register.write([session, *also], ending)
        return OpenedSession(session, drawn.text)

    def rotate(
        self,
        session: Session,
        factor: FactorKind,
        origin: Origin,
        now_us: int,
        also: Sequence[Row] = (),
        gone: Sequence[Row] = (),
        *,
        confirms: bool = True,
    ) -> OpenedSession:
        """Make a session full after a second factor was shown, under a new token; the old one opens nothing.

        Args:
            session: As it stands.
            factor: What was shown.
            origin: From where.
            now_us: Epoch microseconds.
            also: Rows stored in the same change: the used step, the spent code.
            gone: Rows removed in the same change.
            confirms: Whether the factor counts as just shown. Without that it lets in, and is not fresh.

        Raises:
            StorageError: It could not be stored; then the old token goes on as it was.
        """
        drawn = draw(self._entropy, SESSION_MARKER)
        rotated = msgspec.structs.replace(
            session,
            digest=drawn.digest,
            stage="full",
            factor=factor,
            factor_us=now_us if confirms else 0,
            seen_us=now_us,
            seen_ip=origin.ip,
        )
        self._register.write([rotated, *also], gone)
        return OpenedSession(rotated, drawn.text)

    def find(self, token: str, ip: str, now_us: int) -> tuple[Session, Person] | None:
        """Return the session with this token and its person, and remember the use.

        Returns:
            None for what is no token, unknown, rotated, over, or of somebody disabled: all the same to the caller.
            The session may still be at stage `factor` or `enrol`; the caller looks. One at `enrol` is over as soon as
            its person is enrolled: another device that knew the first password sets up nothing more.
        """
        digest = digest_of(token, SESSION_MARKER)
        session = self._register.by_digest(Session, digest) if digest is not None else None
        if session is None or over(session, now_us):
            return None
        person = self._register.get(Person, session.person_id)
        if person is None or person.disabled_us or (session.stage == "enrol" and person.enrolled_us):
            return None
        seen = msgspec.structs.replace(session, seen_us=max(now_us, session.seen_us), seen_ip=ip)
        self._register.touch(seen)
        return seen, person

    def listed(self, person_id: str, now_us: int) -> list[Session]:
        """List a person's sessions that are not over, last used first."""
        alive = [one for one in self._register.of_person(Session, person_id) if not over(one, now_us)]
        return sorted(alive, key=lambda one: (-one.seen_us, one.id))

    def end(self, person_id: str, session_id: str) -> bool:
        """End one session of this person; False where they have none of this id."""
        session = self._register.get(Session, session_id)
        if session is None or session.person_id != person_id:
            return False
        self._register.write([], [session])
        return True

    def end_all(self, person_id: str, but: str = "") -> int:
        """End all sessions of a person, or all but one; return how many."""
        ending = [one for one in self._register.of_person(Session, person_id) if one.id != but]
        if ending:
            self._register.write([], ending)
        return len(ending)

    def sweep(self, now_us: int) -> int:
        """Remove sessions that are over; return how many. They were refused before."""
        ending = [one for one in self._register.everything(Session) if over(one, now_us)]
        if ending:
            self._register.write([], ending)
        return len(ending)


def over(session: Session, now_us: int) -> bool:
    """Whether a session has ended by time: idle, or old, or its step not taken."""
    return (
        now_us - session.created_us >= _STAGE_MS_MAX[session.stage] * 1_000
        or now_us - session.seen_us >= IDLE_MS_MAX * 1_000
    )


def fresh(session: Session, now_us: int) -> bool:
    """Whether a second factor was shown within the last five minutes. A factor from the future is not fresh."""
    return (
        session.stage == "full"
        and session.factor is not None
        and 0 <= now_us - session.factor_us <= FRESH_MS_MAX * 1_000
    )
