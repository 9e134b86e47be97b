"""Wraps key material under 32 raw bytes with AES-256-GCM. For keys that come from outside Tink: derived, drawn, typed.

Layout: one version byte, 12 bytes of nonce, ciphertext and tag. Never keeps a key.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.kernel.entropy import Entropy
from watchword.kernel.secret import Secret

RAW_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"


def wrap(key: Secret, content: Secret, aad: bytes, entropy: Entropy) -> bytes:
    """Encrypt `content` so that only the same key and `aad` open it.

    Args:
        key: 32 bytes.
        content: What is wrapped.
        aad: Authenticated beside it.
        entropy: Where the nonce comes from.
    """
    nonce = entropy.token(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key.reveal()).encrypt(nonce, content.reveal(), aad)


def unwrap(key: Secret, wrapped: bytes, aad: bytes) -> Secret | None:
    """Undo `wrap`; None where key, bytes or `aad` are not those it was made with."""
    if not wrapped.startswith(_VERSION):
        return None
    nonce, body = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
    try:
        return Secret(AESGCM(key.reveal()).decrypt(nonce, body, aad))
    except (InvalidTag, ValueError):
        return None
