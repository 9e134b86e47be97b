"""Key pairs in memory: generating, deriving the public half, writing them out. Never touches a file.

A private key lives inside `cryptography`'s object; the only ways out are a signature and `export`.
"""

import base64
import hashlib
from typing import Final, Literal, final, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from watchword.credentials import pkcs8
from watchword.credentials.signer import Ed25519Signer, HmacSigner, RsaSigner, Signer
from watchword.credentials.verifier import Ed25519Verifier, HmacVerifier, KeyType, RsaVerifier, Verifier
from watchword.kernel.entropy import Entropy
from watchword.kernel.secret import Secret

#: What `generate` makes. HMAC secrets are drawn by `model.new_hmac_secret`: they are one text, not a pair.
KeyKind = Literal["ed25519", "rsa-2048", "rsa-3072", "rsa-4096"]
KEY_KINDS: Final[tuple[KeyKind, ...]] = get_args(KeyKind)

#: Source: the API key types page takes RSA keys of 2048 to 4096 bits.
RSA_BITS_MIN: Final = 2_048
RSA_BITS_MAX: Final = 4_096
RSA_PUBLIC_EXPONENT: Final = 65_537
ED25519_BITS: Final = 256
ED25519_SEED_BYTES: Final = 32
PEM_LINE_LENGTH: Final = 64


@final
class PublicKey:
    """The half that may be shown.

    Attributes:
        key_type: RSA or ED25519.
        bits: Size of the modulus, or 256.
        der: SubjectPublicKeyInfo.
    """

    __slots__ = ("_key", "bits", "der", "key_type")

    def __init__(self, key: Ed25519PublicKey | RSAPublicKey) -> None:
        self._key = key
        self.key_type: KeyType = "RSA" if isinstance(key, RSAPublicKey) else "ED25519"
        self.bits = key.key_size if isinstance(key, RSAPublicKey) else ED25519_BITS
        self.der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and the unpadded base64 of the hash of `der`: the same for every file the key is kept in."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.der).digest()).decode("ascii").rstrip("=")

    def pem(self) -> str:
        """Return the text to paste into an API-management page (`BEGIN PUBLIC KEY`)."""
        return _armoured("PUBLIC KEY", self.der).decode("ascii")

    def verifier(self) -> Verifier:
        """Return what checks this key's signatures."""
        if isinstance(self._key, RSAPublicKey):
            return RsaVerifier(self._key)
        return Ed25519Verifier(self._key.public_bytes_raw())


@final
class PrivateKey:
    """The half that signs. It does not print, compare or pickle itself.

    Attributes:
        public: The other half.
    """

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey | RSAPrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.key_type}, {self.public.fingerprint})"

    def signer(self) -> Signer:
        """Return what signs with this key."""
        if isinstance(self._key, RSAPrivateKey):
            return RsaSigner(self._key)
        return Ed25519Signer(Secret(self._key.private_bytes_raw()))

    def export(self, passphrase: Secret | None, entropy: Entropy) -> bytes:
        """Write the private key as PKCS#8 PEM.

        Args:
            passphrase: Encrypts it (PBES2, PBKDF2-HMAC-SHA256 with 600,000 rounds, AES-256-CBC); None leaves it in
                plain, for bots that cannot ask.
            entropy: Where salt and initialisation vector come from.

        Returns:
            The file's bytes. In plain they are the secret itself: they go to a file of mode 0600 and nowhere else.
        """
        plain = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        if passphrase is None:
            return _armoured("PRIVATE KEY", plain)
        return _armoured("ENCRYPTED PRIVATE KEY", pkcs8.encrypt(plain, passphrase.reveal(), entropy))


def generate(kind: KeyKind, entropy: Entropy) -> PrivateKey:
    """Make a key pair.

    Args:
        kind: Type and size.
        entropy: Source of an Ed25519 seed. RSA primes come from OpenSSL's own generator, which takes no other source.

    Returns:
        The private key, its public half inside.
    """
    if kind == "ed25519":
        return PrivateKey(Ed25519PrivateKey.from_private_bytes(entropy.token(ED25519_SEED_BYTES)))
    return PrivateKey(generate_private_key(RSA_PUBLIC_EXPONENT, int(kind.removeprefix("rsa-"))))


def public_key_from_der(spki: bytes) -> PublicKey:
    """Rebuild a public key from the `der` of an earlier one, as stores keep it.

    Raises:
        ValueError: The bytes are not the SubjectPublicKeyInfo of an RSA or Ed25519 key.
    """
    key = load_der_public_key(spki)
    if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
        raise ValueError("neither RSA nor Ed25519")  # noqa: TRY004 - one exception for every way of being wrong
    return PublicKey(key)


def hmac_verifier(secret: Secret) -> Verifier:
    """Return what checks signatures made with an HMAC secret."""
    return HmacVerifier(secret)


def hmac_signer(secret: Secret) -> Signer:
    """Return what signs with an HMAC secret."""
    return HmacSigner(secret)


def _armoured(label: str, der: bytes) -> bytes:
    body = base64.b64encode(der)
    lines = [body[at : at + PEM_LINE_LENGTH] for at in range(0, len(body), PEM_LINE_LENGTH)]
    name = label.encode("ascii")
    return b"\n".join([b"-----BEGIN " + name + b"-----", *lines, b"-----END " + name + b"-----", b""])
