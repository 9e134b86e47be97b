"""Passwords: judged before they are taken, hashed with Argon2id, checked at the same cost for everybody.

`hash_password` and `check_password` take a tenth of a second and more and hold no state: run them in a thread, a
bounded number at a time, for each needs 64 MiB. Never stores a password and never says which person it belongs to.

Source: OWASP Password Storage Cheat Sheet (Argon2id, at least 19 MiB and 2 passes, or 46 MiB and 1); RFC 9106 §4;
NIST SP 800-63B §5.1.1 (length over composition, common ones refused, Unicode normalised).
"""

import base64
import hmac
import unicodedata
from functools import cache
from typing import Final

import msgspec
from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from watchword.accounts.refusal import Refused
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError, InvariantError
from watchword.kernel.secret import Secret

PASSWORD_LENGTH_MIN: Final = 12
PASSWORD_LENGTH_MAX: Final = 256
DISTINCT_CHARACTERS_MIN: Final = 5
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
#: What may stand around a common password without making it another: `Password2026!`.
DECORATION_LENGTH_MAX: Final = 6
#: Of what is written again and again, `abcabcabcabc`.
REPEATED_LENGTH_MAX: Final = 8
#: A shorter name would forbid half the dictionary.
NAME_IN_PASSWORD_LENGTH_MIN: Final = 4

_SERVICE_WORD: Final = "watchword"
#: What fingers and memory run along, there and back.
_ROWS: Final = tuple(
    row[::way]
    for row in (
        "1234567890",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiop",
        "qwertyuiopasdfghjklzxcvbnm",
        "1qaz2wsx3edc4rfv5tgb",
    )
    for way in (1, -1)
)
_DECORATION: Final = "0123456789 !?.,;:_-*#@$%&/()+="


class HashCost(msgspec.Struct, frozen=True):
    """What one hash costs.

    Attributes:
        memory_kib: Memory in KiB.
        passes: Passes over it.
        lanes: Threads.
    """

    memory_kib: int = 65_536
    passes: int = 2
    lanes: int = 1


#: What new passwords are hashed with. Raise it, and each password follows at its next sign-in.
HASH_COST: Final = HashCost()
#: Nothing below is ever made. Source: OWASP's smallest recommendation.
HASH_COST_MIN: Final = HashCost(memory_kib=19_456, passes=2)
#: A stored text asking for more is not one of ours: it would stop the process.
HASH_COST_MAX: Final = HashCost(memory_kib=1_048_576, passes=16, lanes=16)


class PasswordCheck(msgspec.Struct, frozen=True):
    """The outcome of checking one password.

    Attributes:
        holds: It is the person's.
        rehashed: PHC text to store instead, where the cost has grown since; empty otherwise.
    """

    holds: bool
    rehashed: str = ""

    def __repr__(self) -> str:
        return f"PasswordCheck(holds={self.holds})"


def judge_password(password: Secret, name: str, mail: str) -> Refused | None:
    """Refuse a password that would be guessed.

    Args:
        password: UTF-8, as typed.
        name: The person's name.
        mail: Their mail address.

    Returns:
        Why it cannot be taken, or None.
    """
    try:
        text = _normal(password).decode("utf-8")
    except UnicodeDecodeError:
        return Refused("bad_password", "a password is text")
    if not PASSWORD_LENGTH_MIN <= len(text) <= PASSWORD_LENGTH_MAX:
        return Refused(
            "bad_password", f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters"
        )
    folded = text.casefold()
    if len(set(folded)) < DISTINCT_CHARACTERS_MIN:
        return Refused("bad_password", f"use at least {DISTINCT_CHARACTERS_MIN} different characters")
    if _common(folded):
        return Refused(
            "bad_password", "this is on a list of common passwords and words, or close to one that is"
        )
    own = {name.casefold(), mail.casefold(), mail.partition("@")[0].casefold(), _SERVICE_WORD}
    if any(len(word) >= NAME_IN_PASSWORD_LENGTH_MIN and word in folded for word in own):
        return Refused("bad_password", "leave your name, mail address and the name of this program out of it")
    return None


def hash_password(password: Secret, entropy: Entropy, cost: HashCost = HASH_COST) -> str:
    """Hash a password.

    Args:
        password: UTF-8, judged already.
        entropy: Draws the salt, 16 bytes.
        cost: At least `HASH_COST_MIN`.

    Returns:
        `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.

    Raises:
        InvariantError: The cost is below what may be stored.
    """
    if cost.memory_kib < HASH_COST_MIN.memory_kib or cost.passes < HASH_COST_MIN.passes or cost.lanes < 1:
        raise InvariantError("a password would be hashed below the smallest allowed cost")
    salt = entropy.token(SALT_BYTES)
    return _phc(cost, salt, _raw(_normal(password), salt, cost))


def check_password(
    stored: str, password: Secret, entropy: Entropy, cost: HashCost = HASH_COST
) -> PasswordCheck:
    """Check a password against what is stored.

    Args:
        stored: PHC text; empty for somebody who does not exist or has no password yet. Then a fixed text of the
            same cost is checked, and the answer is no.
        password: UTF-8, as typed; longer than the longest allowed is never right, and costs the same.
        entropy: Draws the salt where it is hashed anew.
        cost: What passwords are hashed with now.

    Raises:
        CorruptStoreError: `stored` is not a text of ours.
    """
    asked, salt, expected = _read(stored or _dummy(cost))
    typed = _normal(password)
    same = hmac.compare_digest(_raw(typed[: PASSWORD_LENGTH_MAX * 4], salt, asked), expected)
    holds = same and bool(stored) and len(typed) <= PASSWORD_LENGTH_MAX * 4
    return PasswordCheck(holds, hash_password(password, entropy, cost) if holds and asked != cost else "")


def _normal(password: Secret) -> bytes:
    """Bring a password to one form, so that it is the same from every keyboard."""
    typed = password.reveal()
    try:
        return unicodedata.normalize("NFKC", typed.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        return typed


def _common(folded: str) -> bool:
    listed = _listed()
    core = folded.strip(_DECORATION)
    if folded in listed or (len(folded) - len(core) <= DECORATION_LENGTH_MAX and core in listed):
        return True
    if any(folded in row * (len(folded) // len(row) + 2) for row in _ROWS):
        return True
    # A short unit written again and again is as common as the unit.
    return any(
        folded == (folded[:unit] * len(folded))[: len(folded)]
        for unit in range(1, min(REPEATED_LENGTH_MAX, len(folded) // 2) + 1)
    )


@cache
def _listed() -> frozenset[str]:
    return frozenset(word for words in FREQUENCY_LISTS.values() for word in words)


@cache
def _dummy(cost: HashCost) -> str:
    return _phc(cost, bytes(SALT_BYTES), bytes(HASH_BYTES))


def _raw(password: bytes, salt: bytes, cost: HashCost) -> bytes:
    return hash_secret_raw(
        password, salt, cost.passes, cost.memory_kib, cost.lanes, HASH_BYTES, Type.ID, ARGON2_VERSION
    )


def _phc(cost: HashCost, salt: bytes, digest: bytes) -> str:
    return (
        f"$argon2id$v={ARGON2_VERSION}$m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
        f"${_base64(salt)}${_base64(digest)}"
    )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).rstrip(b"=").decode("ascii")


def _read(stored: str) -> tuple[HashCost, bytes, bytes]:
    try:
        found = extract_parameters(stored)
        salt, digest = (base64.b64decode(part + "==") for part in stored.rsplit("$", 2)[1:])
    except (InvalidHashError, VerificationError, ValueError) as error:
        raise CorruptStoreError("a stored password is not an Argon2id text") from error
    cost = HashCost(found.memory_cost, found.time_cost, found.parallelism)
    if found.type is not Type.ID or found.version != ARGON2_VERSION or len(digest) != HASH_BYTES:
        raise CorruptStoreError("a stored password is not an Argon2id text of this version")
    if not (_within(cost) and len(salt) >= SALT_BYTES):
        raise CorruptStoreError("a stored password asks for a cost that was never used here")
    return cost, salt, digest


def _within(cost: HashCost) -> bool:
    return (
        HASH_COST_MIN.memory_kib <= cost.memory_kib <= HASH_COST_MAX.memory_kib
        and HASH_COST_MIN.passes <= cost.passes <= HASH_COST_MAX.passes
        and 1 <= cost.lanes <= HASH_COST_MAX.lanes
    )
