"""Why a key file cannot be used: what was found, and the command that fixes it. Reads nothing itself.

`FILE` in a command stands for the file's path; who knows the path puts it in with `with_path`.
"""

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

Reason = Literal[
    "empty",
    "too_large",
    "not_a_key",
    "truncated",
    "damaged",
    "passphrase_missing",
    "passphrase_wrong",
    "encryption_unsupported",
    "encryption_too_costly",
    "unsupported_type",
    "rsa_size",
    "certificate",
    "pgp",
    "container",
    "hmac_secret",
    "several_keys",
    "private_given",
    "public_given",
]

ACCEPTED: Final = "Binance takes Ed25519 keys and RSA keys of 2048 to 4096 bits"
MAKE_A_KEY: Final = "watchword keygen ed25519"
PUBLIC_OF_PRIVATE: Final = "openssl pkey -in FILE -pubout -out public.pem"


class KeyProblem(msgspec.Struct, frozen=True):
    """An expected refusal of a key file.

    Attributes:
        reason: For programs.
        found: For people, a sentence without a full stop: what the file is.
        fix: The command that gets them on, with FILE for the path.
    """

    reason: Reason
    found: str
    fix: str

    def with_path(self, path: str) -> "KeyProblem":
        """Return the problem with the real path in its command."""
        return KeyProblem(self.reason, self.found, self.fix.replace("FILE", shlex.quote(path)))

    def __str__(self) -> str:
        return f"{self.found}. To fix it: {self.fix}"


EMPTY: Final = KeyProblem("empty", "The file is empty", MAKE_A_KEY)
TOO_LARGE: Final = KeyProblem("too_large", "The file is far larger than any key", "file FILE")
NOT_A_KEY: Final = KeyProblem(
    "not_a_key",
    "This is no key in any form we know",
    "head -c 200 FILE   # look at it, or make a key: " + MAKE_A_KEY,
)
BINARY: Final = KeyProblem(
    "not_a_key", "This is binary and not a key", "file FILE   # look at it, or make a key: " + MAKE_A_KEY
)
TRUNCATED: Final = KeyProblem(
    "truncated",
    "The key is cut off: its end is missing",
    "tail -n 3 FILE   # then copy the whole file again, from the BEGIN line to the END line",
)
DAMAGED: Final = KeyProblem(
    "damaged",
    "The key's text is damaged: characters are missing or changed",
    "openssl pkey -in FILE -noout -text   # then copy the whole file again from where it was made",
)
PASSPHRASE_MISSING: Final = KeyProblem(
    "passphrase_missing",
    "The private key is encrypted and no passphrase was given",
    "watchword key inspect FILE --passphrase-file PASSPHRASE_FILE",
)
PASSPHRASE_WRONG: Final = KeyProblem(
    "passphrase_wrong",
    "The passphrase does not open this private key",
    "openssl pkey -in FILE -noout   # try it again",
)
OPENSSH_ENCRYPTED: Final = KeyProblem(
    "encryption_unsupported",
    "This is an OpenSSH private key with a passphrase, whose encryption (bcrypt) cannot be read here",
    "pip install bcrypt   # and try again, or make a new key: " + MAKE_A_KEY,
)
ENCRYPTION_UNSUPPORTED: Final = KeyProblem(
    "encryption_unsupported",
    "The private key is encrypted in a way that cannot be read here",
    "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out key.pem",
)
TOO_COSTLY: Final = KeyProblem(
    "encryption_too_costly",
    "Opening this private key would take minutes or gigabytes, by its own settings",
    "openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in FILE -out key.pem",
)
CERTIFICATE: Final = KeyProblem(
    "certificate",
    "This is a certificate, which holds a public key and names around it",
    "openssl x509 -in FILE -pubkey -noout > public.pem",
)
CERTIFICATE_REQUEST: Final = KeyProblem(
    "certificate",
    "This is a certificate request, which holds a public key and names around it",
    "openssl req -in FILE -pubkey -noout > public.pem",
)
HMAC_SECRET: Final = KeyProblem(
    "hmac_secret",
    "This is an HMAC secret (letters and digits), not a key pair",
    "watchword sign --secret-file FILE --payload TEXT",
)
PGP: Final = KeyProblem("pgp", "This is a PGP key, which Binance cannot use; " + ACCEPTED, MAKE_A_KEY)
PKCS12: Final = KeyProblem(
    "container",
    "This is a PKCS#12 container (.p12, .pfx)",
    "openssl pkcs12 -in FILE -nocerts -nodes | openssl pkcs8 -topk8 -v2 aes-256-cbc -out key.pem",
)
PKCS7: Final = KeyProblem(
    "container", "This is a PKCS#7 bundle of certificates", "openssl pkcs7 -in FILE -print_certs"
)
PUTTY: Final = KeyProblem(
    "container", "This is a PuTTY key (.ppk)", "puttygen FILE -O private-openssh -o key.pem"
)
JSON_WEB_KEY: Final = KeyProblem("container", "This is JSON, perhaps a JSON Web Key; " + ACCEPTED, MAKE_A_KEY)
AGE: Final = KeyProblem("unsupported_type", "This is an age key, which encrypts and cannot sign", MAKE_A_KEY)
SECURITY_KEY: Final = KeyProblem(
    "unsupported_type",
    "This SSH key lives in a hardware token, which signs in a form of its own; " + ACCEPTED,
    MAKE_A_KEY,
)
PRIVATE_GIVEN: Final = KeyProblem(
    "private_given",
    "This is a private key where the public half is wanted; keep the private one to yourself",
    PUBLIC_OF_PRIVATE,
)
PUBLIC_GIVEN: Final = KeyProblem(
    "public_given",
    "This is a public key, which can verify and cannot sign",
    "watchword sign --key PRIVATE_KEY.pem --payload TEXT   # the private half is in the other file",
)
INVALID_POINT: Final = KeyProblem(
    "damaged", "This Ed25519 public key is not a valid point of the curve", PUBLIC_OF_PRIVATE
)

#: Labels of armour that decide the matter without looking inside.
BY_LABEL: Final[Mapping[str, KeyProblem]] = MappingProxyType(
    {
        "CERTIFICATE": CERTIFICATE,
        "X509 CERTIFICATE": CERTIFICATE,
        "TRUSTED CERTIFICATE": CERTIFICATE,
        "CERTIFICATE REQUEST": CERTIFICATE_REQUEST,
        "NEW CERTIFICATE REQUEST": CERTIFICATE_REQUEST,
        "PKCS7": PKCS7,
        "PGP PUBLIC KEY BLOCK": PGP,
        "PGP PRIVATE KEY BLOCK": PGP,
        "PGP MESSAGE": PGP,
        "PGP SIGNATURE": PGP,
    }
)


def unsupported_type(name: str) -> KeyProblem:
    """A well-formed key of a type Binance does not take, for example `an EC key (P-256)`."""
    return KeyProblem("unsupported_type", f"This is {name}; {ACCEPTED}", MAKE_A_KEY)


def rsa_size(bits: int) -> KeyProblem:
    """An RSA key outside the sizes Binance takes."""
    side = "short" if bits < 2_048 else "long"
    return KeyProblem(
        "rsa_size",
        f"This RSA key has {bits} bits, which is too {side}; {ACCEPTED}",
        "watchword keygen rsa-4096",
    )


def several_keys(count: int) -> KeyProblem:
    """More than one private key in one file."""
    return KeyProblem(
        "several_keys",
        f"The file holds {count} private keys, and nothing says which one is meant",
        "grep -n BEGIN FILE   # then keep one block per file",
    )
