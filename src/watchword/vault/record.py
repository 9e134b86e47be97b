"""What is known about the secrets in the vault: records without a secret in them. Never encrypts and never opens.

A record is stored in clear and bound into its secret's encryption, so that changing one byte of it (the upstream,
say) makes the secret unopenable.
"""

from typing import Final, Literal

import msgspec

from watchword.binance.upstreams import Upstream
from watchword.credentials.model import is_api_key
from watchword.credentials.permission import Permission
from watchword.credentials.verifier import KeyType
from watchword.kernel.entropy import Entropy, alphanumeric

SecretKind = Literal["credential", "virtual_key"]

ID_PREFIX: Final = "cred-"
ID_RANDOM_LENGTH: Final = 12
LABEL_LENGTH_MAX: Final = 64
NOTES_LENGTH_MAX: Final = 500
SECRET_BYTES_MAX: Final = 8_192
SECRETS_COUNT_MAX: Final = 10_000
RECORD_BYTES_MAX: Final = 16_384


class RealCredential(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A credential issued by an exchange; its secret lies in the vault under the same id.

    Attributes:
        id: Drawn here, `cred-` and twelve letters and digits.
        label: What its owner calls it; unique in the vault.
        upstream: The one exchange it belongs to. It is never sent to another.
        key_type: Which signatures it makes.
        api_key: Its public name at the exchange; empty for a pair made here and not registered yet.
        permissions: What its owner says it may do, sorted; `check` compares this with what the exchange says.
        public_key: PEM of the public half; empty for HMAC.
        fingerprint: Of the public half; empty for HMAC.
        created_us: When it came into the vault, epoch microseconds.
        notes: Free text.
    """

    id: str
    label: str
    upstream: Upstream
    key_type: KeyType
    api_key: str = ""
    permissions: tuple[Permission, ...] = ("READING",)
    public_key: str = ""
    fingerprint: str = ""
    created_us: int = 0
    notes: str = ""


class StoredSecret(msgspec.Struct, frozen=True):
    """One row of the vault.

    Attributes:
        id: Unique among all kinds.
        kind: What the secret is for.
        version: Rises by one whenever the row is written anew with another record or secret.
        record: Canonical JSON, in clear, without a secret; bound into the encryption.
        wrapped_dek: This secret's own DEK, encrypted under the KEK.
        ciphertext: The secret, encrypted under its DEK.
    """

    id: str
    kind: SecretKind
    version: int
    record: bytes
    wrapped_dek: bytes
    ciphertext: bytes


class InboxItem(msgspec.Struct, frozen=True):
    """A secret on its way in: encrypted to the vault's public key, taken in by whoever holds the KEK.

    Attributes:
        id: Becomes the secret's id.
        created_us: Epoch microseconds.
        record: Canonical JSON of its `RealCredential`, in clear; bound into `sealed`.
        sealed: HPKE ciphertext.
        refused: Why it was not taken in; empty while it waits.
    """

    id: str
    created_us: int
    record: bytes
    sealed: bytes
    refused: str = ""


_encoder: Final = msgspec.json.Encoder(order="deterministic")
_decoder: Final = msgspec.json.Decoder(RealCredential)


def encode_record(record: RealCredential) -> bytes:
    """Write a record as canonical JSON: fixed order, no blanks."""
    return _encoder.encode(record)


def decode_record(raw: bytes) -> RealCredential:
    """Read a record strictly.

    Raises:
        msgspec.MsgspecError: It is not one.
    """
    return _decoder.decode(raw)


def new_id(entropy: Entropy) -> str:
    """Draw the id of a new credential."""
    return ID_PREFIX + alphanumeric(entropy, ID_RANDOM_LENGTH).lower()


def record_problem(record: RealCredential) -> str | None:
    """Say what is wrong with a record a person supplied, or None."""
    if not 0 < len(record.label) <= LABEL_LENGTH_MAX or not record.label.isprintable():
        return f"a label has 1 to {LABEL_LENGTH_MAX} printable characters"
    if record.label.startswith(ID_PREFIX):
        return f"a label does not begin with {ID_PREFIX}, which ids do"
    if len(record.notes) > NOTES_LENGTH_MAX:
        return f"notes have at most {NOTES_LENGTH_MAX} characters"
    if record.api_key and not is_api_key(record.api_key):
        return (
            f"an API key has 64 letters and digits, and this one has {len(record.api_key)} characters; look for "
            "quotes, blanks, or a part that was not copied"
        )
    return None


def clash(record: RealCredential, others: list[RealCredential]) -> str | None:
    """Say why a record cannot stand beside the others, or None."""
    for other in others:
        if other.id == record.id:
            continue
        if other.label == record.label:
            return f"there is a credential labelled {record.label!r} already ({other.id})"
        if record.api_key and (other.upstream, other.api_key) == (record.upstream, record.api_key):
            return f"this API key is in the vault already, as {other.label!r} ({other.id})"
    return None
