"""A vault's rows in memory, for tests. Keeps the promises of `VaultStore` but durability."""

from collections.abc import Mapping

import msgspec

from watchword.kernel.errors import StorageError
from watchword.vault.record import InboxItem, StoredSecret
from watchword.vault.store import Change, MetaName


class MemoryVaultStore:
    """See `VaultStore`."""

    def __init__(self) -> None:
        self._meta: dict[MetaName, bytes] = {}
        self._secrets: dict[str, StoredSecret] = {}
        self._inbox: dict[str, InboxItem] = {}

    def exists(self) -> bool:
        """See `VaultStore.exists`."""
        return bool(self._meta)

    def create(self, meta: Mapping[MetaName, bytes]) -> None:
        """See `VaultStore.create`."""
        if self._meta:
            raise StorageError("there is a vault already")
        self._meta.update(meta)

    def meta(self) -> dict[MetaName, bytes]:
        """See `VaultStore.meta`."""
        if not self._meta:
            raise StorageError("there is no vault; make one with: watchword vault init")
        return dict(self._meta)

    def secrets(self) -> list[StoredSecret]:
        """See `VaultStore.secrets`."""
        return sorted(self._secrets.values(), key=lambda row: row.id)

    def inbox(self) -> list[InboxItem]:
        """See `VaultStore.inbox`."""
        return sorted(self._inbox.values(), key=lambda item: (item.created_us, item.id))

    def post(self, item: InboxItem) -> None:
        """See `VaultStore.post`."""
        if item.id in self._inbox:
            raise StorageError(f"{item.id} is in the inbox already")
        self._inbox[item.id] = item

    def apply(self, change: Change) -> None:
        """See `VaultStore.apply`."""
        self._meta.update(change.meta)
        self._secrets.update((row.id, row) for row in change.put)
        for one in change.remove:
            self._secrets.pop(one, None)
        for one in change.taken:
            self._inbox.pop(one, None)
        for one, reason in change.refused:
            if one in self._inbox:
                self._inbox[one] = msgspec.structs.replace(self._inbox[one], refused=reason)
