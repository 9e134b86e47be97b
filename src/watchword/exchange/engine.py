"""The engine: commands in, facts out. Synchronous, deterministic, and the only thing that changes the state.

Refusals change nothing and are returned; a broken invariant raises and stops the process. What belongs to no order
(accounts, deposits, resets, symbol status) is done here; transfers and withdrawals in `moving`, the rest in `placing`,
`cancelling` and `order_lists`.
"""

from collections.abc import Callable
from typing import Any, Final

from watchword.binance.errors import BAD_SYMBOL, WireError
from watchword.exchange.accounts import ACCOUNTS_MAX
from watchword.exchange.book import OrderBook
from watchword.exchange.cancelling import cancel_open_orders, cancel_order, cancel_order_list, cancel_replace
from watchword.exchange.commands import (
    AllowAddress,
    AnyCommand,
    CancelOpenOrders,
    CancelOrder,
    CancelOrderList,
    CancelReplace,
    Deposit,
    EnterSpecialKeyMode,
    ExitSpecialKeyMode,
    ForgetAddress,
    OpenAccount,
    OpenVenue,
    PlaceOco,
    PlaceOrder,
    ResetVenue,
    SetLiquidity,
    SetSymbolStatus,
    Transfer,
    Withdraw,
)
from watchword.exchange.events import (
    AccountOpened,
    AnyEvent,
    Applied,
    BalanceChanged,
    SymbolStatusChanged,
    VenueReset,
)
from watchword.exchange.instruments import Instrument
from watchword.exchange.ledger import BALANCE_MAX
from watchword.exchange.lifecycle import cancel
from watchword.exchange.moving import (
    allow_address,
    forget_address,
    judge_sub_account,
    note_deposit,
    note_sub_account,
    transfer,
    withdraw,
)
from watchword.exchange.order import Order
from watchword.exchange.order_lists import place_oco
from watchword.exchange.placing import place
from watchword.exchange.special_keys import enter_special_key_mode, exit_special_key_mode
from watchword.exchange.state import Floor, OrderList, State
from watchword.kernel.errors import InvariantError, invariant

BAD_ACCOUNT: Final = WireError(-1130, "Data sent for parameter 'account' is not valid.")
BAD_NAME: Final = WireError(-1130, "Data sent for parameter 'name' is not valid.")
BAD_AMOUNT: Final = WireError(-1130, "Data sent for parameter 'amount' is not valid.")


class Engine(State):
    """The state and the one way to change it."""

    __slots__ = ()

    def apply(self, command: AnyCommand) -> Applied:
        """Apply one command.

        Args:
            command: With a sequence and a moment not before the last one's.

        Returns:
            The facts in order, or the one refusal; then nothing changed but sequence and moment.

        Raises:
            InvariantError: The command has no handler here, or comes from the past.
        """
        handler = _HANDLERS.get(type(command))
        now_us = command.now_us
        if handler is None or now_us < self.now_us:
            raise InvariantError("a command out of place")
        self.sequence = command.sequence
        self.now_us = now_us
        events: list[AnyEvent] = []
        refusal = handler(self, command, events)
        return events if refusal is None else refusal

    def pass_time(self, command: AnyCommand) -> None:
        """Note a command that does nothing by itself (a tick, a recorded trade): only sequence and moment."""
        invariant(command.now_us >= self.now_us, "a command out of place")
        self.sequence = command.sequence
        self.now_us = command.now_us

    def book(self, symbol: str) -> OrderBook:
        """Return a listed symbol's book. Read it; never change it.

        Raises:
            KeyError: The symbol is not listed; edges ask `floors` first.
        """
        return self.floors[symbol].book

    def instrument(self, symbol: str) -> Instrument:
        """Return a listed symbol's instrument.

        Raises:
            KeyError: The symbol is not listed; edges ask `floors` first.
        """
        return self.floors[symbol].instrument

    def symbols(self) -> tuple[str, ...]:
        """Return the listed symbols in listing order."""
        return tuple(self.floors)

    def order(self, account_id: int, symbol: str, order_id: int, client_order_id: str) -> Order | None:
        """Find an open order by id (0: not sent) or client id ("": not sent); sent both, they must agree."""
        floor = self.floors.get(symbol)
        desk = floor.desks.get(account_id) if floor is not None else None
        if desk is None:
            return None
        order = desk.open.get(order_id) if order_id else desk.by_client.get(client_order_id)
        if order is not None and client_order_id and order.client_order_id != client_order_id:
            return None
        return order

    def open_orders(self, account_id: int, symbol: str | None = None) -> list[Order]:
        """Return an account's open orders, oldest first, of one symbol or of all."""
        floors = self.floors.values() if symbol is None else [self.floors[symbol]]
        desks = [floor.desks[account_id] for floor in floors if account_id in floor.desks]
        orders = [order for desk in desks for order in desk.open.values()]
        orders.sort(key=_order_id)
        return orders

    def open_lists(self, account_id: int) -> list[OrderList]:
        """Return an account's open order lists, oldest first."""
        return [listed for listed in self.lists.values() if listed.account_id == account_id]

    def continue_tape(self, symbol: str, next_trade_id: int, last_price: int) -> None:
        """Let a symbol go on where made-up history ended. For the venue, right after it opened.

        Args:
            symbol: Listed and never traded.
            next_trade_id: Id of its first real trade.
            last_price: Price of the last made-up trade, scaled; 0: none.
        """
        floor = self.floors[symbol]
        invariant(floor.next_trade_id == 1, "a tape can only be continued before the first trade")
        floor.next_trade_id = next_trade_id
        floor.last_price = last_price


def _order_id(order: Order) -> int:
    return order.order_id


def _open_venue(engine: Engine, command: OpenVenue, _events: list[AnyEvent]) -> WireError | None:
    invariant(not engine.floors and not engine.accounts, "a venue opens once")
    engine.seed = command.seed
    engine.liquidity = command.liquidity
    for instrument in command.instruments:
        floor = Floor(instrument, engine.ledger)
        floor.liquidity = command.liquidity and instrument.start_price > 0
        engine.floors[instrument.symbol] = floor
    return None


def _open_account(engine: Engine, command: OpenAccount, events: list[AnyEvent]) -> WireError | None:
    if not command.name or len(engine.accounts) >= ACCOUNTS_MAX:
        return BAD_NAME
    if any(account.name == command.name for account in engine.accounts.values()):
        return BAD_NAME
    if any(not asset or not 0 < amount <= BALANCE_MAX for asset, amount in command.grants):
        return BAD_AMOUNT
    refused = judge_sub_account(engine, command)
    if refused is not None:
        return refused
    account = engine.add_account(command.name, command.grants, command.trade_group_id, command.now_us)
    note_sub_account(engine, command, account.account_id)
    events.append(AccountOpened(command.now_us, account.account_id, account.name))
    for asset, amount in account.grants:
        _issue(engine, account.account_id, asset, amount, events)
    return None


def _deposit(engine: Engine, command: Deposit, events: list[AnyEvent]) -> WireError | None:
    account = engine.accounts.get(command.account_id)
    if account is None:
        return BAD_ACCOUNT
    if not command.asset or command.amount <= 0:
        return BAD_AMOUNT
    balance = engine.ledger.balance(command.account_id, command.asset)
    if balance.free + balance.locked + command.amount > BALANCE_MAX:
        return BAD_AMOUNT
    account.updated_us = command.now_us
    _issue(engine, command.account_id, command.asset, command.amount, events)
    note_deposit(engine, command)
    return None


def _issue(engine: Engine, account_id: int, asset: str, amount: int, events: list[AnyEvent]) -> None:
    engine.ledger.issue(account_id, asset, amount)
    events.append(BalanceChanged(engine.now_us, account_id, asset, amount))


def _reset_venue(engine: Engine, command: ResetVenue, events: list[AnyEvent]) -> WireError | None:
    """Cancel everything, symbol by symbol and oldest first, empty the ledger, pay the grants again."""
    for symbol in sorted(engine.floors):
        floor = engine.floors[symbol]
        open_orders = sorted(
            (order_id, account_id) for account_id, desk in floor.desks.items() for order_id in desk.open
        )
        for order_id, account_id in open_orders:
            desk = floor.desks[account_id]
            order = desk.open.get(order_id)
            if order is not None:
                cancel(engine, floor, desk, order, "", events)
    events.append(VenueReset(command.now_us))
    engine.treasury.wipe()
    wiped = engine.ledger.wipe()
    for account_id, asset, had in wiped:
        events.append(BalanceChanged(command.now_us, account_id, asset, -had))
    for account in engine.accounts.values():
        account.updated_us = command.now_us
        for asset, amount in account.grants:
            _issue(engine, account.account_id, asset, amount, events)
    return None


def _place_order(engine: Engine, command: PlaceOrder, events: list[AnyEvent]) -> WireError | None:
    outcome = place(engine, command, events)
    return outcome if type(outcome) is WireError else None


def _set_status(engine: Engine, command: SetSymbolStatus, events: list[AnyEvent]) -> WireError | None:
    floor = engine.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    floor.status = command.status
    events.append(SymbolStatusChanged(command.now_us, command.symbol, command.status))
    return None


def _set_liquidity(engine: Engine, command: SetLiquidity, _events: list[AnyEvent]) -> WireError | None:
    floor = engine.floors.get(command.symbol)
    if floor is None:
        return BAD_SYMBOL
    floor.liquidity = command.enabled
    return None


#: LiquidityTick and ImportTrade are expanded into these by the venue.
_HANDLERS: Final[dict[type, Callable[[Engine, Any, list[AnyEvent]], WireError | None]]] = {
    PlaceOrder: _place_order,
    CancelOrder: cancel_order,
    CancelReplace: cancel_replace,
    CancelOpenOrders: cancel_open_orders,
    PlaceOco: place_oco,
    CancelOrderList: cancel_order_list,
    OpenVenue: _open_venue,
    OpenAccount: _open_account,
    Deposit: _deposit,
    ResetVenue: _reset_venue,
    SetSymbolStatus: _set_status,
    SetLiquidity: _set_liquidity,
    Transfer: transfer,
    AllowAddress: allow_address,
    ForgetAddress: forget_address,
    Withdraw: withdraw,
    EnterSpecialKeyMode: enter_special_key_mode,
    ExitSpecialKeyMode: exit_special_key_mode,
}
