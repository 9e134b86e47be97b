"""Candles of one symbol: five base lengths kept, all sixteen intervals and any time zone read from them.

Each trade enters the one-second bar only; a finished bar is sealed and merged into its parent, so that a longer
candle is the exact sum of the shorter ones. Reading never changes anything.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from watchword.exchange.market.intervals import (
    DAY_US,
    HOUR_US,
    LENGTH_US,
    MINUTE_US,
    MONTH,
    SECOND_US,
    next_open,
    open_of,
    shifted_open,
)
from watchword.exchange.market.pieces import Candle, Piece, close_before, fill, first_open
from watchword.exchange.market.series import (
    CLOSE,
    HIGH,
    LAST_ID,
    LOW,
    QUOTE,
    SLOT,
    TAKER_QUOTE,
    TAKER_VOLUME,
    TRADES,
    VOLUME,
    Bar,
    Series,
    merge,
)

#: Base lengths (microseconds) and how many bars of each are kept: an hour and a half of seconds, a week of minutes
#: (the longest ticker window), 22 days of quarters, 510 days of hours, and a hundred years of days.
BASES: Final = (
    (SECOND_US, 5_400),
    (MINUTE_US, 10_260),
    (15 * MINUTE_US, 2_208),
    (HOUR_US, 12_288),
    (DAY_US, 36_525),
)
SECONDS, MINUTES, QUARTERS, HOURS, DAYS = range(5)
#: Rolling windows remembered per symbol, so that only their two ends are summed anew.
WINDOWS_MAX: Final = 12


class Candles:
    """All candles of one symbol.

    Attributes:
        series: Sealed bars, shortest base first.
        making: Per base length the bar whose sealed children are being merged, or None.
    """

    __slots__ = ("_windows", "making", "series")

    def __init__(self) -> None:
        self.series = tuple(Series(step_us, bars_max) for step_us, bars_max in BASES)
        self.making: list[Bar | None] = [None] * len(BASES)
        self._windows: dict[tuple[int, int], tuple[int, Bar | None]] = {}

    def add(self, at_us: int, price: int, quantity: int, quote: int, taker_buys: bool, trade_id: int) -> None:
        """Count one trade.

        Args:
            at_us: When, epoch microseconds; never before an earlier call's.
            price: Scaled price.
            quantity: Scaled base amount.
            quote: Scaled quote amount.
            taker_buys: Whether the taker was the buyer.
            trade_id: The symbol's trade id, one more than the last.
        """
        slot = at_us // SECOND_US
        bar = self.making[0]
        if bar is None or bar[SLOT] != slot:
            if bar is not None:
                self.seal(SECONDS, bar)
            taker = (quantity, quote) if taker_buys else (0, 0)
            self.making[0] = [slot, price, price, price, price, quantity, quote, 1, *taker, trade_id]
            return
        if price > bar[HIGH]:
            bar[HIGH] = price
        elif price < bar[LOW]:
            bar[LOW] = price
        bar[CLOSE] = price
        bar[VOLUME] += quantity
        bar[QUOTE] += quote
        bar[TRADES] += 1
        if taker_buys:
            bar[TAKER_VOLUME] += quantity
            bar[TAKER_QUOTE] += quote
        bar[LAST_ID] = trade_id

    def seal(self, level: int, bar: Bar) -> None:
        """Store a finished bar and merge it into its parent, which may finish the parent's predecessor in turn."""
        self.series[level].append(bar)
        if level + 1 < len(BASES):
            slot = bar[SLOT] * BASES[level][0] // BASES[level + 1][0]
            self._raise(level + 1, [slot, *bar[1:]])

    def extend(self, level: int, columns: Sequence[Sequence[int]]) -> None:
        """Seal many bars of one base length at once, later than all others, given as columns of 64-bit values."""
        series = self.series[level]
        begin = len(series)
        series.extend(columns)
        if level + 1 == len(BASES):
            return
        ratio = BASES[level + 1][0] // BASES[level][0]
        while begin < len(series):
            slot = series.slots[begin] // ratio
            end = series.find((slot + 1) * ratio, begin)
            bar = series.gather(begin, end)
            if bar is not None:
                bar[SLOT] = slot
                self._raise(level + 1, bar)
            begin = end

    def tail(self, level: int) -> list[Bar]:
        """Return copies of the bars of a base length that are not sealed yet, oldest first."""
        bars: list[Bar] = []
        for at in range(level + 1):
            ratio = BASES[at][0] // BASES[at - 1][0] if at else 1
            making = self.making[at]
            younger = bars
            bars = [] if making is None else [making[:]]
            for bar in younger:
                bar[SLOT] //= ratio
                if bars and bars[-1][SLOT] == bar[SLOT]:
                    merge(bars[-1], bar)
                else:
                    bars.append(bar)
        return bars

    def pieces(self, interval: str, offset_us: int) -> list[Piece]:
        """Choose who answers for which stretch of time, latest stretch first.

        The coarsest base that divides both the interval and the time zone answers as far back as it is complete;
        before that, coarser bases that fit into the interval, each of whose bars counts where it opens.
        """
        length = DAY_US if interval == MONTH else LENGTH_US[interval]
        best = max(
            at
            for at, (step, _) in enumerate(BASES)
            if length % step == 0 and (at == 0 or offset_us % step == 0)
        )
        pieces: list[Piece] = []
        until_us = 2**63
        for at in range(best, len(BASES)):
            step = BASES[at][0]
            if step > length:
                break
            series = self.series[at]
            from_us = series.complete_from * step
            coarser = BASES[at + 1][0] if at + 1 < len(BASES) and BASES[at + 1][0] <= length else 0
            if coarser:
                from_us = -(-from_us // coarser) * coarser
            if from_us < until_us:
                pieces.append(Piece(series, self.tail(at), from_us, until_us))
                until_us = from_us
        return pieces

    def read(
        self, interval: str, start_us: int | None, end_us: int | None, limit: int, offset_us: int, now_us: int
    ) -> list[Candle]:
        """Read candles, oldest first, flat ones filled in up to now.

        Args:
            interval: One of the sixteen.
            start_us: Candles opening at or after this; with it the oldest `limit` are given. None: no bound.
            end_us: Candles opening at or before this. None: no bound.
            limit: Most candles wanted.
            offset_us: Time zone in which the interval is read, microseconds east of UTC.
            now_us: Current time; no candle opens later.

        Returns:
            At most `limit` candles, and none before the symbol's first trade.
        """
        pieces = self.pieces(interval, offset_us)
        first_us = first_open(pieces, interval, offset_us)
        if first_us is None or limit <= 0 or (end_us is not None and end_us < first_us):
            return []
        if start_us is not None and start_us > now_us:
            return []
        last_us = open_of(interval, now_us if end_us is None else min(now_us, end_us), offset_us)
        if start_us is not None and start_us > first_us:
            first_us = open_of(interval, start_us, offset_us)
            if first_us < start_us:
                first_us = next_open(interval, first_us, offset_us)
        elif start_us is None:
            first_us = max(first_us, shifted_open(interval, last_us, 1 - limit, offset_us))
        opens: list[int] = []
        while first_us <= last_us and len(opens) < limit:
            opens.append(first_us)
            first_us = next_open(interval, first_us, offset_us)
        return fill(pieces, opens, first_us)

    def window(self, level: int, from_us: int, until_us: int) -> Bar | None:
        """Merge all trades of whole bars of one base length opening in [from_us, until_us), or None.

        Why a cache: a rolling day is asked for every second and changes at its two ends only.
        """
        series = self.series[level]
        low, high = -(-from_us // series.step_us), -(-until_us // series.step_us)
        sealed_to, bar = self._sealed_window(level, low)
        if sealed_to > high:
            bar = series.gather(series.find(low), series.find(high))
        elif bar is not None:
            bar = bar[:]
        for later in self.tail(level):
            if low <= later[SLOT] < high:
                if bar is None:
                    bar = later
                else:
                    merge(bar, later)
        return bar

    def _sealed_window(self, level: int, low: int) -> tuple[int, Bar | None]:
        """Merge the sealed bars from a slot on; tells also up to which slot. The bar must not be changed."""
        series = self.series[level]
        to = max(low, series.slots[-1] + 1) if series.slots else low
        known = self._windows.get((level, low))
        if known is None or low < series.complete_from:
            bar = series.gather(series.find(low), len(series))
            if len(self._windows) >= WINDOWS_MAX:
                self._windows.clear()
        elif known[0] == to:
            return known
        else:
            newer = series.gather(series.find(known[0]), len(series))
            bar = newer if known[1] is None else known[1][:]
            if known[1] is not None and newer is not None and bar is not None:
                merge(bar, newer)
        self._windows[level, low] = (to, bar)
        return to, bar

    def close_before(self, level: int, before_us: int) -> int | None:
        """Return the last price of the bars of one base length opening before a moment, or None."""
        return close_before([Piece(self.series[level], self.tail(level), 0, 2**63)], before_us)

    def encode(self) -> bytes:
        """Write everything; equal candles give equal bytes."""
        making = [None if bar is None else [str(value) for value in bar] for bar in self.making]
        return msgspec.msgpack.encode(([series.encode() for series in self.series], making))

    def restore(self, raw: bytes) -> None:
        """Read back what `encode` wrote."""
        series, making = msgspec.msgpack.decode(raw, type=tuple[list[bytes], list[list[str] | None]])
        for target, packed in zip(self.series, series, strict=True):
            target.restore(packed)
        self.making = [None if bar is None else [int(text) for text in bar] for bar in making]
        self._windows.clear()

    def _raise(self, level: int, bar: Bar) -> None:
        """Merge sealed children into the bar being made of a base length; a later slot seals the one before."""
        parent = self.making[level]
        if parent is not None and parent[SLOT] == bar[SLOT]:
            merge(parent, bar)
            return
        self.making[level] = bar
        if parent is not None:
            self.seal(level, parent)
