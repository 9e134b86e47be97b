"""The symbols a new venue lists. Only values: never judges an order and never renders them.

The ten symbols people know, one deliberately thin pair, and the name in Chinese characters that Binance's own
testnet lists so that clients meet a symbol outside ASCII.

Source: binance-spot-api-docs, testnet/*: the Unicode symbol; filter values as seen on the public testnet.
"""

from typing import Final

from watchword.binance.enums import StpMode
from watchword.exchange.instruments import Instrument
from watchword.kernel.units import SCALE, parse_scaled

#: In the order Binance lists them.
ORDER_TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
STP_MODES: Final[tuple[StpMode, ...]] = (
    "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER",
)  # fmt: skip
DEFAULT_STP_MODE: Final[StpMode] = "EXPIRE_MAKER"

THIN_SYMBOL: Final = "THINUSDT"
UNICODE_SYMBOL: Final = "这是测试币456"

NUM_ORDERS_MAX: Final = 200
NUM_ALGO_ORDERS_MAX: Final = 5
NUM_ORDER_LISTS_MAX: Final = 20
AVERAGE_PRICE_MINUTES: Final = 5

# symbol, base, quote, tick, price max, step, quantity max, market quantity max, notional min, start price
_ROWS: Final = (
    ("BTCUSDT", "BTC", "USDT", "0.01", "1000000", "0.00001", "9000", "120", "5", "67000"),
    ("ETHUSDT", "ETH", "USDT", "0.01", "1000000", "0.0001", "9000", "2000", "5", "3400"),
    ("BNBUSDT", "BNB", "USDT", "0.01", "100000", "0.001", "900000", "9000", "5", "590"),
    ("SOLUSDT", "SOL", "USDT", "0.01", "100000", "0.001", "900000", "20000", "5", "165"),
    ("XRPUSDT", "XRP", "USDT", "0.0001", "10000", "0.1", "9222449", "2000000", "5", "0.62"),
    ("LTCUSDT", "LTC", "USDT", "0.01", "100000", "0.001", "900000", "20000", "5", "84"),
    ("BNBBTC", "BNB", "BTC", "0.000001", "100", "0.001", "100000", "3000", "0.0001", "0.0088"),
    ("ETHBTC", "ETH", "BTC", "0.00001", "922327", "0.0001", "100000", "2700", "0.0001", "0.0507"),
    ("LTCBTC", "LTC", "BTC", "0.000001", "100", "0.001", "100000", "3000", "0.0001", "0.00125"),
    (THIN_SYMBOL, "THIN", "USDT", "0.0001", "10000", "1", "900000", "20000", "5", "0.25"),
    (UNICODE_SYMBOL, "这是测试币", "456", "0.01", "100000", "0.001", "900000", "9000", "5", "10"),
)  # fmt: skip


def default_instruments() -> tuple[Instrument, ...]:
    """Return the symbols of a venue that was given no others."""
    return tuple(_instrument(*row) for row in _ROWS)


def _instrument(
    symbol: str,
    base: str,
    quote: str,
    tick: str,
    price_max: str,
    step: str,
    quantity_max: str,
    market_quantity_max: str,
    notional_min: str,
    start_price: str,
) -> Instrument:
    return Instrument(
        symbol=symbol,
        base_asset=base,
        quote_asset=quote,
        tick_size=_scaled(tick),
        min_price=_scaled(tick),
        max_price=_scaled(price_max),
        step_size=_scaled(step),
        min_qty=_scaled(step),
        max_qty=_scaled(quantity_max),
        market_step_size=0,
        market_min_qty=0,
        market_max_qty=_scaled(market_quantity_max),
        min_notional=_scaled(notional_min),
        max_notional=9_000_000 * SCALE,
        min_notional_to_market=True,
        max_notional_to_market=False,
        avg_price_mins=AVERAGE_PRICE_MINUTES,
        bid_multiplier_up=2 * SCALE,
        bid_multiplier_down=SCALE // 2,
        ask_multiplier_up=2 * SCALE,
        ask_multiplier_down=SCALE // 2,
        max_num_orders=NUM_ORDERS_MAX,
        max_num_algo_orders=NUM_ALGO_ORDERS_MAX,
        max_num_order_lists=NUM_ORDER_LISTS_MAX,
        max_position=0,
        oco_allowed=True,
        quote_order_qty_market_allowed=True,
        cancel_replace_allowed=True,
        default_stp_mode=DEFAULT_STP_MODE,
        allowed_stp_modes=STP_MODES,
        order_types=ORDER_TYPES,
        permission_sets=(("SPOT",),),
        start_price=_scaled(start_price),
        thin=symbol == THIN_SYMBOL,
    )


def _scaled(text: str) -> int:
    value = parse_scaled(text)
    return 0 if value is None else value
