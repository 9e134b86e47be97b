"""How the built-in traders treat each symbol: pace, sizes, ladder. Derived from the instruments alone.

Never remembers anything: equal instruments give equal profiles, for the live market and the made-up history alike.
"""

from typing import Final

import msgspec

from watchword.exchange.instruments import Instrument
from watchword.kernel.units import SCALE

#: Quote assets counted as one dollar.
STABLE_ASSETS: Final = frozenset(("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "USD"))
#: Walks keep this many bits below 10^-8, so that the smallest price still moves smoothly.
FINE_BITS: Final = 24
TICKS_PER_DAY: Final = 4 * 86_400
MILLION: Final = 1_000_000

#: Trades a minute and level size (dollars) for the busiest symbols, in their order of listing; then the rest.
_TRADES_PER_MINUTE: Final = (72, 54, 40, 40, 32, 26)
_TRADES_PER_MINUTE_REST: Final = 16
_TRADES_PER_MINUTE_THIN: Final = 1
_LEVEL_DOLLARS: Final = (40_000, 25_000, 12_000, 12_000, 10_000, 8_000)
_LEVEL_DOLLARS_REST: Final = 6_000
_LEVEL_DOLLARS_THIN: Final = 150

#: Daily volatility, millionths.
_VOLATILITY_FIRST: Final = 22_000
_VOLATILITY_REST: Final = 30_000
_VOLATILITY_THIN: Final = 45_000

#: The inner grid in millionths of the price, and the widest a side of the ladder may reach.
_GRID_MILLIONTHS: Final = 30
_REACH_MILLIONTHS: Final = 30_000
_THIN_GRID_MILLIONTHS: Final = 3_000
#: Levels a side by zone; each zone's prices lie on a coarser grid than the one before.
ZONE_LEVELS: Final = (8, 8, 9)
THIN_ZONE_LEVELS: Final = (7,)
_ZONE_FACTORS: Final = ((1, 4, 16), (1, 2, 4), (1, 1, 2), (1, 1, 1))
#: Every how many ticks a symbol's makers look again.
_PERIOD_BUSY: Final = 1
_PERIOD_REST: Final = 2
_PERIOD_THIN: Final = 4


class Profile(msgspec.Struct, frozen=True):
    """One symbol as the built-in traders see it. Amounts scaled (10^-8) unless said otherwise.

    Attributes:
        walk: Name of the walk that is its price, or the dividend of it.
        divisor: Name of the walk that divides (crosses such as ETHBTC), or empty.
        start: Price at the beginning.
        tick, step, quantity_min, quantity_max, notional_min: From the instrument's filters, all at least 1.
        grid: Distance of the innermost levels, a multiple of the tick.
        zones: (levels, grid) from the inside out, grids in the same units.
        level_quote: Typical worth of a level, in the quote asset.
        trade_quote: Smallest worth of a taker's order, in the quote asset.
        period: It is looked after every so many ticks.
        trades_per_minute: About so many takers come.
        volatility: Daily, in millionths.
        quote_dollars: One unit of the quote asset in dollars.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    walk: str
    divisor: str
    start: int
    tick: int
    step: int
    quantity_min: int
    quantity_max: int
    notional_min: int
    grid: int
    zones: tuple[tuple[int, int], ...]
    level_quote: int
    trade_quote: int
    period: int
    trades_per_minute: int
    volatility: int
    quote_dollars: int
    thin: bool


def profiles_of(instruments: tuple[Instrument, ...]) -> tuple[Profile, ...]:
    """Derive the profiles of all symbols that have made-up liquidity.

    Args:
        instruments: What the venue lists, in order: the busiest first.

    Returns:
        One profile per instrument with a start price, in the same order.
    """
    traded = [instrument for instrument in instruments if instrument.start_price > 0]
    dollars = {
        instrument.base_asset: instrument
        for instrument in reversed(traded)
        if instrument.quote_asset in STABLE_ASSETS and not instrument.thin
    }
    return tuple(_profile(instrument, rank, dollars) for rank, instrument in enumerate(traded))


def fair_price(profile: Profile, walks: dict[str, int]) -> int:
    """Compute a symbol's price from the walks (scaled by 10^8 times 2^`FINE_BITS`); the result is scaled by 10^8."""
    value = walks[profile.walk]
    if profile.divisor:
        return value * SCALE // walks[profile.divisor]
    return value >> FINE_BITS


def _profile(instrument: Instrument, rank: int, dollars: dict[str, Instrument]) -> Profile:
    base, quote, thin = instrument.base_asset, instrument.quote_asset, instrument.thin
    walk, divisor = instrument.symbol, ""
    if quote not in STABLE_ASSETS and base in dollars and quote in dollars and not thin:
        walk, divisor = dollars[base].symbol, dollars[quote].symbol
    start = instrument.start_price
    if divisor:
        start = max(1, dollars[base].start_price * SCALE // dollars[quote].start_price)
    quote_dollars = dollars[quote].start_price if quote in dollars else SCALE
    tick = max(1, instrument.tick_size)
    grid = _round_to(start * (_THIN_GRID_MILLIONTHS if thin else _GRID_MILLIONTHS) // MILLION, tick)
    level_dollars = _ranked(_LEVEL_DOLLARS, _LEVEL_DOLLARS_REST, _LEVEL_DOLLARS_THIN, rank, thin)
    notional_min = max(1, instrument.min_notional)
    return Profile(
        symbol=instrument.symbol,
        base_asset=base,
        quote_asset=quote,
        walk=walk,
        divisor=divisor,
        start=start,
        tick=tick,
        step=max(1, instrument.step_size),
        quantity_min=max(1, instrument.min_qty, instrument.step_size),
        quantity_max=instrument.max_qty or 2**62,
        notional_min=notional_min,
        grid=grid,
        zones=_zones(grid, start, thin),
        level_quote=max(8 * notional_min, level_dollars * SCALE * SCALE // quote_dollars),
        trade_quote=max(2 * notional_min, 12 * SCALE * SCALE // quote_dollars),
        period=_PERIOD_THIN if thin else _PERIOD_BUSY if rank < len(_LEVEL_DOLLARS) else _PERIOD_REST,
        trades_per_minute=_ranked(_TRADES_PER_MINUTE, _TRADES_PER_MINUTE_REST, _TRADES_PER_MINUTE_THIN, rank, thin),
        volatility=_VOLATILITY_THIN if thin else _VOLATILITY_REST if rank else _VOLATILITY_FIRST,
        quote_dollars=quote_dollars,
        thin=thin,
    )  # fmt: skip


def _ranked(ranked: tuple[int, ...], rest: int, of_thin: int, rank: int, thin: bool) -> int:
    if thin:
        return of_thin
    return ranked[rank] if rank < len(ranked) else rest


def _zones(grid: int, start: int, thin: bool) -> tuple[tuple[int, int], ...]:
    """Choose the coarsest grids whose ladder still ends near the price."""
    if thin:
        return tuple((levels, grid) for levels in THIN_ZONE_LEVELS)
    zones: tuple[tuple[int, int], ...] = ()
    for factors in _ZONE_FACTORS:
        zones = tuple((levels, grid * factor) for levels, factor in zip(ZONE_LEVELS, factors, strict=True))
        if sum(levels * step for levels, step in zones) * MILLION <= start * _REACH_MILLIONTHS:
            break
    return zones


def _round_to(value: int, unit: int) -> int:
    """Round to a multiple of the unit whose leading digit is 1, 2 or 5, at least one unit."""
    count = max(1, value // unit)
    magnitude = 1
    while magnitude * 10 <= count:
        magnitude *= 10
    lead = max(digit for digit in (1, 2, 5) if digit * magnitude <= count)
    return lead * magnitude * unit
