"""Facts: what a command did. Frozen, in the order they happened.

An event carries the cumulative figures of its moment, because it is rendered after the whole command was applied,
when the order may have moved on. What does not change (side, price, client id …) is read from the `Order`.
`execution_id` rises strictly over the venue's life; a trade uses two, taker first.
"""

from typing import Literal

import msgspec

from watchword.binance.enums import ExpiryReason, ListOrderStatus, ListStatusType, OrderStatus
from watchword.binance.errors import WireError
from watchword.exchange.order import Order


class Event(msgspec.Struct, frozen=True, gc=False):
    """What all events share: the moment, epoch microseconds."""

    at_us: int


class AccountOpened(Event, frozen=True):
    """An account exists."""

    account_id: int
    name: str


class BalanceChanged(Event, frozen=True):
    """Money came from or went outside (deposit, reset). `delta` is signed."""

    account_id: int
    asset: str
    delta: int


class VenueReset(Event, frozen=True):
    """All orders and balances were wiped."""


class OrderAccepted(Event, frozen=True):
    """A new order passed. `working` is false while it waits for its trigger."""

    execution_id: int
    order: Order
    working: bool


class OrderTriggered(Event, frozen=True):
    """A contingent order's stop price was reached; it is now LIMIT or MARKET business."""

    execution_id: int
    order: Order


class OrderTraded(Event, frozen=True):
    """Two orders met. `execution_id` is the taker's, `execution_id + 1` the maker's.

    Attributes:
        price, quantity, quote: Of this fill; quote is floored price times quantity.
        *_executed, *_executed_quote, *_status: Of each order right after this fill.
        *_commission: Charged in *_commission_asset.
    """

    execution_id: int
    symbol: str
    trade_id: int
    price: int
    quantity: int
    quote: int
    taker: Order
    maker: Order
    taker_executed: int
    taker_executed_quote: int
    taker_status: OrderStatus
    taker_commission: int
    taker_commission_asset: str
    maker_executed: int
    maker_executed_quote: int
    maker_status: OrderStatus
    maker_commission: int
    maker_commission_asset: str


class OrderCanceled(Event, frozen=True):
    """A person, a list or a reset took the order away. Executed figures are final, read them from the order."""

    execution_id: int
    order: Order
    cancel_client_order_id: str


class OrderExpired(Event, frozen=True):
    """The engine took the order away (IOC, FOK, no liquidity, OCO trigger, self-trade prevention)."""

    execution_id: int
    order: Order
    status: Literal["EXPIRED", "EXPIRED_IN_MATCH"]
    reason: ExpiryReason


class TradePrevented(Event, frozen=True):
    """Self-trade prevention stopped a match. `execution_id` is the taker's, + 1 the maker's.

    `taker_prevented` and `maker_prevented` are the quantities removed from each (0 where untouched).
    """

    execution_id: int
    symbol: str
    prevented_match_id: int
    trade_group_id: int
    price: int
    taker: Order
    maker: Order
    taker_prevented: int
    maker_prevented: int


class OrderListChanged(Event, frozen=True):
    """An order list began, moved or ended. `legs` are its orders, in the order Binance lists them."""

    order_list_id: int
    list_client_order_id: str
    account_id: int
    symbol: str
    list_status_type: ListStatusType
    list_order_status: ListOrderStatus
    legs: tuple[Order, ...]


class CancelReplaceResolved(Event, frozen=True):
    """How the two halves went: None means success; `new_error` is None and `attempted` false if not tried."""

    cancel_error: WireError | None
    new_error: WireError | None
    attempted: bool
    canceled: Order | None
    placed: Order | None


class SymbolStatusChanged(Event, frozen=True):
    """A symbol was halted or resumed."""

    symbol: str
    status: str


AnyEvent = (
    AccountOpened | BalanceChanged | VenueReset | OrderAccepted | OrderTriggered | OrderTraded | OrderCanceled
    | OrderExpired | TradePrevented | OrderListChanged | CancelReplaceResolved | SymbolStatusChanged
)  # fmt: skip

#: What applying a command gives: the facts in order, or the one refusal (then nothing changed).
Applied = list[AnyEvent] | WireError
