"""Key files to keys: every dialect people have, and a reason with a command for what cannot be used.

Never opens a file and never keeps a passphrase.
"""

import base64
import re
import struct
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHPrivateKeyTypes,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)
from nacl.bindings import crypto_core_ed25519_is_valid_point

from watchword.credentials import key_problem as problem
from watchword.credentials.armour import (
    KEY_FILE_BYTES_MAX,
    Block,
    armour,
    read_bare,
    read_blocks,
    read_text,
)
from watchword.credentials.der_shape import ED25519, RSA, Shape, recognise
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import RSA_BITS_MAX, RSA_BITS_MIN, PrivateKey, PublicKey
from watchword.credentials.pkcs8 import Encryption, read_encryption
from watchword.kernel.secret import Secret

_OPENSSH_MAGIC: Final = b"openssh-key-v1\0"
_SSH_LINE: Final = re.compile(
    r"(?:^|\s)(ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-\S+|sk-\S+)\s+(AAAA[A-Za-z0-9+/=]+)"
)
_SSH_NAMES: Final = {"ssh-ed25519": ED25519, "ssh-rsa": RSA, "ssh-dss": "a DSA key"}
_LOOKS_LIKE_DER_BASE64: Final = re.compile(r"M[A-Za-z0-9+/]{30,}={0,2}")
_LOOKS_LIKE_SECRET: Final = re.compile(r"[A-Za-z0-9]{64}")


class KeyFile(msgspec.Struct, frozen=True):
    """What a key file holds.

    Attributes:
        form: `PKCS#8`, `PKCS#1`, `SPKI` or `OpenSSH`.
        public: The public key; None where the file is encrypted and was not opened.
        private: The private key; None for public files and unopened ones.
        encryption: How the file is encrypted; None where it is plain or public.
    """

    form: str
    public: PublicKey | None = None
    private: PrivateKey | None = None
    encryption: Encryption | None = None


def read_key(raw: bytes, passphrase: Secret | None = None) -> KeyFile | KeyProblem:
    """Read a private or public key file in any dialect.

    Args:
        raw: The file's bytes: PEM, DER or OpenSSH, whatever happened to its line ends, quotes or armour.
        passphrase: Opens an encrypted private key; ignored for a plain one. An empty one counts as none.

    Returns:
        What the file holds (unopened where it is encrypted and no passphrase was given), or why it cannot be used.
    """
    if len(raw) > KEY_FILE_BYTES_MAX:
        return problem.TOO_LARGE
    if not raw.strip():
        return problem.EMPTY
    opener = _opener(passphrase)
    text = read_text(raw)
    if text is None:
        return _read_body(Block("", "", raw), opener, if_unknown=problem.BINARY)
    if not text:
        return problem.EMPTY
    blocks = read_blocks(text)
    if blocks:
        return _read_chosen(blocks, opener)
    return _read_unarmoured(text, opener)


def read_private(raw: bytes, passphrase: Secret | None = None) -> PrivateKey | KeyProblem:
    """Read a key file that must hold a private key. See `read_key`."""
    found = read_key(raw, passphrase)
    if isinstance(found, KeyProblem):
        return found
    if found.private is not None:
        return found.private
    return problem.PUBLIC_GIVEN if found.encryption is None else problem.PASSPHRASE_MISSING


def read_public(raw: bytes) -> PublicKey | KeyProblem:
    """Read a key file that must hold a public key; a private key is refused, since nobody should be handed one."""
    found = read_key(raw)
    if isinstance(found, KeyProblem):
        return found
    if found.private is not None or found.public is None or found.encryption is not None:
        return problem.PRIVATE_GIVEN
    return found.public


def _opener(passphrase: Secret | None) -> bytes | None:
    return (passphrase.reveal() or None) if passphrase is not None else None


def _read_chosen(blocks: list[Block], opener: bytes | None) -> KeyFile | KeyProblem:
    """Choose among several blocks: the one private key, else the first key, else the first block of any kind."""
    private = [block for block in blocks if "PRIVATE KEY" in block.label and "PGP" not in block.label]
    if len(private) > 1:
        return problem.several_keys(len(private))
    keys = [b for b in blocks if b.label not in problem.BY_LABEL and b.label != "EC PARAMETERS"]
    chosen = (private or keys or blocks)[0]
    known = problem.BY_LABEL.get(chosen.label)
    if known is not None:
        return known
    if not chosen.complete:
        return problem.TRUNCATED
    return _read_body(chosen, opener, if_unknown=problem.DAMAGED)


def _read_unarmoured(text: str, opener: bytes | None) -> KeyFile | KeyProblem:
    """Text without a BEGIN line: an SSH line, a bare body, or something else entirely."""
    ssh = _SSH_LINE.search(text)
    if ssh is not None:
        return _read_ssh_line(ssh[1], ssh[2])
    if _LOOKS_LIKE_SECRET.fullmatch(text) and not text.startswith(("MII", "MC")):
        return problem.HMAC_SECRET
    body = read_bare(text)
    if body is not None:
        return _read_body(Block("", "", body), opener, if_unknown=problem.NOT_A_KEY)
    return _name_other_text(text)


def _name_other_text(text: str) -> KeyProblem:
    """Say what a text is that is no key."""
    if "-END " in text or _LOOKS_LIKE_DER_BASE64.match(text):
        return problem.TRUNCATED
    if text.startswith("PuTTY-User-Key-File"):
        return problem.PUTTY
    if "AGE-SECRET-KEY-" in text or text.startswith("age1"):
        return problem.AGE
    if text.startswith(("{", "[")):
        return problem.JSON_WEB_KEY
    return problem.NOT_A_KEY


def _read_body(block: Block, opener: bytes | None, *, if_unknown: KeyProblem) -> KeyFile | KeyProblem:
    """Judge decoded bytes by their structure; the label may lie and often does."""
    body = block.body
    if body is None:
        return problem.DAMAGED
    if "ENCRYPTED" in block.headers:
        return _read_legacy_encrypted(block, opener)
    if body.startswith(_OPENSSH_MAGIC):
        return _read_openssh(body, opener)
    if block.label == "SSH2 PUBLIC KEY":
        return _read_ssh_blob(body)
    shape = recognise(body)
    known = _by_shape(shape)
    if known is not None:
        return known
    match shape.kind:
        case "pkcs8" | "rsa_private":
            form = "PKCS#8" if shape.kind == "pkcs8" else "PKCS#1"
            return _load_private(form, lambda: load_der_private_key(body, None))
        case "spki" | "rsa_public":
            return _load_public(
                "SPKI" if shape.kind == "spki" else "PKCS#1", lambda: load_der_public_key(body)
            )
        case "pkcs8_encrypted":
            return _read_encrypted(body, opener)
        case _:
            return problem.TRUNCATED if shape.kind == "truncated" else if_unknown


def _by_shape(shape: Shape) -> KeyProblem | None:
    """Problems that the structure alone decides."""
    match shape.kind:
        case "certificate":
            return problem.CERTIFICATE
        case "certificate_request":
            return problem.CERTIFICATE_REQUEST
        case "pkcs12":
            return problem.PKCS12
        case "pkcs7":
            return problem.PKCS7
        case _ if shape.algorithm not in {RSA, ED25519, ""}:
            return problem.unsupported_type(shape.algorithm)
        case _:
            return None


def _read_encrypted(body: bytes, opener: bytes | None) -> KeyFile | KeyProblem:
    """Open an encrypted PKCS#8 key, unless its own settings would keep us busy for minutes."""
    encryption = read_encryption(body)
    if opener is None:
        return KeyFile("PKCS#8", encryption=encryption)
    if encryption.too_costly:
        return problem.TOO_COSTLY
    return _load_private(
        "PKCS#8", lambda: load_der_private_key(body, opener), encryption, if_refused=problem.PASSPHRASE_WRONG
    )


def _read_legacy_encrypted(block: Block, opener: bytes | None) -> KeyFile | KeyProblem:
    """Open a key in OpenSSL's old PEM encryption: one round of MD5, so the passphrase hardly protects it."""
    encryption = Encryption("old PEM encryption, MD5", rounds=1, weak=True)
    if opener is None:
        return KeyFile("PKCS#1", encryption=encryption)
    return _load_private(
        "PKCS#1",
        lambda: load_pem_private_key(armour(block), opener),
        encryption,
        if_refused=problem.PASSPHRASE_WRONG,
    )


def _read_openssh(body: bytes, opener: bytes | None) -> KeyFile | KeyProblem:
    """Read OpenSSH's own format. Its public half is in clear, so an unopened file still says what it is."""
    try:
        cipher, at = _ssh_string(body, len(_OPENSSH_MAGIC))
        _kdf, at = _ssh_string(body, at)
        _options, at = _ssh_string(body, at)
        blob, at = _ssh_string(body, at + 4)
        _secret, _ = _ssh_string(body, at)
    except struct.error:
        return problem.TRUNCATED
    public = _read_ssh_blob(blob)
    if isinstance(public, KeyProblem):
        return public
    encrypted = cipher != b"none"
    encryption = Encryption("OpenSSH bcrypt") if encrypted else None
    if encrypted and opener is None:
        return KeyFile("OpenSSH", public=public.public, encryption=encryption)
    whole = armour(Block("OPENSSH PRIVATE KEY", "", body))
    found = _load_private(
        "OpenSSH",
        lambda: load_ssh_private_key(whole, opener if encrypted else None),
        encryption,
        if_refused=problem.PASSPHRASE_WRONG if encrypted else problem.DAMAGED,
        if_unsupported=problem.OPENSSH_ENCRYPTED,
    )
    # The file states its public half twice over; a private half that does not make it has changed on the way.
    if isinstance(found, KeyFile) and found.public is not None and public.public is not None:
        return found if found.public.der == public.public.der else problem.DAMAGED
    return found


def _read_ssh_line(name: str, encoded: str) -> KeyFile | KeyProblem:
    """Read an SSH public key by its type name and base64."""
    if name.startswith("sk-"):
        return problem.SECURITY_KEY
    algorithm = _SSH_NAMES.get(name, f"an EC key ({name})" if name.startswith("ecdsa-") else "")
    if algorithm not in {RSA, ED25519}:
        return problem.unsupported_type(algorithm or f"an SSH key of type {name}")
    return _load_public("OpenSSH", lambda: load_ssh_public_key(f"{name} {encoded}".encode("ascii")))


def _read_ssh_blob(blob: bytes) -> KeyFile | KeyProblem:
    """Read an SSH public key in its wire form, which starts with its type name."""
    try:
        name, _ = _ssh_string(blob, 0)
    except struct.error:
        return problem.DAMAGED
    return _read_ssh_line(name.decode("ascii", "replace"), base64.b64encode(blob).decode("ascii"))


def _ssh_string(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a length-prefixed string; raises struct.error where it is cut off. Source: RFC 4251, section 5."""
    (length,) = struct.unpack_from(">I", data, at)
    end = at + 4 + length
    if end > len(data):
        raise struct.error
    return data[at + 4 : end], end


def _load_private(
    form: str,
    load: Callable[[], PrivateKeyTypes | SSHPrivateKeyTypes],
    encryption: Encryption | None = None,
    *,
    if_refused: KeyProblem = problem.DAMAGED,
    if_unsupported: KeyProblem = problem.ENCRYPTION_UNSUPPORTED,
) -> KeyFile | KeyProblem:
    """Load a private key and judge its type and size."""
    try:
        key = load()
    except UnsupportedAlgorithm:
        return if_unsupported
    except (ValueError, TypeError):
        return if_refused
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return problem.unsupported_type(recognise(plain).algorithm)
    refused = _bad_size(key)
    if refused is not None:
        return refused
    private = PrivateKey(key)
    return KeyFile(form, private.public, private, encryption)


def _load_public(form: str, load: Callable[[], object]) -> KeyFile | KeyProblem:
    """Load a public key and judge its type, size and, for Ed25519, its point."""
    try:
        key = load()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return problem.DAMAGED
    if isinstance(key, Ed25519PublicKey):
        valid = crypto_core_ed25519_is_valid_point(key.public_bytes_raw())
        return KeyFile(form, public=PublicKey(key)) if valid else problem.INVALID_POINT
    if not isinstance(key, RSAPublicKey):
        return problem.DAMAGED
    return _bad_size(key) or KeyFile(form, public=PublicKey(key))


def _bad_size(key: object) -> KeyProblem | None:
    if isinstance(key, RSAPrivateKey | RSAPublicKey) and not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        return problem.rsa_size(key.key_size)
    return None
