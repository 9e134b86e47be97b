"""Whose order is it: client order ids, ownership, what fills and closings do to a key's usage. Sends nothing itself.

All calls but two are synchronous and answered from the ledger. `ActiveKey.key.own_orders_only` decides what is hidden;
ids are added and recorded for every key.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from watchword.audit.reserved import Reserved
from watchword.binance.errors import DUPLICATE_ORDER, WireError, missing
from watchword.binance.request import Params
from watchword.gateway.answers import (
    REFUSED_STATUS_FROM,
    UNKNOWN_CODES,
    UNKNOWN_STATUS_FROM,
    Row,
    Seen,
    identity,
    orders_seen,
    read_rows,
    unpacked,
)
from watchword.gateway.cancel_all import cancel_own
from watchword.gateway.client_ids import ID_NAMES, ids_in, with_ids
from watchword.gateway.events import event_orders, read_event
from watchword.gateway.messages import Answer
from watchword.gateway.ownership import Ask, Ownership
from watchword.gateway.ports import ActiveKey, Ledger, OrderRecord
from watchword.gateway.reserving import (
    fold_reserved,
    order_records,
    reserved_by_place,
    reserved_by_withdrawal,
)
from watchword.gateway.tracking import Tracker
from watchword.gateway.visibility import event_admitted, narrow_answer
from watchword.kernel.entropy import Entropy
from watchword.policy.decision import Allow
from watchword.policy.intent import Intent, Place, Withdraw

__all__ = ("Ask", "OrderDesk", "Prepared", "Reservation")

#: -1008 for too many open orders: not a fault of this request, and not of the exchange.
TOO_MANY_OPEN: Final = WireError(
    -1008, "Watchword keeps no more open orders; cancel some, or wait until some are closed."
)
REPLACE: Final = "order.cancelReplace"
TRADES: Final = "myTrades"
PLACED: Final = "SUCCESS"
#: What tells nothing about orders by answering: most of a bot's reads.
_SILENT: Final = frozenset(
    (
        "account.status", "account.commission", "account.rateLimits.orders", "myFilters", "myAllocations",
        "myPreventedMatches", "order.amendments", "order.test", "sor.order.test",
    )
)  # fmt: skip


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A request with its client order ids.

    Attributes:
        params: With every client order id; the same object where nothing was to add.
        client_order_id: Under which an unknown outcome is resolved later (the first order's); empty where none is placed.
    """

    params: Params
    client_order_id: str = ""


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """What `reserve` put into the ledger, so that `give_back` can take it out.

    Attributes:
        credential_id: Whose account.
        symbol: Where.
        client_order_ids: Of the orders put.
        reserved: All of it, for the trail.
    """

    credential_id: str = ""
    symbol: str = ""
    client_order_ids: tuple[str, ...] = ()
    reserved: Reserved | None = None


_NOTHING: Final = Reservation()


class OrderDesk:
    """See the module. One per gateway process."""

    def __init__(self, ledger: Ledger, entropy: Entropy) -> None:
        """Take the ledger to keep and the entropy to draw ids from."""
        self._ledger = ledger
        self._entropy = entropy
        self._tracker = Tracker(ledger)
        self._last_us = 0
        self._ownership = Ownership(ledger, self._learn)

    def prepare(self, key: ActiveKey, name: str, params: Params) -> Prepared | WireError:
        """Before `read_intent`: add client order ids where absent; refuse ids of other keys' open orders (-2010).

        Args:
            key: Whose request it is.
            name: Endpoint.
            params: As sent.
        """
        names = ID_NAMES.get(name)
        if names is None:
            return Prepared(params)
        with_all = with_ids(names, params, key.key.id, self._entropy)
        if isinstance(with_all, WireError):
            return with_all
        account, symbol = key.key.credential_id, params.get("symbol", "")
        for parameter in names.orders:
            taken = self._ledger.open_order(account, symbol, with_all[parameter])
            if taken is not None and taken.key_id != key.key.id:
                return DUPLICATE_ORDER
        return Prepared(with_all, "" if names.amends else with_all[names.orders[0]])

    async def permit(self, key: ActiveKey, name: str, params: Params, ask: Ask) -> Params | WireError:
        """After `prepare`, before deciding: whether the order or list a request names is the key's own.

        Args:
            key: Whose request it is.
            name: Endpoint.
            params: As prepared.
            ask: Used where only the exchange can tell; rarely.

        Returns:
            The parameters to go on with (a change of an order named by client id alone may get its order id added),
            or the refusal. For names that touch no order: the same object, at once.
        """
        return await self._ownership.permit(key, name, params, ask)

    def reserve(
        self, key: ActiveKey, intent: Intent, allowed: Sequence[Allow], now_us: int
    ) -> Reservation | WireError:
        """Step 6, no await since deciding: fold `Placed`/`Withdrawn` into every layer's usage and put the orders.

        Args:
            key: As decided for.
            intent: As decided.
            allowed: One per layer, as `decide_each` gave them.
            now_us: As decided with.

        Returns:
            What `give_back` needs, or a refusal (the same id was just taken; too many orders are open).
        """
        ledger, account = self._ledger, key.key.credential_id
        if isinstance(intent, Withdraw):
            withdrawn = reserved_by_withdrawal(key, intent, ledger.next_reservation(), now_us)
            fold_reserved(ledger, withdrawn)
            return Reservation(account, reserved=withdrawn)
        if not isinstance(intent, Place) or intent.dry:
            return _NOTHING
        names = tuple([order.client_order_id for order in intent.orders])
        refused = self._taken(account, intent.symbol, key.key.id, names)
        if refused is not None:
            return refused
        reserved = reserved_by_place(key, intent, allowed, ledger.next_reservation(), now_us)
        for record in order_records(account, reserved):
            ledger.put_order(record)
        fold_reserved(ledger, reserved)
        return Reservation(account, intent.symbol, names, reserved)

    def give_back(self, reservation: Reservation, now_us: int) -> None:
        """Nothing left this machine: close what was reserved. Only for outcome `not_sent`."""
        for name in reservation.client_order_ids:
            self._close(reservation.credential_id, reservation.symbol, name, now_us)

    def observe(self, credential_id: str, name: str, params: Params, answer: Answer, now_us: int) -> None:
        """Learn from any answer: order ids, executed amounts, closings, rejections. Before `narrow`. Never raises.

        Args:
            credential_id: On whose account.
            name: Endpoint.
            params: As sent, client order ids included.
            answer: As received.
            now_us: Upstream's time.
        """
        self._last_us = now_us
        if name in _SILENT or (answer.status >= REFUSED_STATUS_FROM and name not in ID_NAMES):
            return
        body = unpacked(answer)
        rows = read_rows(body) if body is not None else None
        if rows is None:
            return
        if name == TRADES:
            if isinstance(rows, list):
                self._tracker.correct_commissions(credential_id, rows, now_us)
            return
        for seen in orders_seen(rows):
            self._tracker.see(credential_id, seen, now_us)
        if _rejected(name, answer, rows):
            for client_order_id in ids_in(name, params):
                self._close(credential_id, params.get("symbol", ""), client_order_id, now_us)

    def narrow(self, key: ActiveKey, name: str, answer: Answer) -> Answer | WireError:
        """Leave out what belongs to others; the same object where nothing is left out.

        Returns:
            The answer, or a refusal where it cannot be read and so not be narrowed.
        """
        if not key.key.own_orders_only:
            return answer
        return narrow_answer(name, answer, key.key.id, partial(self._tracker.find, key.key.credential_id))

    def observe_event(self, credential_id: str, event: bytes, now_us: int) -> None:
        """Learn from a user-data event of the gateway's own subscription. Never raises."""
        read = read_event(event)
        if read is not None:
            for seen in event_orders(read):
                self._tracker.see(credential_id, seen, now_us)

    def admit_event(self, key: ActiveKey, event: bytes, now_us: int) -> bytes | None:
        """Learn from an event and say whether the key may see it (bare, or in its `subscriptionId` envelope).

        Returns:
            The event as it is, or None where it is hidden: another's, or of a kind nobody knows.
        """
        account, read = key.key.credential_id, read_event(event)
        if read is not None:
            for seen in event_orders(read):
                self._tracker.see(account, seen, now_us)
        if not key.key.own_orders_only:
            return event
        if read is None:
            return None
        find = partial(self._tracker.find, account)
        return event if event_admitted(read, key.key.id, find) else None

    async def cancel_all(self, key: ActiveKey, params: Params, ask: Ask) -> Answer | WireError:
        """Instead of sending `openOrders.cancelAll` for a key with own_orders_only: its own orders, one by one."""
        symbol = params.get("symbol")
        if not symbol:
            return missing("symbol")
        account = key.key.credential_id

        def own(row: Row) -> bool:
            record = self._tracker.find(account, Seen(symbol, identity(row.order_id), row.client_order_id))
            return record is not None and record.key_id == key.key.id

        return await cancel_own(symbol, ask, own, partial(self._learn, account))

    def conclude(self, record: OrderRecord, now_us: int) -> None:
        """Close an order of which the exchange, asked late enough, knows nothing."""
        self._tracker.close(record, now_us)

    def _learn(self, credential_id: str, name: str, params: Params, answer: Answer) -> None:
        """Observe an answer to a question of the desk's own, at the last moment it was told."""
        self.observe(credential_id, name, params, answer, self._last_us)

    def _close(self, credential_id: str, symbol: str, client_order_id: str, now_us: int) -> None:
        """Close an order that was never placed; one with an id of the exchange was."""
        record = self._ledger.open_order(credential_id, symbol, client_order_id)
        if record is not None and not record.order_id:
            self._tracker.close(record, now_us)

    def _taken(self, account: str, symbol: str, key_id: str, names: Sequence[str]) -> WireError | None:
        """Why orders may not be put: no room, or a name that is in use."""
        if self._ledger.full():
            return TOO_MANY_OPEN
        if len(set(names)) < len(names):
            return DUPLICATE_ORDER
        for name in names:
            used = self._ledger.open_order(account, symbol, name)
            # One of the key's own that the exchange knows may have closed unnoticed: it will say so itself.
            if used is not None and (used.key_id != key_id or not used.order_id):
                return DUPLICATE_ORDER
        return None


def _rejected(name: str, answer: Answer, rows: Row | list[Row]) -> bool:
    """Whether the exchange said for certain that a new order was not placed."""
    if answer.status < REFUSED_STATUS_FROM or answer.status >= UNKNOWN_STATUS_FROM or isinstance(rows, list):
        return False
    if rows.code in UNKNOWN_CODES:
        return False
    # A half that failed is told beside one that did not.
    return not (name == REPLACE and rows.data is not None and rows.data.new_order_result == PLACED)
