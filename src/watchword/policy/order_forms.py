"""What requests about single orders and withdrawals may carry. Knows names and presence; judges nothing.

A parameter that is not named here makes the whole request unreadable, and so refused: a name Binance adds tomorrow
may change what an order means.

Source: rest-api.md "New order", "Cancel order", "Cancel an Existing Order and Send a New Order", "Order Amend Keep
Priority"; the wallet API's POST /sapi/v1/capital/withdraw/apply.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from watchword.binance.enums import CONTINGENT_TYPES, PRICED_TYPES
from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.order_rules import ORDER_RULES, TypeRule, check_presence
from watchword.binance.params import (
    Boolean,
    ClientId,
    Decimal,
    Long,
    MaybeTif,
    OrderSide,
    OverLimitMode,
    ReplaceMode,
    RespType,
    Restriction,
    StpChoice,
    StrategyType,
    Symbol,
    Text,
    Type,
    read_text,
)
from watchword.policy.intent import Order

ADDRESS_LENGTH_MAX: Final = 256
NO_PRICE_OF_ITS_OWN: Final = "a pegged order has no price of its own: the exchange decides it later"
NOTHING: Final = "the quantity is zero"
NO_PRICE: Final = "the price is zero"
NO_TRIGGER: Final = "neither a trigger price nor a trailing delta above zero was sent"


def read_short_text(name: str, text: str) -> str | WireError:
    """An address, tag or label of bounded length."""
    if len(text) > ADDRESS_LENGTH_MAX:
        return WireError(-1130, f"Data sent for parameter '{name}' is not valid.")
    return read_text(name, text)


ShortText = Annotated[str, read_short_text]


class PlaceQuery(Query, frozen=True):
    """order.place, sor.order.place."""

    symbol: Symbol
    side: OrderSide
    type: Type
    time_in_force: MaybeTif = None
    quantity: Decimal = 0
    quote_order_qty: Decimal = 0
    price: Decimal = 0
    new_client_order_id: ClientId = ""
    strategy_id: Long = 0
    strategy_type: StrategyType = 0
    stop_price: Decimal = 0
    trailing_delta: Long = 0
    iceberg_qty: Decimal = 0
    new_order_resp_type: RespType = None
    self_trade_prevention_mode: StpChoice = None
    peg_price_type: Text = ""
    peg_offset_value: Text = ""
    peg_offset_type: Text = ""


class TestQuery(PlaceQuery, frozen=True):
    """order.test, sor.order.test."""

    __test__ = False

    compute_commission_rates: Boolean = False


class ReplaceQuery(PlaceQuery, frozen=True, kw_only=True):
    """order.cancelReplace."""

    cancel_replace_mode: ReplaceMode
    cancel_order_id: Long = 0
    cancel_orig_client_order_id: ClientId = ""
    cancel_new_client_order_id: ClientId = ""
    cancel_restrictions: Restriction = ""
    order_rate_limit_exceeded_mode: OverLimitMode = "DO_NOTHING"


class CancelQuery(Query, frozen=True):
    """order.cancel."""

    symbol: Symbol
    order_id: Long = 0
    orig_client_order_id: ClientId = ""
    new_client_order_id: ClientId = ""
    cancel_restrictions: Restriction = ""


class CancelAllQuery(Query, frozen=True):
    """openOrders.cancelAll."""

    symbol: Symbol


class CancelListQuery(Query, frozen=True):
    """orderList.cancel."""

    symbol: Symbol
    order_list_id: Long = 0
    list_client_order_id: ClientId = ""
    new_client_order_id: ClientId = ""


class AmendQuery(Query, frozen=True):
    """order.amend.keepPriority."""

    symbol: Symbol
    new_qty: Decimal
    order_id: Long = 0
    orig_client_order_id: ClientId = ""
    new_client_order_id: ClientId = ""


class WithdrawQuery(Query, frozen=True):
    """Withdrawal. `network` is mandatory here: without it Binance picks one, and an address list is per network."""

    coin: ShortText
    network: ShortText
    address: ShortText
    amount: Decimal
    address_tag: ShortText = ""
    withdraw_order_id: ShortText = ""
    transaction_fee_flag: Boolean = False
    name: ShortText = ""
    wallet_type: Long = 0


PLACE: Final = Form(PlaceQuery, "TRADE")
TEST: Final = Form(TestQuery, "TRADE")
REPLACE: Final = Form(ReplaceQuery, "TRADE")
CANCEL: Final = Form(CancelQuery, "TRADE")
CANCEL_ALL: Final = Form(CancelAllQuery, "TRADE")
CANCEL_LIST: Final = Form(CancelListQuery, "TRADE")
AMEND: Final = Form(AmendQuery, "TRADE")
WITHDRAW: Final = Form(WithdrawQuery, "TRADE")


def read_order(query: PlaceQuery, params: Mapping[str, str]) -> Order | str:
    """Turn a query into an order.

    Args:
        query: As read.
        params: As sent: presence is judged by name.

    Returns:
        The order, or why it has no clear meaning.
    """
    if query.peg_price_type or query.peg_offset_type or query.peg_offset_value:
        return NO_PRICE_OF_ITS_OWN
    refused = check_presence(ORDER_RULES[query.type], params)
    if refused is not None:
        return refused.text
    return check_amounts(
        Order(
            query.side,
            query.type,
            query.quantity,
            query.time_in_force or "GTC",
            query.quote_order_qty,
            query.price,
            query.stop_price,
            query.trailing_delta,
            query.new_client_order_id,
        )
    )


def check_leg(order: Order, rule: TypeRule, params: Mapping[str, str]) -> Order | str:
    """Judge one leg of a list by its own parameter names."""
    refused = check_presence(rule, params)
    return check_amounts(order) if refused is None else refused.text


def check_amounts(order: Order) -> Order | str:
    """Refuse an order that says nothing: zero is how this module's values say "not sent"."""
    if not order.quantity and not order.quote_quantity:
        return NOTHING
    if not order.price and order.type in PRICED_TYPES:
        return NO_PRICE
    if order.type in CONTINGENT_TYPES and not order.stop_price and not order.trailing_delta:
        return NO_TRIGGER
    return order
