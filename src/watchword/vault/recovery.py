"""A second way to the KEK, for when its source is lost: shares open a private key to which the KEK is encrypted.

Because the KEK is encrypted to the recovery set's public key, re-wrapping and changing the source keep the shares
valid without anybody fetching them. Never keeps a share.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault import raw_wrap, shares
from watchword.vault.envelope import Kek, new_intake_pair, open_sealed
from watchword.vault.header import CONTEXT
from watchword.vault.intake import seal_to
from watchword.vault.outcome import Refused

_OTHER_SET: Final = "these recovery shares belong to an older or another set; this vault has set {}"


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of recovery shares. Byte values are base64.

    Attributes:
        set_id: Eight hex digits, also in each share.
        threshold, count: How many open, how many there are.
        created_us: Epoch microseconds.
        public_keyset: To this the KEK is encrypted.
        private_wrapped: The other half, under a key derived from the shared secret.
        kek_sealed: The KEK.
    """

    set_id: str
    threshold: int
    count: int
    created_us: int
    public_keyset: bytes
    private_wrapped: bytes
    kek_sealed: bytes


class NewShares(msgspec.Struct, frozen=True):
    """A new set and the texts that are shown once.

    Attributes:
        recovery: To be stored.
        texts: To be given to people, boxed.
    """

    recovery: Recovery
    texts: tuple[Secret, ...]


def new_recovery(
    vault_id: str, kek: Kek, threshold: int, count: int, now_us: int, entropy: Entropy
) -> NewShares | Refused:
    """Make a set of shares for a KEK.

    Args:
        vault_id: Of the header.
        kek: What they will open.
        threshold: How many open it.
        count: How many to make.
        now_us: Epoch microseconds.
        entropy: Source of the shared secret and of the set's id.
    """
    secret, set_id = Secret(entropy.token(shares.SHARED_BYTES)), entropy.token(shares.SET_ID_BYTES)
    made = shares.split(secret, threshold, count, set_id)
    if isinstance(made, Refused):
        return made
    private, public = new_intake_pair()
    wrapped = raw_wrap.wrap(_derived(secret, set_id), private, _aad(vault_id, set_id.hex()), entropy)
    bare = Recovery(set_id.hex(), threshold, count, now_us, public, wrapped, b"")
    texts = tuple(Secret(shares.write(share).encode("ascii")) for share in made)
    return NewShares(resealed(bare, vault_id, kek), texts)


def resealed(recovery: Recovery, vault_id: str, kek: Kek) -> Recovery:
    """Return the set with another KEK inside; its shares stay valid."""
    sealed = seal_to(recovery.public_keyset, kek.serialise(), _aad(vault_id, recovery.set_id))
    return msgspec.structs.replace(recovery, kek_sealed=sealed)


def recover(recovery: Recovery, vault_id: str, texts: Sequence[Secret]) -> Kek | Refused:
    """Open the KEK with shares.

    Args:
        recovery: As stored.
        vault_id: Of the header.
        texts: The shares as typed.
    """
    read = [shares.read(text.reveal().decode("utf-8", "replace")) for text in texts]
    for at, share in enumerate(read, start=1):
        if isinstance(share, Refused):
            return Refused(f"share {at}: {share.reason}")
    good = [share for share in read if isinstance(share, shares.Share)]
    secret = shares.combine(good)
    if isinstance(secret, Refused):
        return secret
    if good[0].set_id.hex() != recovery.set_id:
        return Refused(_OTHER_SET.format(recovery.set_id))
    aad = _aad(vault_id, recovery.set_id)
    private = raw_wrap.unwrap(_derived(secret, good[0].set_id), recovery.private_wrapped, aad)
    opened = None if private is None else open_sealed(private, recovery.kek_sealed, aad)
    if opened is None:
        return Refused(
            "these recovery shares do not open this vault: one is forged, or the vault was altered"
        )
    return Kek(opened)


def encode_recovery(recovery: Recovery) -> bytes:
    """Write canonical JSON; bytes become base64."""
    return msgspec.json.encode(recovery, order="deterministic")


def decode_recovery(raw: bytes) -> Recovery:
    """Read strictly.

    Raises:
        CorruptStoreError: It is none.
    """
    try:
        return msgspec.json.decode(raw, type=Recovery)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStoreError("the vault's recovery set is damaged") from error


def _derived(secret: Secret, set_id: bytes) -> Secret:
    """Stretch 128 shared bits to a key of 256. Source: RFC 5869."""
    kdf = HKDF(SHA256(), raw_wrap.RAW_KEY_BYTES, salt=set_id, info=CONTEXT + b"recovery-key")
    return Secret(kdf.derive(secret.reveal()))


def _aad(vault_id: str, set_id: str) -> bytes:
    return CONTEXT + b"recovery/" + f"{vault_id}/{set_id}".encode()
