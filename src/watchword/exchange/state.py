"""Everything the engine remembers, without a rule in it: symbols, accounts' open orders, balances, counters.

`State` holds floors; a `Floor` is one symbol; a `Desk` is one account's business on one symbol, with references to
the balances it trades from, so that the hot path looks nothing up twice.
"""

from typing import Final

import msgspec

from watchword.binance.enums import ListStatusType
from watchword.exchange.accounts import HOUSE_PREFIX, Account
from watchword.exchange.book import OrderBook
from watchword.exchange.instruments import Instrument
from watchword.exchange.ledger import FEE_ACCOUNT_ID, Balance, Ledger
from watchword.exchange.order import Order
from watchword.exchange.stops import StopBook
from watchword.exchange.treasury import Treasury

#: Stands for "no limit" where a filter is switched off.
UNLIMITED: Final = 1 << 62


class OrderList(msgspec.Struct, gc=False):
    """One order list (OCO). While no leg works off its quantity, the hold of both is kept here.

    Attributes:
        legs: Stop leg first, then the limit or take-profit leg, as Binance lists them.
        held: Held for whichever leg comes to trade; 0 once one of them has begun (then that order holds).
    """

    order_list_id: int
    account_id: int
    symbol: str
    list_client_order_id: str
    legs: tuple[Order, ...]
    held: int
    created_us: int
    updated_us: int
    list_status_type: ListStatusType = "EXEC_STARTED"


class Desk:
    """One account's open business on one symbol.

    Attributes:
        base, quote: The account's balances of the symbol's assets.
        open: Open orders by id. by_client: the same by client id.
        lists: Open order lists by id.
        algo: How many open orders are of the four contingent types.
        orders_max: MAX_NUM_ORDERS as it applies to this account.
    """

    __slots__ = ("account", "algo", "base", "by_client", "lists", "open", "orders_max", "quote")

    def __init__(self, account: Account, base: Balance, quote: Balance, orders_max: int) -> None:
        self.account = account
        self.base = base
        self.quote = quote
        self.open: dict[int, Order] = {}
        self.by_client: dict[str, Order] = {}
        self.lists: dict[int, OrderList] = {}
        self.algo = 0
        self.orders_max = orders_max


class Floor:
    """One symbol.

    Attributes:
        last_price: Of the latest trade; 0 before the first.
        range_low, range_high: Trade prices not yet shown to the waiting stop orders; 0: none.
        liquidity: Whether the venue's own market makers act here.
        fee_base, fee_quote: Where commissions go.
    """

    __slots__ = (
        "book", "desks", "fee_base", "fee_quote", "instrument", "last_price", "liquidity",
        "next_prevented_match_id", "next_trade_id", "range_high", "range_low", "status", "stops", "symbol",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, ledger: Ledger) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.status: str = instrument.status
        self.book = OrderBook()
        self.stops = StopBook()
        self.desks: dict[int, Desk] = {}
        self.fee_base = ledger.balance(FEE_ACCOUNT_ID, instrument.base_asset)
        self.fee_quote = ledger.balance(FEE_ACCOUNT_ID, instrument.quote_asset)
        self.last_price = 0
        self.range_low = 0
        self.range_high = 0
        self.next_trade_id = 1
        self.next_prevented_match_id = 1
        self.liquidity = False


class State:
    """The whole exchange at one moment.

    Attributes:
        sequence: Of the last command applied. now_us: its moment.
        accounts: By id, ids rising. floors: by symbol, in listing order.
        lists: Open order lists of everybody, by id.
        treasury: Families of accounts, address books, and money that moved without a trade.
    """

    __slots__ = (
        "accounts", "floors", "ledger", "liquidity", "lists", "next_execution_id", "next_list_id",
        "next_order_id", "now_us", "seed", "sequence", "treasury",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sequence = 0
        self.now_us = 0
        self.seed = 0
        self.liquidity = False
        self.ledger = Ledger()
        self.treasury = Treasury()
        self.accounts: dict[int, Account] = {}
        self.floors: dict[str, Floor] = {}
        self.lists: dict[int, OrderList] = {}
        self.next_order_id = 1
        self.next_execution_id = 1
        self.next_list_id = 1

    def desk(self, floor: Floor, account_id: int) -> Desk | None:
        """Return the account's desk, set up on first use; None where there is no such account."""
        desk = floor.desks.get(account_id)
        if desk is not None:
            return desk
        account = self.accounts.get(account_id)
        if account is None:
            return None
        instrument = floor.instrument
        desk = floor.desks[account_id] = Desk(
            account,
            self.ledger.balance(account_id, instrument.base_asset),
            self.ledger.balance(account_id, instrument.quote_asset),
            UNLIMITED if account.house else instrument.max_num_orders or UNLIMITED,
        )
        return desk

    def add_account(
        self, name: str, grants: tuple[tuple[str, int], ...], trade_group_id: int, now_us: int
    ) -> Account:
        """Open an account under the next id; pays nothing in."""
        account = Account(
            account_id=len(self.accounts) + 1,
            name=name,
            grants=grants,
            trade_group_id=trade_group_id,
            created_us=now_us,
            updated_us=now_us,
            house=name.startswith(HOUSE_PREFIX),
        )
        self.accounts[account.account_id] = account
        return account
