"""Which of ccxt's exceptions stands for which refusal; the map is ccxt's, not ours."""

from typing import Final

import ccxt

#: Names are those of refused_orders. ccxt looks at the text first, then at the code.
EXCEPTIONS: Final[dict[str, type[ccxt.BaseError]]] = {
    "PRICE_FILTER": ccxt.InvalidOrder,
    "PERCENT_PRICE_BY_SIDE": ccxt.InvalidOrder,
    "LOT_SIZE": ccxt.InvalidOrder,
    "MARKET_LOT_SIZE": ccxt.InvalidOrder,
    "NOTIONAL": ccxt.BadRequest,
    "insufficient balance": ccxt.InsufficientFunds,
    "maker would take": ccxt.OrderImmediatelyFillable,
    "stop would trigger": ccxt.OrderImmediatelyFillable,
    "unknown symbol": ccxt.BadSymbol,
    "MAX_NUM_ORDERS": ccxt.InvalidOrder,
    "MAX_NUM_ALGO_ORDERS": ccxt.InvalidOrder,
}
