"""The order as the engine holds it. Mutable, and only the engine mutates it."""

import msgspec

from watchword.binance.enums import ExpiryReason, OrderStatus, OrderType, Side, StpMode, TimeInForce

NO_LIST = -1
NOT_WORKING = -1


class Order(msgspec.Struct, array_like=True, gc=False):
    """One order, open or closed. All amounts are scaled integers (10^-8).

    Attributes:
        order_id: Unique on the venue, rising.
        time_in_force: Empty for nothing; a MARKET order shows GTC, as Binance does.
        quantity: Base quantity asked for. For a MARKET order by quote: what was executed so far.
        quote_quantity: `origQuoteOrderQty`; 0 where the order was by base quantity.
        executed: Base filled so far. `executed_quote`: quote paid or received so far.
        prevented: Base removed by self-trade prevention. remaining = quantity - executed - prevented.
        held: What the ledger still holds for this order, in `hold_asset` units.
        working_us: When it reached the book, or -1 while it waits for its trigger.
        order_list_id: -1 outside lists.
    """

    order_id: int
    account_id: int
    symbol: str
    client_order_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    quote_quantity: int
    stop_price: int
    stp_mode: StpMode
    created_us: int
    updated_us: int
    working_us: int = NOT_WORKING
    status: OrderStatus = "NEW"
    executed: int = 0
    executed_quote: int = 0
    prevented: int = 0
    held: int = 0
    order_list_id: int = NO_LIST
    strategy_id: int = 0
    strategy_type: int = 0
    prevented_match_id: int = 0
    expiry_reason: ExpiryReason = ""
    #: `clientOrderId` of the cancel that closed it, or empty.
    cancel_client_order_id: str = ""
    #: Base quantity standing in the book right now; 0 while it waits for its trigger and once it is closed.
    #: Follows from the others (quantity - executed - prevented where it stands in the book), kept for speed.
    leaves: int = 0
