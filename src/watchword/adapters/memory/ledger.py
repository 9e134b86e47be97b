"""The ledger in memory, for tests. Keeps the promises of `gateway.ports.Ledger` but durability."""

from collections.abc import Sequence

from watchword.gateway.ledger_state import LedgerState
from watchword.gateway.ports import OrderRecord
from watchword.policy.usage import Event, Usage


class MemoryLedger:
    """See `gateway.ports.Ledger`.

    Attributes:
        fault: Set it, and it is the ledger's trouble.
    """

    def __init__(self, state: LedgerState | None = None) -> None:
        self.fault: str | None = None
        self._state = state or LedgerState()

    def usage(self, key_id: str) -> Usage:
        """See `Ledger.usage`."""
        return self._state.usage(key_id)

    def next_reservation(self) -> int:
        """See `Ledger.next_reservation`."""
        self._state.reservations += 1
        return self._state.reservations

    def fold(self, key_id: str, event: Event) -> None:
        """See `Ledger.fold`."""
        self._state.fold(key_id, event)

    def put_order(self, record: OrderRecord) -> None:
        """See `Ledger.put_order`."""
        self._state.put(record)

    def order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """See `Ledger.order`."""
        return self._state.order(credential_id, symbol, client_order_id)

    def open_order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """See `Ledger.open_order`."""
        return self._state.open_order(credential_id, symbol, client_order_id)

    def order_by_id(
        self, credential_id: str, symbol: str, order_id: int, *, on_disk: bool = True
    ) -> OrderRecord | None:
        """See `Ledger.order_by_id`; there is no disk."""
        del on_disk
        return self._state.order_by_id(credential_id, symbol, order_id)

    def orders_of_list(self, credential_id: str, symbol: str, list_id: int) -> Sequence[OrderRecord]:
        """See `Ledger.orders_of_list`."""
        return list(self._state.list_rows(credential_id, symbol, list_id).values())

    def open_orders(self, credential_id: str | None = None) -> Sequence[OrderRecord]:
        """See `Ledger.open_orders`."""
        return self._state.open_orders(credential_id)

    def full(self) -> bool:
        """See `Ledger.full`."""
        return self._state.full()

    def trouble(self) -> str | None:
        """See `Ledger.trouble`."""
        return self.fault
