"""When a taker comes, which way it goes and how much it wants. Pure: decides, never places."""

from typing import Final

import msgspec

from watchword.exchange.liquidity.maker import Side, fit_quantity
from watchword.exchange.liquidity.profile import MILLION, Profile
from watchword.exchange.liquidity.random import Dice

TICKS_PER_MINUTE: Final = 240
#: Orders are worth 2^0 … 2^10 times the smallest, small ones far more often; the thin pair's only up to 2^3.
_DOUBLINGS: Final = 11
_THIN_DIVISOR: Final = 3
#: Mean worth of an order in smallest ones: the sum over k of (21 - 2k) / 121 * 2^k, times one and a half.
AVERAGE_ORDER_FACTOR: Final = 76
THIN_ORDER_FACTOR: Final = 3
#: Fills may go this share of the price beyond the fair one, in millionths.
_SLIPPAGE_MILLIONTHS: Final = 5_000
_THIN_SLIPPAGE_MILLIONTHS: Final = 30_000


class Strike(msgspec.Struct, frozen=True, gc=False):
    """An immediate-or-cancel order: at most `quantity`, at `price` or better."""

    side: Side
    price: int
    quantity: int


def next_strike(profile: Profile, fair: int, lean: int, dice: Dice) -> Strike | None:
    """Decide whether a taker comes now.

    Args:
        profile: The symbol.
        fair: Its price, scaled.
        lean: Percent by which buyers outnumber sellers.
        dice: Where luck comes from.

    Returns:
        What it wants, or None.
    """
    luck = dice.draw()
    if (luck >> 44) % TICKS_PER_MINUTE >= profile.trades_per_minute * profile.period:
        return None
    buys = (luck >> 36 & 0xFF) * 100 < (50 + lean) * 256
    return strike_at(profile, fair, "BUY" if buys else "SELL", order_worth(profile, luck))


def strike_at(profile: Profile, fair: int, side: Side, worth: int) -> Strike:
    """Make an order of some worth (scaled quote amount) that may slip a little from the fair price."""
    slip = fair * (_THIN_SLIPPAGE_MILLIONTHS if profile.thin else _SLIPPAGE_MILLIONTHS) // MILLION
    price = max(profile.tick, (fair + slip if side == "BUY" else fair - slip) // profile.tick * profile.tick)
    return Strike(side, price, fit_quantity(profile, fair, worth))


def order_worth(profile: Profile, luck: int) -> int:
    """Turn 32 random bits into an order's worth, a scaled quote amount."""
    doublings = min((luck >> 16 & 0xFF) % _DOUBLINGS, (luck >> 24 & 0xFF) % _DOUBLINGS)
    if profile.thin:
        doublings //= _THIN_DIVISOR
    return (profile.trade_quote << doublings) * (65_536 + (luck & 0xFFFF)) >> 16
