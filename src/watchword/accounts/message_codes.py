"""Codes sent by mail or short message: six digits, ten minutes, five tries, a bounded number an hour. Never sends any."""

import hashlib
import hmac
from typing import Final, Literal, TypeAlias

import msgspec

from watchword.accounts.model import MessageCode, MessageFactor, new_id
from watchword.accounts.ports import Message
from watchword.accounts.refusal import Refused
from watchword.kernel.entropy import Entropy

CODE_DIGITS: Final = 6
CODE_LIFE_MS: Final = 600_000
TRIES_MAX: Final = 5
#: Between two codes for one person, and in an hour: each costs money, and is one more code to guess.
WAIT_BETWEEN_MS: Final = 30_000
CODES_PER_HOUR_MAX: Final = 10
#: Above it, those who asked for none within the hour are forgotten.
PEOPLE_REMEMBERED_MAX: Final = 1_000

_HOUR_US: Final = 3_600_000_000
_CONTEXT: Final = b"watchword/message-code/1/"

#: How judging a typed code ended; the person hears the same for all but `right`.
CodeVerdict: TypeAlias = Literal["right", "wrong", "spent", "late"]


class SentCode(msgspec.Struct, frozen=True):
    """A code on its way: the row to store, and the message for the sender, which alone holds the digits."""

    row: MessageCode
    message: Message


class SendingPace:
    """When codes were asked for, per person, the last hour. In memory: a restart forgets."""

    def __init__(self) -> None:
        self._asked_us: dict[str, tuple[int, ...]] = {}

    def ask(self, person_id: str, now_us: int) -> Refused | None:
        """Count a code for this person, or say that it is too soon for another."""
        recent = tuple(at for at in self._asked_us.get(person_id, ()) if 0 <= now_us - at < _HOUR_US)
        if recent and now_us - recent[-1] < WAIT_BETWEEN_MS * 1_000:
            return Refused(
                "too_soon", f"wait {WAIT_BETWEEN_MS // 1_000} seconds before you ask for another code"
            )
        if len(recent) >= CODES_PER_HOUR_MAX:
            return Refused("too_soon", f"at most {CODES_PER_HOUR_MAX} codes are sent in an hour")
        self._asked_us[person_id] = (*recent, now_us)
        if len(self._asked_us) > PEOPLE_REMEMBERED_MAX:
            self._asked_us = {one: at for one, at in self._asked_us.items() if now_us - at[-1] < _HOUR_US}
        return None


def draw_code(entropy: Entropy, factor: MessageFactor, now_us: int) -> SentCode:
    """Draw a code for an address.

    Args:
        entropy: Where eight bytes come from; of 2^64 values modulo a million, none is likelier by 10^-13.
        factor: Whose address it goes to.
        now_us: Epoch microseconds.
    """
    number = int.from_bytes(entropy.token(8), "big") % 10**CODE_DIGITS
    digits = f"{number:0{CODE_DIGITS}d}"
    code_id = new_id(entropy, "c")
    row = MessageCode(
        id=code_id,
        person_id=factor.person_id,
        factor_id=factor.id,
        digest=_digest(code_id, digits),
        created_us=now_us,
        expires_us=now_us + CODE_LIFE_MS * 1_000,
    )
    return SentCode(row, _message(factor, digits))


def judge_code(code: MessageCode, typed: str, now_us: int) -> CodeVerdict:
    """Judge what was typed.

    Args:
        code: The code that was sent last to this factor.
        typed: As typed; spaces are ignored.
        now_us: Epoch microseconds.

    Returns:
        `right`: remove the row. `wrong`: store one try more. `late` and `spent`: remove it.
    """
    if not code.created_us <= now_us < code.expires_us:
        return "late"
    if code.tries >= TRIES_MAX:
        return "spent"
    digits = typed.replace(" ", "")
    plausible = len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit()
    if plausible and hmac.compare_digest(_digest(code.id, digits), code.digest):
        return "right"
    return "wrong"


def _message(factor: MessageFactor, digits: str) -> Message:
    minutes = CODE_LIFE_MS // 60_000
    if factor.channel == "sms":
        return Message("sms", factor.address, "", f"Watchword: {digits} is your code for {minutes} minutes.")
    # Somebody who is setting up an address may have mistyped it: then who reads this is a stranger.
    unasked = (
        "If you did not ask for it, somebody knows your password: sign in and change it."
        if factor.confirmed_us
        else "If you did not ask for it, somebody else typed your address. Without the code nothing comes of it."
    )
    text = f"{digits} is your Watchword code. It works for {minutes} minutes, once.\n\n{unasked}\n"
    return Message("mail", factor.address, "Your Watchword code", text)


def _digest(code_id: str, digits: str) -> bytes:
    return hashlib.sha256(_CONTEXT + code_id.encode() + b"/" + digits.encode()).digest()
