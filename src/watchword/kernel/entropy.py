"""The port through which randomness enters. Never makes any itself."""

from typing import Final, Protocol

ALPHANUMERICS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

#: Every byte below 248 stands for a character, four bytes each; the rest would make some likelier and are dropped.
_TABLE: Final = bytes(ord(ALPHANUMERICS[byte % 62]) for byte in range(256))
_DROPPED: Final = bytes(range(248, 256))


class Entropy(Protocol):
    """Cryptographically secure random bytes.

    When unavailable: cannot be; the operating system's source blocks or the process stops.
    """

    def token(self, size_bytes: int) -> bytes:
        """Return `size_bytes` random bytes."""
        ...


def alphanumeric(entropy: Entropy, length: int) -> str:
    """Draw a uniformly random text of letters and digits.

    Args:
        entropy: Where the bytes come from.
        length: Number of characters.

    Returns:
        `length` characters out of 62, each 5.95 bits. Bytes of 248 and above are thrown away, so that no
        character is likelier than another.
    """
    text = entropy.token(length + 4).translate(_TABLE, _DROPPED)
    while len(text) < length:
        text += entropy.token(length).translate(_TABLE, _DROPPED)
    return text[:length].decode("ascii")
