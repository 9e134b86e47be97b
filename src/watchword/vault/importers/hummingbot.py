"""Opens hummingbot's encrypted key files with their password. Never keeps the password and never writes.

Source: hummingbot's connector files (`conf/connectors/NAME.yml`: each value is the hex of a key file's JSON) and its
older `encrypted_NAME.json`; the key file is version 3 of Ethereum's Web3 Secret Storage without an address: PBKDF2 or
scrypt, AES-128-CTR, Keccak-256 over the second half of the derived key and the ciphertext.
"""

import hashlib
import hmac
import re
from typing import Any, Final

import msgspec
from Crypto.Hash import keccak
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from watchword.kernel.secret import Secret
from watchword.vault.importers.found import Found, Span
from watchword.vault.outcome import Refused

PBKDF2_ROUNDS_MAX: Final = 20_000_000
SCRYPT_COST_MAX: Final = 1 << 26
SCRYPT_MEMORY_BYTES_MAX: Final = 1 << 30
_DERIVED_BYTES: Final = 32
_CIPHER_KEY_BYTES: Final = 16
_IV_HEX_LENGTH: Final = 32
_FIELD: Final = re.compile(
    rb"^(?P<name>\w+)_api_(?P<which>key|secret):[ \t]*['\"]?(?P<value>[0-9a-fA-F]+)['\"]?[ \t]*\r?$",
    re.MULTILINE,
)


class _Parameters(msgspec.Struct, frozen=True):
    """Of the key derivation; which fields there are depends on it."""

    salt: str
    dklen: int = _DERIVED_BYTES
    c: int = 0
    prf: str = "hmac-sha256"
    n: int = 0
    r: int = 0
    p: int = 0


class _CipherParameters(msgspec.Struct, frozen=True):
    iv: str


class _Crypto(msgspec.Struct, frozen=True):
    cipher: str
    cipherparams: _CipherParameters
    ciphertext: str
    kdf: str
    kdfparams: _Parameters
    mac: str


class _KeyFile(msgspec.Struct, frozen=True):
    version: int
    crypto: _Crypto


def read_connector(raw: bytes, password: Secret) -> list[Found] | Refused:
    """Open a connector file.

    Args:
        raw: The YAML file.
        password: Hummingbot's.
    """
    fields = {(m["name"], m["which"]): m for m in _FIELD.finditer(raw)}
    found = []
    for (name, which), match in fields.items():
        key = fields.get((name, b"key"))
        if which != b"secret" or key is None or not name.startswith(b"binance"):
            continue
        secret, api_key = (open_key_file(bytes.fromhex(m["value"].decode()), password) for m in (match, key))
        if isinstance(secret, Refused):
            return secret
        if isinstance(api_key, Refused):
            return api_key
        span = Span(match.start("value"), match.end("value"))
        found.append(Found(f"{name.decode()}_api_secret", _text(api_key), secret, (span,)))
    return found or Refused("there is no encrypted Binance credential in this connector file")


def read_old_file(raw: bytes, beside: bytes | None, password: Secret) -> list[Found] | Refused:
    """Open an `encrypted_…_api_secret.json`.

    Args:
        raw: The file of the secret.
        beside: The file of the API key, if there is one.
        password: Hummingbot's.
    """
    secret = open_key_file(raw, password)
    if isinstance(secret, Refused):
        return secret
    api_key = open_key_file(beside, password) if beside is not None else None
    if isinstance(api_key, Refused):
        return api_key
    return [Found("key file", _text(api_key) if api_key else "", secret, (Span(0, len(raw)),))]


def open_key_file(raw: bytes, password: Secret) -> Secret | Refused:
    """Open one key file.

    Args:
        raw: JSON.
        password: Its UTF-8 bytes.
    """
    try:
        file = msgspec.json.decode(raw, type=_KeyFile)
        crypto = file.crypto
        salt, ciphertext = bytes.fromhex(crypto.kdfparams.salt), bytes.fromhex(crypto.ciphertext)
        # hummingbot writes the counter as a number, without leading zeros.
        counter, mac = bytes.fromhex(crypto.cipherparams.iv.zfill(_IV_HEX_LENGTH)), bytes.fromhex(crypto.mac)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return Refused("this is not a hummingbot key file, or it is cut off")
    if crypto.cipher != "aes-128-ctr" or len(counter) != AES.block_size // 8:
        return Refused(f"this key file is encrypted with {crypto.cipher[:40]!r}, which is not read here")
    derived = _derived(crypto.kdf, crypto.kdfparams, salt, password)
    if isinstance(derived, Refused):
        return derived
    key = derived.reveal()
    digest: Any = keccak.new(digest_bits=256, data=key[_CIPHER_KEY_BYTES:_DERIVED_BYTES] + ciphertext)
    if not hmac.compare_digest(digest.digest(), mac):
        return Refused("wrong hummingbot password, or the key file is damaged")
    decryptor = Cipher(AES(key[:_CIPHER_KEY_BYTES]), CTR(counter)).decryptor()
    return Secret(decryptor.update(ciphertext) + decryptor.finalize())


def _derived(kdf: str, parameters: _Parameters, salt: bytes, password: Secret) -> Secret | Refused:
    if parameters.dklen != _DERIVED_BYTES:
        return Refused("this key file derives a key of another length than hummingbot does")
    if kdf == "pbkdf2" and parameters.prf == "hmac-sha256":
        if not 0 < parameters.c <= PBKDF2_ROUNDS_MAX:
            return Refused("opening this key file would take minutes, by its own settings")
        return Secret(hashlib.pbkdf2_hmac("sha256", password.reveal(), salt, parameters.c, _DERIVED_BYTES))
    if kdf == "scrypt":
        n, r, p = parameters.n, parameters.r, parameters.p
        if (
            min(n, r, p) < 1
            or n & (n - 1)
            or n * r * p > SCRYPT_COST_MAX
            or 128 * n * r >= SCRYPT_MEMORY_BYTES_MAX
        ):
            return Refused("opening this key file would take minutes or gigabytes, by its own settings")
        raw = hashlib.scrypt(
            password.reveal(), salt=salt, n=n, r=r, p=p, maxmem=SCRYPT_MEMORY_BYTES_MAX, dklen=_DERIVED_BYTES
        )
        return Secret(raw)
    return Refused(f"this key file derives its key with {kdf[:40]!r}, which is not read here")


def _text(secret: Secret) -> str:
    """An API key is no secret; it only travels encrypted in these files."""
    return secret.reveal().decode("utf-8", "replace").strip()
