"""The port to where the vault's rows lie. The store is untrusted: everything in it is authenticated by the vault.

Never sees a secret or a key in clear.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from watchword.vault.record import InboxItem, StoredSecret

#: header: see header.py. source: KekDescription. kek: wrapped by the source. intake: private half of the inbox's key
#: pair, under the KEK. recovery: see recovery.py. manifest: digest of all rows, under the KEK.
MetaName = Literal["header", "source", "kek", "intake", "recovery", "manifest"]


class Change(msgspec.Struct, frozen=True):
    """What one transaction does.

    Attributes:
        meta: Values to write.
        put: Secrets to write, replacing those of the same id.
        remove: Ids of secrets to delete.
        taken: Ids of inbox items to delete.
        refused: Ids of inbox items with the reason they stay.
    """

    meta: Mapping[MetaName, bytes] = {}
    put: Sequence[StoredSecret] = ()
    remove: Sequence[str] = ()
    taken: Sequence[str] = ()
    refused: Sequence[tuple[str, str]] = ()


class VaultStore(Protocol):
    """Rows of one vault.

    When unavailable: refuse. A change is durable when `apply` returns; when it raises, nothing of it happened.
    """

    def exists(self) -> bool:
        """Whether there is a vault at all."""
        ...

    def create(self, meta: Mapping[MetaName, bytes]) -> None:
        """Make a new vault.

        Raises:
            StorageError: There is one already, or it cannot be written.
        """
        ...

    def meta(self) -> dict[MetaName, bytes]:
        """Return all meta values.

        Raises:
            CorruptStoreError: Bytes changed since they were written; the text names the row.
        """
        ...

    def secrets(self) -> list[StoredSecret]:
        """Return all secrets by id. Raises as `meta`."""
        ...

    def inbox(self) -> list[InboxItem]:
        """Return what waits to be taken in, oldest first. Raises as `meta`."""
        ...

    def post(self, item: InboxItem) -> None:
        """Put an item into the inbox, durably.

        Raises:
            StorageError: The inbox is full, the id is taken, or it cannot be written.
        """
        ...

    def apply(self, change: Change) -> None:
        """Do one change as a whole, durably.

        Raises:
            StorageError: Nothing happened.
        """
        ...
