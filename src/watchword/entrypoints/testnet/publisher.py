"""Market streams: watches what the venue does and sends it to who asked. Never changes anything, never waits.

A payload is built only for a stream somebody listens to, once per time unit, and shared by all its subscribers.
Trades and best prices go out as commands are applied; everything else on a clock of 100 ms, aligned to the second.

Source: web-socket-streams.md, "Detailed Stream information".
"""

import asyncio
from collections import defaultdict
from typing import Final

from watchword.entrypoints.testnet import payloads
from watchword.entrypoints.testnet.stream_names import WINDOWS_US, Kind, Stream, lower_symbols, read_stream
from watchword.entrypoints.testnet.topics import DepthFeed, Sink, Topic
from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import AnyEvent, Applied, OrderTraded
from watchword.exchange.market.tickers import Ticker
from watchword.exchange.venue import Venue
from watchword.kernel.clock import Clock

TICK_US: Final = 100_000
TICKS_PER_SECOND: Final = 10
SLOW_MS: Final = 1_000
AVERAGE_MINUTES: Final = 5
#: Candles sent at once after the loop stood still.
KLINES_CAUGHT_UP_MAX: Final = 10
NO_ROW: Final = (0, 0)
#: Kinds sent as commands are applied.
LIVE: Final[frozenset[Kind]] = frozenset(("trade", "aggTrade", "bookTicker"))


class Publisher:
    """All market streams of one process.

    Attributes:
        loop: Where it lives.
        topics: By (name, in microseconds).
    """

    def __init__(self, venue: Venue, clock: Clock) -> None:
        """Prepare; `on_applied` is to be a listener of the sequencer, `run` a task.

        Args:
            venue: Read only.
            clock: Source of the event times.
        """
        self.loop = asyncio.get_running_loop()
        self.topics: dict[tuple[str, bool], Topic] = {}
        self._venue = venue
        self._clock = clock
        self._symbols = lower_symbols(venue.engine.floors)
        self._live: defaultdict[Kind, defaultdict[str, list[Topic]]] = defaultdict(lambda: defaultdict(list))
        self._timed: defaultdict[int, list[Topic]] = defaultdict(list)
        self._diffs: defaultdict[str, list[Topic]] = defaultdict(list)
        self._feeds: dict[str, DepthFeed] = {}
        self._sent_tickers: dict[Topic, dict[str, tuple[int, int]]] = {}

    def join(self, name: str, sink: Sink) -> None:
        """Subscribe; a name that is no stream produces nothing."""
        topic = self.topics.get((name, sink.micros))
        if topic is None:
            stream = read_stream(name, self._symbols)
            if stream is None:
                return
            topic = self.topics[name, sink.micros] = Topic(name, stream, micros=sink.micros)
            self._open(topic)
        topic.sinks[sink] = None

    def leave(self, name: str, sink: Sink) -> None:
        """Unsubscribe; the last one out closes the stream."""
        topic = self.topics.get((name, sink.micros))
        if topic is None:
            return
        topic.sinks.pop(sink, None)
        if not topic.sinks:
            del self.topics[name, sink.micros]
            self._close(topic)

    def on_applied(self, command: AnyCommand, applied: Applied) -> None:
        """Send what one command changed at once: trades, aggregates, best prices."""
        if not self._live or not isinstance(applied, list):
            return
        if self._live["trade"] or self._live["aggTrade"]:
            self._send_trades(applied)
        tickers = self._live["bookTicker"]
        if tickers:
            symbol = getattr(command, "symbol", None)
            for name in tuple(tickers) if symbol is None else (symbol,):
                if name in tickers:
                    self._send_best(name, tickers[name])

    async def run(self) -> None:
        """Send the timed streams until cancelled."""
        number = 0
        while True:
            now_us = self._clock.now_us()
            # A timer may fire a little early: the tenth that was sent must not be sent again.
            number = max(number, now_us // TICK_US) + 1
            await asyncio.sleep((number * TICK_US - now_us) / 1_000_000)
            self.tick(self._clock.now_us(), number)

    def tick(self, now_us: int, number: int) -> None:
        """Send what is due.

        Args:
            now_us: Event time.
            number: Of this tenth of a second since the epoch: divisible by ten on the second.
        """
        if not self.topics:
            return
        self._send_diffs(now_us, on_second=number % TICKS_PER_SECOND == 0)
        for every_ms, topics in self._timed.items():
            if number % (every_ms // 100) == 0:
                for topic in topics:
                    self._send_timed(topic, now_us)

    # Subscriptions.

    def _open(self, topic: Topic) -> None:
        stream = topic.stream
        if stream.kind in LIVE:
            self._live[stream.kind][stream.symbol].append(topic)
        elif stream.kind == "depth":
            if not self._diffs[stream.symbol]:
                self._venue.engine.book(stream.symbol).track_changes(True)
                self._feeds[stream.symbol] = DepthFeed()
            self._diffs[stream.symbol].append(topic)
        else:
            self._timed[stream.every_ms].append(topic)

    def _close(self, topic: Topic) -> None:
        stream = topic.stream
        self._sent_tickers.pop(topic, None)
        if stream.kind in LIVE:
            kind = self._live[stream.kind]
            kind[stream.symbol].remove(topic)
            if not kind[stream.symbol]:
                del kind[stream.symbol]
            if not kind:
                del self._live[stream.kind]
        elif stream.kind == "depth":
            self._diffs[stream.symbol].remove(topic)
            if not self._diffs[stream.symbol]:
                del self._diffs[stream.symbol], self._feeds[stream.symbol]
                self._venue.engine.book(stream.symbol).track_changes(False)
        else:
            self._timed[stream.every_ms].remove(topic)

    # Live streams.

    def _send_trades(self, events: list[AnyEvent]) -> None:
        trades, aggregates = self._live["trade"], self._live["aggTrade"]
        now_us = self._clock.now_us()
        if trades:
            for event in events:
                if type(event) is OrderTraded and event.symbol in trades:
                    for topic in trades[event.symbol]:
                        now, at = _both(now_us, event.at_us, topic)
                        topic.emit(payloads.trade(event, now, at))
        if aggregates:
            for symbol, made in self._venue.market.fresh_aggregate_trades():
                for topic in aggregates.get(symbol, ()):
                    now, at = _both(now_us, made.at_us, topic)
                    topic.emit(payloads.aggregate_trade(symbol, made, now, at))

    def _send_best(self, symbol: str, topics: list[Topic]) -> None:
        book = self._venue.engine.book(symbol)
        best = book.best_bid() or NO_ROW, book.best_ask() or NO_ROW
        payload = b""
        for topic in topics:
            if topic.mark != best:
                topic.mark = best
                payload = payload or payloads.book_ticker(symbol, book.update_id, *best)
                topic.emit(payload)

    # Timed streams.

    def _send_diffs(self, now_us: int, *, on_second: bool) -> None:
        for symbol, topics in self._diffs.items():
            change = self._venue.engine.book(symbol).take_changes()
            feed = self._feeds[symbol]
            if change is not None:
                feed.add(*change)
                self._emit_diff(symbol, topics, change, now_us, slow=False)
            if on_second:
                merged = feed.take()
                if merged is not None:
                    self._emit_diff(symbol, topics, merged, now_us, slow=True)

    def _emit_diff(
        self,
        symbol: str,
        topics: list[Topic],
        change: tuple[int, int, list[payloads.Row], list[payloads.Row]],
        now_us: int,
        *,
        slow: bool,
    ) -> None:
        for topic in topics:
            if (topic.stream.every_ms == SLOW_MS) is slow:
                now = payloads.moment(now_us, micros=topic.micros)
                first = change[0]
                topic.emit(payloads.depth_update(symbol, first, *change[1:], now))

    def _send_timed(self, topic: Topic, now_us: int) -> None:
        stream = topic.stream
        now = payloads.moment(now_us, micros=topic.micros)
        match stream.kind:
            case "kline":
                self._send_klines(topic, now_us, now)
            case "partial":
                book = self._venue.engine.book(stream.symbol)
                if topic.mark != book.update_id:
                    topic.mark = book.update_id
                    topic.emit(payloads.partial_depth(book.update_id, *book.depth(stream.levels)))
            case "avgPrice":
                average = self._venue.market.average_price(stream.symbol, AVERAGE_MINUTES, now_us)
                if average is not None:
                    topic.emit(payloads.average_price(stream.symbol, average, now, micros=topic.micros))
            case "allMiniTickers" | "allWindows":
                made = [
                    self._ticker_json(topic, ticker, now) for ticker in self._changed_tickers(topic, now_us)
                ]
                if made:
                    topic.emit(b"[%s]" % b",".join(made))
            case _:
                topic.emit(self._ticker_json(topic, self._ticker(stream, stream.symbol, now_us), now))

    def _send_klines(self, topic: Topic, now_us: int, now: int) -> None:
        """Send candles that ended since the last time as closed, then the one in the making."""
        stream = topic.stream
        since_us = topic.mark if isinstance(topic.mark, int) else None
        candles = self._venue.market.klines(
            stream.symbol,
            stream.argument,
            since_us,
            None,
            1 if since_us is None else KLINES_CAUGHT_UP_MAX,
            stream.offset_us,
            now_us,
        )
        if len(candles) == KLINES_CAUGHT_UP_MAX and candles[-1].close_us < now_us:
            # The clock was moved: the one that was in the making ends, the long silence after it is passed over.
            newest = self._venue.market.klines(
                stream.symbol, stream.argument, None, None, KLINES_CAUGHT_UP_MAX, stream.offset_us, now_us
            )
            candles = [candles[0], *(candle for candle in newest if candle.open_us > candles[0].open_us)]
        for candle in candles:
            closed = candle.close_us < now_us
            if not closed and stream.argument == "1s" and since_us is not None and not candle.trades:
                # A second that has only begun has nothing to tell; it will be sent as closed.
                continue
            topic.emit(
                payloads.kline(
                    stream.symbol, stream.argument, candle, now, closed=closed, micros=topic.micros
                )
            )
        if candles:
            last = candles[-1]
            topic.mark = last.open_us if last.close_us >= now_us else last.close_us + 1

    def _changed_tickers(self, topic: Topic, now_us: int) -> list[Ticker]:
        sent = self._sent_tickers.setdefault(topic, {})
        changed = []
        for symbol in self._symbols.values():
            ticker = self._ticker(topic.stream, symbol, now_us)
            mark = ticker.first_id, ticker.last_id
            if ticker.last and sent.get(symbol) != mark:
                sent[symbol] = mark
                changed.append(ticker)
        return changed

    def _ticker(self, stream: Stream, symbol: str, now_us: int) -> Ticker:
        market = self._venue.market
        if stream.kind in {"window", "allWindows"}:
            return market.ticker_window(symbol, WINDOWS_US[stream.argument], now_us)
        return market.ticker_24h(symbol, now_us)

    def _ticker_json(self, topic: Topic, ticker: Ticker, now: int) -> bytes:
        stream = topic.stream
        if stream.kind in {"window", "allWindows"}:
            return payloads.window_ticker(ticker, stream.argument, now, micros=topic.micros)
        if stream.kind in {"miniTicker", "allMiniTickers"}:
            return payloads.mini_ticker(ticker, now)
        book = self._venue.engine.book(ticker.symbol)
        bid, ask = book.best_bid() or NO_ROW, book.best_ask() or NO_ROW
        return payloads.ticker(ticker, bid, ask, now, micros=topic.micros)


def _both(now_us: int, at_us: int, topic: Topic) -> tuple[int, int]:
    """Return event time and trade time in the topic's unit."""
    return (now_us, at_us) if topic.micros else (now_us // 1000, at_us // 1000)
