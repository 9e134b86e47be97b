"""Makes private keys as a user's own tool would, independently of Watchword. Never used outside tests."""

from typing import Final, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

RSA_BITS: Final = 2048


def new_key_pair(key_type: Literal["RSA", "ED25519"]) -> tuple[str, str]:
    """A fresh key pair.

    Returns:
        The private half as PKCS#8 PEM and the public half as SPKI PEM.
    """
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if key_type == "RSA":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode(), public.decode()
