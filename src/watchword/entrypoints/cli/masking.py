"""Takes secrets out of a stream of bytes as it passes, also where one is cut in two. Never blocks and never logs."""

import re
from collections.abc import Iterable
from typing import Final, final

#: Shorter texts would take ordinary words away.
SECRET_LENGTH_MIN: Final = 16
SHOWN_LENGTH: Final = 4
STARS: Final = b"********"


@final
class Mask:
    """One stream's mask; each stream has one of its own."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Prepare.

        Args:
            secrets: Texts to take out. Of those that name themselves (`WWk1…`, `WWs1…`) the name stays. Of a text of
                several lines each line is taken out, since bots print keys line by line.
        """
        lines = {line.strip() for secret in secrets for line in secret.splitlines()}
        found = sorted(
            (
                line.encode()
                for line in lines
                if len(line) >= SECRET_LENGTH_MIN and not line.startswith("-----")
            ),
            key=len,
            reverse=True,
        )
        self._secrets = found
        self._pattern = re.compile(b"|".join(re.escape(one) for one in found)) if found else None
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what may be shown of what came so far; a beginning of a secret waits for what follows."""
        if self._pattern is None:
            return chunk
        whole = self._pattern.sub(_masked, self._held + chunk)
        held = self._beginning(whole)
        self._held = whole[len(whole) - held :]
        return whole[: len(whole) - held]

    def rest(self) -> bytes:
        """Return what still waits, at the end of the stream."""
        held, self._held = self._held, b""
        return held

    def _beginning(self, text: bytes) -> int:
        """How many bytes at the end may be the beginning of a secret."""
        longest = min(len(text), len(self._secrets[0]) - 1)
        for length in range(longest, 0, -1):
            tail = text[-length:]
            if any(secret.startswith(tail) for secret in self._secrets):
                return length
        return 0


def _masked(found: re.Match[bytes]) -> bytes:
    text = found[0]
    return (text[:SHOWN_LENGTH] if text.startswith((b"WWk1", b"WWs1")) else b"") + STARS
