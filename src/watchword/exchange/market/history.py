"""The past a new venue is given: candles back to 2017-07 and the trades of the last half hour, made up.

Everything follows from (seed, instruments, now), in integers. Five stretches of time, each in one base length, coarse
to fine; a longer candle inside a finer stretch is merged from it, so overlaps agree exactly. The last stretch is made
of single trades, which go through the same door as live ones.
"""

from collections.abc import Iterator
from itertools import accumulate
from math import isqrt
from typing import Final

from watchword.exchange.instruments import Instrument
from watchword.exchange.liquidity.profile import FINE_BITS, MILLION, Profile, profiles_of
from watchword.exchange.liquidity.random import BELL_SD, bells, draws
from watchword.exchange.market.candles import BASES, DAYS, HOURS, MINUTES, QUARTERS, SECONDS, Candles
from watchword.exchange.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from watchword.exchange.market.trades import Tape
from watchword.kernel.units import SCALE

#: 2017-07-01T00:00:00Z, where the history begins.
BEGINNING_US: Final = 1_498_867_200 * SECOND_US
#: How far back each finer stretch reaches.
_HOURS_BACK_US: Final = 505 * DAY_US
_QUARTERS_BACK_US: Final = 21 * DAY_US
_MINUTES_BACK_US: Final = 7 * DAY_US + 2 * HOUR_US
_TRADES_BACK_US: Final = 30 * MINUTE_US
#: A venue whose clock stands before 2017 gets a history of this length.
_HISTORY_MIN_US: Final = 1_300 * DAY_US

#: Unit of a relative step.
_ONE: Final = 1 << 40
#: Prices rose by about this much a day before the hourly stretch begins, in millionths.
_DRIFT: Final = 500
#: A history's price never falls below so many ticks.
_FLOOR_TICKS: Final = 400
#: Volatility comes in calm and wild spells of this many bars; the shares are in sixteenths.
_SPELL_BARS: Final = 48
_SPELLS: Final = (8, 10, 12, 16, 16, 20, 24, 36)
#: A taker order fills about so many trades out of ten aggregates.
_TRADES_PER_TEN_AGGREGATES: Final = 13
#: Average taker order is this many times the smallest (see `liquidity.taker`).
AVERAGE_ORDER_FACTOR: Final = 24

#: A walk over time: one value per boundary, first to last.
Path = list[int]


def back_fill(
    instruments: tuple[Instrument, ...], seed: int, now_us: int
) -> Iterator[tuple[str, Tape, Candles]]:
    """Make up the past of every symbol that has liquidity.

    Args:
        instruments: What the venue lists.
        seed: The venue's seed.
        now_us: Where the past ends, epoch microseconds.

    Yields:
        Symbol, tape and candles; the next live trade continues their ids.
    """
    profiles = profiles_of(instruments)
    bounds = stretch_bounds(now_us)
    common = {level: bells(seed, _steps(bounds, level), "market", str(level)) for level in range(len(BASES))}
    walks: dict[str, dict[int, Path]] = {}
    for profile in profiles:
        if not profile.divisor:
            walks[profile.symbol] = _walk(profile, seed, bounds, common)
    for profile in profiles:
        paths = walks[profile.walk]
        if profile.divisor:
            paths = {level: _quotient(path, walks[profile.divisor][level]) for level, path in paths.items()}
        yield profile.symbol, *_fill(profile, paths, seed, bounds)


def stretch_bounds(now_us: int) -> dict[int, tuple[int, int]]:
    """Divide the past into stretches.

    Returns:
        Base length (index into `BASES`) → [from, until) in epoch microseconds; neighbours touch, and each begins
        where a bar of every finer and of its own base length begins.
    """
    end_us = now_us // SECOND_US * SECOND_US
    beginning_us = max(0, min(BEGINNING_US, (end_us - _HISTORY_MIN_US) // DAY_US * DAY_US))
    starts = {SECONDS: _floored(end_us - _TRADES_BACK_US, MINUTE_US, beginning_us)}
    for level, back_us, coarser_us in (
        (MINUTES, _MINUTES_BACK_US, 15 * MINUTE_US),
        (QUARTERS, _QUARTERS_BACK_US, HOUR_US),
        (HOURS, _HOURS_BACK_US, DAY_US),
        (DAYS, end_us, DAY_US),
    ):
        starts[level] = _floored(end_us - back_us, coarser_us, beginning_us)
    bounds = {SECONDS: (starts[SECONDS], max(starts[SECONDS], end_us))}
    for level in range(MINUTES, DAYS + 1):
        bounds[level] = (starts[level], starts[level - 1])
    return bounds


def _floored(at_us: int, unit_us: int, not_before_us: int) -> int:
    return max(not_before_us, at_us // unit_us * unit_us)


def _steps(bounds: dict[int, tuple[int, int]], level: int) -> int:
    from_us, until_us = bounds[level]
    return (until_us - from_us) // BASES[level][0]


def _walk(
    profile: Profile, seed: int, bounds: dict[int, tuple[int, int]], common: dict[int, list[int]]
) -> dict[int, Path]:
    """Walk backwards from the start price, finest stretch first; half of every step is the whole market's."""
    paths: dict[int, Path] = {}
    value = profile.start << FINE_BITS
    floor = (_FLOOR_TICKS * profile.tick) << FINE_BITS
    for level in range(len(BASES)):
        count = _steps(bounds, level)
        own = bells(seed, count, profile.symbol, "walk", str(level))
        spells = draws(seed, count // _SPELL_BARS + 1, profile.symbol, "spell", str(level))
        # 7/10 own and 7/10 common: independent parts whose squares add up to about one.
        scale = profile.volatility * (_ONE // MILLION) * 7 * isqrt(BASES[level][0] * 10**12 // DAY_US)
        scale //= 10 * MILLION * 16
        drift = _DRIFT * (_ONE // MILLION) if level == DAYS else 0
        steps = [
            (mine + theirs) * _SPELLS[spells[index // _SPELL_BARS] & 7] * scale // BELL_SD + drift
            for index, (mine, theirs) in enumerate(zip(own, common[level], strict=True))
        ]
        path = list(accumulate(steps, lambda at, step: max(floor, at - at * step // _ONE), initial=value))
        path.reverse()
        paths[level] = path
        value = path[0]
    return paths


def _quotient(dividends: Path, divisors: Path) -> Path:
    return [
        (dividend << FINE_BITS) * SCALE // divisor
        for dividend, divisor in zip(dividends, divisors, strict=True)
    ]


def _fill(
    profile: Profile, paths: dict[int, Path], seed: int, bounds: dict[int, tuple[int, int]]
) -> tuple[Tape, Candles]:
    candles = Candles()
    last_id = 0
    for level in range(DAYS, SECONDS, -1):
        from_us, _ = bounds[level]
        series = candles.series[level]
        series.complete_from = 0 if level == DAYS else from_us // series.step_us
        rows = _bars(profile, paths[level], seed, level, from_us // series.step_us, last_id)
        columns = list(zip(*rows, strict=True))
        if columns:
            last_id = columns[-1][-1]
            candles.extend(level, columns)
    from_us, _ = bounds[SECONDS]
    candles.series[SECONDS].complete_from = from_us // SECOND_US
    tape = Tape(last_id + 1, last_id * 10 // _TRADES_PER_TEN_AGGREGATES + 1)
    for at_us, price, quantity, taker_buys, begins in _trades(profile, paths[SECONDS], seed, from_us):
        trade_id = tape.next_id
        tape.add(trade_id, price, quantity, at_us, not taker_buys, begins)
        candles.add(at_us, price, quantity, price * quantity // SCALE, taker_buys, trade_id)
    return tape, candles


def _bars(
    profile: Profile, path: Path, seed: int, level: int, slot: int, last_id: int
) -> Iterator[tuple[int, ...]]:
    """Make the bars of one stretch; where no trade falls into one, there is none."""
    step_us = BASES[level][0]
    count = len(path) - 1
    dice = draws(seed, 4 * count, profile.symbol, "bar", str(level))
    tick, lot = profile.tick, profile.step
    fine = tick << FINE_BITS
    # Trades of an average bar, in 2^16ths, and the reach of a wick beyond the body, in 2^16ths of the price.
    pace = (profile.trades_per_minute * step_us << 16) // MINUTE_US * _TRADES_PER_TEN_AGGREGATES // 10
    reach = profile.volatility * isqrt(step_us * 10**12 // DAY_US) // MILLION
    order_quote = profile.trade_quote * AVERAGE_ORDER_FACTOR
    before = max(tick, path[0] // fine * tick)
    at = 0
    for value in path[1:]:
        close = value // fine * tick
        luck, up, down, size = dice[at], dice[at + 1], dice[at + 2], dice[at + 3]
        at += 4
        # The dice decide the remainder, so that a rare trade a minute comes out right on average.
        trades = (pace * (19_660 + (luck + up) // 2) // 52_428 + luck) >> 16
        if not trades:
            slot += 1
            continue
        opening = before if trades > 1 else close
        high, low = (opening, close) if opening > close else (close, opening)
        if trades > 2:
            high += close * reach // MILLION * up // 65_536 // tick * tick
            low = max(tick, low - close * reach // MILLION * down // 65_536 // tick * tick)
        volume = trades * order_quote * (16_384 + size) // 65_536 * SCALE // close // lot * lot
        volume = max(volume, trades * lot)
        quote = volume * ((opening + high + low + close) // 4) // SCALE
        bought = volume * (20_000 + (size ^ down) % 25_536) // 65_536 // lot * lot
        if trades == 1:
            bought = volume if size & 1 else 0
        last_id += trades
        yield (
            slot, opening, high, low, close, volume, quote, trades, bought, quote * bought // volume, last_id,
        )  # fmt: skip
        before = close
        slot += 1


def _trades(
    profile: Profile, path: Path, seed: int, from_us: int
) -> Iterator[tuple[int, int, int, bool, bool]]:
    """Make the single trades of the last stretch: (moment, price, quantity, taker buys, begins an aggregate)."""
    dice = draws(seed, 4 * len(path), profile.symbol, "trade")
    pace = (profile.trades_per_minute << 16) * _TRADES_PER_TEN_AGGREGATES // 600
    half = profile.grid // 2
    tick, lot = profile.tick, profile.step
    at = 0
    for second, value in enumerate(path[1:]):
        luck, moment, size, flags = dice[at : at + 4]
        at += 4
        trades = (pace + luck) >> 16
        at_us = from_us + second * SECOND_US + moment * 7
        for index in range(trades):
            taker_buys = bool(flags >> index & 1)
            edge = (value >> FINE_BITS) + (half if taker_buys else -half)
            price = max(tick, edge // tick * tick)
            worth = profile.trade_quote * (16_384 + size) // 65_536 << (flags >> 8 & 7)
            quantity = max(worth * SCALE // price // lot * lot, profile.quantity_min)
            yield at_us + index * 9_000, price, quantity, taker_buys, True
