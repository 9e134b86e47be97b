"""Recovery shares as people keep them: k of n texts give a 128-bit secret, k-1 give nothing. Never knows what it opens.

The splitting is PyCryptodome's Shamir over GF(2^128), as the public tool `ssss` does it; what is added here is a text form with a checksum, the number of
the set and the threshold, so that a typing error or a share of another set is named instead of giving a wrong key.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Sequence
from typing import Final

import msgspec
from Crypto.Protocol.SecretSharing import Shamir

from watchword.kernel.secret import Secret
from watchword.vault.outcome import Refused

SHARED_BYTES: Final = 16
SHARES_COUNT_MAX: Final = 32
THRESHOLD_MIN: Final = 2
SET_ID_BYTES: Final = 4
SHARE_LENGTH_MAX: Final = 200
_MARK: Final = "wwshare"
_VERSION: Final = 1
_CHECKSUM_BYTES: Final = 4
_LAYOUT: Final = struct.Struct(f">B{SET_ID_BYTES}sBBB{SHARED_BYTES}s")
_SEPARATORS: Final = re.compile(r"[\s-]+")
_GROUP_LENGTH: Final = 6


class Share(msgspec.Struct, frozen=True):
    """One share.

    Attributes:
        set_id: Of the shares made together.
        threshold: How many open.
        count: How many were made.
        index: Which one this is, from 1.
        value: Its point on the polynomial.
    """

    set_id: bytes
    threshold: int
    count: int
    index: int
    value: Secret


def split(secret: Secret, threshold: int, count: int, set_id: bytes) -> list[Share] | Refused:
    """Split a secret.

    Args:
        secret: 16 random bytes.
        threshold: How many shares give it back.
        count: How many to make.
        set_id: Four bytes that name the set.
    """
    if not THRESHOLD_MIN <= threshold <= count <= SHARES_COUNT_MAX:
        return Refused(
            f"choose a threshold from {THRESHOLD_MIN} up to the number of shares, and at most {SHARES_COUNT_MAX} shares"
        )
    points = Shamir.split(threshold, count, secret.reveal(), ssss=True)
    return [Share(set_id, threshold, count, index, Secret(value)) for index, value in points]


def write(share: Share) -> str:
    """Write a share as text: `wwshare`, then base32 in groups."""
    raw = _LAYOUT.pack(
        _VERSION, share.set_id, share.threshold, share.count, share.index, share.value.reveal()
    )
    body = base64.b32encode(raw + _checksum(raw)).decode("ascii").rstrip("=").lower()
    return "-".join([_MARK, *(body[at : at + _GROUP_LENGTH] for at in range(0, len(body), _GROUP_LENGTH))])


def read(text: str) -> Share | Refused:
    """Read a share as it was typed: blanks, dashes and case do not matter."""
    body = _SEPARATORS.sub("", text).lower().removeprefix(_MARK)
    if len(text) > SHARE_LENGTH_MAX:
        return Refused("this is too long for a recovery share")
    try:
        raw = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        return Refused("this is not a recovery share: it has other characters, or some are missing")
    if len(raw) != _LAYOUT.size + _CHECKSUM_BYTES:
        return Refused("this is not a recovery share: characters are missing or too many")
    content, checksum = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if checksum != _checksum(content):
        return Refused("there is a typing error in this recovery share: its checksum does not fit")
    version, set_id, threshold, count, index, value = _LAYOUT.unpack(content)
    if version != _VERSION:
        return Refused(f"this recovery share has version {version}, which this program does not know")
    return Share(set_id, threshold, count, index, Secret(value))


def combine(shares: Sequence[Share]) -> Secret | Refused:
    """Put shares together.

    Returns:
        The secret, if they are the real ones: nothing here can tell, but what the secret opens can.
    """
    if not shares:
        return Refused("no recovery share was given")
    if len({share.set_id for share in shares}) > 1:
        return Refused("these recovery shares belong to different sets")
    distinct = {share.index: share for share in shares}
    threshold = shares[0].threshold
    if len(distinct) < threshold:
        return Refused(f"{len(distinct)} different recovery shares were given; {threshold} are needed")
    points = [(share.index, share.value.reveal()) for share in list(distinct.values())[:threshold]]
    try:
        return Secret(Shamir.combine(points, ssss=True))
    except ValueError:
        return Refused("these recovery shares do not fit together")


def _checksum(raw: bytes) -> bytes:
    """Four bytes that catch typing errors. They protect against accidents only; what is opened is authenticated."""
    return hashlib.sha256(b"watchword/share/" + raw).digest()[:_CHECKSUM_BYTES]
