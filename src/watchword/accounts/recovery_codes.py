"""Recovery codes: ten on paper, kept as digests, each good once. Never stores or sends any.

A code is 80 random bits in base32, `abcd-efgh-ijkl-mnop`. Why so long: digests without stretching must not be
guessed from a stolen table, and a person types one once in years.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from watchword.accounts.model import RecoveryCode, new_id
from watchword.kernel.entropy import Entropy

RECOVERY_CODES_COUNT: Final = 10
CODE_BYTES: Final = 10
CODE_LENGTH: Final = 16
#: Typed with hyphens, spaces and the like; longer is no code.
TYPED_LENGTH_MAX: Final = 64

_CONTEXT: Final = b"watchword/recovery-code/1/"


class DrawnCodes(msgspec.Struct, frozen=True):
    """Ten new codes. `texts` exist here and on the person's paper, nowhere else; so they are not in the repr."""

    rows: tuple[RecoveryCode, ...]
    texts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"DrawnCodes({len(self.rows)} …)"


def draw_codes(entropy: Entropy, person_id: str, now_us: int) -> DrawnCodes:
    """Draw ten codes for one person."""
    texts = tuple(_drawn(entropy) for _ in range(RECOVERY_CODES_COUNT))
    rows = tuple(
        RecoveryCode(
            id=new_id(entropy, "r"), person_id=person_id, digest=_digest(person_id, text), created_us=now_us
        )
        for text in texts
    )
    return DrawnCodes(
        rows, tuple("-".join(text[at : at + 4] for at in range(0, CODE_LENGTH, 4)) for text in texts)
    )


def matching(codes: Iterable[RecoveryCode], person_id: str, typed: str) -> RecoveryCode | None:
    """Return the unspent code of this person that was typed.

    Args:
        codes: The person's.
        person_id: Whose they are; the digest binds to it.
        typed: As typed; case, hyphens and spaces do not matter.
    """
    if len(typed) > TYPED_LENGTH_MAX:
        return None
    text = typed.replace("-", "").replace(" ", "").lower()
    if len(text) != CODE_LENGTH or not text.isascii():
        return None
    digest = _digest(person_id, text)
    return next((code for code in codes if code.digest == digest and not code.used_us), None)


def _drawn(entropy: Entropy) -> str:
    return base64.b32encode(entropy.token(CODE_BYTES)).decode("ascii").lower()


def _digest(person_id: str, text: str) -> bytes:
    return hashlib.sha256(_CONTEXT + person_id.encode() + b"/" + text.encode("ascii")).digest()
