"""Opaque tokens: drawn once, shown once, kept as SHA-256. Never stores or judges any.

A token is a marker and 256 random bits in base64url; its digest is what it is looked up by, so that a stolen table
opens nothing and a lookup tells nothing by its time.
Why SHA-256 without salt or stretching: there is nothing to guess in 256 random bits.
"""

import base64
import hashlib
from typing import Final

import msgspec

from watchword.kernel.entropy import Entropy

SESSION_MARKER: Final = "wws_"
API_TOKEN_MARKER: Final = "wwt_"  # noqa: S105  # the marker, not a token
ENROLMENT_MARKER: Final = "wwe_"

TOKEN_BYTES: Final = 32
#: Marker and 43 characters.
TOKEN_LENGTH: Final = 47


class Drawn(msgspec.Struct, frozen=True):
    """A new token. `text` exists here and with whom it is shown to, nowhere else; so it is not in the repr."""

    text: str
    digest: bytes

    def __repr__(self) -> str:
        return "Drawn(…)"


def draw(entropy: Entropy, marker: str) -> Drawn:
    """Draw a token.

    Args:
        entropy: Where its 32 bytes come from.
        marker: One of the markers above; says to people and secret scanners what was found.
    """
    text = marker + base64.urlsafe_b64encode(entropy.token(TOKEN_BYTES)).rstrip(b"=").decode("ascii")
    return Drawn(text, _digest(text))


def digest_of(text: str, marker: str) -> bytes | None:
    """Return what a token is stored under; None where the text is no token with this marker."""
    if len(text) != TOKEN_LENGTH or not text.isascii() or not text.startswith(marker):
        return None
    return _digest(text)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()
