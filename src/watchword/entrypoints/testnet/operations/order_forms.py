"""What order requests may carry, and the checks that need no account: presence, support, static filters.

Reads instruments and average prices; never balances, never open orders, and changes nothing.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.enums import CONTINGENT_TYPES
from watchword.binance.errors import WireError
from watchword.binance.filters import PRICE_FILTER, judge_market, judge_priced
from watchword.binance.forms import Form, Query
from watchword.binance.order_rules import (
    ICEBERG_UNSUPPORTED,
    ORDER_RULES,
    PEGGED_UNSUPPORTED,
    QUOTE_QTY_UNSUPPORTED,
    STP_UNSUPPORTED,
    TRAILING_UNSUPPORTED,
    check_presence,
    unsupported,
)
from watchword.binance.params import (
    Boolean,
    ClientId,
    Decimal,
    Long,
    OrderSide,
    OverLimitMode,
    ReplaceMode,
    RespType,
    Restriction,
    StpChoice,
    StrategyType,
    Symbol,
    Text,
    Tif,
    Type,
)
from watchword.entrypoints.testnet.operations.scratch import scratch_of
from watchword.entrypoints.testnet.operations.symbols import find
from watchword.exchange.instruments import Instrument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.binance.enums import ResponseType, StpMode
    from watchword.bootstrap.testnet import Testnet

SECOND_US: Final = 1_000_000


class OrderQuery(Query, frozen=True):
    """POST order. 0 and "" mean "not sent" where the rules of the type allow that."""

    symbol: Symbol
    side: OrderSide
    type: Type
    time_in_force: Tif = "GTC"
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


class TestQuery(OrderQuery, frozen=True):
    """POST order/test."""

    __test__ = False

    compute_commission_rates: Boolean = False


class CancelReplaceQuery(OrderQuery, frozen=True, kw_only=True):
    """POST order/cancelReplace."""

    cancel_replace_mode: ReplaceMode
    cancel_order_id: Long = 0
    cancel_orig_client_order_id: ClientId = ""
    cancel_new_client_order_id: ClientId = ""
    cancel_restrictions: Restriction = ""
    order_rate_limit_exceeded_mode: OverLimitMode = "DO_NOTHING"


ORDER: Final = Form(OrderQuery, "TRADE")
TEST: Final = Form(TestQuery, "TRADE")
CANCEL_REPLACE: Final = Form(CancelReplaceQuery, "TRADE")


def check_order(
    testnet: "Testnet", query: OrderQuery, params: "Mapping[str, str]", now_us: int
) -> Instrument | WireError:
    """Judge a new order as far as that goes without its account.

    Args:
        testnet: Whose instruments and prices.
        query: The order.
        params: As sent: presence is judged by name.
        now_us: Epoch microseconds.

    Returns:
        The instrument, or the first refusal: -1102, -1106, -1121, an unsupported kind (-1013), a filter (-1013).
    """
    order_type = query.type
    refused = check_presence(ORDER_RULES[order_type], params)
    if refused is not None:
        return refused
    instrument = find(testnet, query.symbol)
    if type(instrument) is WireError:
        return instrument
    if order_type not in instrument.order_types:
        return unsupported(order_type)
    if query.trailing_delta or query.iceberg_qty or query.peg_price_type or query.peg_offset_value:
        return unbuilt(query.trailing_delta, query.iceberg_qty)
    if query.quote_order_qty and not instrument.quote_order_qty_market_allowed:
        return QUOTE_QTY_UNSUPPORTED
    refused = check_stp_mode(instrument, query.self_trade_prevention_mode) or judge(
        testnet,
        instrument,
        query.side,
        order_type,
        query.price,
        query.stop_price,
        query.quantity,
        query.quote_order_qty,
        now_us,
    )
    return instrument if refused is None else refused


def check_stp_mode(instrument: Instrument, mode: "StpMode | None") -> WireError | None:
    """Refuse a self-trade prevention mode the symbol does not allow; None is the symbol's default."""
    return STP_UNSUPPORTED if mode and mode not in instrument.allowed_stp_modes else None


def judge(
    testnet: "Testnet",
    instrument: Instrument,
    side: str,
    order_type: str,
    price: int,
    stop_price: int,
    quantity: int,
    quote_quantity: int,
    now_us: int,
) -> WireError | None:
    """Apply the static filters. Amounts are scaled integers; 0 means "not sent"."""
    if not stop_price and order_type in CONTINGENT_TYPES:
        return PRICE_FILTER
    average = average_price(testnet, instrument, now_us)
    if order_type in {"MARKET", "STOP_LOSS", "TAKE_PROFIT"}:
        return judge_market(instrument, stop_price, quantity, quote_quantity, average)
    return judge_priced(instrument, side, price, stop_price, quantity, average)


def average_price(testnet: "Testnet", instrument: Instrument, now_us: int) -> int:
    """Return the average price that filters use, at most a second old; 0 while the symbol has never traded.

    Why a second old: an average reads five minutes of candles.
    Source: filters.md: the last price where `avgPriceMins` is 0 or nobody traded in the window.
    """
    known = scratch_of(testnet).averages
    second = now_us // SECOND_US
    found = known.get(instrument.symbol)
    if found is not None and found[0] == second:
        return found[1]
    market = testnet.venue.market
    if instrument.avg_price_mins:
        average = market.average_price(instrument.symbol, instrument.avg_price_mins, now_us)
        price = 0 if average is None else average.price
    else:
        price = market.last_price(instrument.symbol) or 0
    if price:
        known[instrument.symbol] = (second, price)
    return price


def response_type(query: OrderQuery) -> "ResponseType":
    """Return the form of the answer: MARKET and LIMIT are told in full unless asked otherwise."""
    if query.new_order_resp_type:
        return query.new_order_resp_type
    return "FULL" if query.type in {"LIMIT", "MARKET"} else "ACK"


def unbuilt(trailing_delta: int, iceberg_qty: int) -> WireError:
    """Name the kind of order this exchange does not take: trailing, iceberg, or else pegged."""
    if trailing_delta:
        return TRAILING_UNSUPPORTED
    return ICEBERG_UNSUPPORTED if iceberg_qty else PEGGED_UNSUPPORTED
