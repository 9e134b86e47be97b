"""What a key with own_orders_only may see of an answer or an event: what its own orders are about. Keeps nothing.

Rows that stay are the upstream's bytes; where nothing is left out the whole answer is.

Source: rest-api.md, the answers of the queries named in `_ARRAYS` and `_SINGLES`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from watchword.binance.errors import NO_SUCH_ORDER, WireError
from watchword.gateway.answers import Row, Seen, identity, orders_seen, read_rows, unpacked
from watchword.gateway.events import SHARED_KINDS, Event, event_orders
from watchword.gateway.messages import Answer
from watchword.gateway.ownership import NO_SUCH_LIST
from watchword.gateway.ports import OrderRecord

#: Fail closed: what cannot be read cannot be shown. 401, as for everything else a key may not do.
NOT_READ: Final = WireError(
    -1002,
    "Watchword could not read the exchange's answer, and so could not leave out the orders of other keys.",
    401,
)
SUCCESS: Final = 200
#: Headers that are about the bytes of the body.
_BODY_HEADERS: Final = frozenset((b"content-encoding", b"content-length", b"etag"))

Find = Callable[[Seen], OrderRecord | None]


def _about(row: Row) -> Sequence[Seen]:
    return tuple(orders_seen(row))


def _matched(row: Row) -> Sequence[Seen]:
    """A prevented match is about two orders; either makes it the key's business: that is why its order expired."""
    return (
        Seen(row.symbol, identity(row.taker_order_id), ""),
        Seen(row.maker_symbol or row.symbol, identity(row.maker_order_id), ""),
    )


#: Answers that are arrays: which orders an element is about.
_ARRAYS: Final[Mapping[str, Callable[[Row], Sequence[Seen]]]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "openOrders.status",
                "allOrders",
                "order.amendments",
                "myTrades",
                "myAllocations",
                "openOrderLists.status",
                "allOrderLists",
            ),
            _about,
        ),
        "myPreventedMatches": _matched,
    }
)
#: Answers that are one order or list, and what is said instead of another's.
_SINGLES: Final = {"order.status": NO_SUCH_ORDER, "orderList.status": NO_SUCH_LIST}


def narrow_answer(name: str, answer: Answer, key_id: str, find: Find) -> Answer | WireError:
    """Leave out of an answer what is not about a key's own orders.

    Args:
        name: Endpoint.
        answer: As received.
        key_id: Whose orders stay.
        find: Finds an order in the ledger.

    Returns:
        The same answer where all of it stays; otherwise one with a plain body; or a refusal.
    """
    about, absent = _ARRAYS.get(name), _SINGLES.get(name)
    if answer.status != SUCCESS or (about is None and absent is None):
        return answer
    body = unpacked(answer)
    rows = read_rows(body) if body is not None else None
    if body is None or rows is None:
        return NOT_READ
    if absent is not None:
        if not isinstance(rows, Row):
            return NOT_READ
        return answer if _owned(_about(rows), key_id, find) else absent
    if about is None or not isinstance(rows, list):
        return NOT_READ
    own = [_owned(about(row), key_id, find) for row in rows]
    if all(own):
        return answer
    return _rebuilt(answer, _kept(body, own))


def event_admitted(event: Event, key_id: str, find: Find) -> bool:
    """Whether a key may see an event: what is about the account, and what is about its own orders."""
    if event.kind in SHARED_KINDS:
        return True
    return _owned(event_orders(event), key_id, find)


def json_answer(body: bytes) -> Answer:
    """An answer of our own making, as the exchange would give it."""
    return Answer(status=SUCCESS, body=body, headers=((b"content-type", b"application/json;charset=UTF-8"),))


def _owned(orders: Sequence[Seen], key_id: str, find: Find) -> bool:
    """Whether any of these is the key's: orders of a list all have one owner."""
    for seen in orders:
        record = find(seen)
        if record is not None and record.key_id == key_id:
            return True
    return False


def _kept(body: bytes, own: Sequence[bool]) -> bytes:
    parts = msgspec.json.decode(body, type=list[msgspec.Raw])
    return b"[" + b",".join([bytes(part) for part, stays in zip(parts, own, strict=True) if stays]) + b"]"


def _rebuilt(answer: Answer, body: bytes) -> Answer:
    headers = tuple([header for header in answer.headers if header[0].lower() not in _BODY_HEADERS])
    return msgspec.structs.replace(answer, body=body, headers=headers)
