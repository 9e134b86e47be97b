"""The past a new venue is given: candles back to 2017-07 and the trades of the last half hour, made up.

Everything follows from (seed, instruments, now), in integers. Five stretches of time, each in one base length, coarse
to fine; a longer candle inside a finer stretch is merged from it, so overlaps agree exactly. The last stretch is made
of single trades, which go through the same door as live ones.
"""

from array import array
from collections.abc import Iterator
from functools import partial
from itertools import accumulate, islice
from math import isqrt
from typing import Final, TypeAlias

from watchword.exchange.instruments import Instrument
from watchword.exchange.liquidity.profile import FINE_BITS, MILLION, Profile, profiles_of
from watchword.exchange.liquidity.random import BELL_SD, Dice, bells, draws, seed_of
from watchword.exchange.liquidity.taker import AVERAGE_ORDER_FACTOR, THIN_ORDER_FACTOR, order_worth
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
_DRIFT: Final = 150
#: A history's price never falls below so many ticks.
_FLOOR_TICKS: Final = 400
#: Volatility comes in calm and wild spells of this many bars; the shares are in sixteenths.
_SPELL_BARS: Final = 48
_SPELLS: Final = (8, 10, 12, 16, 16, 20, 24, 36)
#: Aggregate ids lag behind trade ids about so: ten aggregates hold this many trades.
_TRADES_PER_TEN_AGGREGATES: Final = 11

#: Trades made up for one second follow each other at this distance.
_TRADE_GAP_US: Final = 9_000

#: Bars made at a time, so that making up years does not need their memory twice.
_CHUNK_BARS: Final = 2_048
#: A history never stands above so many times the price it ends at.
_CEILING_FACTOR: Final = 8
#: Bits of a walked price: with the ceiling's three and the sign, 64.
_PATH_BITS: Final = 60

#: A walk over time: one value per boundary, first to last, scaled by 10^8 times 2^`_fine_bits`.
Path: TypeAlias = "array[int]"


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
    bits = {profile.symbol: _fine_bits(profile) for profile in profiles}
    walks: dict[str, dict[int, Path]] = {}
    for profile in profiles:
        if not profile.divisor:
            walks[profile.symbol] = _walk(profile, seed, bounds, common)
    for profile in profiles:
        paths = walks[profile.walk]
        if profile.divisor:
            divisors = walks[profile.divisor]
            shift = _fine_bits(profile) + bits[profile.divisor] - bits[profile.walk]
            paths = {level: _quotient(path, divisors[level], shift) for level, path in paths.items()}
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
    bits = _fine_bits(profile)
    value = profile.start << bits
    floor, ceiling = min(value, _FLOOR_TICKS * profile.tick << bits), value * _CEILING_FACTOR
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
        walked = list(accumulate(steps, _step_back, initial=value))
        if min(walked) < floor or max(walked) > ceiling:
            walked = list(accumulate(steps, partial(_step_within, floor, ceiling), initial=value))
        path: Path = array("q", walked)
        path.reverse()
        paths[level] = path
        value = path[0]
    return paths


def _step_back(at: int, step: int) -> int:
    return at - at * step // _ONE


def _step_within(floor: int, ceiling: int, at: int, step: int) -> int:
    return min(ceiling, max(floor, at - at * step // _ONE))


def _fine_bits(profile: Profile) -> int:
    """How many bits below 10^-8 a walk of this price has room for."""
    return min(FINE_BITS, _PATH_BITS - profile.start.bit_length())


def _quotient(dividends: Path, divisors: Path, shift: int) -> Path:
    """Divide one walk by another; `shift` makes up for the different bits of the three."""
    top = 2 ** (_PATH_BITS + 2)
    return array(
        "q",
        [
            min(top, (dividend * SCALE << shift) // divisor)
            for dividend, divisor in zip(dividends, divisors, strict=True)
        ],
    )


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
        while columns := list(zip(*islice(rows, _CHUNK_BARS), strict=True)):
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
    dice = draws(seed, 4 * (len(path) - 1), profile.symbol, "bar", str(level))
    tick, lot = profile.tick, profile.step
    fine = tick << _fine_bits(profile)
    # Trades of an average bar and the worth of one, in 2^16ths; a wick's unit: millionths of the price, in 2^16ths.
    pace = (profile.trades_per_minute * step_us << 16) // MINUTE_US
    order_worth_16 = (
        profile.trade_quote * (THIN_ORDER_FACTOR if profile.thin else AVERAGE_ORDER_FACTOR) * SCALE >> 16
    )
    reach = profile.volatility * isqrt(step_us * 10**12 // DAY_US) // MILLION
    wick_unit = (MILLION << 16) * tick
    before = path[0] // fine * tick or tick
    luck_up_down_size = zip(dice[::4], dice[1::4], dice[2::4], dice[3::4], strict=True)
    # One long loop without calls: it runs some 300,000 times before the venue is ready.
    for value, (luck, up, down, size) in zip(path[1:], luck_up_down_size, strict=True):
        close = value // fine * tick
        # The dice decide the remainder, so that a rare trade a minute comes out right on average.
        trades = (pace * (39_320 + luck + up) // 104_856 + luck) >> 16
        if not trades:
            slot += 1
            continue
        opening = before if trades > 1 else close
        high, low = (opening, close) if opening > close else (close, opening)
        if trades > 2:
            wick = close * reach
            high += wick * up // wick_unit * tick
            low -= wick * down // wick_unit * tick
            low = max(low, tick)
        volume = trades * (32_768 + size) * order_worth_16 // (close * lot) * lot
        volume = max(volume, trades * lot)
        quote = volume * (opening + high + low + close) // (4 * SCALE)
        if trades > 1:
            bought = volume * (20_000 + (size ^ down) % 25_536) // (lot << 16) * lot
        else:
            bought = volume if size & 1 else 0
        last_id += trades
        taken = quote * bought // volume
        yield slot, opening, high, low, close, volume, quote, trades, bought, taken, last_id
        before = close
        slot += 1


def _trades(
    profile: Profile, path: Path, seed: int, from_us: int
) -> Iterator[tuple[int, int, int, bool, bool]]:
    """Make the single trades of the last stretch: (moment, price, quantity, taker buys, begins an aggregate)."""
    dice = draws(seed, 2 * len(path), profile.symbol, "moment")
    orders = Dice(seed_of(seed, profile.symbol, "order"))
    pace = (profile.trades_per_minute << 16) // 60
    half, bits = profile.grid // 2, _fine_bits(profile)
    tick, lot = profile.tick, profile.step
    for second, value in enumerate(path[1:]):
        luck, moment = dice[2 * second], dice[2 * second + 1]
        at_us = from_us + second * SECOND_US + moment * 7
        for index in range((pace + luck) >> 16):
            luck = orders.draw()
            taker_buys = bool(luck >> 40 & 1)
            edge = (value >> bits) + (half if taker_buys else -half)
            price = max(tick, edge // tick * tick)
            quantity = max(order_worth(profile, luck) * SCALE // price // lot * lot, profile.quantity_min)
            yield at_us + index * _TRADE_GAP_US, price, quantity, taker_buys, True
