"""The static symbol filters, judged before an order reaches the engine. Pure; knows no balances and no open orders.

Order of judgement, as filters.md lists them: PRICE_FILTER, PERCENT_PRICE_BY_SIDE, LOT_SIZE, MARKET_LOT_SIZE, NOTIONAL.
The count filters and MAX_POSITION need the account's state: the engine judges those (-2010).

Source: filters.md of binance-spot-api-docs. All amounts are scaled integers (10^-8); 0 switches a bound off.
"""

# ruff: noqa: D102 - the protocol's fields are documented where they live

from typing import Final, Protocol

from watchword.binance.errors import WireError, filter_failure
from watchword.kernel.units import SCALE, multiply_scaled

PRICE_FILTER: Final = filter_failure("PRICE_FILTER")
PERCENT_PRICE_BY_SIDE: Final = filter_failure("PERCENT_PRICE_BY_SIDE")
LOT_SIZE: Final = filter_failure("LOT_SIZE")
MARKET_LOT_SIZE: Final = filter_failure("MARKET_LOT_SIZE")
NOTIONAL: Final = filter_failure("NOTIONAL")

INVALID_PRICE: Final = WireError(-1013, "Invalid price.")
INVALID_QUANTITY: Final = WireError(-1013, "Invalid quantity.")
NOTHING: Final = WireError(-1013, "Price * QTY is zero or less.")


class FilterRules(Protocol):
    """The bounds of one symbol; `exchange.instruments.Instrument` has them."""

    @property
    def tick_size(self) -> int: ...
    @property
    def min_price(self) -> int: ...
    @property
    def max_price(self) -> int: ...
    @property
    def step_size(self) -> int: ...
    @property
    def min_qty(self) -> int: ...
    @property
    def max_qty(self) -> int: ...
    @property
    def market_step_size(self) -> int: ...
    @property
    def market_min_qty(self) -> int: ...
    @property
    def market_max_qty(self) -> int: ...
    @property
    def min_notional(self) -> int: ...
    @property
    def max_notional(self) -> int: ...
    @property
    def min_notional_to_market(self) -> bool: ...
    @property
    def max_notional_to_market(self) -> bool: ...
    @property
    def bid_multiplier_up(self) -> int: ...
    @property
    def bid_multiplier_down(self) -> int: ...
    @property
    def ask_multiplier_up(self) -> int: ...
    @property
    def ask_multiplier_down(self) -> int: ...


def judge_priced(
    rules: FilterRules, side: str, price: int, stop_price: int, quantity: int, average: int
) -> WireError | None:
    """Judge an order with a limit price.

    Args:
        rules: The symbol's bounds.
        side: BUY or SELL.
        price: Limit price.
        stop_price: Trigger price; 0 where the order has none.
        quantity: Base units.
        average: Average of recent trade prices; 0 while the symbol has never traded.

    Returns:
        The first filter that fails, or None.
    """
    if price <= 0:
        return INVALID_PRICE
    if quantity <= 0:
        return INVALID_QUANTITY
    if _price_fails(rules, price) or (stop_price and _price_fails(rules, stop_price)):
        return PRICE_FILTER
    if average and _percent_fails(rules, side, price, average):
        return PERCENT_PRICE_BY_SIDE
    if _outside(quantity, rules.min_qty, rules.max_qty, rules.step_size):
        return LOT_SIZE
    notional = price * quantity // SCALE
    if not notional:
        return NOTHING
    most = rules.max_notional
    return NOTIONAL if notional < rules.min_notional or (most and notional > most) else None


def judge_market(
    rules: FilterRules, stop_price: int, quantity: int, quote_quantity: int, average: int
) -> WireError | None:
    """Judge an order without a limit price: MARKET, STOP_LOSS, TAKE_PROFIT.

    Args:
        rules: The symbol's bounds.
        stop_price: Trigger price; 0 for MARKET. It stands in for the price in NOTIONAL.
        quantity: Base units; 0 where `quote_quantity` was sent.
        quote_quantity: Quote units to spend or receive; LOT_SIZE does not judge those.
        average: Average of recent trade prices; 0 while the symbol has never traded.

    Returns:
        The first filter that fails, or None.

    Source: CHANGELOG.md of binance-spot-api-docs on MIN_NOTIONAL: "If there is no trade on the symbol, there is no
    average price and market orders cannot be placed."
    """
    if quantity <= 0 and quote_quantity <= 0:
        return INVALID_QUANTITY
    if stop_price and _price_fails(rules, stop_price):
        return PRICE_FILTER
    reference = stop_price or average
    if quote_quantity:
        notional = quote_quantity
        bought = quote_quantity * SCALE // reference if reference else 0
        if rules.market_max_qty and bought > rules.market_max_qty:
            return MARKET_LOT_SIZE
    else:
        if _outside(quantity, rules.min_qty, rules.max_qty, rules.step_size):
            return LOT_SIZE
        if _outside(quantity, rules.market_min_qty, rules.market_max_qty, rules.market_step_size):
            return MARKET_LOT_SIZE
        notional = multiply_scaled(reference, quantity)
    if rules.min_notional_to_market and notional < rules.min_notional:
        return NOTIONAL
    if rules.max_notional_to_market and rules.max_notional and notional > rules.max_notional:
        return NOTIONAL
    return None


def _price_fails(rules: FilterRules, price: int) -> bool:
    return _outside(price, rules.min_price, rules.max_price, rules.tick_size)


def _outside(value: int, least: int, most: int, step: int) -> bool:
    """Whether a value breaks a bound or its step; the step counts from zero, not from the least value."""
    return value < least or (most != 0 and value > most) or (step != 0 and value % step != 0)


def _percent_fails(rules: FilterRules, side: str, price: int, average: int) -> bool:
    if side == "BUY":
        up, down = rules.bid_multiplier_up, rules.bid_multiplier_down
    else:
        up, down = rules.ask_multiplier_up, rules.ask_multiplier_down
    scaled = price * SCALE
    return (up != 0 and scaled > average * up) or scaled < average * down
