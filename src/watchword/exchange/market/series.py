"""Bars of one base length in compact columns. Never knows what a time zone or an interval name is.

A bar is eleven integers. Bars without trades are not stored; the reader fills the gaps.
Bytes: docs/formats/market.md.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

#: A bar in the making: the eleven columns, in this order.
Bar = list[int]
SLOT, OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, TRADES, TAKER_VOLUME, TAKER_QUOTE, LAST_ID = range(11)
COLUMNS: Final = 11

#: Stands in a column where the true value does not fit 64 bits; the value is in `Series.wide`.
WIDE: Final = -(2**63)
#: A series may outgrow its bound by this share before the oldest bars are dropped in one go.
SLACK_DIVISOR: Final = 16


def merge(into: Bar, later: Sequence[int]) -> None:
    """Add a later bar's trades to a bar. The slot stays."""
    # Written out, not max() and min(): this runs once per sealed bar.
    if later[HIGH] > into[HIGH]:  # noqa: PLR1730
        into[HIGH] = later[HIGH]
    if later[LOW] < into[LOW]:  # noqa: PLR1730
        into[LOW] = later[LOW]
    into[CLOSE] = later[CLOSE]
    into[VOLUME] += later[VOLUME]
    into[QUOTE] += later[QUOTE]
    into[TRADES] += later[TRADES]
    into[TAKER_VOLUME] += later[TAKER_VOLUME]
    into[TAKER_QUOTE] += later[TAKER_QUOTE]
    into[LAST_ID] = later[LAST_ID]


class Series:
    """Sealed bars of one base length, oldest first.

    Attributes:
        step_us: Length of a bar, microseconds. A bar's slot is its opening divided by this.
        bars_max: How many bars are kept.
        complete_from: First slot of which nothing is missing; 0 where nothing was ever dropped.
        wide: Values of 64 bits and more by (column, slot).
    """

    __slots__ = ("bars_max", "columns", "complete_from", "slots", "step_us", "wide")

    def __init__(self, step_us: int, bars_max: int) -> None:
        self.step_us = step_us
        self.bars_max = bars_max
        self.columns: tuple[array[int], ...] = tuple(array("q") for _ in range(COLUMNS))
        self.slots = self.columns[SLOT]
        self.complete_from = 0
        self.wide: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.slots)

    def append(self, bar: Sequence[int]) -> None:
        """Seal a bar later than all others."""
        index = 0
        try:
            for column in self.columns:
                column.append(bar[index])
                index += 1
        except OverflowError:
            self._append_wide(bar, index)
        if len(self.slots) > self.bars_max + self.bars_max // SLACK_DIVISOR:
            self._drop_oldest(len(self.slots) - self.bars_max)

    def extend(self, columns: Iterable[Sequence[int]]) -> None:
        """Seal many bars given as columns (all must fit 64 bits)."""
        for column, values in zip(self.columns, columns, strict=True):
            column.extend(values)

    def find(self, slot: int, low: int = 0) -> int:
        """Return the index of the first bar whose slot is `slot` or later."""
        return bisect_left(self.slots, slot, low)

    def bar(self, index: int) -> Bar:
        """Return one bar."""
        bar = [column[index] for column in self.columns]
        if self.wide:
            self._widen(bar)
        return bar

    def gather(self, begin: int, end: int) -> Bar | None:
        """Merge the bars at indexes `begin` … `end` - 1 into one with the first one's slot; None if there are none."""
        if end - begin <= 1:
            return self.bar(begin) if end > begin else None
        if self.wide:
            return self._gather_slowly(begin, end)
        columns = self.columns
        return [
            self.slots[begin],
            columns[OPEN][begin],
            max(columns[HIGH][begin:end]),
            min(columns[LOW][begin:end]),
            columns[CLOSE][end - 1],
            sum(columns[VOLUME][begin:end]),
            sum(columns[QUOTE][begin:end]),
            sum(columns[TRADES][begin:end]),
            sum(columns[TAKER_VOLUME][begin:end]),
            sum(columns[TAKER_QUOTE][begin:end]),
            columns[LAST_ID][end - 1],
        ]

    def encode(self) -> bytes:
        """Write everything; equal series give equal bytes."""
        wide = sorted((column, slot, str(value)) for (column, slot), value in self.wide.items())
        columns = [pack(column) for column in self.columns]
        return msgspec.msgpack.encode((self.step_us, self.complete_from, columns, wide))

    def restore(self, raw: bytes) -> None:
        """Read back what `encode` wrote."""
        step_us, complete_from, columns, wide = msgspec.msgpack.decode(
            raw, type=tuple[int, int, list[bytes], list[tuple[int, int, str]]]
        )
        self.step_us, self.complete_from = step_us, complete_from
        for column, packed in zip(self.columns, columns, strict=True):
            unpack(column, packed)
        self.wide = {(column, slot): int(text) for column, slot, text in wide}

    def _append_wide(self, bar: Sequence[int], from_column: int) -> None:
        for index in range(from_column, COLUMNS):
            try:
                self.columns[index].append(bar[index])
            except OverflowError:
                self.columns[index].append(WIDE)
                self.wide[index, bar[SLOT]] = bar[index]

    def _widen(self, bar: Bar) -> None:
        for index, value in enumerate(bar):
            if value == WIDE:
                bar[index] = self.wide[index, bar[SLOT]]

    def _gather_slowly(self, begin: int, end: int) -> Bar:
        whole = self.bar(begin)
        for index in range(begin + 1, end):
            merge(whole, self.bar(index))
        return whole

    def _drop_oldest(self, count: int) -> None:
        self.complete_from = self.slots[count - 1] + 1
        for column in self.columns:
            del column[:count]
        if self.wide:
            self.wide = {key: value for key, value in self.wide.items() if key[1] >= self.complete_from}


def pack(column: "array[int]") -> bytes:
    """Write a column as little-endian bytes."""
    if sys.byteorder == "little":
        return column.tobytes()
    swapped = array(column.typecode, column)
    swapped.byteswap()
    return swapped.tobytes()


def unpack(column: "array[int]", packed: bytes) -> None:
    """Replace a column's content by what `pack` wrote."""
    del column[:]
    column.frombytes(packed)
    if sys.byteorder != "little":
        column.byteswap()
