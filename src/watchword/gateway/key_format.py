"""The form of virtual API keys and their HMAC secrets: 64 letters and digits, as Binance's, that say what they are.

A marker and a checksum let a scanner of source code or logs name them without asking anybody, and without ever naming
something else. Never looks a key up and never keeps one.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from watchword.kernel.entropy import ALPHANUMERICS, Entropy, alphanumeric

#: The digit is the version of the form.
KEY_MARKER: Final = "WWk1"
SECRET_MARKER: Final = "WWs1"  # noqa: S105 - how secrets begin, not one of them
LENGTH: Final = 64
#: Base62 of 32 bits.
CHECKSUM_LENGTH: Final = 6
RANDOM_LENGTH: Final = LENGTH - len(KEY_MARKER) - CHECKSUM_LENGTH

#: For scanners that take a pattern only. Whatever it finds is one of ours but for one in four thousand million.
PATTERN: Final = rf"(?<![A-Za-z0-9])WW[ks]1[A-Za-z0-9]{{{LENGTH - 4}}}(?![A-Za-z0-9])"

_PATTERN: Final = re.compile(PATTERN, re.ASCII)

What = Literal["virtual key", "virtual key secret"]


class Found(msgspec.Struct, frozen=True):
    """A key or secret of ours in a text.

    Attributes:
        what: Which of both.
        start, end: Where; `end` is exclusive.
    """

    what: What
    start: int
    end: int


def new_virtual_api_key(entropy: Entropy) -> str:
    """Draw an API key: marker, 54 random characters (321 bits), checksum."""
    return _with_checksum(KEY_MARKER + alphanumeric(entropy, RANDOM_LENGTH))


def new_virtual_secret(entropy: Entropy) -> str:
    """Draw an HMAC secret of the same form. The caller boxes it or shows it once; nothing here keeps it."""
    return _with_checksum(SECRET_MARKER + alphanumeric(entropy, RANDOM_LENGTH))


def is_virtual_key(text: str) -> bool:
    """Whether a text is a virtual API key, as far as its form tells."""
    return text.startswith(KEY_MARKER) and _is_ours(text)


def is_virtual_secret(text: str) -> bool:
    """Whether a text is the HMAC secret of a virtual key, as far as its form tells."""
    return text.startswith(SECRET_MARKER) and _is_ours(text)


def scan(text: str) -> Iterator[Found]:
    """Find virtual keys and their secrets in a text of any kind."""
    for match in _PATTERN.finditer(text):
        if _is_ours(match[0]):
            what: What = "virtual key" if match[0].startswith(KEY_MARKER) else "virtual key secret"
            yield Found(what, match.start(), match.end())


def _is_ours(text: str) -> bool:
    if _PATTERN.fullmatch(text) is None:
        return False
    # By its parts, so that nothing here compares two secrets.
    return text.endswith(_checksum(text[:-CHECKSUM_LENGTH]))


def _with_checksum(text: str) -> str:
    return text + _checksum(text)


def _checksum(text: str) -> str:
    """CRC-32 in base62, six digits, the lowest last."""
    number, digits = zlib.crc32(text.encode("ascii")), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHANUMERICS))
        digits = ALPHANUMERICS[digit] + digits
    return digits
