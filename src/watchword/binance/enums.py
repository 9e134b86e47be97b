"""Binance's enumerations as closed sets of texts.

Texts, not `enum.Enum`: they travel to and from the wire unchanged and compare by identity when interned.

Source: enums.md of binance-spot-api-docs.
"""

from typing import Final, Literal, get_args

Side = Literal["BUY", "SELL"]
OrderType = Literal[
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
TimeInForce = Literal["GTC", "IOC", "FOK"]
OrderStatus = Literal[
    "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"
]
StpMode = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]
ResponseType = Literal["ACK", "RESULT", "FULL"]
CancelRestriction = Literal["", "ONLY_NEW", "ONLY_PARTIALLY_FILLED"]
CancelReplaceMode = Literal["STOP_ON_FAILURE", "ALLOW_FAILURE"]
OrderRateLimitExceededMode = Literal["DO_NOTHING", "CANCEL_ONLY"]
SymbolStatus = Literal["TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY"]
ListStatusType = Literal["RESPONSE", "EXEC_STARTED", "UPDATED", "ALL_DONE"]
ListOrderStatus = Literal["EXECUTING", "ALL_DONE", "REJECT"]
ExpiryReason = Literal[
    "",
    "UNFILLED_IOC_QUANTITY_EXPIRED",
    "UNFILLED_FOK_ORDER_EXPIRED",
    "INSUFFICIENT_LIQUIDITY",
    "OCO_TRIGGER",
    "EXCHANGE_CANCELED",
    "REJECTED",
]

SIDES: Final[frozenset[str]] = frozenset(get_args(Side))
ORDER_TYPES: Final[frozenset[str]] = frozenset(get_args(OrderType))
TIMES_IN_FORCE: Final[frozenset[str]] = frozenset(get_args(TimeInForce))
STP_MODES: Final[frozenset[str]] = frozenset(get_args(StpMode))
RESPONSE_TYPES: Final[frozenset[str]] = frozenset(get_args(ResponseType))
SYMBOL_STATUSES: Final[frozenset[str]] = frozenset(get_args(SymbolStatus))

#: Orders that wait for the last price to reach `stopPrice`; MAX_NUM_ALGO_ORDERS counts these four.
CONTINGENT_TYPES: Final[frozenset[str]] = frozenset(
    ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
)
#: Types that carry a limit price.
PRICED_TYPES: Final[frozenset[str]] = frozenset(
    ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
)

#: Kline intervals in ascending order. Case matters: `1m` is a minute, `1M` a month.
KLINE_INTERVALS: Final = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip

#: What a key may do, one word for each member of the apiRestrictions answer.
Permission = Literal[
    "READING",
    "SPOT_AND_MARGIN_TRADING",
    "WITHDRAWALS",
    "INTERNAL_TRANSFER",
    "MARGIN",
    "FUTURES",
    "UNIVERSAL_TRANSFER",
    "VANILLA_OPTIONS",
    "FIX_API_TRADE",
    "FIX_API_READ_ONLY",
    "PORTFOLIO_MARGIN_TRADING",
]
