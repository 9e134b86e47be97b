"""Re-wrapping: another KEK for every DEK, in batches, so that stopping anywhere leaves a vault that opens and goes on.

    1  the KEK becomes a keyset of two keys, wrapped by the source and to the recovery set, durable
    2  every DEK is wrapped under the new key, a batch per transaction
    3  the older key is dropped

Each step is one transaction. A stop between two leaves DEKs under either key, and the stored KEK holds both; the next
unseal finishes. No secret is decrypted and none is entered again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from watchword.kernel.errors import CorruptStoreError
from watchword.vault import recovery as recovery_sets
from watchword.vault.envelope import Kek, rewrap_secret
from watchword.vault.header import CONTEXT, kek_aad
from watchword.vault.kek import KekSource
from watchword.vault.keyring import Keyring
from watchword.vault.manifest import write_manifest
from watchword.vault.record import StoredSecret
from watchword.vault.store import Change, MetaName

BATCH_ROWS: Final = 64


class Rotation:
    """The changes that re-wrap one vault.

    Args:
        keyring: Of the unsealed vault; changed as each step is stored.
        source: Wraps the new KEK.
        meta: As stored; changed with each step.
        store: Makes a change durable.
    """

    def __init__(
        self,
        keyring: Keyring,
        source: KekSource,
        meta: dict[MetaName, bytes],
        store: Callable[[Change], None],
    ) -> None:
        self._keyring = keyring
        self._source = source
        self._meta = meta
        self._store = store

    def run(self, *, begin: bool) -> int:
        """Re-wrap everything.

        Args:
            begin: Draw a new KEK first; False finishes what was begun.

        Returns:
            How many DEKs were wrapped anew.

        Raises:
            StorageError, KekUnavailableError: Stopped; what is stored opens, and running again finishes.
        """
        if begin and not self._keyring.kek.rotating:
            self._keep(self._keyring.kek.rotated())
        done = 0
        for batch in self._batches():
            self._commit(self._manifest({}, batch), batch)
            done += len(batch)
        if self._keyring.kek.rotating:
            self._keep(self._keyring.kek.without_older())
        return done

    def _batches(self) -> Iterator[list[StoredSecret]]:
        kek, vault_id = self._keyring.kek, self._keyring.vault_id
        waiting = [row for row in self._keyring.rows.values() if not kek.made(row.wrapped_dek)]
        for at in range(0, len(waiting), BATCH_ROWS):
            batch = []
            for row in waiting[at : at + BATCH_ROWS]:
                fresh = rewrap_secret(kek, vault_id, row)
                if fresh is None:
                    raise CorruptStoreError(f"the row of {row.id} does not open")
                batch.append(fresh)
            yield batch

    def _keep(self, kek: Kek) -> None:
        """Store another KEK everywhere the KEK is stored, in one transaction."""
        meta = wrapped_kek(kek, self._keyring.vault_id, self._source, self._meta)
        meta["intake"] = kek.encrypt(self._keyring.intake, intake_aad(self._keyring.vault_id))
        meta["manifest"] = write_manifest(kek, {**self._meta, **meta}, self._keyring.rows.values())
        self._commit(meta, [])
        self._keyring.kek = kek

    def _manifest(self, meta: Mapping[MetaName, bytes], batch: list[StoredSecret]) -> dict[MetaName, bytes]:
        rows = {**self._keyring.rows, **{row.id: row for row in batch}}
        return {**meta, "manifest": write_manifest(self._keyring.kek, self._meta, rows.values())}

    def _commit(self, meta: dict[MetaName, bytes], batch: list[StoredSecret]) -> None:
        self._store(Change(meta=meta, put=batch))
        self._meta.update(meta)
        for row in batch:
            # The secret is the same, so what was lent of it stays lent.
            self._keyring.rows[row.id] = row


def wrapped_kek(
    kek: Kek, vault_id: str, source: KekSource, meta: Mapping[MetaName, bytes]
) -> dict[MetaName, bytes]:
    """Wrap a KEK by its source and, if there are shares, to the recovery set.

    Returns:
        The meta values to store: `source`, `kek`, perhaps `recovery`. The manifest is the caller's.
    """
    described = msgspec.json.encode(source.describe(), order="deterministic")
    wrapped: dict[MetaName, bytes] = {
        "source": described,
        "kek": source.wrap(kek.serialise(), kek_aad(meta["header"], described)),
    }
    if "recovery" in meta:
        kept = recovery_sets.resealed(recovery_sets.decode_recovery(meta["recovery"]), vault_id, kek)
        wrapped["recovery"] = recovery_sets.encode_recovery(kept)
    return wrapped


def intake_aad(vault_id: str) -> bytes:
    """What is bound into the inbox's private key."""
    return CONTEXT + b"intake/" + vault_id.encode()
