"""Encrypted PKCS#8: writes it with a slow key derivation, reads which one a file was written with.

Never decrypts: reading goes through `cryptography`, which knows more schemes than we would ever write.

Why by hand: `cryptography` derives the key with 2,048 rounds, which one graphics card tries millions of times faster
than what is written here, and offers no setting for it.

Source: RFC 8018 (PBES2, PBKDF2), RFC 5958 (EncryptedPrivateKeyInfo), RFC 7914 (scrypt).
"""

import hashlib
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from watchword.credentials import der
from watchword.kernel.entropy import Entropy

#: Source: OWASP's password storage cheat sheet for PBKDF2-HMAC-SHA256. PBKDF2 rather than scrypt because every reader
#: of PKCS#8 knows it, Java's and Node's included.
KDF_ROUNDS: Final = 600_000
#: A file that asks for more would only keep the reader busy for minutes.
KDF_ROUNDS_MAX: Final = 20_000_000
#: scrypt's N times r times p, above which reading is refused for the same reason.
SCRYPT_COST_MAX: Final = 1 << 26
SALT_BYTES: Final = 16
AES_KEY_BYTES: Final = 32
AES_BLOCK_BYTES: Final = 16

_PBES2: Final = "1.2.840.113549.1.5.13"
_PBKDF2: Final = "1.2.840.113549.1.5.12"
_SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"
_AES_256_CBC: Final = "2.16.840.1.101.3.4.1.42"
_HMAC_SHA256: Final = "1.2.840.113549.2.9"


class Encryption(msgspec.Struct, frozen=True):
    """How a private key file is encrypted.

    Attributes:
        scheme: `PBKDF2`, `scrypt`, or a name for anything else.
        rounds: PBKDF2 iterations, or scrypt's N; 0 where unknown.
        weak: Guessing the passphrase is much cheaper than it should be.
        too_costly: Reading it would take minutes or gigabytes.
    """

    scheme: str
    rounds: int = 0
    weak: bool = False
    too_costly: bool = False

    def __str__(self) -> str:
        if not self.rounds:
            return self.scheme
        return f"{self.scheme}, {'N=' if self.scheme == 'scrypt' else ''}{self.rounds:,}" + (
            "" if self.scheme == "scrypt" else " rounds"
        )


def encrypt(private_key_der: bytes, passphrase: bytes, entropy: Entropy) -> bytes:
    """Encrypt a PKCS#8 private key: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC.

    Args:
        private_key_der: PrivateKeyInfo, DER.
        passphrase: What the reader will be asked for; not empty.
        entropy: Where salt and initialisation vector come from.

    Returns:
        EncryptedPrivateKeyInfo, DER.
    """
    salt, vector = entropy.token(SALT_BYTES), entropy.token(AES_BLOCK_BYTES)
    key = hashlib.pbkdf2_hmac("sha256", passphrase, salt, KDF_ROUNDS, AES_KEY_BYTES)
    padder = PKCS7(AES_BLOCK_BYTES * 8).padder()
    padded = padder.update(private_key_der) + padder.finalize()
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    return der.encode(der.SEQUENCE, _scheme(salt, vector), der.encode(der.OCTET_STRING, ciphertext))


def read_encryption(encrypted_der: bytes) -> Encryption:
    """Read how an EncryptedPrivateKeyInfo is encrypted, without a passphrase.

    Args:
        encrypted_der: EncryptedPrivateKeyInfo, DER.

    Returns:
        The scheme; an unknown one is named by its object identifier.
    """
    try:
        algorithm = der.read_children(der.read_element(encrypted_der).content)[0]
        name, parameters = der.read_children(algorithm.content)[:2]
        if der.decode_oid(name.content) != _PBES2:
            return Encryption(f"old PKCS#5 or PKCS#12 scheme {der.decode_oid(name.content)}", weak=True)
        derivation = der.read_children(parameters.content)[0]
        kdf, kdf_parameters = der.read_children(derivation.content)[:2]
        return _read_derivation(der.decode_oid(kdf.content), der.read_children(kdf_parameters.content))
    except (ValueError, IndexError):
        return Encryption("unreadable scheme")


def _scheme(salt: bytes, vector: bytes) -> bytes:
    """The AlgorithmIdentifier that tells a reader how to derive and decrypt."""
    hash_function = der.encode(der.SEQUENCE, der.encode_oid(_HMAC_SHA256), der.encode(der.NULL))
    derivation = der.encode(
        der.SEQUENCE,
        der.encode_oid(_PBKDF2),
        der.encode(
            der.SEQUENCE,
            der.encode(der.OCTET_STRING, salt),
            der.encode_integer(KDF_ROUNDS),
            hash_function,
        ),
    )
    cipher = der.encode(der.SEQUENCE, der.encode_oid(_AES_256_CBC), der.encode(der.OCTET_STRING, vector))
    return der.encode(der.SEQUENCE, der.encode_oid(_PBES2), der.encode(der.SEQUENCE, derivation, cipher))


def _read_derivation(kdf: str, parameters: list[der.Element]) -> Encryption:
    numbers = [int.from_bytes(p.content, "big") for p in parameters if p.tag == der.INTEGER]
    if kdf == _PBKDF2:
        rounds = numbers[0]
        return Encryption("PBKDF2", rounds, rounds < KDF_ROUNDS, rounds > KDF_ROUNDS_MAX)
    if kdf == _SCRYPT:
        cost, block, parallel = numbers[:3]
        return Encryption("scrypt", cost, cost < 1 << 14, cost * block * parallel > SCRYPT_COST_MAX)
    return Encryption(f"key derivation {kdf}")
