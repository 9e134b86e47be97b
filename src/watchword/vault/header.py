"""The vault's first value: what it is and to which public key new secrets are encrypted. Never holds a secret.

The header and the KEK source's description are bound into the wrapped KEK, so neither can be replaced unnoticed.
"""

import base64
import hashlib
from typing import Final

import msgspec

from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError
from watchword.vault.kek import KekDescription

FORMAT_VERSION: Final = 1
VAULT_ID_BYTES: Final = 16
CONTEXT: Final = b"watchword/vault/1/"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a vault is.

    Attributes:
        format: Layout of everything in the store.
        vault_id: 32 hex digits, drawn once; bound into every encryption.
        created_us: Epoch microseconds.
        public_keyset: Base64 of the Tink keyset to which the inbox is encrypted.
    """

    format: int
    vault_id: str
    created_us: int
    public_keyset: str

    @property
    def intake_key(self) -> bytes:
        """The public keyset's bytes."""
        return base64.b64decode(self.public_keyset)


def new_header(entropy: Entropy, now_us: int, public_keyset: bytes) -> Header:
    """Make the header of a new vault."""
    return Header(
        FORMAT_VERSION,
        entropy.token(VAULT_ID_BYTES).hex(),
        now_us,
        base64.b64encode(public_keyset).decode("ascii"),
    )


def encode(value: Header | KekDescription) -> bytes:
    """Write canonical JSON."""
    return msgspec.json.encode(value, order="deterministic")


def decode_header(raw: bytes) -> Header:
    """Read a header strictly.

    Raises:
        CorruptStoreError: It is none, or of another format.
    """
    try:
        header = msgspec.json.decode(raw, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStoreError("the vault's header is damaged") from error
    if header.format != FORMAT_VERSION:
        raise CorruptStoreError(f"this vault has format {header.format}; this program reads {FORMAT_VERSION}")
    return header


def decode_source(raw: bytes) -> KekDescription:
    """Read the description of the KEK source strictly.

    Raises:
        CorruptStoreError: It is none.
    """
    try:
        return msgspec.json.decode(raw, type=KekDescription)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStoreError("the description of the vault's KEK source is damaged") from error


def kek_aad(header: bytes, source: bytes) -> bytes:
    """What is bound into the wrapped KEK: the header and the source's description, as stored."""
    return CONTEXT + b"kek/" + hashlib.sha256(header).digest() + hashlib.sha256(source).digest()
