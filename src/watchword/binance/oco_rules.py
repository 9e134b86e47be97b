"""Which pairs of order types an OCO may have. Pure; the relation of the prices is the engine's to judge.

Source: rest-api.md "New Order list - OCO"; errors.md -1158, -1165 to -1168, -1196 to -1199.
"""

from typing import Final

from watchword.binance.errors import WireError

OCO_TYPES: Final = frozenset(
    ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
)
_STOP_LOSSES: Final = frozenset(("STOP_LOSS", "STOP_LOSS_LIMIT"))
_TAKE_PROFITS: Final = frozenset(("TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))

TYPE_REJECTED: Final = WireError(-1158, "Order type not supported in OCO.")
BUY_LIMIT_BELOW: Final = WireError(-1165, "A limit order in a buy OCO must be below.")
SELL_LIMIT_ABOVE: Final = WireError(-1166, "A limit order in a sell OCO must be above.")
NONE_CONTINGENT: Final = WireError(-1168, "At least one OCO order must be contingent.")
BUY_STOP_ABOVE: Final = WireError(-1196, "A stop loss order in a buy OCO must be above.")
SELL_STOP_BELOW: Final = WireError(-1197, "A stop loss order in a sell OCO must be below.")
BUY_PROFIT_BELOW: Final = WireError(-1198, "A take profit order in a buy OCO must be below.")
SELL_PROFIT_ABOVE: Final = WireError(-1199, "A take profit order in a sell OCO must be above.")


def check_pair(side: str, above: str, below: str) -> WireError | None:
    """Refuse a pair that is no OCO.

    Args:
        side: BUY or SELL, of both legs.
        above: Type of the order above the market.
        below: Type of the order below the market.

    Returns:
        The refusal, or None: for a BUY the stop loss is above and the limit or take profit below, for a SELL the
        other way round.
    """
    if above not in OCO_TYPES or below not in OCO_TYPES:
        return TYPE_REJECTED
    if above == below == "LIMIT_MAKER":
        return NONE_CONTINGENT
    if side == "BUY":
        return _check(above, below, BUY_LIMIT_BELOW, BUY_PROFIT_BELOW, BUY_STOP_ABOVE)
    return _check(below, above, SELL_LIMIT_ABOVE, SELL_PROFIT_ABOVE, SELL_STOP_BELOW)


def _check(
    stop_side: str, profit_side: str, limit: WireError, profit: WireError, stop: WireError
) -> WireError | None:
    """One direction: `stop_side` must hold the stop loss, `profit_side` the limit or take profit."""
    if stop_side == "LIMIT_MAKER":
        return limit
    if stop_side in _TAKE_PROFITS:
        return profit
    return stop if profit_side in _STOP_LOSSES else None
