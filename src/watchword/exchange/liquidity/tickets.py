"""The house accounts' commands: orders, cancels and fresh money. Only builds them: never decides what to trade."""

from collections.abc import Iterable, Iterator
from typing import Final

from watchword.binance.enums import TimeInForce
from watchword.exchange.commands import AnyCommand, CancelOrder, Deposit, ImportTrade, PlaceOrder
from watchword.exchange.liquidity import view
from watchword.exchange.liquidity.profile import Profile
from watchword.exchange.liquidity.taker import Strike
from watchword.exchange.order import Order
from watchword.exchange.state import State
from watchword.kernel.units import SCALE

#: Client order ids of the house: this and the number of the order.
CLIENT_PREFIX: Final = "h"
#: Each house account is kept at so many dollars' worth of every asset it trades, and refilled at half of it.
RESERVE_DOLLARS: Final = 500_000_000
_REFILL_DIVISOR: Final = 2
#: No house account is given more of an asset: the engine allows ten billion units an account.
RESERVE_MAX: Final = 4_000_000_000 * SCALE
#: Money for so many trades like the present one is paid in at once while a recording plays.
_TRADES_PER_DEPOSIT: Final = 100


def order(
    cause: AnyCommand, number: int, account_id: int, symbol: str, strike: Strike, time_in_force: TimeInForce
) -> PlaceOrder:
    """Build a limit order.

    Args:
        cause: The command it follows from; gives sequence and moment.
        number: Makes the client id, unique among the house's orders.
        account_id: Whose.
        symbol: On what.
        strike: Side, price and quantity.
        time_in_force: `GTC` to rest, `IOC` to take.
    """
    return PlaceOrder(
        sequence=cause.sequence,
        now_us=cause.now_us,
        account_id=account_id,
        symbol=symbol,
        side=strike.side,
        type="LIMIT",
        time_in_force=time_in_force,
        quantity=strike.quantity,
        quote_quantity=0,
        price=strike.price,
        stop_price=0,
        client_order_id=f"{CLIENT_PREFIX}{number}",
        stp_mode="EXPIRE_TAKER",
        strategy_id=0,
        strategy_type=0,
    )


def cancels(cause: AnyCommand, orders: Iterable[Order]) -> Iterator[AnyCommand]:
    """Build a cancel for each order."""
    for gone in orders:
        yield CancelOrder(
            cause.sequence, cause.now_us, gone.account_id, gone.symbol, gone.order_id, "", f"c{gone.order_id}"
        )


def reserves_of(profile: Profile) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return how much of its two assets each house account should have."""
    base_dollars = max(1, profile.start * profile.quote_dollars // SCALE)
    reserve = RESERVE_DOLLARS * SCALE * SCALE
    return (profile.base_asset, reserve // base_dollars), (
        profile.quote_asset,
        reserve // profile.quote_dollars,
    )


def refills(
    engine: State, cause: AnyCommand, profile: Profile, account_ids: tuple[int, int]
) -> Iterator[AnyCommand]:
    """Pay in from outside what a house account has traded away."""
    for account_id in account_ids:
        for asset, reserve in reserves_of(profile):
            free = view.free_balance(engine, account_id, asset)
            if free * _REFILL_DIVISOR < reserve:
                yield Deposit(cause.sequence, cause.now_us, account_id, asset, reserve - free)


def funds_for(
    engine: State, command: ImportTrade, account_ids: tuple[int, int], quantity: int
) -> Iterator[AnyCommand]:
    """Pay in what printing a recorded trade may need, and more, so that not every trade does.

    Args:
        engine: Read for listing and balances.
        command: The trade.
        account_ids: Maker and taker.
        quantity: Base amount that either may have to trade.
    """
    listing = view.listing(engine, command.symbol)
    if listing is None:
        return
    needs = ((listing.base_asset, quantity), (listing.quote_asset, command.price * quantity // SCALE + 1))
    for account_id in account_ids:
        for asset, need in needs:
            if view.free_balance(engine, account_id, asset) < need:
                amount = min(_TRADES_PER_DEPOSIT * need, RESERVE_MAX)
                yield Deposit(command.sequence, command.now_us, account_id, asset, amount)
