"""Second factors shown: which one was tried, whether it holds, and what to store with that. Never stores or opens anything.

What a factor uses up (a step, a counter, a code) is handed back as rows, so that it is stored in the same change as
the session it opens: neither survives without the other.
"""

from typing import Any, TypeAlias

import msgspec

from watchword.accounts import recovery_codes, totp
from watchword.accounts.message_codes import judge_code
from watchword.accounts.model import (
    FactorKind,
    MessageCode,
    MessageFactor,
    RecoveryCode,
    Row,
    TotpFactor,
    WebauthnFactor,
)
from watchword.accounts.refusal import Refused
from watchword.accounts.register import Register
from watchword.accounts.webauthn_factor import Challenges, RelyingParty, answering, verify_assertion


class TotpCode(msgspec.Struct, frozen=True, tag="totp"):
    """Six digits of an authenticator app; any of the person's apps may have made them."""

    code: str

    def __repr__(self) -> str:
        return "TotpCode(…)"


class WebauthnAnswer(msgspec.Struct, frozen=True, tag="webauthn"):
    """What the browser answered to the challenge this session has open."""

    answer: dict[str, Any]

    def __repr__(self) -> str:
        return "WebauthnAnswer(…)"


class RecoveryText(msgspec.Struct, frozen=True, tag="recovery"):
    """A recovery code as typed."""

    code: str

    def __repr__(self) -> str:
        return "RecoveryText(…)"


class SentDigits(msgspec.Struct, frozen=True, tag="message"):
    """Six digits that were sent to the address of `factor_id`."""

    factor_id: str
    code: str

    def __repr__(self) -> str:
        return f"SentDigits({self.factor_id!r}, …)"


#: What somebody shows as their second factor. Tagged by `type`, so that a body decodes into it.
Attempt: TypeAlias = TotpCode | WebauthnAnswer | RecoveryText | SentDigits


class Shown(msgspec.Struct, frozen=True):
    """A factor that holds.

    Attributes:
        factor: Which.
        put: Rows that say it is used up; to be stored with what it opens.
        gone: Rows that go with it.
    """

    factor: FactorKind
    put: tuple[Row, ...]
    gone: tuple[Row, ...] = ()


class NotShown(msgspec.Struct, frozen=True):
    """A factor that does not hold.

    Attributes:
        factor: Which was tried.
        why: For the trail; the person hears the same for all.
        put: Rows to store now: a try more.
        gone: Rows that go now: a code that is late or spent.
    """

    factor: FactorKind
    why: str
    put: tuple[Row, ...] = ()
    gone: tuple[Row, ...] = ()


class Showing:
    """Judges attempts of people whose password was right."""

    def __init__(self, register: Register, party: RelyingParty, challenges: Challenges) -> None:
        self._register = register
        self._party = party
        self._challenges = challenges

    def judge(self, person_id: str, session_id: str, attempt: Attempt, now_us: int) -> Shown | NotShown:
        """Judge one attempt.

        Args:
            person_id: Who shows it.
            session_id: In which session; a WebAuthn challenge belongs to one.
            attempt: What was shown.
            now_us: Epoch microseconds.
        """
        match attempt:
            case TotpCode():
                return self._totp(person_id, attempt, now_us)
            case WebauthnAnswer():
                return self._webauthn(person_id, session_id, attempt, now_us)
            case RecoveryText():
                return self._recovery(person_id, attempt, now_us)
            case SentDigits():
                return self._digits(person_id, attempt, now_us)

    def _totp(self, person_id: str, attempt: TotpCode, now_us: int) -> Shown | NotShown:
        why: str = "wrong"
        for app in self._register.of_person(TotpFactor, person_id):
            if not app.confirmed_us:
                continue
            step = totp.step_of(app.seed, attempt.code, now_us, app.last_step)
            if isinstance(step, int):
                return Shown("totp", (msgspec.structs.replace(app, last_step=step, used_us=now_us),))
            why = "used" if "used" in {step, why} else "wrong"
        return NotShown("totp", why)

    def _webauthn(
        self, person_id: str, session_id: str, attempt: WebauthnAnswer, now_us: int
    ) -> Shown | NotShown:
        challenge = self._challenges.take(session_id, "show", now_us)
        if challenge is None:
            return NotShown("webauthn", "no challenge is open")
        factor = answering(self._register.of_person(WebauthnFactor, person_id), attempt.answer)
        if factor is None:
            return NotShown("webauthn", "not one of this person's keys")
        count = verify_assertion(self._party, factor, challenge, attempt.answer)
        if isinstance(count, Refused):
            return NotShown("webauthn", count.reason)
        return Shown("webauthn", (msgspec.structs.replace(factor, sign_count=count, used_us=now_us),))

    def _recovery(self, person_id: str, attempt: RecoveryText, now_us: int) -> Shown | NotShown:
        held = self._register.of_person(RecoveryCode, person_id)
        code = recovery_codes.matching(held, person_id, attempt.code)
        if code is None:
            return NotShown("recovery", "wrong or spent")
        return Shown("recovery", (msgspec.structs.replace(code, used_us=now_us),))

    def _digits(self, person_id: str, attempt: SentDigits, now_us: int) -> Shown | NotShown:
        factor = self._register.get(MessageFactor, attempt.factor_id)
        if factor is None or factor.person_id != person_id or not factor.confirmed_us:
            return NotShown("mail", "not one of this person's addresses")
        judged = judge_sent(self._register, factor, attempt.code, now_us)
        if isinstance(judged, Shown):
            used = msgspec.structs.replace(factor, used_us=now_us)
            return msgspec.structs.replace(judged, put=(used,))
        return judged


def judge_sent(register: Register, factor: MessageFactor, typed: str, now_us: int) -> Shown | NotShown:
    """Judge digits sent to one address, confirmed or about to be."""
    codes = [one for one in register.of_person(MessageCode, factor.person_id) if one.factor_id == factor.id]
    if not codes:
        return NotShown(factor.channel, "no code was sent")
    code = codes[-1]
    verdict = judge_code(code, typed, now_us)
    if verdict == "right":
        return Shown(factor.channel, (), tuple(codes))
    if verdict == "wrong":
        return NotShown(factor.channel, verdict, (msgspec.structs.replace(code, tries=code.tries + 1),))
    return NotShown(factor.channel, verdict, (), tuple(codes))
