"""The ledger in memory: usages by key, orders by name, by id and by list. No disk, no clock; adapters put those behind it.

All open orders are here, and so many of the closed ones as fit; older ones the adapter finds on its disk.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from watchword.gateway.ports import OrderRecord
from watchword.policy.usage import Event, Usage

#: Open orders of all accounts together; beyond it nothing more is placed.
OPEN_ORDERS_COUNT_MAX: Final = 50_000
#: Closed orders kept in memory.
CLOSED_ORDERS_COUNT_MAX: Final = 10_000

_Key = tuple[str, str, str | int]
_NOTHING_USED: Final = Usage()


class Entry:
    """One order and its place on disk.

    Attributes:
        row: Number of the order in the ledger, never used again.
        record: As it stands.
        saved: The stored order is as it stands; only then may memory let go of it.
    """

    __slots__ = ("record", "row", "saved")

    def __init__(self, row: int, record: OrderRecord, *, saved: bool) -> None:
        self.row = row
        self.record = record
        self.saved = saved


class LedgerState:
    """See the module.

    Attributes:
        next_row: Number the next new order gets.
        reservations: Number of the last reservation.
        usages: By key id; keys that never used anything are absent.
    """

    def __init__(
        self,
        open_count_max: int = OPEN_ORDERS_COUNT_MAX,
        closed_count_max: int = CLOSED_ORDERS_COUNT_MAX,
    ) -> None:
        self.next_row = 1
        self.reservations = 0
        self.usages: dict[str, Usage] = {}
        self._open_count_max, self._closed_count_max = open_count_max, closed_count_max
        self._by_name: dict[_Key, Entry] = {}
        # Open orders whose name means a later one: the exchange has yet to say whether that was a duplicate.
        self._shadowed: dict[_Key, list[Entry]] = {}
        self._by_id: dict[_Key, Entry] = {}
        self._by_list: dict[_Key, dict[int, Entry]] = {}
        self._open: dict[int, Entry] = {}
        self._closed: dict[int, Entry] = {}
        self._unsaved: dict[int, Entry] = {}

    def usage(self, key_id: str) -> Usage:
        """See `Ledger.usage`."""
        return self.usages.get(key_id, _NOTHING_USED)

    def fold(self, key_id: str, event: Event) -> None:
        """See `Ledger.fold`."""
        self.usages[key_id] = self.usage(key_id).fold(event)

    def put(self, record: OrderRecord) -> Entry:
        """See `Ledger.put_order`."""
        entry = self._same(record)
        if entry is None:
            entry = Entry(self.next_row, record, saved=False)
            self.next_row += 1
        elif _same_place(entry.record, record):
            # The usual change, an id learned or something filled, without leaving and entering every index.
            entry.record, entry.saved = record, False
            self._unsaved[entry.row] = entry
            if record.order_id:
                self._by_id[record.credential_id, record.symbol, record.order_id] = entry
            return entry
        else:
            self._unlink(entry)
            entry.record, entry.saved = record, False
        self._link(entry)
        return entry

    def load(self, row: int, record: OrderRecord, *, saved: bool) -> Entry:
        """Take an order from disk, under its number; one that is here already is replaced."""
        for entry in (self._open.get(row), self._closed.get(row)):
            if entry is not None:
                self._unlink(entry)
        entry = Entry(row, record, saved=saved)
        self.next_row = max(self.next_row, row + 1)
        self._link(entry)
        return entry

    def holds(self, row: int) -> bool:
        """Whether an order is in memory."""
        return row in self._open or row in self._closed

    def order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """Find by name, in memory."""
        entry = self._by_name.get((credential_id, symbol, client_order_id))
        return entry.record if entry is not None else None

    def open_order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """See `Ledger.open_order`."""
        record = self.order(credential_id, symbol, client_order_id)
        return record if record is not None and not record.closed else None

    def order_by_id(self, credential_id: str, symbol: str, order_id: int) -> OrderRecord | None:
        """Find by the exchange's id, in memory."""
        entry = self._by_id.get((credential_id, symbol, order_id))
        return entry.record if entry is not None else None

    def list_rows(self, credential_id: str, symbol: str, list_id: int) -> dict[int, OrderRecord]:
        """Return the orders of a list that are in memory, by number."""
        entries = self._by_list.get((credential_id, symbol, list_id), {})
        return {row: entry.record for row, entry in entries.items()}

    def open_orders(self, credential_id: str | None = None) -> Sequence[OrderRecord]:
        """See `Ledger.open_orders`."""
        return [
            entry.record
            for entry in self._open.values()
            if credential_id is None or entry.record.credential_id == credential_id
        ]

    @property
    def open_count(self) -> int:
        """Number of open orders."""
        return len(self._open)

    def full(self) -> bool:
        """See `Ledger.full`."""
        return len(self._open) >= self._open_count_max

    def unsaved(self) -> list[Entry]:
        """Return the entries whose stored state is not as they stand."""
        return list(self._unsaved.values())

    def note_saved(self, entry: Entry, record: OrderRecord) -> None:
        """Note that an order is stored as it stood; it may stand otherwise by now."""
        if entry.record is record:
            entry.saved = True
            self._unsaved.pop(entry.row, None)

    def let_go(self) -> None:
        """Forget the longest-closed orders beyond the bound, as far as they are saved."""
        excess = len(self._closed) - self._closed_count_max
        if excess <= 0:
            return
        for entry in list(islice(self._closed.values(), excess)):
            if entry.saved:
                self._unlink(entry)

    def _same(self, record: OrderRecord) -> Entry | None:
        """Find the entry a record replaces; see `Ledger.put_order`."""
        account, symbol = record.credential_id, record.symbol
        if record.order_id:
            entry = self._by_id.get((account, symbol, record.order_id))
            if entry is not None:
                return entry
        entry = self._by_name.get((account, symbol, record.client_order_id))
        if entry is None or entry.record.order_id not in (0, record.order_id):
            return None
        return entry

    def _link(self, entry: Entry) -> None:
        record = entry.record
        account, symbol = record.credential_id, record.symbol
        self._name(entry, (account, symbol, record.client_order_id))
        if record.order_id:
            self._by_id[account, symbol, record.order_id] = entry
        if record.list_id:
            self._by_list.setdefault((account, symbol, record.list_id), {})[entry.row] = entry
        (self._closed if record.closed else self._open)[entry.row] = entry
        if not entry.saved:
            self._unsaved[entry.row] = entry

    def _name(self, entry: Entry, name: _Key) -> None:
        """Let a name mean the open order that has it, of several the latest."""
        others = self._shadowed.pop(name, [])
        holder = self._by_name.get(name)
        if holder is None and not others:
            self._by_name[name] = entry
            return
        if holder is not None:
            others.append(holder)
        ranked = sorted([*others, entry], key=lambda one: (not one.record.closed, one.row))
        self._by_name[name] = ranked.pop()
        still_open = [one for one in ranked if not one.record.closed]
        if still_open:
            self._shadowed[name] = still_open

    def _unlink(self, entry: Entry) -> None:
        record, row = entry.record, entry.row
        account, symbol = record.credential_id, record.symbol
        name: _Key = (account, symbol, record.client_order_id)
        shadowed = self._shadowed.get(name)
        if shadowed is not None:
            self._shadowed[name] = [one for one in shadowed if one is not entry]
        for index, key in (
            (self._by_name, name),
            (self._by_id, (account, symbol, record.order_id)),
        ):
            if index.get(key) is entry:
                del index[key]
        listed = self._by_list.get((account, symbol, record.list_id))
        if listed is not None:
            listed.pop(row, None)
            if not listed:
                del self._by_list[account, symbol, record.list_id]
        for entries in (self._open, self._closed, self._unsaved):
            entries.pop(row, None)


def _same_place(before: OrderRecord, after: OrderRecord) -> bool:
    """Whether an order is found as before, but perhaps by its number for the first time."""
    return (
        before.client_order_id == after.client_order_id
        and before.order_id in (0, after.order_id)
        and before.list_id == after.list_id
        and before.closed == after.closed
    )
