"""What requests about order lists may carry, and which parameters each leg's type needs.

Source: rest-api.md "New Order list - OCO", "New OCO - Deprecated", "Cancel Order list".
"""

from typing import Final

from watchword.binance.forms import Form, Query
from watchword.binance.order_rules import build_rules
from watchword.binance.params import (
    ClientId,
    Decimal,
    Long,
    MaybeTif,
    OrderSide,
    RespType,
    StpChoice,
    StrategyType,
    Symbol,
    Text,
    Type,
)


class OcoQuery(Query, frozen=True):
    """POST orderList/oco."""

    symbol: Symbol
    side: OrderSide
    quantity: Decimal
    above_type: Type
    below_type: Type
    list_client_order_id: ClientId = ""
    above_client_order_id: ClientId = ""
    above_iceberg_qty: Decimal = 0
    above_price: Decimal = 0
    above_stop_price: Decimal = 0
    above_trailing_delta: Long = 0
    above_time_in_force: MaybeTif = None
    above_strategy_id: Long = 0
    above_strategy_type: StrategyType = 0
    above_peg_price_type: Text = ""
    above_peg_offset_type: Text = ""
    above_peg_offset_value: Text = ""
    below_client_order_id: ClientId = ""
    below_iceberg_qty: Decimal = 0
    below_price: Decimal = 0
    below_stop_price: Decimal = 0
    below_trailing_delta: Long = 0
    below_time_in_force: MaybeTif = None
    below_strategy_id: Long = 0
    below_strategy_type: StrategyType = 0
    below_peg_price_type: Text = ""
    below_peg_offset_type: Text = ""
    below_peg_offset_value: Text = ""
    new_order_resp_type: RespType = None
    self_trade_prevention_mode: StpChoice = None


class OldOcoQuery(Query, frozen=True):
    """POST order/oco."""

    symbol: Symbol
    side: OrderSide
    quantity: Decimal
    price: Decimal
    stop_price: Decimal
    list_client_order_id: ClientId = ""
    limit_client_order_id: ClientId = ""
    limit_strategy_id: Long = 0
    limit_strategy_type: StrategyType = 0
    limit_iceberg_qty: Decimal = 0
    trailing_delta: Long = 0
    stop_client_order_id: ClientId = ""
    stop_strategy_id: Long = 0
    stop_strategy_type: StrategyType = 0
    stop_limit_price: Decimal = 0
    stop_iceberg_qty: Decimal = 0
    stop_limit_time_in_force: MaybeTif = None
    new_order_resp_type: RespType = None
    self_trade_prevention_mode: StpChoice = None


class CancelListQuery(Query, frozen=True):
    """DELETE orderList. List ids begin at 0 on some exchanges, so "not sent" is None."""

    symbol: Symbol
    order_list_id: Long | None = None
    list_client_order_id: ClientId = ""
    new_client_order_id: ClientId = ""


OCO: Final = Form(OcoQuery, "TRADE")
OLD_OCO: Final = Form(OldOcoQuery, "TRADE")
CANCEL_LIST: Final = Form(CancelListQuery, "TRADE")
ABOVE_RULES: Final = build_rules(
    lambda name: f"above{name[0].upper()}{name[1:]}", ("quantity", "quoteOrderQty")
)
BELOW_RULES: Final = build_rules(
    lambda name: f"below{name[0].upper()}{name[1:]}", ("quantity", "quoteOrderQty")
)
