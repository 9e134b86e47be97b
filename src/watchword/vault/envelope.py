"""Envelope encryption with Tink: every secret under its own DEK, every DEK under the KEK. Importable in `vault` only.

What is bound (associated data) into each encryption: the vault, the row's id, kind and version, and a digest of its
record. Rows cannot be swapped, rolled back one by one, or given another record. Never does I/O.
"""

import hashlib
import struct
from typing import Final, Self, final

import msgspec
import tink
from tink import aead, hybrid, proto_keyset_format, secret_key_access
from tink.proto import tink_pb2

from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault.header import CONTEXT
from watchword.vault.record import StoredSecret

aead.register()
hybrid.register()

_DEK_TEMPLATE: Final = aead.aead_key_templates.AES256_GCM
_INTAKE_TEMPLATE: Final = hybrid.hybrid_key_templates.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM
#: Tink's output prefix: one version byte, then the id of the key that encrypted.
_PREFIX: Final = struct.Struct(">BI")


@final
class Kek:
    """The key-encryption key: a Tink keyset with one key, or with two while DEKs are being re-wrapped."""

    __slots__ = ("_aead", "_keyset")

    def __init__(self, serialised: Secret) -> None:
        """Read a keyset that `serialise` wrote.

        Raises:
            CorruptStoreError: It is none.
        """
        try:
            handle = proto_keyset_format.parse(serialised.reveal(), secret_key_access.TOKEN)
            self._aead = handle.primitive(aead.Aead)
        except tink.TinkError as error:
            raise CorruptStoreError("what was unwrapped is not a KEK") from error
        self._keyset = serialised

    @classmethod
    def generate(cls) -> Self:
        """Draw a new KEK. Tink takes its randomness from the operating system."""
        handle = tink.new_keyset_handle(_DEK_TEMPLATE)
        return cls(Secret(proto_keyset_format.serialize(handle, secret_key_access.TOKEN)))

    def serialise(self) -> Secret:
        """Return the keyset's bytes, to be wrapped by a KEK source."""
        return self._keyset

    @property
    def key_id(self) -> int:
        """Id of the key that encrypts."""
        return int(self._proto().primary_key_id)

    @property
    def rotating(self) -> bool:
        """Whether an older key is still held, because DEKs may be wrapped under it."""
        return len(self._proto().key) > 1

    def rotated(self) -> "Kek":
        """Return a KEK that encrypts with a new key and still decrypts with this one's."""
        while True:
            fresh, mine = Kek.generate()._proto(), self._proto()
            if fresh.primary_key_id not in {key.key_id for key in mine.key}:
                break
        fresh.key.extend(mine.key)
        return Kek(Secret(fresh.SerializeToString()))

    def without_older(self) -> "Kek":
        """Return a KEK that only has the key it encrypts with."""
        mine = self._proto()
        kept = [key for key in mine.key if key.key_id == mine.primary_key_id]
        return Kek(Secret(tink_pb2.Keyset(primary_key_id=mine.primary_key_id, key=kept).SerializeToString()))

    def encrypt(self, plain: Secret, aad: bytes) -> bytes:
        """Encrypt under the primary key."""
        return bytes(self._aead.encrypt(plain.reveal(), aad))

    def decrypt(self, ciphertext: bytes, aad: bytes) -> Secret | None:
        """Decrypt, or None where bytes or `aad` are not as they were."""
        try:
            return Secret(self._aead.decrypt(ciphertext, aad))
        except tink.TinkError:
            return None

    def made(self, ciphertext: bytes) -> bool:
        """Whether the primary key made this ciphertext, by its prefix."""
        return len(ciphertext) > _PREFIX.size and _PREFIX.unpack_from(ciphertext)[1] == self.key_id

    def _proto(self) -> tink_pb2.Keyset:
        return tink_pb2.Keyset.FromString(self._keyset.reveal())


def seal_secret(kek: Kek, vault_id: str, row: StoredSecret, secret: Secret) -> StoredSecret:
    """Encrypt a secret under a new DEK of its own.

    Args:
        kek: Wraps the DEK.
        vault_id: Of the header.
        row: Id, kind, version and record; its two ciphertexts are ignored.
        secret: What to keep.

    Returns:
        The row with both ciphertexts.
    """
    aad = row_aad(vault_id, row)
    handle = tink.new_keyset_handle(_DEK_TEMPLATE)
    dek = Secret(proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
    return msgspec.structs.replace(
        row,
        wrapped_dek=kek.encrypt(dek, aad),
        ciphertext=bytes(handle.primitive(aead.Aead).encrypt(secret.reveal(), aad)),
    )


def open_secret(kek: Kek, vault_id: str, row: StoredSecret) -> Secret | None:
    """Decrypt a row, or None where any part of it is not as it was written."""
    aad = row_aad(vault_id, row)
    dek = kek.decrypt(row.wrapped_dek, aad)
    if dek is None:
        return None
    try:
        handle = proto_keyset_format.parse(dek.reveal(), secret_key_access.TOKEN)
        return Secret(handle.primitive(aead.Aead).decrypt(row.ciphertext, aad))
    except tink.TinkError:
        return None


def rewrap_secret(kek: Kek, vault_id: str, row: StoredSecret) -> StoredSecret | None:
    """Wrap a row's DEK anew under the primary key; the secret itself is not touched. None as `open_secret`."""
    aad = row_aad(vault_id, row)
    dek = kek.decrypt(row.wrapped_dek, aad)
    return None if dek is None else msgspec.structs.replace(row, wrapped_dek=kek.encrypt(dek, aad))


def row_aad(vault_id: str, row: StoredSecret) -> bytes:
    """What is bound into a row's two ciphertexts."""
    named = b"".join(
        struct.pack(">I", len(part)) + part
        for part in (vault_id.encode(), row.id.encode(), row.kind.encode(), str(row.version).encode())
    )
    return CONTEXT + b"secret/" + named + hashlib.sha256(row.record).digest()


def new_intake_pair() -> tuple[Secret, bytes]:
    """Draw the inbox's HPKE key pair.

    Returns:
        The private keyset's bytes, boxed, and the public keyset's.
    """
    handle = tink.new_keyset_handle(_INTAKE_TEMPLATE)
    public = proto_keyset_format.serialize_without_secret(handle.public_keyset_handle())
    return Secret(proto_keyset_format.serialize(handle, secret_key_access.TOKEN)), bytes(public)


def open_sealed(private_keyset: Secret, sealed: bytes, context: bytes) -> Secret | None:
    """Open what `intake.seal_to` sealed, or None where key, bytes or context differ."""
    try:
        handle = proto_keyset_format.parse(private_keyset.reveal(), secret_key_access.TOKEN)
        return Secret(handle.primitive(hybrid.HybridDecrypt).decrypt(sealed, context))
    except tink.TinkError:
        return None
