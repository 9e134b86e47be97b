import hashlib
import pickle
import re

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.support.vectors import key_file

from watchword.credentials import pkcs8
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import KEY_KINDS, PrivateKey, generate, public_key_from_der
from watchword.credentials.model import is_api_key, new_api_key, new_hmac_secret
from watchword.credentials.pem import KeyFile, read_key, read_private, read_public
from watchword.credentials.pkcs8 import Encryption, read_encryption
from watchword.kernel.secret import Secret

PASSPHRASE = Secret(b"a long enough passphrase")


class SeededEntropy:
    """Deterministic and different at every draw."""

    def __init__(self, seed: int = 0) -> None:
        self.drawn = seed

    def token(self, size_bytes: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_128(self.drawn.to_bytes(8, "big")).digest(size_bytes)


@pytest.fixture(scope="module", params=["ed25519", "rsa-2048"])
def key(request: pytest.FixtureRequest) -> PrivateKey:
    return generate(request.param, SeededEntropy())


def test_kinds_are_those_binance_takes() -> None:
    assert KEY_KINDS == ("ed25519", "rsa-2048", "rsa-3072", "rsa-4096")


@pytest.mark.parametrize("kind", ["rsa-3072"])
def test_generated_rsa_key_has_its_size(kind: str) -> None:
    public = generate(kind, SeededEntropy()).public  # type: ignore[arg-type]
    assert (public.key_type, public.bits) == ("RSA", int(kind[4:]))


def test_generated_ed25519_key_comes_from_the_entropy_given() -> None:
    assert (
        generate("ed25519", SeededEntropy(1)).public.der == generate("ed25519", SeededEntropy(1)).public.der
    )
    assert (
        generate("ed25519", SeededEntropy(1)).public.der != generate("ed25519", SeededEntropy(2)).public.der
    )


def test_exported_plain_key_reads_back_as_pkcs8(key: PrivateKey) -> None:
    exported = key.export(None, SeededEntropy())
    assert exported.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert exported.endswith(b"\n-----END PRIVATE KEY-----\n")
    found = read_key(exported)
    assert isinstance(found, KeyFile)
    assert (found.form, found.encryption) == ("PKCS#8", None)
    assert found.public is not None
    assert found.public.der == key.public.der


def test_exported_encrypted_key_opens_with_its_passphrase_only(key: PrivateKey) -> None:
    exported = key.export(PASSPHRASE, SeededEntropy())
    assert exported.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    opened = read_private(exported, PASSPHRASE)
    assert not isinstance(opened, KeyProblem)
    assert opened.public.der == key.public.der
    for wrong in (b"a long enough passphrasf", b"A long enough passphrase", b"a long enough passphrase "):
        refused = read_private(exported, Secret(wrong))
        assert isinstance(refused, KeyProblem)
        assert refused.reason == "passphrase_wrong"


def test_exported_encrypted_key_is_slow_to_guess_and_says_so(key: PrivateKey) -> None:
    found = read_key(key.export(PASSPHRASE, SeededEntropy()))
    assert isinstance(found, KeyFile)
    assert found.encryption == Encryption("PBKDF2", 600_000)
    assert str(found.encryption) == "PBKDF2, 600,000 rounds"


def test_exported_encrypted_key_is_read_by_another_library(key: PrivateKey) -> None:
    assert load_pem_private_key(key.export(PASSPHRASE, SeededEntropy()), b"a long enough passphrase")


def test_exported_encrypted_key_uses_fresh_salt_and_vector(key: PrivateKey) -> None:
    entropy = SeededEntropy()
    assert key.export(PASSPHRASE, entropy) != key.export(PASSPHRASE, entropy)


def test_exported_encrypted_key_with_one_bit_changed_is_refused_or_another_key() -> None:
    """CBC carries no checksum: a changed bit may open to a different Ed25519 seed, never to the same key."""
    key = generate("rsa-2048", SeededEntropy())
    exported = bytearray(key.export(PASSPHRASE, SeededEntropy()))
    at = exported.index(b"\n", 900) - 20
    exported[at] = ord("A") if exported[at] != ord("A") else ord("B")
    changed = read_private(bytes(exported), PASSPHRASE)
    assert isinstance(changed, KeyProblem) or changed.public.der != key.public.der


def test_private_key_does_not_print_or_pickle_itself(key: PrivateKey) -> None:
    assert re.fullmatch(r"PrivateKey\((RSA|ED25519), SHA256:[A-Za-z0-9+/]{43}\)", repr(key))
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_public_pem_reads_back(key: PrivateKey) -> None:
    found = read_public(key.public.pem().encode())
    assert not isinstance(found, KeyProblem)
    assert (found.der, found.fingerprint) == (key.public.der, key.public.fingerprint)
    assert public_key_from_der(found.der).fingerprint == key.public.fingerprint


@pytest.mark.parametrize("spki", [b"", b"nonsense"])
def test_public_key_from_bytes_that_are_none_is_an_error(spki: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        public_key_from_der(spki)


def test_public_key_from_another_type_is_an_error() -> None:
    lines = key_file("ec.spki.pem").decode().splitlines()[1:-1]
    import base64

    with pytest.raises(ValueError, match="neither"):
        public_key_from_der(base64.b64decode("".join(lines)))


@pytest.mark.parametrize(
    ("name", "text", "weak", "costly"),
    [
        ("ed25519.pbkdf2.pem", "PBKDF2, 2,048 rounds", True, False),
        ("ed25519.scrypt.pem", "scrypt, N=16,384", False, False),
        ("ed25519.costly.pem", "PBKDF2, 30,000,000 rounds", False, True),
        ("rsa2048.pbes1.pem", "old PKCS#5 or PKCS#12 scheme 1.2.840.113549.1.12.1.3", True, False),
        ("rsa2048.legacy.pem", "old PEM encryption, MD5, 1 rounds", True, False),
        ("ssh-ed25519-encrypted.private", "OpenSSH bcrypt", False, False),
    ],
)
def test_encryption_of_a_file_is_named(name: str, text: str, weak: bool, costly: bool) -> None:
    found = read_key(key_file(name))
    assert isinstance(found, KeyFile)
    assert found.encryption is not None
    assert (str(found.encryption), found.encryption.weak, found.encryption.too_costly) == (text, weak, costly)


def test_encryption_that_nobody_knows_is_named_by_its_number_or_unreadable() -> None:
    encrypted = pkcs8.encrypt(b"x", b"y", SeededEntropy())
    other_kdf = encrypted.replace(
        bytes.fromhex("06092a864886f70d01050c"), bytes.fromhex("06092a864886f70d01050b")
    )
    assert str(read_encryption(other_kdf)) == "key derivation 1.2.840.113549.1.5.11"
    for raw in (b"", b"\x30\x00", b"\x30\x02\x30\x00", encrypted[:20], b"\x30\x80"):
        assert str(read_encryption(raw)) == "unreadable scheme"


def test_api_key_and_secret_are_64_letters_and_digits() -> None:
    entropy = SeededEntropy()
    for text in (new_api_key(entropy), new_hmac_secret(entropy)):
        assert re.fullmatch(r"[A-Za-z0-9]{64}", text)
        assert is_api_key(text)
    assert new_api_key(entropy) != new_api_key(entropy)


@pytest.mark.parametrize("text", ["", "k" * 63, "k" * 65, "k" * 63 + "-", "k" * 63 + "\n", "\uff4b" * 64])
def test_text_that_is_no_api_key_is_told(text: str) -> None:
    assert not is_api_key(text)
