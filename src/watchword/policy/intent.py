"""What a request would change, as typed values. Built by reading.py; judged by the rules. Never says whether it may.

All prices, quantities and amounts are scaled integers (10^-8); 0 and "" mean "not sent".
"""

from typing import Literal, final

import msgspec

from watchword.binance.endpoints import Security
from watchword.binance.enums import OrderType, Side, TimeInForce

CancelScope = Literal["order", "list", "symbol"]
Kind = Literal["place", "cancel", "reduce", "withdraw", "read", "unknown"]


class Order(msgspec.Struct, frozen=True, gc=False):
    """One order as it would be sent.

    Attributes:
        side: BUY or SELL.
        type: Order type.
        quantity: Base units; 0 where `quote_quantity` says how much.
        time_in_force: GTC where none was sent.
        quote_quantity: Quote units to spend or receive (MARKET only).
        price: Limit price; 0 for orders without one.
        stop_price: Trigger price; 0 for orders without one.
        trailing_delta: Distance of a trailing trigger in basis points; 0 for none.
        client_order_id: As sent.
    """

    side: Side
    type: OrderType
    quantity: int
    time_in_force: TimeInForce = "GTC"
    quote_quantity: int = 0
    price: int = 0
    stop_price: int = 0
    trailing_delta: int = 0
    client_order_id: str = ""


@final
class Cancel(msgspec.Struct, frozen=True):
    """Taking orders off the book.

    Attributes:
        endpoint: Name of the operation.
        symbol: Where.
        scope: One order, one list, or everything open on the symbol.
        order_id: Order id or list id; 0 where it was not sent.
        client_order_id: The order's or the list's own id, as sent.
    """

    endpoint: str
    symbol: str
    scope: CancelScope
    order_id: int = 0
    client_order_id: str = ""


@final
class Place(msgspec.Struct, frozen=True):
    """Putting orders on the book.

    Attributes:
        endpoint: Name of the operation.
        symbol: Where.
        groups: Orders of which only one can fill stand in one group: a single order is one group of one, an OCO one
            group of two, an OTO two groups, an OTOCO a group of one and a group of two.
        cancels: What cancel-replace takes off first; None elsewhere.
        dry: A test order: judged alike, never placed, never counted.
        list_client_order_id: The list's own id, as sent.
    """

    endpoint: str
    symbol: str
    groups: tuple[tuple[Order, ...], ...]
    cancels: Cancel | None = None
    dry: bool = False
    list_client_order_id: str = ""

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order, in the order sent."""
        return tuple(order for group in self.groups for order in group)


@final
class Reduce(msgspec.Struct, frozen=True):
    """Making an open order smaller (`order.amend.keepPriority`; Binance refuses a larger quantity)."""

    endpoint: str
    symbol: str
    new_quantity: int
    order_id: int = 0
    client_order_id: str = ""


@final
class Withdraw(msgspec.Struct, frozen=True):
    """Sending coins away.

    Attributes:
        endpoint: Name of the operation.
        coin: Asset.
        network: Chain; never empty, since Binance would otherwise choose.
        address: Destination, compared to the letter.
        tag: Memo or payment id; "" for none.
        amount: Coins, scaled.
    """

    endpoint: str
    coin: str
    network: str
    address: str
    tag: str
    amount: int


@final
class Read(msgspec.Struct, frozen=True):
    """A request that changes nothing."""

    endpoint: str
    security: Security


@final
class Unknown(msgspec.Struct, frozen=True):
    """A change whose meaning is not parsed.

    Attributes:
        endpoint: Name of the operation, or method and path.
        why: What could not be read, for people.
    """

    endpoint: str
    why: str


Intent = Place | Cancel | Reduce | Withdraw | Read | Unknown

KINDS: dict[type, Kind] = {
    Place: "place",
    Cancel: "cancel",
    Reduce: "reduce",
    Withdraw: "withdraw",
    Read: "read",
    Unknown: "unknown",
}
