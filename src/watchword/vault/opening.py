"""From stored bytes and a KEK to a keyring: every row opened once, the manifest compared. Refuses on the first doubt.

Never changes the store.
"""

from collections.abc import Mapping

import msgspec

from watchword.kernel.errors import CorruptStoreError
from watchword.vault.envelope import Kek, open_secret
from watchword.vault.header import decode_header
from watchword.vault.keyring import Keyring
from watchword.vault.manifest import manifest_holds
from watchword.vault.record import RealCredential, StoredSecret, decode_record
from watchword.vault.rotation import intake_aad
from watchword.vault.store import MetaName

_RESTORE = "nothing was changed; restore a backup with: watchword vault restore FILE"


def open_keyring(kek: Kek, meta: Mapping[MetaName, bytes], rows: list[StoredSecret]) -> Keyring:
    """Check everything a KEK should open.

    Args:
        kek: Just unwrapped.
        meta: All values.
        rows: All secrets.

    Raises:
        CorruptStoreError: Something does not open; the text names it.
    """
    vault_id = decode_header(meta["header"]).vault_id
    damaged = [row.id for row in rows if open_secret(kek, vault_id, row) is None]
    if damaged:
        raise CorruptStoreError(
            f"altered or swapped: {', '.join(damaged)} (bytes do not belong to this id and record); {_RESTORE}"
        )
    if "manifest" not in meta or not manifest_holds(kek, meta, rows, meta["manifest"]):
        raise CorruptStoreError(f"rows are missing from the vault or were added from outside; {_RESTORE}")
    intake = kek.decrypt(meta.get("intake", b""), intake_aad(vault_id))
    if intake is None:
        raise CorruptStoreError(f"the inbox's private key does not open; {_RESTORE}")
    return Keyring(kek, vault_id, intake, {row.id: row for row in rows}, read_records(rows))


def read_records(rows: list[StoredSecret]) -> dict[str, RealCredential]:
    """Read the real credentials among rows.

    Raises:
        CorruptStoreError: A record is none.
    """
    found: dict[str, RealCredential] = {}
    for row in rows:
        if row.kind == "credential":
            try:
                found[row.id] = decode_record(row.record)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise CorruptStoreError(f"the record of {row.id} is damaged") from error
    return found
