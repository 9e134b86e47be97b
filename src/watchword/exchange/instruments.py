"""What is traded: symbols with their filters, read from and written as Binance's `exchangeInfo`.

Source: rest-api.md "Exchange information"; filters.md.
"""

import msgspec

from watchword.binance.enums import StpMode, SymbolStatus


class Instrument(msgspec.Struct, frozen=True, array_like=True):
    """One symbol and its limits. Prices, quantities and notionals are scaled integers (10^-8); 0 disables a part.

    Attributes:
        multiplier_*: PERCENT_PRICE_BY_SIDE multipliers, scaled (5 is 500000000); 0 where the filter is absent.
        avg_price_mins: Window of the average that PERCENT_PRICE_BY_SIDE and NOTIONAL use.
        *_to_market: Whether NOTIONAL's bounds also judge MARKET orders.
        max_position: MAX_POSITION in base units; 0 where absent.
        start_price: Where made-up liquidity begins; 0 means no liquidity on this symbol.
        thin: The deliberately thin pair: few levels, wide spread, rare trades.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: int
    min_price: int
    max_price: int
    step_size: int
    min_qty: int
    max_qty: int
    market_step_size: int
    market_min_qty: int
    market_max_qty: int
    min_notional: int
    max_notional: int
    min_notional_to_market: bool
    max_notional_to_market: bool
    avg_price_mins: int
    bid_multiplier_up: int
    bid_multiplier_down: int
    ask_multiplier_up: int
    ask_multiplier_down: int
    max_num_orders: int
    max_num_algo_orders: int
    max_num_order_lists: int
    max_position: int
    oco_allowed: bool
    quote_order_qty_market_allowed: bool
    cancel_replace_allowed: bool
    default_stp_mode: StpMode
    allowed_stp_modes: tuple[StpMode, ...]
    order_types: tuple[str, ...]
    permission_sets: tuple[tuple[str, ...], ...]
    status: SymbolStatus = "TRADING"
    start_price: int = 0
    thin: bool = False
