"""Closes of candles that are over, kept for a while: they do not change, and every portfolio is valued by the same ones."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask
from watchword.entrypoints.console.routes.account_past import ASKED_AT_ONCE_MAX
from watchword.entrypoints.console.routes.market import Interval, candles_of
from watchword.entrypoints.console.trading_views import scaled

#: Symbols and intervals kept; the longest unused go.
KEPT_MAX: Final = 256
#: Read anew after so long, whatever is known.
KEPT_S_MAX: Final = 600.0

#: Symbol → moment → close.
Closes = Mapping[str, Mapping[int, int]]


class _Kept:
    """One symbol's closes on one interval: all that there are from `first_us` to `last_us`."""

    def __init__(self, first_us: int, until_s: float) -> None:
        self.first_us = self.last_us = first_us
        self.until_s = until_s
        self.closes: dict[int, int] = {}


class _AllKept(OrderedDict[tuple[str, str], _Kept]):
    """What is kept, the longest unused first."""


async def closes_at(
    ask: Ask[Any, Any],
    symbols: Sequence[str],
    interval: Interval,
    step_us: int,
    moments: Sequence[int],
    at_us: int,
) -> Closes | Problem:
    """Say at what price symbols closed at moments.

    Args:
        ask: The question.
        symbols: Which.
        interval: Of the candles.
        step_us: How long one of them is.
        moments: Rising ends of candles, none after `at_us`.
        at_us: Now, by the exchange's clock.
    """
    if not moments:
        return {}
    gate = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

    async def read(symbol: str) -> dict[int, int] | Problem:
        async with gate:
            return await _closes(ask, symbol, interval, step_us, moments, at_us)

    found: dict[str, Mapping[int, int]] = {}
    for symbol, closes in zip(symbols, await asyncio.gather(*map(read, symbols)), strict=True):
        if isinstance(closes, Problem):
            return closes
        found[symbol] = closes
    return found


async def _closes(
    ask: Ask[Any, Any], symbol: str, interval: Interval, step_us: int, moments: Sequence[int], at_us: int
) -> dict[int, int] | Problem:
    """Read the closes that are not known yet."""
    all_kept: _AllKept = ask.console.at_hand.setdefault(_AllKept, _AllKept())
    now_s = asyncio.get_running_loop().time()
    kept = all_kept.get((symbol, interval))
    if kept is None or now_s >= kept.until_s or kept.first_us > moments[0]:
        kept, missing = _Kept(moments[0], now_s + KEPT_S_MAX), len(moments)
    else:
        missing = sum(moment > kept.last_us for moment in moments)
    if missing:
        # And the one that is not over yet.
        candles = await candles_of(ask, symbol, interval, missing + 1, at_us)
        if isinstance(candles, Problem):
            return candles
        ends = {candle.open_us + step_us: scaled(candle.close) for candle in candles}
        kept.closes.update((end_us, close) for end_us, close in ends.items() if end_us <= at_us)
        kept.last_us = max(kept.last_us, moments[-1])
    all_kept[symbol, interval] = kept
    all_kept.move_to_end((symbol, interval))
    while len(all_kept) > KEPT_MAX:
        all_kept.popitem(last=False)
    return kept.closes
