"""Reading candles: buckets put together from stretches of time, flat ones where nobody traded.

Never keeps anything: what it reads belongs to `candles`.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from watchword.exchange.market.intervals import next_open, open_of
from watchword.exchange.market.series import (
    CLOSE,
    HIGH,
    LAST_ID,
    LOW,
    OPEN,
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

NO_TRADE_ID: Final = -1


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One candle as it is read. Prices and amounts are scaled integers (10^-8).

    Attributes:
        open_us, close_us: First and last microsecond that belong to it, epoch, UTC.
        volume, quote_volume: Traded base and quote amounts; `taker_*`: the part where the taker bought.
        trades: Number of trades; 0 in a flat candle, whose four prices are the close before it.
        first_id, last_id: Trade ids, or -1 in a flat candle.
    """

    open_us: int
    close_us: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int
    taker_volume: int
    taker_quote_volume: int
    first_id: int
    last_id: int


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A stretch of time answered by one base length: bars opening in [from_us, until_us)."""

    series: Series
    tail: list[Bar]
    from_us: int
    until_us: int


def candle_of(bar: Bar, open_us: int, until_us: int) -> Candle:
    """Show a bar as the candle of the bucket [open_us, until_us)."""
    first_id = bar[LAST_ID] - bar[TRADES] + 1
    return Candle(
        open_us, until_us - 1, bar[OPEN], bar[HIGH], bar[LOW], bar[CLOSE], bar[VOLUME], bar[QUOTE], bar[TRADES],
        bar[TAKER_VOLUME], bar[TAKER_QUOTE], first_id, bar[LAST_ID],
    )  # fmt: skip


def flat_candle(close: int, open_us: int, until_us: int) -> Candle:
    """Make the candle of a bucket in which nobody traded."""
    return Candle(open_us, until_us - 1, close, close, close, close, 0, 0, 0, 0, 0, NO_TRADE_ID, NO_TRADE_ID)


def first_open(pieces: list[Piece], interval: str, offset_us: int) -> int | None:
    """Find the first bucket that can be told in full, or None while there was no trade."""
    for piece in reversed(pieces):
        step = piece.series.step_us
        index = piece.series.find(piece.from_us // step)
        slots = piece.series.slots
        bar_us = slots[index] if index < len(slots) else next((bar[SLOT] for bar in piece.tail), None)
        if bar_us is None or bar_us * step >= piece.until_us:
            continue
        first_us = open_of(interval, bar_us * step, offset_us)
        cut = piece is pieces[-1] and first_us < piece.from_us
        return next_open(interval, first_us, offset_us) if cut else first_us
    return None


def fill(pieces: list[Piece], opens: list[int], until_us: int) -> list[Candle]:
    """Read the buckets opening at `opens`, the last of which ends at `until_us`."""
    candles: list[Candle] = []
    close: int | None = None
    cursors = [0] * len(pieces)
    for open_us, next_us in _spans(opens, until_us):
        bar = gather(pieces, open_us, next_us, cursors)
        if bar is not None:
            close = bar[CLOSE]
            candles.append(candle_of(bar, open_us, next_us))
            continue
        if close is None:
            close = close_before(pieces, open_us)
        if close is not None:
            candles.append(flat_candle(close, open_us, next_us))
    return candles


def _spans(opens: list[int], until_us: int) -> Iterator[tuple[int, int]]:
    for index, open_us in enumerate(opens):
        yield open_us, opens[index + 1] if index + 1 < len(opens) else until_us


def gather(pieces: list[Piece], from_us: int, until_us: int, cursors: list[int] | None = None) -> Bar | None:
    """Merge all bars opening in [from_us, until_us) over the pieces, oldest first."""
    whole: Bar | None = None
    for at in range(len(pieces) - 1, -1, -1):
        piece = pieces[at]
        low_us, high_us = max(from_us, piece.from_us), min(until_us, piece.until_us)
        if low_us >= high_us:
            continue
        step = piece.series.step_us
        low, high = -(-low_us // step), -(-high_us // step)
        begin = piece.series.find(low, cursors[at] if cursors else 0)
        end = piece.series.find(high, begin)
        if cursors:
            cursors[at] = end
        bar = piece.series.gather(begin, end)
        for later in piece.tail:
            if low <= later[SLOT] < high:
                if bar is None:
                    bar = later[:]
                else:
                    merge(bar, later)
        if bar is not None:
            if whole is None:
                whole = bar
            else:
                merge(whole, bar)
    return whole


def close_before(pieces: list[Piece], before_us: int) -> int | None:
    """Return the close of the last bar opening before a moment, or None."""
    for piece in pieces:
        slot = -(-min(before_us, piece.until_us) // piece.series.step_us)
        for bar in reversed(piece.tail):
            if bar[SLOT] < slot:
                return bar[CLOSE]
        index = piece.series.find(slot)
        if index:
            return piece.series.bar(index - 1)[CLOSE]
    return None
