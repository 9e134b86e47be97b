"""The market projection: folds the venue's events and answers every public read but the order book.

Read API (all times epoch microseconds UTC, prices and amounts scaled integers; reading never changes state):

    last_trade(symbol) -> PublicTrade | None
    last_price(symbol) -> int | None
    trades(symbol, limit) -> list[PublicTrade]                      newest `limit`, oldest first
    trades_from(symbol, from_id, limit) -> list[PublicTrade]
    aggregate_trades(symbol, from_id, start_us, end_us, limit) -> list[AggregateTrade]   (bounds may be None)
    fresh_aggregate_trades() -> list[tuple[str, AggregateTrade]]    those of the command folded last (for streams)
    klines(symbol, interval, start_us, end_us, limit, offset_us, now_us) -> list[Candle]
    candle(symbol, interval, at_us, now_us, offset_us=0) -> Candle | None     the one containing `at_us`
    ticker_24h(symbol, now_us) -> Ticker
    ticker_window(symbol, window_us, now_us) -> Ticker              minute-aligned, GET /api/v3/ticker
    ticker_day(symbol, offset_us, now_us) -> Ticker                 GET /api/v3/ticker/tradingDay
    average_price(symbol, minutes, now_us) -> AveragePrice | None   None before the first trade
    next_trade_id(symbol) -> int                                    after made-up history this is not 1

Texts: intervals.parse_time_zone("05:45") -> offset_us | None, intervals.INTERVALS, tickers.parse_window("7d") ->
window_us | None, tickers.format_percent(ticker.change_percent_millis). A Candle's `close_us` is its last
microsecond. A Ticker carries `last_quantity` and `previous_close`; best bid and ask come from the book.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from watchword.exchange.commands import AnyCommand, OpenVenue
from watchword.exchange.events import AnyEvent, OrderTraded
from watchword.exchange.market.averages import AveragePrice, volume_weighted
from watchword.exchange.market.candles import MINUTES, Candles
from watchword.exchange.market.history import back_fill
from watchword.exchange.market.intervals import DAY_US, SECOND_US, open_of
from watchword.exchange.market.pieces import Candle
from watchword.exchange.market.tickers import Ticker, ticker_of
from watchword.exchange.market.trades import AggregateTrade, PublicTrade, Tape
from watchword.kernel.errors import CorruptStoreError

#: First bytes of an encoded market; the number is the layout's version.
MAGIC: Final = b"watchword-market-1"


class SymbolMarket:
    """Tape and candles of one symbol.

    Attributes:
        average: The average price asked for last, under (minutes, second, next trade id).
    """

    __slots__ = ("average", "candles", "tape")

    def __init__(self, tape: Tape, candles: Candles) -> None:
        self.tape = tape
        self.candles = candles
        self.average: tuple[tuple[int, int, int], AveragePrice] | None = None


class Market:
    """What the public may know of every symbol's trades."""

    def __init__(self) -> None:
        self._symbols: dict[str, SymbolMarket] = {}
        self._fresh: list[tuple[str, int]] = []

    def fold(self, command: AnyCommand, events: Sequence[AnyEvent]) -> None:
        """Take in what one command did.

        Args:
            command: What was applied; opening a venue with liquidity makes up its past.
            events: Its facts, in order.
        """
        if self._fresh:
            self._fresh = []
        if type(command) is OpenVenue and command.liquidity:
            for symbol, tape, candles in back_fill(command.instruments, command.seed, command.now_us):
                self._symbols[symbol] = SymbolMarket(tape, candles)
        taker_id, price, symbol = -1, -1, ""
        for event in events:
            if type(event) is not OrderTraded:
                continue
            taker = event.taker
            begins = taker.order_id != taker_id or event.price != price or event.symbol != symbol
            taker_id, price, symbol = taker.order_id, event.price, event.symbol
            self._print(event, taker.side == "BUY", begins)

    def last_trade(self, symbol: str) -> PublicTrade | None:
        """Return the newest trade, or None where there was none."""
        market = self._symbols.get(symbol)
        return market.tape.trade(-1) if market is not None and len(market.tape) else None

    def last_price(self, symbol: str) -> int | None:
        """Return the newest trade's price, or None where there was none."""
        trade = self.last_trade(symbol)
        return None if trade is None else trade.price

    def trades(self, symbol: str, limit: int) -> list[PublicTrade]:
        """Return the newest trades, oldest first."""
        market = self._symbols.get(symbol)
        return [] if market is None else market.tape.latest(limit)

    def trades_from(self, symbol: str, from_id: int, limit: int) -> list[PublicTrade]:
        """Return trades with this id or later, oldest first; the tape is bounded, what it dropped is skipped."""
        market = self._symbols.get(symbol)
        return [] if market is None else market.tape.starting_at(from_id, limit)

    def aggregate_trades(
        self, symbol: str, from_id: int | None, start_us: int | None, end_us: int | None, limit: int
    ) -> list[AggregateTrade]:
        """Return aggregates, oldest first: from a beginning the first `limit`, else the newest."""
        market = self._symbols.get(symbol)
        return [] if market is None else market.tape.aggregates(from_id, start_us, end_us, limit)

    def fresh_aggregate_trades(self) -> list[tuple[str, AggregateTrade]]:
        """Return the aggregates that the command folded last formed, in order, each with its symbol."""
        return [
            (symbol, aggregate)
            for symbol, aggregate_id in self._fresh
            for aggregate in self.aggregate_trades(symbol, aggregate_id, None, None, 1)
        ]

    def klines(
        self,
        symbol: str,
        interval: str,
        start_us: int | None,
        end_us: int | None,
        limit: int,
        offset_us: int,
        now_us: int,
    ) -> list[Candle]:
        """Return candles, oldest first, the current one included.

        Args:
            symbol: Whose.
            interval: One of the sixteen, in the time zone `offset_us` (microseconds east of UTC).
            start_us: Candles opening at or after this, then the oldest `limit` are given; None: no bound.
            end_us: Candles opening at or before this; None: no bound.
            limit: Most candles wanted.
            offset_us: Time zone.
            now_us: Current time.

        Returns:
            Candles without gaps: where nobody traded a flat one stands. None before the first trade.
        """
        market = self._symbols.get(symbol)
        return (
            []
            if market is None
            else market.candles.read(interval, start_us, end_us, limit, offset_us, now_us)
        )

    def candle(
        self, symbol: str, interval: str, at_us: int, now_us: int, offset_us: int = 0
    ) -> Candle | None:
        """Return the candle that contains a moment, or None where there is none (yet)."""
        candles = self.klines(symbol, interval, None, at_us, 1, offset_us, now_us)
        return candles[0] if candles and candles[0].open_us <= at_us <= candles[0].close_us else None

    def ticker_24h(self, symbol: str, now_us: int) -> Ticker:
        """Return the rolling day up to now. Trades count from the first whole minute in the window."""
        return self._ticker(symbol, now_us - DAY_US, now_us, now_us)

    def ticker_window(self, symbol: str, window_us: int, now_us: int) -> Ticker:
        """Return a rolling window that opens on a minute, at most 59,999 ms wider than asked."""
        open_us = open_of("1m", now_us - window_us)
        return self._ticker(symbol, open_us, now_us, now_us)

    def ticker_day(self, symbol: str, offset_us: int, now_us: int) -> Ticker:
        """Return the trading day so far, days beginning at midnight of the time zone."""
        open_us = open_of("1d", now_us, offset_us)
        return self._ticker(symbol, open_us, open_us + DAY_US - 1, now_us)

    def average_price(self, symbol: str, minutes: int, now_us: int) -> AveragePrice | None:
        """Return the average of the last minutes, the last price where nobody traded, None before the first trade."""
        market = self._symbols.get(symbol)
        if market is None or not len(market.tape):
            return None
        # Every limit order asks; between two trades of one second the answer is the same.
        key = (minutes, now_us // SECOND_US, market.tape.next_id)
        if market.average is not None and market.average[0] == key:
            return market.average[1]
        latest = market.tape.trade(-1)
        weighted = volume_weighted(market.candles, minutes, now_us)
        average = AveragePrice(minutes, latest.price if weighted is None else weighted, latest.at_us)
        market.average = (key, average)
        return average

    def next_trade_id(self, symbol: str) -> int:
        """Return the id the symbol's next trade must have."""
        market = self._symbols.get(symbol)
        return 1 if market is None else market.tape.next_id

    def encode(self) -> bytes:
        """Write everything; equal markets give equal bytes."""
        symbols = [
            (symbol, market.tape.encode(), market.candles.encode())
            for symbol, market in sorted(self._symbols.items())
        ]
        return MAGIC + msgspec.msgpack.encode(symbols)

    def restore(self, raw: bytes) -> None:
        """Replace everything by what `encode` wrote.

        Raises:
            CorruptStoreError: The bytes have another layout.
        """
        if not raw.startswith(MAGIC):
            raise CorruptStoreError("snapshot: the market data have another layout than this program's")
        self._symbols = {}
        self._fresh = []
        for symbol, tape, candles in msgspec.msgpack.decode(
            raw[len(MAGIC) :], type=list[tuple[str, bytes, bytes]]
        ):
            market = self._symbols[symbol] = SymbolMarket(Tape(), Candles())
            market.tape.restore(tape)
            market.candles.restore(candles)

    def _print(self, event: OrderTraded, taker_buys: bool, begins: bool) -> None:
        market = self._symbols.get(event.symbol)
        if market is None:
            market = self._symbols[event.symbol] = SymbolMarket(Tape(), Candles())
        tape = market.tape
        if begins:
            self._fresh.append((event.symbol, tape.next_aggregate_id))
        tape.add(event.trade_id, event.price, event.quantity, event.at_us, not taker_buys, begins)
        market.candles.add(event.at_us, event.price, event.quantity, event.quote, taker_buys, event.trade_id)

    def _ticker(self, symbol: str, open_us: int, close_us: int, now_us: int) -> Ticker:
        market = self._symbols.get(symbol)
        if market is None:
            return ticker_of(symbol, None, open_us, close_us, None, None)
        bar = market.candles.window(MINUTES, open_us, now_us + 1)
        before = market.candles.close_before(MINUTES, open_us)
        return ticker_of(symbol, bar, open_us, close_us, before, self.last_trade(symbol))
