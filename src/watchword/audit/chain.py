"""The hash chain: one row per event, each naming the digest of the row before. Pure; never opens a file.

A row is one line of text: number, time, digest of the row before, its own digest, JSON. Both digests are in it, so that
a rewritten row is told apart from the row after it: that one still says what stood there. Layout: docs/formats/audit.md.
"""

import hashlib
import hmac
import re
from typing import Final

import msgspec

from watchword.kernel.errors import CorruptStoreError

FORMAT_VERSION: Final = 1
DIGEST_BYTES: Final = 32
#: What the first row says about the row before it.
NO_DIGEST: Final = bytes(DIGEST_BYTES)
#: `event.encode_event` stays well below: 48 fields of at most 64 + 256 characters, and some texts.
LINE_BYTES_MAX: Final = 256 * 1024

_DOMAIN: Final = b"watchword-audit-1\n"
_LINE: Final = re.compile(rb"([1-9][0-9]{0,17}) ([0-9]{1,17}) ([0-9a-f]{64}) ([0-9a-f]{64}) (\{[^\n]*\})\n")


class Head(msgspec.Struct, frozen=True, gc=False):
    """Where a chain ends.

    Attributes:
        row: Number of the last row; 0 before the first.
        digest: Its digest, 32 bytes.
        now_us: Its time, epoch microseconds.
    """

    row: int = 0
    digest: bytes = NO_DIGEST
    now_us: int = 0


class Row(msgspec.Struct, frozen=True, gc=False):
    """One event in its place.

    Attributes:
        number: 1, 2, 3, …
        now_us: Epoch microseconds.
        previous: Digest of the row before.
        digest: Its own.
        body: The event, JSON.
        line: All of it, as stored, with its line end.
    """

    number: int
    now_us: int
    previous: bytes
    digest: bytes
    body: bytes
    line: bytes

    @property
    def head(self) -> Head:
        """The chain's end, were this its last row."""
        return Head(self.number, self.digest, self.now_us)


def seal(body: bytes, after: Head, now_us: int) -> Row:
    """Give an event its place.

    Args:
        body: From `encode_event`: no line end in it.
        after: The chain's end so far.
        now_us: Epoch microseconds.
    """
    number = after.row + 1
    front = b"%d %d %s " % (number, now_us, after.digest.hex().encode())
    digest = hashlib.sha256(_DOMAIN + front + body).digest()
    line = b"%s%s %s\n" % (front, digest.hex().encode(), body)
    return Row(number, now_us, after.digest, digest, body, line)


def read_line(line: bytes) -> Row | None:
    """Take a line apart, believing nothing but its form; see `holds`.

    Args:
        line: With its line end.

    Returns:
        The row, or None where the line is not exactly what `seal` writes.
    """
    match = _LINE.fullmatch(line) if len(line) <= LINE_BYTES_MAX else None
    if match is None or (match[2][:1] == b"0" and len(match[2]) > 1):
        return None
    return Row(
        int(match[1]),
        int(match[2]),
        bytes.fromhex(match[3].decode()),
        bytes.fromhex(match[4].decode()),
        match[5],
        line,
    )


def holds(row: Row) -> bool:
    """Whether a row's digest is the one of what it says."""
    front = b"%d %d %s " % (row.number, row.now_us, row.previous.hex().encode())
    return same(hashlib.sha256(_DOMAIN + front + row.body).digest(), row.digest)


def follows(row: Row, head: Head) -> bool:
    """Whether a row continues a chain."""
    return row.number == head.row + 1 and same(row.previous, head.digest)


def same(one: bytes, other: bytes) -> bool:
    """Compare two digests."""
    return hmac.compare_digest(one, other)


def checked_row(line: bytes, place: str, after: Head | None = None) -> Row:
    """Read a row that must be good, for going on from it.

    Args:
        line: As stored.
        place: Where, for the error text.
        after: The row it must follow, where that is known.

    Raises:
        CorruptStoreError: It is not whole, or does not follow.
    """
    row = read_line(line)
    if row is None or not holds(row):
        near = after.row + 1 if after is not None else (row.number if row is not None else "the last")
        raise CorruptStoreError(f"{place}: row {near} was altered; see watchword audit verify")
    if after is not None and not follows(row, after):
        raise CorruptStoreError(
            f"{place}: row {row.number} does not follow row {after.row}; see watchword audit verify"
        )
    return row
