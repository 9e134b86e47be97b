"""What a vault's store shows to anybody who may read the home: no key is needed and none is used.

What is read here was not authenticated; it is compared with checksums only. Never opens a secret.
"""

from pathlib import Path

import msgspec

from watchword.adapters.vault_home import vault_path
from watchword.adapters.vault_store.sqlite import SqliteVaultStore
from watchword.kernel.errors import CorruptStoreError
from watchword.vault.header import Header, decode_header, decode_source
from watchword.vault.kek import KekDescription
from watchword.vault.record import InboxItem, RealCredential, decode_record
from watchword.vault.recovery import decode_recovery
from watchword.vault.store import VaultStore

_PREFIX_BYTES = 5


class RecoveryView(msgspec.Struct, frozen=True):
    """A set of recovery shares.

    Attributes:
        set_id: Also in each share.
        threshold, count: How many open, how many there are.
        created_us: Epoch microseconds.
    """

    set_id: str
    threshold: int
    count: int
    created_us: int


class VaultView(msgspec.Struct, frozen=True, kw_only=True):
    """A vault from outside.

    Attributes:
        vault_id, created_us: Of the header.
        kek: Its KEK source.
        credentials, virtual_keys: How many secrets of each kind.
        waiting: How many are in the inbox and wait to be taken in.
        refused: Ids in the inbox that were not taken in, with reasons.
        recovery: Its recovery shares; None for none.
        rewrapping: Whether a re-wrapping was interrupted; the next unseal finishes it.
    """

    vault_id: str
    created_us: int
    kek: KekDescription
    credentials: int
    virtual_keys: int
    waiting: int
    refused: tuple[tuple[str, str], ...] = ()
    recovery: RecoveryView | None = None
    rewrapping: bool = False


class Listed(msgspec.Struct, frozen=True):
    """A credential as a list shows it.

    Attributes:
        record: What is known.
        state: `in vault`, `waiting`, or why it was refused.
    """

    record: RealCredential
    state: str


def store_of(home: Path) -> SqliteVaultStore:
    """Return the store of a home's vault, there or not."""
    return SqliteVaultStore(vault_path(home))


def view(store: VaultStore) -> VaultView:
    """Look at a vault.

    Raises:
        CorruptStoreError, StorageError: It is damaged, or there is none.
    """
    meta, rows, inbox = store.meta(), store.secrets(), store.inbox()
    header = decode_header(meta["header"])
    kept = decode_recovery(meta["recovery"]) if "recovery" in meta else None
    return VaultView(
        vault_id=header.vault_id,
        created_us=header.created_us,
        kek=decode_source(meta["source"]),
        credentials=sum(row.kind == "credential" for row in rows),
        virtual_keys=sum(row.kind == "virtual_key" for row in rows),
        waiting=sum(not item.refused for item in inbox),
        refused=tuple((item.id, item.refused) for item in inbox if item.refused),
        recovery=RecoveryView(kept.set_id, kept.threshold, kept.count, kept.created_us) if kept else None,
        rewrapping=len({row.wrapped_dek[:_PREFIX_BYTES] for row in rows}) > 1,
    )


def header_of(store: VaultStore) -> tuple[Header, KekDescription]:
    """Return what is needed to post to the inbox. Raises as `view`."""
    meta = store.meta()
    return decode_header(meta["header"]), decode_source(meta["source"])


def listed(store: VaultStore) -> list[Listed]:
    """List real credentials, those in the inbox included, oldest first. Raises as `view`."""
    found = [
        Listed(_record(row.record, row.id), "in vault") for row in store.secrets() if row.kind == "credential"
    ]
    found += [Listed(_record(item.record, item.id), _state(item)) for item in store.inbox()]
    return sorted(found, key=lambda one: (one.record.created_us, one.record.id))


def _state(item: InboxItem) -> str:
    return f"refused: {item.refused}" if item.refused else "waiting"


def _record(raw: bytes, secret_id: str) -> RealCredential:
    try:
        return decode_record(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStoreError(f"the record of {secret_id} is damaged") from error
