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
from watchword.exchange.wallets import TransferChannel, Wallet


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
        parent_id: The master account whose sub-account it is; 0: none. A sub-account has no sub-accounts.
        email: What a sub-account is called towards its master; "" exactly without one.
    """

    name: str
    grants: tuple[tuple[str, int], ...] = ()
    trade_group_id: int = -1
    parent_id: int = 0
    email: str = ""


class Deposit(Command, frozen=True, tag="deposit"):
    """Money from outside, into the spot wallet.

    Attributes:
        transaction_id: What the deposit history calls it; without one it is not in that history.
        network, address: What it came by, for the same history.
    """

    account_id: int
    asset: str
    amount: int
    transaction_id: str = ""
    network: str = ""
    address: str = ""


class Transfer(Command, frozen=True, tag="transfer"):
    """Money from one wallet to another: of one account, or within one family of master and sub-accounts.

    Attributes:
        channel: By which interface it came; each has a history of its own.
        client_transfer_id: Chosen by the client, each once for a family; "" : not sent.
    """

    from_id: int
    from_wallet: Wallet
    to_id: int
    to_wallet: Wallet
    asset: str
    amount: int
    channel: TransferChannel
    client_transfer_id: str = ""


class AllowAddress(Command, frozen=True, tag="allow_address"):
    """Put an address into an account's address book. One that is there already gets the new name."""

    account_id: int
    asset: str
    network: str
    address: str
    address_tag: str = ""
    name: str = ""


class ForgetAddress(Command, frozen=True, tag="forget_address"):
    """Take an address out of an account's address book."""

    account_id: int
    asset: str
    network: str
    address: str
    address_tag: str = ""


class Withdraw(Command, frozen=True, tag="withdraw"):
    """Money to outside, to an address of the account's address book and no other.

    Attributes:
        amount: What is taken from the wallet, the fee included.
        fee: The part that goes to the fee account.
        withdraw_order_id: Chosen by the client, each once for an account; "" : not sent.
        withdrawal_id, transaction_id: Drawn before the command is made; what the answer and the history say.
    """

    account_id: int
    wallet: Wallet
    asset: str
    amount: int
    fee: int
    network: str
    address: str
    withdrawal_id: str
    transaction_id: str
    address_tag: str = ""
    withdraw_order_id: str = ""


class EnterSpecialKeyMode(Command, frozen=True, tag="special_enter"):
    """An account is about to get a special key of cross margin."""

    account_id: int


class ExitSpecialKeyMode(Command, frozen=True, tag="special_exit"):
    """An account gives up its special keys of cross margin; new ones have to wait."""

    account_id: int


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
    | PlaceOco | CancelOrderList | SetSymbolStatus | LiquidityTick | ImportTrade | SetLiquidity | Transfer
    | AllowAddress | ForgetAddress | Withdraw | EnterSpecialKeyMode | ExitSpecialKeyMode
)  # fmt: skip
