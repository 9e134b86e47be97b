"""What a secret is made of: turns opened bytes into signers and verifiers, and judges bytes that want to come in.

Never stores anything.
"""

from typing import Final

import msgspec

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import PrivateKey, PublicKey, hmac_signer
from watchword.credentials.pem import read_private
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import KeyType
from watchword.kernel.entropy import Entropy
from watchword.kernel.secret import Secret
from watchword.vault.outcome import Refused
from watchword.vault.record import SECRET_BYTES_MAX, RealCredential

#: Binance's own are 64 letters and digits; a few more forms are let in for other issuers of the same API.
HMAC_LENGTH_MIN: Final = 16
HMAC_LENGTH_MAX: Final = 256


class Material(msgspec.Struct, frozen=True):
    """A secret in the form the vault keeps.

    Attributes:
        key_type: What it signs with.
        secret: An HMAC secret's text, or a private key as plain PKCS#8 PEM.
        public: The public half; None for HMAC.
    """

    key_type: KeyType
    secret: Secret
    public: PublicKey | None


def read_material(
    raw: Secret, passphrase: Secret | None, entropy: Entropy, name: str = "FILE"
) -> Material | KeyProblem | Refused:
    """Tell what somebody brings: an HMAC secret, or a private key in any dialect.

    Args:
        raw: As typed or as a file holds it.
        passphrase: Opens an encrypted private key.
        entropy: Not drawn from for plain keys; the key core's writer asks for it.
        name: What to call it in a command that fixes it.

    Returns:
        The material; a KeyProblem where it is a key file that cannot be used (`passphrase_missing` among them).
    """
    found = read_private(raw.reveal(), passphrase)
    if not isinstance(found, KeyProblem):
        return Material(found.public.key_type, Secret(found.export(None, entropy)), found.public)
    if found.reason in {"hmac_secret", "not_a_key"}:
        secret = Secret(raw.reveal().strip())
        wrong = hmac_problem(secret)
        return Refused(wrong) if wrong else Material("HMAC", secret, None)
    return found.with_path(name)


def signer_of(key_type: KeyType, secret: Secret) -> Signer | None:
    """Return what signs with an opened secret.

    Args:
        key_type: Of the record.
        secret: An HMAC secret's text, or a private key as plain PKCS#8 PEM.

    Returns:
        The signer, or None where the bytes are no such key.
    """
    if key_type == "HMAC":
        return hmac_signer(secret)
    key = private_key(secret)
    return key.signer() if key is not None and key.public.key_type == key_type else None


def private_key(secret: Secret) -> PrivateKey | None:
    """Read the private key behind an asymmetric credential; None where the bytes are none."""
    found = read_private(secret.reveal())
    return None if isinstance(found, KeyProblem) else found


def material_problem(record: RealCredential, secret: Secret) -> str | None:
    """Say why a secret does not fit its record, or None.

    Args:
        record: Whose secret it is to be.
        secret: As `signer_of`.
    """
    raw = secret.reveal()
    if not 0 < len(raw) <= SECRET_BYTES_MAX:
        return f"a secret has 1 to {SECRET_BYTES_MAX} bytes"
    if record.key_type == "HMAC":
        return hmac_problem(secret)
    key = private_key(secret)
    if key is None or key.public.key_type != record.key_type:
        return f"the secret is not a private key of type {record.key_type}"
    if key.public.fingerprint != record.fingerprint:
        return "the private key is not the one whose public half is recorded"
    return None


def hmac_problem(secret: Secret) -> str | None:
    """Say why bytes are no HMAC secret, or None. Never quotes them."""
    raw = secret.reveal()
    if not raw.isascii() or not raw.decode("ascii").isprintable() or b" " in raw:
        return "an HMAC secret is one line of letters and digits; look for blanks, quotes and line ends"
    if raw[:1] in b"\"'" or raw[-1:] in b"\"'":
        return "the secret has quotes around it, which are not part of it"
    if not HMAC_LENGTH_MIN <= len(raw) <= HMAC_LENGTH_MAX:
        return f"the secret has {len(raw)} characters; Binance's have 64"
    return None
