"""The port through which randomness enters. Never makes any itself."""

from typing import Protocol

ALPHANUMERICS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


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
    out: list[str] = []
    while len(out) < length:
        out.extend(ALPHANUMERICS[byte % 62] for byte in entropy.token(length) if byte < 248)
    return "".join(out[:length])
