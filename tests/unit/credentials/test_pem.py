"""Dialect times outcome: what users have, and what they are told."""

import importlib.util
import re
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.support.vectors import DIALECT_PASSPHRASE, flip_bit, key_file

from watchword.credentials import key_problem
from watchword.credentials.armour import Block, armour
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import KeyFile, read_key, read_private, read_public
from watchword.kernel.secret import Secret

OPENER = Secret(DIALECT_PASSPHRASE)


def body(name: str) -> str:
    return "".join(line for line in key_file(name).decode().splitlines() if "-----" not in line)


def text(name: str) -> str:
    return key_file(name).decode()


PLAIN, RSA, PUBLIC = "ed25519.pkcs8.pem", "rsa2048.pkcs8.pem", "ed25519.spki.pem"

ACCEPTED = {
    # name: (bytes, form, key type, private?)
    "PKCS#8 Ed25519": (key_file(PLAIN), "PKCS#8", "ED25519", True),
    "PKCS#8 RSA": (key_file(RSA), "PKCS#8", "RSA", True),
    "PKCS#8 DER": (key_file("ed25519.pkcs8.der"), "PKCS#8", "ED25519", True),
    "PKCS#8 encrypted, PBKDF2": (key_file("ed25519.pbkdf2.pem"), "PKCS#8", "ED25519", True),
    "PKCS#8 encrypted, scrypt": (key_file("ed25519.scrypt.pem"), "PKCS#8", "ED25519", True),
    "PKCS#8 encrypted, old scheme": (key_file("rsa2048.pbes1.pem"), "PKCS#8", "RSA", True),
    "PKCS#1 private": (key_file("rsa2048.pkcs1.pem"), "PKCS#1", "RSA", True),
    "PKCS#1 private, old encryption": (key_file("rsa2048.legacy.pem"), "PKCS#1", "RSA", True),
    "PKCS#1 public": (key_file("rsa2048.pkcs1pub.pem"), "PKCS#1", "RSA", False),
    "SPKI Ed25519": (key_file(PUBLIC), "SPKI", "ED25519", False),
    "SPKI RSA": (key_file("rsa2048.spki.pem"), "SPKI", "RSA", False),
    "SPKI DER": (key_file("ed25519.spki.der"), "SPKI", "ED25519", False),
    "OpenSSH Ed25519": (key_file("ssh-ed25519.private"), "OpenSSH", "ED25519", True),
    "OpenSSH RSA": (key_file("ssh-rsa.private"), "OpenSSH", "RSA", True),
    "OpenSSH public line, Ed25519": (key_file("ssh-ed25519.pub"), "OpenSSH", "ED25519", False),
    "OpenSSH public line, RSA": (key_file("ssh-rsa.pub"), "OpenSSH", "RSA", False),
    "SSH2 public block": (key_file("ssh-rsa.rfc4716"), "OpenSSH", "RSA", False),
    "body without armour, private": (body(PLAIN).encode(), "PKCS#8", "ED25519", True),
    "body without armour, RSA": (body(RSA).encode(), "PKCS#8", "RSA", True),
    "body without armour, public": (body(PUBLIC).encode(), "SPKI", "ED25519", False),
    "body without armour, wrapped": ("\n".join(body(RSA)[i : i + 76] for i in range(0, 1624, 76)).encode(),
        "PKCS#8", "RSA", True),
    "body without padding": (body(RSA).rstrip("=").encode(), "PKCS#8", "RSA", True),
    "CRLF": (text(RSA).replace("\n", "\r\n").encode(), "PKCS#8", "RSA", True),
    "CR only": (text(RSA).replace("\n", "\r").encode(), "PKCS#8", "RSA", True),
    "escaped line ends": (text(RSA).replace("\n", "\\n").encode(), "PKCS#8", "RSA", True),
    "escaped CRLF": (text(RSA).replace("\n", "\\r\\n").encode(), "PKCS#8", "RSA", True),
    "twice escaped line ends": (text(RSA).replace("\n", "\\\\n").encode(), "PKCS#8", "RSA", True),
    "double quotes": (f'"{text(PLAIN).strip()}"'.encode(), "PKCS#8", "ED25519", True),
    "single quotes": (f"'{text(PLAIN).strip()}'".encode(), "PKCS#8", "ED25519", True),
    "environment file line": (b'SECRET="' + text(PLAIN).replace("\n", "\\n").encode() + b'"\n', "PKCS#8", "ED25519",
        True),
    "quoted body": (f'"{body(PLAIN)}"'.encode(), "PKCS#8", "ED25519", True),
    "blanks around": (b"\n\n  " + key_file(PLAIN) + b"  \n\n", "PKCS#8", "ED25519", True),
    "indented": (b"\n".join(b"    " + line for line in key_file(RSA).splitlines()), "PKCS#8", "RSA", True),
    "blank lines between": (text(RSA).replace("\n", "\n\n").encode(), "PKCS#8", "RSA", True),
    "one line, blanks for line ends": (text(RSA).replace("\n", " ").encode(), "PKCS#8", "RSA", True),
    "one line, nothing for line ends": (text(RSA).replace("\n", "").encode(), "PKCS#8", "RSA", True),
    "byte order mark": (b"\xef\xbb\xbf" + key_file(PLAIN), "PKCS#8", "ED25519", True),
    "UTF-16": (text(PLAIN).encode("utf-16"), "PKCS#8", "ED25519", True),
    "UTF-16, big end first": (b"\xfe\xff" + text(PLAIN).encode("utf-16-be"), "PKCS#8", "ED25519", True),
    "wrong label": (text(RSA).replace("PRIVATE KEY", "RSA PRIVATE KEY").encode(), "PKCS#8", "RSA", True),
    "key and its certificate": (key_file("rsa2048.cert.pem") + key_file(RSA), "PKCS#8", "RSA", True),
    "private and public together": (key_file(PUBLIC) + key_file(PLAIN), "PKCS#8", "ED25519", True),
    "text before the key": (b"Bag Attributes\n  friendlyName: x\n" + key_file(RSA), "PKCS#8", "RSA", True),
}  # fmt: skip

REFUSED = {
    # name: (bytes, reason, words in what was found, words in the command)
    "nothing": (b"", "empty", "empty", "watchword keygen"),
    "blanks": (b" \r\n\t", "empty", "empty", "watchword keygen"),
    "quotes only": (b'""', "empty", "empty", "watchword keygen"),
    "huge": (b"A" * 70_000, "too_large", "larger", "file FILE"),
    "prose": (b"these are not the keys you are looking for", "not_a_key", "no key", "watchword keygen"),
    "HTML": (b"<!doctype html><html></html>", "not_a_key", "no key", "head -c"),
    "binary": (bytes(range(128, 256)), "not_a_key", "binary", "file FILE"),
    "zero bytes in text": (b"abc\0def", "not_a_key", "binary", "file FILE"),
    "random base64": (b"q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA", "not_a_key", "no key", "head -c"),
    "HMAC secret": (b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j\n", "hmac_secret",
        "HMAC secret", "--secret-file FILE"),
    "DSA, old form": (key_file("dsa.pem"), "unsupported_type", "DSA", "keygen ed25519"),
    "DSA, PKCS#8": (key_file("dsa.pkcs8.pem"), "unsupported_type", "DSA", "keygen ed25519"),
    "DSA, public": (key_file("dsa.spki.pem"), "unsupported_type", "DSA", "keygen ed25519"),
    "DSA, SSH public": (key_file("ssh-dsa.pub"), "unsupported_type", "DSA", "keygen ed25519"),
    "DSA, SSH private": (key_file("ssh-dsa.private"), "unsupported_type", "DSA", "keygen ed25519"),
    "EC, SEC1": (key_file("ec.sec1.pem"), "unsupported_type", "EC key (P-256)", "keygen ed25519"),
    "EC, PKCS#8": (key_file("ec.pkcs8.pem"), "unsupported_type", "EC key (P-256)", "keygen ed25519"),
    "EC, encrypted": (key_file("ec.encrypted.pem"), "unsupported_type", "EC key (P-256)", "keygen ed25519"),
    "EC, public": (key_file("ec.spki.pem"), "unsupported_type", "EC key (P-256)", "keygen ed25519"),
    "EC, secp256k1": (key_file("ec.secp256k1.pem"), "unsupported_type", "secp256k1", "keygen ed25519"),
    "EC, SSH public": (key_file("ssh-ecdsa.pub"), "unsupported_type", "EC key", "keygen ed25519"),
    "EC, SSH private": (key_file("ssh-ecdsa.private"), "unsupported_type", "EC key", "keygen ed25519"),
    "Ed448": (key_file("ed448.pem"), "unsupported_type", "Ed448", "keygen ed25519"),
    "X25519": (key_file("x25519.pem"), "unsupported_type", "X25519", "keygen ed25519"),
    "RSA-PSS": (key_file("rsapss.pem"), "unsupported_type", "RSA-PSS", "keygen ed25519"),
    "RSA-1024": (key_file("rsa1024.spki.pem"), "rsa_size", "1024 bits", "keygen rsa-4096"),
    "RSA-8192": (key_file("rsa8192.spki.pem"), "rsa_size", "8192 bits", "keygen rsa-4096"),
    "PGP public": (key_file("pgp.public.asc"), "pgp", "PGP", "keygen ed25519"),
    "PGP private": (key_file("pgp.private.asc"), "pgp", "PGP", "keygen ed25519"),
    "certificate": (key_file("rsa2048.cert.pem"), "certificate", "certificate", "openssl x509 -in FILE -pubkey"),
    "certificate without armour": (body("rsa2048.cert.pem").encode(), "certificate", "certificate",
        "openssl x509 -in FILE"),
    "certificate request": (key_file("rsa2048.csr.pem"), "certificate", "request", "openssl req -in FILE"),
    "request without armour": (body("rsa2048.csr.pem").encode(), "certificate", "request", "openssl req"),
    "PKCS#7": (key_file("rsa2048.p7.pem"), "container", "PKCS#7", "openssl pkcs7 -in FILE"),
    "PKCS#7 without armour": (body("rsa2048.p7.pem").encode(), "container", "PKCS#7", "openssl pkcs7"),
    "PKCS#12": (key_file("rsa2048.p12"), "container", "PKCS#12", "openssl pkcs12 -in FILE"),
    "PuTTY": (b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "container", "PuTTY", "puttygen FILE"),
    "JSON Web Key": (b'{"kty":"OKP","crv":"Ed25519","x":"AAAA"}', "container", "JSON", "keygen ed25519"),
    "age secret": (b"AGE-SECRET-KEY-1QQPQYY", "unsupported_type", "age", "keygen ed25519"),
    "age recipient": (b"age1qqpqyy", "unsupported_type", "age", "keygen ed25519"),
    "SSH hardware token": (b"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAA me",
        "unsupported_type", "hardware", "keygen ed25519"),
    "SSH key of an unknown type": (
        (armour(Block("SSH2 PUBLIC KEY", "", b"\0\0\0\7ssh-foo\0\0\0\1x"))),
        "unsupported_type", "type ssh-foo", "keygen ed25519"),
    "PKCS#8 with a damaged RSA number": (flip_bit(b64decode(body(RSA)), 900 * 8), "damaged", "damaged", "openssl pkey"),
    "public key cut inside": (armour(Block("PUBLIC KEY", "", key_file("ed25519.spki.der")[:-1])), "truncated",
        "cut off", "tail -n 3 FILE"),
    "two private keys": (key_file(PLAIN) + key_file(RSA), "several_keys", "2 private keys", "grep -n BEGIN FILE"),
    "no END line": (text(RSA).rsplit("\n", 2)[0].encode(), "truncated", "cut off", "tail -n 3 FILE"),
    "half of it": (key_file(RSA)[:800], "truncated", "cut off", "tail -n 3 FILE"),
    "lines missing inside": ("\n".join(text(RSA).splitlines()[:12] + text(RSA).splitlines()[-1:]).encode(),
        "truncated", "cut off", "tail -n 3 FILE"),
    "no BEGIN line": (text(RSA).split("\n", 1)[1].encode(), "truncated", "cut off", "tail -n 3 FILE"),
    "half a body": (body(RSA)[:800].encode(), "truncated", "cut off", "tail -n 3 FILE"),
    "odd piece of a body": (body(RSA)[:801].encode(), "truncated", "cut off", "tail -n 3 FILE"),
    "END of another label": (text(RSA).replace("END PRIVATE", "END PUBLIC").encode(), "truncated", "cut off", "tail"),
    "END lost before the next BEGIN": (key_file(PLAIN).split(b"-----END")[0] + key_file("rsa2048.cert.pem"),
        "truncated", "cut off", "tail"),
    "OpenSSH cut off": (armour(Block("OPENSSH PRIVATE KEY", "", b"openssh-key-v1\0\0\0\0\4none")), "truncated", "cut off", "tail"),
    "OpenSSH cut off inside": (
        (armour(Block("OPENSSH PRIVATE KEY", "", b64decode(body("ssh-ed25519.private"))[:80]))),
        "truncated", "cut off", "tail"),
    "OpenSSH, another public half": (key_file("ssh-ed25519.private").replace(b"LQj80K2hnWR", b"LQj80K2hnWS", 1),
        "damaged", "not a valid point", "openssl"),
    "OpenSSH, changed private half": (armour(Block("OPENSSH PRIVATE KEY", "",
        flip_bit(b64decode(body("ssh-ed25519.private")), 161 * 8))), "damaged", "damaged", "openssl"),
    "a foreign character": (text(RSA).replace("M", "*", 1).encode(), "damaged", "damaged", "openssl pkey -in FILE"),
    "armour around nonsense": (b"-----BEGIN PRIVATE KEY-----\nAAAAAAAA\n-----END PRIVATE KEY-----", "damaged",
        "damaged", "openssl pkey"),
    "armour around nothing": (b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "damaged", "damaged",
        "openssl pkey"),
    "SSH2 block with nonsense": (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "damaged",
        "damaged", "openssl pkey"),
    "SSH line with nonsense": (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me", "damaged", "damaged", "openssl pkey"),
    "too costly to open": (key_file("ed25519.costly.pem"), "encryption_too_costly", "minutes", "-iter 600000"),
    "Ed25519 point of small order": (b"MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "damaged",
        "point", "-pubout"),
}  # fmt: skip


@pytest.mark.parametrize("dialect", ACCEPTED)
def test_key_file_in_a_dialect_is_read(dialect: str) -> None:
    raw, form, key_type, private = ACCEPTED[dialect]
    found = read_key(raw, OPENER)
    assert isinstance(found, KeyFile), found
    assert (found.form, found.public is not None, found.private is not None) == (form, True, private)
    assert found.public is not None
    assert found.public.key_type == key_type


@pytest.mark.parametrize("dialect", REFUSED)
def test_key_file_that_cannot_be_used_is_named_with_the_command(dialect: str) -> None:
    raw, reason, found_words, fix_words = REFUSED[dialect]
    found = read_key(raw, OPENER)
    assert isinstance(found, KeyProblem), found
    assert found.reason == reason
    assert found_words in found.found
    assert fix_words in found.fix


@pytest.mark.parametrize(
    "dialect", [d for d in ACCEPTED if ACCEPTED[d][2] == "RSA" and ACCEPTED[d][0] is not None]
)
def test_rsa_dialects_of_one_key_have_one_fingerprint(dialect: str) -> None:
    found = read_key(ACCEPTED[dialect][0], OPENER)
    assert isinstance(found, KeyFile)
    assert found.public is not None
    expected = "ssh-rsa.pub" if "SSH" in dialect else "rsa2048.spki.pem"
    reference = read_public(key_file(expected))
    assert not isinstance(reference, KeyProblem)
    assert found.public.fingerprint == reference.fingerprint
    assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", reference.fingerprint)


ENCRYPTED = ["ed25519.pbkdf2.pem", "ed25519.scrypt.pem", "rsa2048.pbes1.pem", "rsa2048.legacy.pem"]


@pytest.mark.parametrize("name", ENCRYPTED)
def test_encrypted_key_without_passphrase_stays_closed(name: str) -> None:
    found = read_key(key_file(name))
    assert isinstance(found, KeyFile)
    assert (found.private, found.public) == (None, None)
    assert found.encryption is not None
    assert read_private(key_file(name)) == key_problem.PASSPHRASE_MISSING
    assert read_private(key_file(name), Secret(b"")) == key_problem.PASSPHRASE_MISSING


@pytest.mark.parametrize("name", ENCRYPTED)
def test_encrypted_key_with_wrong_passphrase_is_refused(name: str) -> None:
    assert read_key(key_file(name), Secret(b"open-sesame-43")) == key_problem.PASSPHRASE_WRONG


def test_old_pem_encryption_in_an_unknown_cipher_is_named() -> None:
    raw = key_file("rsa2048.legacy.pem").replace(b"AES-128-CBC", b"ROT-13-CBC")
    found = read_key(raw, OPENER)
    assert isinstance(found, KeyProblem)
    assert found.reason in {"encryption_unsupported", "passphrase_wrong"}


def test_encrypted_openssh_key_unopened_still_says_what_it_is() -> None:
    found = read_key(key_file("ssh-ed25519-encrypted.private"))
    assert isinstance(found, KeyFile)
    assert found.private is None
    assert found.public is not None
    assert found.public.key_type == "ED25519"
    assert read_private(key_file("ssh-ed25519-encrypted.private")) == key_problem.PASSPHRASE_MISSING


def test_encrypted_openssh_key_opens_where_bcrypt_is_installed_and_else_says_so() -> None:
    found = read_key(key_file("ssh-ed25519-encrypted.private"), OPENER)
    if importlib.util.find_spec("bcrypt"):
        assert isinstance(found, KeyFile)
        assert found.private is not None
    else:
        assert found == key_problem.OPENSSH_ENCRYPTED


def test_passphrase_for_a_plain_key_is_ignored() -> None:
    assert not isinstance(read_private(key_file(PLAIN), OPENER), KeyProblem)


def test_public_key_where_a_private_one_is_wanted_is_refused() -> None:
    assert read_private(key_file(PUBLIC)) == key_problem.PUBLIC_GIVEN
    assert read_private(b"") == key_problem.EMPTY


@pytest.mark.parametrize(
    "name", [PLAIN, "ed25519.pbkdf2.pem", "ssh-ed25519-encrypted.private", "rsa2048.pkcs1.pem"]
)
def test_private_key_where_a_public_one_is_wanted_is_refused(name: str) -> None:
    assert read_public(key_file(name)) == key_problem.PRIVATE_GIVEN


def test_public_key_that_is_none_keeps_its_own_problem() -> None:
    assert read_public(key_file("rsa2048.cert.pem")) == key_problem.CERTIFICATE


def test_short_rsa_key_is_called_short_and_long_called_long() -> None:
    assert "too short" in str(read_key(key_file("rsa1024.spki.pem")))
    assert "too long" in str(read_key(key_file("rsa8192.spki.pem")))


def test_problem_with_path_quotes_it() -> None:
    placed = key_problem.CERTIFICATE.with_path("my key's.pem")
    assert placed.fix == """openssl x509 -in 'my key'"'"'s.pem' -pubkey -noout > public.pem"""
    assert str(placed).startswith("This is a certificate")


def test_short_rsa_private_key_is_refused_as_its_public_half_is() -> None:
    short = generate_private_key(65_537, 1_024)
    raw = short.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = read_key(raw)
    assert isinstance(found, KeyProblem)
    assert found.reason == "rsa_size"
