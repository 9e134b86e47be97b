"""Makes signatures: one signer per key type. Never checks one and never sees where the payload goes."""

import base64
import binascii
import hashlib
import hmac
from typing import Final, Protocol, final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair

from watchword.credentials.verifier import KeyType
from watchword.kernel.secret import Secret


class Signer(Protocol):
    """Signs with one key."""

    @property
    def key_type(self) -> KeyType:
        """The kind of key behind it."""
        ...

    def sign(self, payload: bytes) -> str:
        """Return the signature over exactly `payload`: hex for HMAC, base64 otherwise, not percent-encoded."""
        ...


@final
class HmacSigner:
    """HMAC-SHA-256 in lower-case hex."""

    __slots__ = ("_keyed",)
    key_type: Final = "HMAC"

    def __init__(self, secret: Secret) -> None:
        self._keyed = hmac.new(secret.reveal(), digestmod=hashlib.sha256)

    def sign(self, payload: bytes) -> str:
        """See `Signer.sign`."""
        mac = self._keyed.copy()
        mac.update(payload)
        return mac.hexdigest()


@final
class Ed25519Signer:
    """Pure Ed25519, deterministic."""

    __slots__ = ("_expanded",)
    key_type: Final = "ED25519"

    def __init__(self, seed: Secret) -> None:
        self._expanded = Secret(crypto_sign_seed_keypair(seed.reveal())[1])

    def sign(self, payload: bytes) -> str:
        """See `Signer.sign`."""
        signed = crypto_sign(payload, self._expanded.reveal())
        return binascii.b2a_base64(signed[:crypto_sign_BYTES], newline=False).decode("ascii")


@final
class RsaSigner:
    """RSASSA-PKCS1-v1_5 with SHA-256, deterministic. Source: rest-api.md, RSA keys (PSS is not supported)."""

    __slots__ = ("_key",)
    key_type: Final = "RSA"

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """See `Signer.sign`."""
        return base64.b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode("ascii")
