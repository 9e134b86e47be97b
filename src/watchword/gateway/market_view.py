"""One symbol of the upstream's market, made into what policies judge by. Asks nobody and knows no exchange.

The median is taken over one price per second of the last minutes. That price is the last trade, held within the best
bid and ask: one trade at an absurd price counts for nothing once the book is elsewhere, and moving the book for a
second moves one sample in hundreds. A market that is quiet is not unknown: as long as the connection is known to
live, what was last said still holds.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from watchword.kernel.units import TooPrecise, parse_scaled
from watchword.policy.references import Level, Market, median_price

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
#: How far back prices count: whoever wants to move the median must hold the market for half of it.
WINDOW_US: Final = 300 * SECOND_US
#: Of at most one per second; below it there is no reference. It is what one candle gives.
SAMPLES_COUNT_MIN: Final = 60
#: Minutes that are asked for to begin with: the window, and the one that has just begun.
CANDLES_COUNT: Final = 6
#: Levels of the book that are kept up to date.
LEVELS_COUNT: Final = 20
#: What was learned this little after a request came in is not from its future.
SLACK_US: Final = SECOND_US


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One minute of trading.

    Attributes:
        opened_us: Its first moment, epoch microseconds.
        price: At its close so far, scaled.
    """

    opened_us: int
    price: int


class SymbolView:
    """What is known about one symbol."""

    __slots__ = (
        "_asks",
        "_at_us",
        "_base",
        "_bids",
        "_last",
        "_market",
        "_median",
        "_quote",
        "_samples",
        "_seen_us",
    )

    def __init__(self, base: str, quote: str) -> None:
        """Begin, knowing only the assets."""
        self._base, self._quote = base, quote
        #: Second since the epoch -> price, oldest first.
        self._samples: dict[int, int] = {}
        self._bids: Sequence[Level] = ()
        self._asks: Sequence[Level] = ()
        self._last = 0
        self._seen_us = 0
        self._median: tuple[int, int] | None = None
        self._at_us = 0
        self._market: Market | None = None

    def set_book(self, bids: Sequence[Level], asks: Sequence[Level], at_us: int) -> None:
        """Take in the best levels of both sides.

        Args:
            bids: (price, quantity) from the best down.
            asks: From the best up.
            at_us: When they were seen, epoch microseconds.
        """
        self._bids, self._asks = bids, asks
        self._seen(at_us)

    def set_last(self, price: int) -> None:
        """Take in the price of the last trade."""
        if price > 0:
            self._last = price

    def still_holds(self, at_us: int) -> None:
        """The connection was alive at a moment: the book is as it was last told. Nothing happens before the first."""
        if self._seen_us and at_us > self._seen_us:
            self._seen(at_us)

    def sample(self, now_us: int) -> None:
        """Keep this second's price, once, unless nothing has been heard of the market lately."""
        second = now_us // SECOND_US
        price = self._price()
        if price and second not in self._samples and abs(now_us - self._seen_us) <= 2 * SECOND_US:
            self._samples[second] = price
            self._forget(now_us)
            self._market = None

    def seed(self, candles: Iterable[Candle], now_us: int) -> None:
        """Fill seconds nothing is known of with candles: each stands for its minute. What was seen is not replaced."""
        filled = dict(self._samples)
        newest = now_us // SECOND_US
        for candle in candles:
            self._last = self._last or candle.price
            first = candle.opened_us // SECOND_US
            for second in range(first, min(first + MINUTE_US // SECOND_US, newest)):
                filled.setdefault(second, candle.price)
        self._samples = dict(sorted(filled.items()))
        self._forget(now_us)
        self._market = None

    def market(self, now_us: int) -> Market:
        """Return the symbol as of now.

        Args:
            now_us: The upstream's time when the request came in; what was learned within a second after it counts.
        """
        market = self._market
        if market is None or not 0 <= now_us - self._at_us < SECOND_US:
            newest_us = now_us + SLACK_US
            samples = [(second * SECOND_US, price) for second, price in self._samples.items()]
            self._median = median_price(samples, newest_us, WINDOW_US, SAMPLES_COUNT_MIN)
            self._at_us = now_us
            market = self._market = self._made()
        if market.book_at_us <= now_us and market.median_at_us <= now_us:
            return market
        return msgspec.structs.replace(
            market,
            book_at_us=_bounded(market.book_at_us, now_us),
            median_at_us=_bounded(market.median_at_us, now_us),
        )

    def _made(self) -> Market:
        median, median_at_us = self._median or (0, 0)
        return Market(self._base, self._quote, median, median_at_us, self._bids, self._asks, self._seen_us)

    def _seen(self, at_us: int) -> None:
        self._seen_us = at_us
        self._market = self._made() if self._market is not None else None

    def _price(self) -> int:
        """The last trade, held within the book; the middle of the book before the first trade; 0 where it is empty."""
        bid = self._bids[0][0] if self._bids else 0
        ask = self._asks[0][0] if self._asks else 0
        if not self._last:
            return (bid + ask) // 2 if bid and ask else 0
        price = max(self._last, bid)
        return min(price, ask) if ask else price

    def _forget(self, now_us: int) -> None:
        oldest = (now_us - WINDOW_US) // SECOND_US
        while self._samples and (second := next(iter(self._samples))) < oldest:
            del self._samples[second]


def read_levels(pairs: Sequence[tuple[str, str]]) -> tuple[Level, ...] | None:
    """Read levels as Binance writes them; None where one is no price and quantity."""
    levels = []
    for price_text, quantity_text in pairs[:LEVELS_COUNT]:
        price, quantity = read_amount(price_text), read_amount(quantity_text)
        if not price or quantity is None:
            return None
        levels.append((price, quantity))
    return tuple(levels)


def read_amount(text: str) -> int | None:
    """Read a decimal text; None where it is none, or finer than 10^-8."""
    try:
        return parse_scaled(text)
    except TooPrecise:
        return None


def _bounded(at_us: int, now_us: int) -> int:
    """A moment just after a request came in counts as that moment; one farther ahead is left for the rules to refuse."""
    return now_us if now_us < at_us <= now_us + SLACK_US else at_us
