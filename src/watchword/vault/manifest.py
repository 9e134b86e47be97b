"""One digest over everything a vault holds, encrypted under the KEK: a row that is missing or added shows.

What it cannot show: that the whole store was replaced by an older copy of itself. Never does I/O.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Mapping

from watchword.kernel.secret import Secret
from watchword.vault.envelope import Kek
from watchword.vault.header import CONTEXT
from watchword.vault.record import StoredSecret
from watchword.vault.store import MetaName


def write_manifest(kek: Kek, meta: Mapping[MetaName, bytes], rows: Iterable[StoredSecret]) -> bytes:
    """Make the manifest of what is about to be stored.

    Args:
        kek: Encrypts it.
        meta: Must hold `header`; `recovery` if there is one.
        rows: All secrets, in any order.
    """
    return kek.encrypt(Secret(_digest(meta, rows)), _aad(meta))


def manifest_holds(
    kek: Kek, meta: Mapping[MetaName, bytes], rows: Iterable[StoredSecret], manifest: bytes
) -> bool:
    """Whether the manifest is of these rows."""
    stored = kek.decrypt(manifest, _aad(meta))
    return stored is not None and hmac.compare_digest(stored.reveal(), _digest(meta, rows))


def _digest(meta: Mapping[MetaName, bytes], rows: Iterable[StoredSecret]) -> bytes:
    total = hashlib.sha256()
    for part in (meta["header"], meta.get("recovery", b"")):
        total.update(hashlib.sha256(part).digest())
    for row in sorted(rows, key=lambda row: row.id):
        one = hashlib.sha256()
        for piece in (row.id.encode(), row.kind.encode(), str(row.version).encode(), row.record,
            row.wrapped_dek, row.ciphertext):  # fmt: skip
            one.update(struct.pack(">I", len(piece)) + piece)
        total.update(one.digest())
    return total.digest()


def _aad(meta: Mapping[MetaName, bytes]) -> bytes:
    return CONTEXT + b"manifest/" + hashlib.sha256(meta["header"]).digest()
