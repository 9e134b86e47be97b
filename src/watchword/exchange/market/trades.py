"""The tape of one symbol: recent public trades and the aggregates they form. Never holds more than its bound.

Trade ids of a symbol have no gaps, so an id is a position. Aggregates are marked on the tape itself: a trade
either begins one or continues the one before it (same taker order, same price, same moment).

Source: rest-api.md "Compressed/Aggregate trades list".
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import Final

import msgspec

from watchword.exchange.market.series import pack, unpack
from watchword.kernel.errors import invariant
from watchword.kernel.units import SCALE

#: Trades kept per symbol; a quarter more may pile up before the oldest are dropped in one go.
TRADES_MAX: Final = 16_384
TRADES_SLACK: Final = TRADES_MAX // 4

#: Bits of a trade's mark.
_BUYER_IS_MAKER: Final = 1
#: Stands for a price or quantity of 64 bits and more, which `Tape.wide` holds.
_WIDE: Final = -1
_PRICE, _QUANTITY = 0, 1


class PublicTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade as everybody sees it. Scaled integers (10^-8); `quote` is price times quantity, floored."""

    trade_id: int
    price: int
    quantity: int
    quote: int
    at_us: int
    buyer_is_maker: bool


class AggregateTrade(msgspec.Struct, frozen=True, gc=False):
    """Trades of one taker order at one price and moment."""

    aggregate_id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    at_us: int
    buyer_is_maker: bool


class Tape:
    """Recent trades of one symbol, oldest first.

    Attributes:
        first_id: Trade id of the oldest trade held.
        first_aggregate_id: Id of the oldest aggregate held.
        begins: Trade id at which each held aggregate begins.
    """

    __slots__ = ("begins", "first_aggregate_id", "first_id", "marks", "prices", "quantities", "times", "wide")

    def __init__(self, first_id: int = 1, first_aggregate_id: int = 1) -> None:
        self.first_id = first_id
        self.first_aggregate_id = first_aggregate_id
        self.prices: array[int] = array("q")
        self.quantities: array[int] = array("q")
        self.times: array[int] = array("q")
        self.marks: array[int] = array("b")
        self.begins: array[int] = array("q")
        self.wide: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.times)

    @property
    def next_id(self) -> int:
        """The id the next trade will have."""
        return self.first_id + len(self.times)

    @property
    def next_aggregate_id(self) -> int:
        """The id the next aggregate will have."""
        return self.first_aggregate_id + len(self.begins)

    def add(
        self, trade_id: int, price: int, quantity: int, at_us: int, buyer_is_maker: bool, begins: bool
    ) -> None:
        """Print a trade.

        Args:
            trade_id: One more than the last trade's.
            price: Scaled.
            quantity: Scaled.
            at_us: Epoch microseconds, never before the last trade's.
            buyer_is_maker: Whether the taker sold.
            begins: Whether it begins an aggregate.
        """
        if trade_id != self.first_id + len(self.times):
            invariant(not self.times, f"trade {trade_id} follows trade {self.next_id - 1}")
            self.first_id = trade_id
        try:
            self.prices.append(price)
        except OverflowError:
            self.prices.append(_WIDE)
            self.wide[_PRICE, trade_id] = price
        try:
            self.quantities.append(quantity)
        except OverflowError:
            self.quantities.append(_WIDE)
            self.wide[_QUANTITY, trade_id] = quantity
        self.times.append(at_us)
        self.marks.append(_BUYER_IS_MAKER if buyer_is_maker else 0)
        if begins:
            self.begins.append(trade_id)
        if len(self.times) >= TRADES_MAX + TRADES_SLACK:
            self._drop_oldest(len(self.times) - TRADES_MAX)

    def trade(self, index: int) -> PublicTrade:
        """Return the trade at a position (negative: from the end)."""
        if index < 0:
            index += len(self.times)
        price, quantity = self.prices[index], self.quantities[index]
        trade_id = self.first_id + index
        if price == _WIDE:
            price = self.wide[_PRICE, trade_id]
        if quantity == _WIDE:
            quantity = self.wide[_QUANTITY, trade_id]
        return PublicTrade(
            trade_id, price, quantity, price * quantity // SCALE, self.times[index], bool(self.marks[index])
        )

    def latest(self, limit: int) -> list[PublicTrade]:
        """Return the newest trades, oldest first."""
        size = len(self.times)
        return [self.trade(index) for index in range(max(0, size - limit), size)]

    def starting_at(self, from_id: int, limit: int) -> list[PublicTrade]:
        """Return trades with this id or later, oldest first; what is no longer held is skipped."""
        begin = max(0, from_id - self.first_id)
        return [self.trade(index) for index in range(begin, min(begin + limit, len(self.times)))]

    def aggregates(
        self, from_id: int | None, start_us: int | None, end_us: int | None, limit: int
    ) -> list[AggregateTrade]:
        """Return aggregates, oldest first.

        Args:
            from_id: First aggregate id wanted, or None.
            start_us: First moment wanted, or None.
            end_us: Last moment wanted (inclusive), or None.
            limit: Most aggregates wanted: the oldest where a beginning is given, else the newest.
        """
        low, high = 0, len(self.begins)
        if from_id is not None:
            low = max(0, from_id - self.first_aggregate_id)
        if start_us is not None:
            low = max(low, self._aggregate_position(bisect_left(self.times, start_us)))
        if end_us is not None:
            high = min(high, self._aggregate_position(bisect_right(self.times, end_us)))
        if from_id is None and start_us is None:
            low = max(low, high - limit)
        return [self._aggregate(index) for index in range(low, min(high, low + limit))]

    def encode(self) -> bytes:
        """Write everything; equal tapes give equal bytes."""
        wide = sorted((kind, trade_id, str(value)) for (kind, trade_id), value in self.wide.items())
        columns = [pack(column) for column in self._columns()]
        return msgspec.msgpack.encode((self.first_id, self.first_aggregate_id, columns, wide))

    def restore(self, raw: bytes) -> None:
        """Read back what `encode` wrote."""
        self.first_id, self.first_aggregate_id, columns, wide = msgspec.msgpack.decode(
            raw, type=tuple[int, int, list[bytes], list[tuple[int, int, str]]]
        )
        for column, packed in zip(self._columns(), columns, strict=True):
            unpack(column, packed)
        self.wide = {(kind, trade_id): int(text) for kind, trade_id, text in wide}

    def _columns(self) -> tuple["array[int]", ...]:
        return (self.prices, self.quantities, self.times, self.marks, self.begins)

    def _aggregate_position(self, index: int) -> int:
        """Return the position of the first aggregate that begins at the trade at `index` or later."""
        return bisect_left(self.begins, self.first_id + index)

    def _aggregate(self, index: int) -> AggregateTrade:
        first_id = self.begins[index]
        after = self.begins[index + 1] if index + 1 < len(self.begins) else self.next_id
        head = self.trade(first_id - self.first_id)
        quantity = head.quantity
        for trade_id in range(first_id + 1, after):
            quantity += self.trade(trade_id - self.first_id).quantity
        return AggregateTrade(
            self.first_aggregate_id + index,
            head.price,
            quantity,
            first_id,
            after - 1,
            head.at_us,
            head.buyer_is_maker,
        )

    def _drop_oldest(self, count: int) -> None:
        """Forget at least `count` trades, cut where an aggregate begins."""
        position = self._aggregate_position(count)
        if position >= len(self.begins):
            return
        cut = self.begins[position] - self.first_id
        for column in (self.prices, self.quantities, self.times, self.marks):
            del column[:cut]
        del self.begins[:position]
        self.first_id += cut
        self.first_aggregate_id += position
        if self.wide:
            self.wide = {key: value for key, value in self.wide.items() if key[1] >= self.first_id}
