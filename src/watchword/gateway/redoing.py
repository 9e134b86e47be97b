"""Reservations that the trail has and the ledger had not written yet, put into the ledger at a start. Pure; asks nobody.

A reservation is numbered and put into the ledger's memory before its intent is recorded, and a write of the ledger takes
everything that is in memory. So what it lacks are the reservations with higher numbers than its mark, and their intents
lie after the row that was the trail's last one when the write was made up.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from watchword.audit.chain import read_line
from watchword.audit.event import Intent, Outcome, decode_event
from watchword.audit.reserved import Reserved
from watchword.gateway.order_desk import OrderDesk, Reservation
from watchword.gateway.ports import Ledger
from watchword.gateway.reserving import fold_reserved, order_records

#: What the rows of interest have in them; most rows are of reads.
_RESERVES: Final = b'"reserved":{'
_NOT_SENT: Final = b'"result":"not_sent"'


class Redone(msgspec.Struct, frozen=True):
    """What was put into the ledger.

    Attributes:
        count: Reservations.
        given_back: Orders of requests that turned out not to have been sent.
        number: The last reservation there is.
    """

    count: int
    given_back: int
    number: int


def redo(
    lines: Iterable[bytes],
    after: int,
    ledger: Ledger,
    desk: OrderDesk,
    intent_in: Callable[[int], Intent | None],
) -> Redone:
    """Put into a ledger what it lacks.

    Args:
        lines: The rows after a ledger's mark, in order.
        after: The last reservation the ledger has.
        ledger: To put into; nobody else uses it yet.
        desk: Takes back what was not sent.
        intent_in: Reads the intent in an earlier row; None where there is none.

    Returns:
        What was done. Doing it again, after the number it gives, changes nothing.
    """
    count, given_back, last = 0, 0, after
    for line in lines:
        if _RESERVES not in line and _NOT_SENT not in line:
            continue
        row = read_line(line)
        event = decode_event(row.body) if row is not None else None
        if isinstance(event, Intent) and event.reserved is not None:
            if event.reserved.number > after:
                _put(ledger, event.credential, event.reserved)
                last, count = max(last, event.reserved.number), count + 1
        elif isinstance(event, Outcome) and event.result == "not_sent" and row is not None:
            given_back += _give_back(ledger, desk, intent_in(event.intent), row.now_us)
    return Redone(count, given_back, last)


def _put(ledger: Ledger, credential_id: str, reserved: Reserved) -> None:
    if not reserved.layers:
        return
    for record in order_records(credential_id, reserved):
        ledger.put_order(record)
    fold_reserved(ledger, reserved)


def _give_back(ledger: Ledger, desk: OrderDesk, intent: Intent | None, now_us: int) -> int:
    """Close the orders that are still those of a request: a name may have been used again since."""
    reserved = intent.reserved if intent is not None else None
    if intent is None or reserved is None:
        return 0
    account, symbol = intent.credential, reserved.symbol
    names = []
    for name in [name for group in reserved.groups for name in group.orders]:
        record = ledger.open_order(account, symbol, name)
        if record is not None and record.placed_us == reserved.at_us and record.key_id == intent.key:
            names.append(name)
    desk.give_back(Reservation(account, symbol, tuple(names)), now_us)
    return len(names)
