"""Requests for change: frozen, complete, replayable.

A command carries its sequence and `now_us`; applying the same commands to an empty venue gives the same state,
byte for byte. What needs dice (a client order id nobody sent) is drawn before the command is made.
Layout on disk: docs/formats/journal.md. All amounts are scaled integers (10^-8); 0 and "" mean "not sent".
"""

import msgspec

from watchword.binance.enums import (
    CancelReplaceMode,
    CancelRestriction,
    OrderType,
    Side,
    StpMode,
    SymbolStatus,
    TimeInForce,
)
from watchword.exchange.instruments import Instrument


class Command(msgspec.Struct, frozen=True, array_like=True, tag_field="command", gc=False):
    """What all commands share.

    Attributes:
        sequence: Position in the journal, from 1, without gaps.
        now_us: Venue time of acceptance, epoch microseconds, never less than the previous command's.
    """

    sequence: int
    now_us: int


class OpenVenue(Command, frozen=True, tag="open"):
    """The first command of every journal.

    Attributes:
        seed: Feeds the market makers and the back-filled history.
        liquidity: Whether market makers trade; without them the books start empty and no history is made up.
    """

    seed: int
    liquidity: bool
    instruments: tuple[Instrument, ...]


class OpenAccount(Command, frozen=True, tag="account"):
    """A new account. Its id is the venue's next account id; `grants` is paid in now and again at every reset.

    Attributes:
        trade_group_id: Accounts of one group do not trade with each other (self-trade prevention); -1: no group.
    """

    name: str
    grants: tuple[tuple[str, int], ...] = ()
    trade_group_id: int = -1


class Deposit(Command, frozen=True, tag="deposit"):
    """Money from outside."""

    account_id: int
    asset: str
    amount: int


class ResetVenue(Command, frozen=True, tag="reset"):
    """Wipe orders, trades of accounts and balances; keep accounts and pay their grants again."""


class OrderTerms(Command, frozen=True):
    """The fields of a new order, shared by the two commands that place one."""

    account_id: int
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: int
    quote_quantity: int
    price: int
    stop_price: int
    client_order_id: str
    stp_mode: StpMode
    strategy_id: int
    strategy_type: int


class PlaceOrder(OrderTerms, frozen=True, tag="place"):
    """A new order."""


class CancelReplace(OrderTerms, frozen=True, tag="replace"):
    """Cancel one order and place another in one step.

    Attributes:
        over_order_limit: The account's unfilled-order count was exhausted at receipt (CANCEL_ONLY mode): cancel,
            but the new order is refused with -1015.
    """

    cancel_order_id: int
    cancel_orig_client_order_id: str
    cancel_client_order_id: str
    cancel_restriction: CancelRestriction
    mode: CancelReplaceMode
    over_order_limit: bool = False


class CancelOrder(Command, frozen=True, tag="cancel"):
    """Cancel by id, by client id, or by both (found by id, then the client id must agree)."""

    account_id: int
    symbol: str
    order_id: int
    orig_client_order_id: str
    client_order_id: str
    restriction: CancelRestriction = ""


class CancelOpenOrders(Command, frozen=True, tag="cancel_all"):
    """Cancel everything an account has open on a symbol, lists included."""

    account_id: int
    symbol: str
    client_order_id: str


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One leg of an order list."""

    type: OrderType
    time_in_force: TimeInForce
    price: int
    stop_price: int
    client_order_id: str
    strategy_id: int = 0
    strategy_type: int = 0


class PlaceOco(Command, frozen=True, tag="oco"):
    """One-cancels-the-other: `above` and `below` the market, same side and quantity."""

    account_id: int
    symbol: str
    side: Side
    quantity: int
    list_client_order_id: str
    stp_mode: StpMode
    above: Leg
    below: Leg


class CancelOrderList(Command, frozen=True, tag="cancel_list"):
    """Cancel a whole list by id (0: not sent) or by its client id."""

    account_id: int
    symbol: str
    order_list_id: int
    list_client_order_id: str
    client_order_id: str


class SetSymbolStatus(Command, frozen=True, tag="status"):
    """Halt or resume a symbol."""

    symbol: str
    status: SymbolStatus


class LiquidityTick(Command, frozen=True, tag="tick"):
    """Let the market makers and takers act once. Everything they do follows from the venue's state."""


class ImportTrade(Command, frozen=True, tag="import"):
    """One recorded public trade: print it on this venue, hitting resting user orders that stand in its way."""

    symbol: str
    price: int
    quantity: int
    buyer_is_maker: bool


class SetLiquidity(Command, frozen=True, tag="liquidity"):
    """Turn the built-in market makers of a symbol on or off (off while a recording plays)."""

    symbol: str
    enabled: bool


AnyCommand = (
    OpenVenue | OpenAccount | Deposit | ResetVenue | PlaceOrder | CancelReplace | CancelOrder | CancelOpenOrders
    | PlaceOco | CancelOrderList | SetSymbolStatus | LiquidityTick | ImportTrade | SetLiquidity
)  # fmt: skip
