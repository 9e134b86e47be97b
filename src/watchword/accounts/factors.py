"""Second factors set up, listed and removed. Never opens a session: showing one at sign-in is `showing` and `sign_in`.

The first factor that is confirmed makes a person enrolled; from then on they always keep one, so that a password
alone never sets one up. The caller asks for a fresh factor before any of this and sends the security mail after.
"""

from typing import Any, Final

import msgspec

from watchword.accounts import totp
from watchword.accounts.message_codes import SendingPace, SentCode, draw_code
from watchword.accounts.model import (
    Channel,
    Factor,
    FactorKind,
    MessageCode,
    MessageFactor,
    Person,
    RecoveryCode,
    Row,
    TotpFactor,
    WebauthnFactor,
    new_id,
)
from watchword.accounts.naming import address_refused, label_refused
from watchword.accounts.recovery_codes import DrawnCodes, draw_codes
from watchword.accounts.refusal import Refused
from watchword.accounts.register import Register
from watchword.accounts.showing import Shown, judge_sent
from watchword.accounts.webauthn_factor import (
    Challenges,
    RelyingParty,
    assertion_options,
    registration_options,
    verify_registration,
)
from watchword.kernel.entropy import Entropy

FACTORS_PER_PERSON_MAX: Final = 10

_NOT_FIRST: Final = Refused("not_allowed", "a second factor was set up meanwhile; sign in with it")
_WRONG: Final = Refused("bad_factor", "the code is not right")


class TotpStart(msgspec.Struct, frozen=True):
    """An authenticator app about to be set up. `uri` holds the seed, is shown once, and is not in the repr."""

    factor: TotpFactor
    uri: str

    def __repr__(self) -> str:
        return f"TotpStart({self.factor.id}, …)"


class MessageStart(msgspec.Struct, frozen=True):
    """An address about to be set up, and the message with its first code."""

    factor: MessageFactor
    sent: SentCode


class Factors:
    """Everybody's second factors."""

    def __init__(
        self, register: Register, entropy: Entropy, party: RelyingParty, challenges: Challenges
    ) -> None:
        self._register = register
        self._entropy = entropy
        self._party = party
        self._challenges = challenges
        #: Of codes that are sent; shared with whatever else sends some.
        self.pace = SendingPace()

    def listed(self, person_id: str) -> list[Factor]:
        """List a person's confirmed factors, oldest first; without recovery codes, which are counted."""
        found = [factor for factor in self._held(person_id) if _confirmed(factor)]
        return sorted(found, key=lambda factor: (factor.created_us, factor.id))

    def offered(self, person_id: str) -> frozenset[FactorKind]:
        """Return with which kinds a person can show a second factor now."""
        kinds = {_kind(factor) for factor in self.listed(person_id)}
        return frozenset(kinds | ({"recovery"} if self.recovery_codes_left(person_id) else set()))

    def sent_codes_confirm(self, person_id: str) -> bool:
        """Whether a code sent to one of their addresses confirms what is dangerous, beyond letting them in.

        Only where they have nothing stronger: who set up an app or a security key means it, and an account is as safe
        as the weakest factor that confirms. Recovery codes do; they are random and on paper.
        """
        return not any(isinstance(one, TotpFactor | WebauthnFactor) for one in self.listed(person_id))

    def recovery_codes_left(self, person_id: str) -> int:
        """Return how many recovery codes are unspent."""
        return sum(not code.used_us for code in self._register.of_person(RecoveryCode, person_id))

    def start_totp(self, person: Person, label: str, now_us: int) -> TotpStart | Refused:
        """Draw a seed for an authenticator app; one that was started and not confirmed is replaced.

        Raises:
            StorageError: It could not be stored; then nothing was started.
        """
        refused = label_refused(label) or self._no_room(person.id)
        if refused is not None:
            return refused
        factor = TotpFactor(
            id=new_id(self._entropy, "f"),
            person_id=person.id,
            label=label,
            seed=totp.new_seed(self._entropy),
            created_us=now_us,
        )
        unfinished = [one for one in self._register.of_person(TotpFactor, person.id) if not one.confirmed_us]
        self._register.write([factor], unfinished)
        return TotpStart(factor, totp.enrolment_uri(factor.seed, person.name))

    def confirm_totp(
        self, person_id: str, factor_id: str, code: str, now_us: int, *, first: bool = False
    ) -> TotpFactor | Refused:
        """Take an authenticator app as a factor once it showed its first code, which is thereby used.

        Args:
            person_id: Whose.
            factor_id: The app that was started.
            code: As typed.
            now_us: Epoch microseconds.
            first: The session may set up a first factor only: refused where there is one by now. Why: two devices
                that know the first password must not both set one up.

        Raises:
            StorageError: It could not be stored; then it is no factor.
        """
        if first and self._has_first(person_id):
            return _NOT_FIRST
        factor = self._register.get(TotpFactor, factor_id)
        if factor is None or factor.person_id != person_id or factor.confirmed_us:
            return Refused("not_found", "no authenticator app of yours waits for this")
        step = totp.step_of(factor.seed, code, now_us, factor.last_step)
        if not isinstance(step, int):
            return _WRONG
        confirmed = msgspec.structs.replace(factor, last_step=step, confirmed_us=now_us, used_us=now_us)
        self._register.write([confirmed, *self._enrolling(person_id, now_us)])
        return confirmed

    def start_webauthn(self, person: Person, session_id: str, now_us: int) -> dict[str, Any] | Refused:
        """Open a challenge and return what `navigator.credentials.create` is called with."""
        refused = self._no_room(person.id)
        if refused is not None:
            return refused
        held = self._register.of_person(WebauthnFactor, person.id)
        challenge = self._challenges.open(session_id, "register", now_us)
        return registration_options(self._party, person, held, challenge)

    def finish_webauthn(
        self,
        person_id: str,
        session_id: str,
        label: str,
        answer: dict[str, Any],
        now_us: int,
        *,
        first: bool = False,
    ) -> WebauthnFactor | Refused:
        """Take a security key as a factor once it proved that it holds its key.

        Args:
            person_id: Whose.
            session_id: The one that opened the challenge.
            label: What its owner calls it.
            answer: The browser's `PublicKeyCredential` as JSON values.
            now_us: Epoch microseconds.
            first: As for `confirm_totp`.

        Raises:
            StorageError: It could not be stored; then it is no factor.
        """
        if first and self._has_first(person_id):
            return _NOT_FIRST
        refused = label_refused(label) or self._no_room(person_id)
        if refused is not None:
            return refused
        challenge = self._challenges.take(session_id, "register", now_us)
        if challenge is None:
            return Refused("bad_factor", "the challenge is used or too old; begin again")
        key = verify_registration(self._party, challenge, answer)
        if isinstance(key, Refused):
            return key
        if any(one.credential_id == key.credential_id for one in self._register.everything(WebauthnFactor)):
            return Refused("taken", "this security key is registered already")
        factor = WebauthnFactor(
            id=new_id(self._entropy, "f"),
            person_id=person_id,
            label=label,
            credential_id=key.credential_id,
            public_key=key.public_key,
            sign_count=key.sign_count,
            transports=key.transports,
            backed_up=key.backed_up,
            created_us=now_us,
            used_us=now_us,
        )
        self._register.write([factor, *self._enrolling(person_id, now_us)])
        return factor

    def start_message(
        self, person_id: str, channel: Channel, address: str, now_us: int
    ) -> MessageStart | Refused:
        """Begin to set up an address; the caller sends the message. An unconfirmed one of this channel is replaced."""
        refused = address_refused(channel, address) or self._no_room(person_id)
        if refused is not None:
            return refused
        held = self._register.of_person(MessageFactor, person_id)
        if any(one.address == address and one.confirmed_us for one in held):
            return Refused("taken", "codes are sent to this address already")
        refused = self.pace.ask(person_id, now_us)
        if refused is not None:
            return refused
        factor = MessageFactor(
            id=new_id(self._entropy, "f"),
            person_id=person_id,
            channel=channel,
            address=address,
            created_us=now_us,
        )
        sent = draw_code(self._entropy, factor, now_us)
        unfinished = [one for one in held if one.channel == channel and not one.confirmed_us]
        codes = [code for one in unfinished for code in self._codes_of(one)]
        self._register.write([factor, sent.row], [*codes, *unfinished])
        return MessageStart(factor, sent)

    def confirm_message(
        self,
        person_id: str,
        factor_id: str,
        code: str,
        now_us: int,
        *,
        first: bool = False,
        replaces: str = "",
    ) -> MessageFactor | Refused:
        """Take an address as a factor once the code sent to it came back.

        Args:
            person_id: Whose.
            factor_id: The address that was started.
            code: As typed.
            now_us: Epoch microseconds.
            first: As for `confirm_totp`.
            replaces: Id of another address of theirs that goes in the same step; empty for none.

        Raises:
            StorageError: It could not be stored; then it is no factor, and the other one stays.
        """
        if first and self._has_first(person_id):
            return _NOT_FIRST
        former = self.address(person_id, replaces) if replaces else None
        if replaces and (former is None or former.id == factor_id):
            return Refused("not_found", "no address of yours is to be replaced")
        factor = self._register.get(MessageFactor, factor_id)
        if factor is None or factor.person_id != person_id or factor.confirmed_us:
            return Refused("not_found", "no address of yours waits for this")
        judged = judge_sent(self._register, factor, code, now_us)
        if not isinstance(judged, Shown):
            self._register.write(judged.put, judged.gone)
            return _WRONG
        confirmed = msgspec.structs.replace(factor, confirmed_us=now_us, used_us=now_us)
        going = [] if former is None else [*self._codes_of(former), former]
        self._register.write([confirmed, *self._reached(factor, now_us)], [*judged.gone, *going])
        return confirmed

    def address(self, person_id: str, factor_id: str) -> MessageFactor | None:
        """Return a confirmed address of this person."""
        factor = self._register.get(MessageFactor, factor_id)
        if factor is None or factor.person_id != person_id or not factor.confirmed_us:
            return None
        return factor

    def send_code(self, person_id: str, factor_id: str, now_us: int) -> SentCode | Refused:
        """Draw a code for an address a person has, at sign-in or later; the one sent before is void.

        Returns:
            The code, whose message the caller sends; or why none is sent.

        Raises:
            StorageError: It could not be stored; then it is not sent either.
        """
        factor = self._register.get(MessageFactor, factor_id)
        if factor is None or factor.person_id != person_id:
            return Refused("not_found", "no address of yours has this id")
        refused = self.pace.ask(person_id, now_us)
        if refused is not None:
            return refused
        sent = draw_code(self._entropy, factor, now_us)
        self._register.write([sent.row], self._codes_of(factor))
        return sent

    def challenge(self, person_id: str, session_id: str, now_us: int) -> dict[str, Any] | Refused:
        """Open a challenge and return what `navigator.credentials.get` is called with."""
        held = self._register.of_person(WebauthnFactor, person_id)
        if not held:
            return Refused("not_found", "you have no security key")
        return assertion_options(self._party, held, self._challenges.open(session_id, "show", now_us))

    def new_recovery_codes(self, person: Person, now_us: int) -> DrawnCodes | Refused:
        """Draw ten recovery codes; all the person had before are void. They are shown this once."""
        if not person.enrolled_us:
            return Refused("not_enrolled", "set up a second factor first")
        drawn = draw_codes(self._entropy, person.id, now_us)
        self._register.write(drawn.rows, self._register.of_person(RecoveryCode, person.id))
        return drawn

    def remove(self, person_id: str, factor_id: str) -> Factor | Refused:
        """Remove a factor; never the last one that is confirmed."""
        listed = self.listed(person_id)
        factor = next((one for one in self._held(person_id) if one.id == factor_id), None)
        if factor is None:
            return Refused("not_found", "no factor of yours has this id")
        if [one.id for one in listed] == [factor.id]:
            return Refused("last_factor", "this is your only second factor; set up another one first")
        codes = self._codes_of(factor) if isinstance(factor, MessageFactor) else []
        self._register.write([], [*codes, factor])
        return factor

    def _held(self, person_id: str) -> list[Factor]:
        return [
            *self._register.of_person(TotpFactor, person_id),
            *self._register.of_person(WebauthnFactor, person_id),
            *self._register.of_person(MessageFactor, person_id),
        ]

    def _codes_of(self, factor: MessageFactor) -> list[Row]:
        codes = self._register.of_person(MessageCode, factor.person_id)
        return [code for code in codes if code.factor_id == factor.id]

    def _no_room(self, person_id: str) -> Refused | None:
        if len(self.listed(person_id)) < FACTORS_PER_PERSON_MAX:
            return None
        return Refused("too_many", f"a person has at most {FACTORS_PER_PERSON_MAX} factors; remove one first")

    def _has_first(self, person_id: str) -> bool:
        person = self._register.get(Person, person_id)
        return person is None or person.enrolled_us > 0

    def _reached(self, factor: MessageFactor, now_us: int) -> list[Row]:
        """Return the person as enrolled, and as one whose own address this is, where either is new."""
        person = self._register.get(Person, factor.person_id)
        if person is None:
            return []
        changed = msgspec.structs.replace(
            person,
            enrolled_us=person.enrolled_us or now_us,
            mail_us=now_us if factor.address == person.mail else person.mail_us,
            phone_us=now_us if factor.address == person.phone else person.phone_us,
        )
        return [] if changed == person else [changed]

    def _enrolling(self, person_id: str, now_us: int) -> list[Row]:
        """Return the person as enrolled, where this is their first factor."""
        person = self._register.get(Person, person_id)
        if person is None or person.enrolled_us:
            return []
        return [msgspec.structs.replace(person, enrolled_us=now_us)]


def _confirmed(factor: Factor) -> bool:
    return isinstance(factor, WebauthnFactor) or factor.confirmed_us > 0


def _kind(factor: Factor) -> FactorKind:
    match factor:
        case TotpFactor():
            return "totp"
        case WebauthnFactor():
            return "webauthn"
        case MessageFactor():
            return factor.channel
