"""What an importer finds, and the same file without the secret. Never opens a file."""

from collections.abc import Sequence

import msgspec

from watchword.kernel.secret import Secret

FILE_BYTES_MAX = 1 << 20


class Span(msgspec.Struct, frozen=True):
    """Bytes of a file, from `start` up to but without `end`."""

    start: int
    end: int


class Found(msgspec.Struct, frozen=True):
    """One credential in a file.

    Attributes:
        where: For a person: a variable's name, a place in JSON.
        api_key: Empty where the file has none.
        secret: As it stands in the file, decoded: an HMAC secret or a private key in any dialect.
        spans: Every place in the file where the secret stands.
    """

    where: str
    api_key: str
    secret: Secret
    spans: tuple[Span, ...]


def blanked(raw: bytes, spans: Sequence[Span]) -> bytes:
    """Return a file's bytes without the spans."""
    pieces, at = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        pieces.append(raw[at : span.start])
        at = max(at, span.end)
    return b"".join([*pieces, raw[at:]])
