"""Checks signatures: one verifier per key type. Never makes a signature and never raises for a bad one."""

import binascii
import hashlib
import hmac
from typing import Final, Literal, Protocol, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from watchword.kernel.secret import Secret

ED25519_RAW_BYTES: Final = 64
HEX_LENGTH: Final = 64
_SHA256_BLOCK_BYTES: Final = 64
#: The key's bytes with each of RFC 2104's two masks.
_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))


KeyType = Literal["HMAC", "RSA", "ED25519"]


class Verifier(Protocol):
    """Checks signatures of one key."""

    @property
    def key_type(self) -> KeyType:
        """The kind of key behind it."""
        ...

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether `signature`, as text and percent-decoded, was made over exactly `payload`."""
        ...


@final
class HmacVerifier:
    """HMAC-SHA-256; the signature is 64 hex digits in either case.

    The two keyed hash states are computed once and copied for each check, which spares two of four compressions. Why
    not `hmac.new(…).copy()`: its wrappers in Python take longer than the hash.

    Source: rest-api.md, "SIGNED Endpoint Examples", HMAC keys; RFC 2104.
    """

    __slots__ = ("_inner", "_outer")
    key_type: Final = "HMAC"

    def __init__(self, secret: Secret) -> None:
        key = secret.reveal()
        if len(key) > _SHA256_BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        block = key.ljust(_SHA256_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER_PAD))
        self._outer = hashlib.sha256(block.translate(_OUTER_PAD))

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier.verify`."""
        if len(signature) != HEX_LENGTH or not signature.isascii():
            return False
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return hmac.compare_digest(outer.hexdigest(), signature.lower())


@final
class Ed25519Verifier:
    """Pure Ed25519 over the payload; the signature is strict base64.

    Why PyNaCl: it verifies in half the time `cryptography` takes, and libsodium refuses small-order keys and
    non-canonical scalars, so that no two signatures over one payload differ by arithmetic alone.
    """

    __slots__ = ("_public_bytes",)
    key_type: Final = "ED25519"

    def __init__(self, public_bytes: bytes) -> None:
        self._public_bytes = public_bytes

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier.verify`."""
        raw = decode_base64(signature)
        if raw is None or len(raw) != ED25519_RAW_BYTES:
            return False
        try:
            crypto_sign_open(raw + payload, self._public_bytes)
        except BadSignatureError:
            return False
        return True


@final
class RsaVerifier:
    """RSASSA-PKCS1-v1_5 with SHA-256; the signature is strict base64 of exactly the key's size."""

    __slots__ = ("_key", "_raw_bytes")
    key_type: Final = "RSA"

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key
        self._raw_bytes = (key.key_size + 7) // 8

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier.verify`."""
        raw = decode_base64(signature)
        if raw is None or len(raw) != self._raw_bytes:
            return False
        try:
            self._key.verify(raw, payload, _RSA_PADDING, _RSA_HASH)
        except InvalidSignature:
            return False
        return True


_RSA_PADDING: Final = PKCS1v15()
_RSA_HASH: Final = SHA256()


def decode_base64(text: str) -> bytes | None:
    """Decode standard base64 strictly.

    Args:
        text: Letters, digits, `+`, `/` and its padding; nothing else.

    Returns:
        The bytes, or None for blanks, foreign characters, missing padding, or unused bits that are not zero (two
        texts must never stand for one signature).
    """
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    canonical = binascii.b2a_base64(raw, newline=False)
    return raw if hmac.compare_digest(canonical, text.encode("ascii")) else None
