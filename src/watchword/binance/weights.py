"""What a request costs where the price depends on its parameters. Pure; never judges the parameters.

A malformed parameter costs the base price: the handler refuses it in Binance's words later.

Source: rest-api.md and web-socket-api.md, "Weight" of each route.
"""

from collections.abc import Callable
from typing import Final

import msgspec

Params = dict[str, str]
Weigh = Callable[[Params], int]

DEPTH_STEPS: Final = ((100, 5), (500, 25), (1000, 50), (5000, 250))
TICKER_SYMBOL_WEIGHT: Final = 4
TICKER_WEIGHT_MAX: Final = 200
TEST_WITH_RATES_WEIGHT: Final = 20


def symbols_asked(params: Params) -> int:
    """Count the symbols a request names; 0 means all of them."""
    if params.get("symbol"):
        return 1
    text = params.get("symbols")
    if not text:
        return 0
    try:
        return len(msgspec.json.decode(text, type=list[str]))
    except (msgspec.MsgspecError, UnicodeError):
        return 1


def flat(weight: int) -> Weigh:
    """A price that no parameter changes."""
    return lambda _params: weight


def depth(params: Params) -> int:
    """5, 25, 50 or 250 by `limit`."""
    text = params.get("limit", "100")
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return DEPTH_STEPS[0][1]
    limit = int(text)
    for bound, weight in DEPTH_STEPS:
        if limit <= bound:
            return weight
    return DEPTH_STEPS[-1][1]


def ticker_24hr(params: Params) -> int:
    """2 up to 20 symbols, 40 up to 100, 80 above or for all."""
    count = symbols_asked(params)
    if count == 0 or count > 100:
        return 80
    return 2 if count <= 20 else 40


def ticker_window(params: Params) -> int:
    """4 a symbol, at most 200."""
    return min(TICKER_SYMBOL_WEIGHT * max(1, symbols_asked(params)), TICKER_WEIGHT_MAX)


def one_or_many(params: Params) -> int:
    """2 for one symbol, 4 otherwise."""
    return 2 if params.get("symbol") else 4


def open_orders(params: Params) -> int:
    """6 for one symbol, 80 for all."""
    return 6 if params.get("symbol") else 80


def my_trades(params: Params) -> int:
    """20, or 5 with `orderId`."""
    return 5 if params.get("orderId") else 20


def prevented_matches(params: Params) -> int:
    """2 by prevented match, 20 by order."""
    return 20 if params.get("orderId") else 2


def order_test(params: Params) -> int:
    """1, or 20 with `computeCommissionRates`."""
    return TEST_WITH_RATES_WEIGHT if params.get("computeCommissionRates") == "true" else 1
