"""How a secret gets in: encrypted to the vault's public key (HPKE through Tink). Nothing here can decrypt.

The command line and later the console use this; they hold a secret only while somebody types it or a file is read.
"""

import hashlib
from typing import Final

import tink
from tink import hybrid, proto_keyset_format

from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault.header import CONTEXT, Header
from watchword.vault.record import InboxItem, RealCredential, encode_record

hybrid.register()

INBOX_COUNT_MAX: Final = 1_000


def new_item(header: Header, record: RealCredential, secret: Secret) -> InboxItem:
    """Seal a secret for the vault.

    Args:
        header: Of the vault it is for.
        record: What is known about it; bound into the encryption.
        secret: An HMAC secret's text, or a private key as plain PKCS#8 PEM.

    Returns:
        The item to post to the inbox.
    """
    raw = encode_record(record)
    sealed = seal_to(header.intake_key, secret, item_context(header.vault_id, record.id, raw))
    return InboxItem(record.id, record.created_us, raw, sealed)


def seal_to(public_keyset: bytes, content: Secret, context: bytes) -> bytes:
    """Encrypt to a public keyset.

    Args:
        public_keyset: A Tink keyset without secret material.
        content: What is sealed.
        context: HPKE's `info`; opening needs the same bytes.

    Raises:
        CorruptStoreError: The keyset is none.
    """
    try:
        handle = proto_keyset_format.parse_without_secret(public_keyset)
        return bytes(handle.primitive(hybrid.HybridEncrypt).encrypt(content.reveal(), context))
    except tink.TinkError as error:
        raise CorruptStoreError("the vault's public key is damaged") from error


def item_context(vault_id: str, item_id: str, record: bytes) -> bytes:
    """What is bound into an inbox item."""
    return CONTEXT + b"inbox/" + f"{vault_id}/{item_id}/".encode() + hashlib.sha256(record).digest()
