"""What a report about an order does to the ledger: ids learned, fills and closings counted. Never asks anybody.

Amounts are cumulative, so that the same report twice, or an old one after a new one, changes nothing.
"""

from typing import Final

import msgspec

from watchword.gateway.answers import CLOSED_STATUSES, Row, Seen, commissions_by_order
from watchword.gateway.ports import Ledger, OrderRecord
from watchword.policy.usage import Closed, Filled

#: How far the estimate of the upstream's clock may be off, which orders are dated by.
CLOCK_US: Final = 1_000_000


class Tracker:
    """Folds reports into a ledger."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find(self, credential_id: str, seen: Seen) -> OrderRecord | None:
        """Find the order a report is about: by the exchange's id, else by the name it was sent under.

        Why not by name alone: names are used again, and a cancel carries one of its own beside the order's. So only an
        order whose id is not known yet is found by name, and by nothing that is older than itself.
        """
        ledger, account, symbol = self._ledger, credential_id, seen.symbol
        name = seen.former_id or seen.client_order_id
        named = ledger.open_order(account, symbol, name) if name else None
        if named is not None and not named.order_id:
            # Before the disk is looked at: this is every new order's first answer.
            known = ledger.order_by_id(account, symbol, seen.order_id, on_disk=False)
            if known is None and (not seen.at_us or seen.at_us >= named.placed_us - CLOCK_US):
                return named
        elif named is not None and named.order_id == seen.order_id:
            return named
        return ledger.order_by_id(account, symbol, seen.order_id) if seen.order_id else None

    def see(self, credential_id: str, seen: Seen, now_us: int) -> OrderRecord | None:
        """Fold one report.

        Args:
            credential_id: On whose account.
            seen: What was reported.
            now_us: Upstream's time; fills count for its day.

        Returns:
            The order as it stands now, or None where nobody placed it through the gateway.
        """
        before = self.find(credential_id, seen)
        if before is None:
            return None
        executed, amount = max(before.executed, seen.executed), max(before.amount, seen.amount)
        filled = executed - before.executed
        commission = before.commission
        if filled > 0 or amount > before.amount:
            commission += self._fill(before, seen, filled, amount - before.amount, now_us)
        closed = before.closed or seen.status in CLOSED_STATUSES
        after = OrderRecord(
            before.credential_id,
            before.symbol,
            before.client_order_id,
            before.key_id,
            before.charge_key,
            seen.order_id or before.order_id,
            seen.list_id or before.list_id,
            before.side,
            executed,
            amount,
            closed,
            before.ancestor_ids,
            before.base,
            before.quote,
            before.group,
            before.list_client_order_id or seen.list_client_order_id,
            commission,
            before.placed_us,
        )
        if _renamed(before, seen):
            after = self._rename(after, seen.client_order_id)
        elif after != before:
            self._ledger.put_order(after)
        if closed and not before.closed:
            self._settle(after, now_us)
        return after

    def close(self, record: OrderRecord, now_us: int) -> None:
        """Note that nothing of an order can fill any more, for a reason no report gives."""
        if not record.closed:
            closed = msgspec.structs.replace(record, closed=True)
            self._ledger.put_order(closed)
            self._settle(closed, now_us)

    def correct_commissions(self, credential_id: str, rows: list[Row], now_us: int) -> None:
        """Take from `myTrades` the commissions that reports of the fills did not say.

        Only where the rows are all trades of an order; otherwise what is missing cannot be told.
        """
        for (symbol, order_id), (quantity, assets) in commissions_by_order(rows).items():
            record = self._ledger.order_by_id(credential_id, symbol, order_id)
            if record is None or record.side != "BUY" or not record.base or quantity != record.executed:
                continue
            missing = assets.get(record.base, 0) - record.commission
            if missing > 0:
                self._fold(record, 0, 0, missing, now_us)
                self._ledger.put_order(
                    msgspec.structs.replace(record, commission=record.commission + missing)
                )

    def _fill(self, record: OrderRecord, seen: Seen, filled: int, amount: int, now_us: int) -> int:
        """Count what was executed since the last report; return the commission taken out of the base asset."""
        commission = 0
        if record.side == "BUY" and record.base:
            paid = sum(paid for asset, paid in seen.commissions if asset == record.base)
            known = record.commission if seen.commissions_whole else 0
            commission = min(max(paid - known, 0), filled)
        self._fold(record, filled, amount, commission, now_us)
        return commission

    def _fold(self, record: OrderRecord, filled: int, amount: int, commission: int, now_us: int) -> None:
        if not record.base:
            return
        event = Filled(
            now_us,
            record.charge_key,
            record.symbol,
            record.base,
            record.quote,
            "BUY" if record.side == "BUY" else "SELL",
            filled,
            amount,
            commission,
        )
        for key_id in (record.key_id, *record.ancestor_ids):
            self._ledger.fold(key_id, event)

    def _settle(self, record: OrderRecord, now_us: int) -> None:
        """Give back what a group had reserved, once none of its orders can fill."""
        ledger, name = self._ledger, record.charge_key
        for member in record.group:
            other = ledger.open_order(record.credential_id, record.symbol, member)
            if other is not None and other.charge_key == name:
                return
        for key_id in (record.key_id, *record.ancestor_ids):
            if name in ledger.usage(key_id).open:
                ledger.fold(key_id, Closed(now_us, name))

    def _rename(self, record: OrderRecord, name: str) -> OrderRecord:
        """Follow an amendment that gave an order a new name, in its group's other orders too."""
        group = tuple(name if member == record.client_order_id else member for member in record.group)
        for member in record.group:
            other = self._ledger.open_order(record.credential_id, record.symbol, member)
            if (
                other is not None
                and member != record.client_order_id
                and other.charge_key == record.charge_key
            ):
                self._ledger.put_order(msgspec.structs.replace(other, group=group))
        renamed = msgspec.structs.replace(record, client_order_id=name, group=group)
        self._ledger.put_order(renamed)
        return renamed


def _renamed(before: OrderRecord, seen: Seen) -> bool:
    """Whether an order has another name now: an amendment says so, or a report of an open order just shows it.

    A cancel's report carries the cancel's id beside the order's, and is no renaming.
    """
    if not seen.client_order_id or seen.client_order_id == before.client_order_id:
        return False
    if seen.renamed:
        return True
    still_open = bool(seen.status) and seen.status not in CLOSED_STATUSES
    return still_open and not seen.former_id and seen.order_id == before.order_id
