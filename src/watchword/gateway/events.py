"""Reads user-data events as far as whose they are and what they say about orders. Never keeps or changes one.

Source: user-data-stream.md.
"""

from typing import Final

import msgspec

from watchword.gateway.answers import Seen, identity, moment_us, scaled

ORDER_KIND: Final = "executionReport"
LIST_KIND: Final = "listStatus"
#: Kinds that are about the account or the stream; they tell nothing of one order. Others are hidden.
SHARED_KINDS: Final = frozenset(
    (
        "outboundAccountPosition",
        "balanceUpdate",
        "externalLockUpdate",
        "eventStreamTerminated",
        "serverShutdown",
    )
)
_REPLACED: Final = "REPLACED"


class Leg(msgspec.Struct, frozen=True, rename={"symbol": "s", "order_id": "i", "client_order_id": "c"}):
    """One order of a `listStatus`."""

    symbol: str = ""
    order_id: int = 0
    client_order_id: str = ""


class Event(
    msgspec.Struct,
    frozen=True,
    rename={
        "kind": "e",
        "symbol": "s",
        "order_id": "i",
        "name": "c",
        "former": "C",
        "list_id": "g",
        "execution": "x",
        "status": "X",
        "executed": "z",
        "amount": "Z",
        "commission": "n",
        "commission_asset": "N",
        "at": "T",
        "legs": "O",
    },
):
    """An event; every member may be missing.

    `name` is the client order id of an order and the contingency of a list; `former` is the order's former id, or the
    list's own one; `legs` is a moment in an executionReport and a list of legs in a listStatus.
    """

    kind: str = ""
    symbol: str = ""
    order_id: int = 0
    name: str = ""
    former: str = ""
    list_id: int = -1
    execution: str = ""
    status: str = ""
    executed: str = ""
    amount: str = ""
    commission: str | None = None
    commission_asset: str | None = None
    at: int = 0
    legs: int | tuple[Leg, ...] = ()


class _Envelope(msgspec.Struct, frozen=True):
    event: msgspec.Raw = msgspec.Raw()


_EVENT: Final = msgspec.json.Decoder(Event)
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_WRAPPED_PREFIX: Final = b'{"subscriptionId"'


def read_event(text: bytes) -> Event | None:
    """Decode an event, bare or in the WebSocket API's envelope; None where it is none."""
    try:
        if not text.startswith(_WRAPPED_PREFIX):
            event = _EVENT.decode(text)
            if event.kind:
                return event
        inner = _ENVELOPE.decode(text).event
        return _EVENT.decode(inner) if bytes(inner) else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def event_orders(event: Event) -> tuple[Seen, ...]:
    """Return every order an event reports; empty for kinds that are not about orders."""
    if event.kind == LIST_KIND and not isinstance(event.legs, int):
        return tuple(
            Seen(
                leg.symbol,
                identity(leg.order_id),
                leg.client_order_id,
                "",
                identity(event.list_id),
                list_client_order_id=event.former,
                at_us=moment_us(event.at),
            )
            for leg in event.legs
        )
    if event.kind != ORDER_KIND:
        return ()
    paid = scaled(event.commission or "")
    return (
        Seen(
            event.symbol,
            identity(event.order_id),
            event.name,
            event.former,
            identity(event.list_id),
            event.status,
            scaled(event.executed),
            scaled(event.amount),
            ((event.commission_asset, paid),) if event.commission_asset and paid > 0 else (),
            False,
            event.execution == _REPLACED,
            at_us=moment_us(event.legs if isinstance(event.legs, int) else event.at),
        ),
    )
