"""The upstream's market for policies to judge by: symbols are followed once somebody trades them. Decides nothing.

Assets come from `exchangeInfo`, a first picture from depth and one-minute candles, the rest from streams. After a
break the picture is taken again. See `gateway.market_view` for what becomes of it.

When unavailable: references grow old or are left out; the rules that need them deny.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from watchword.adapters.upstream.combined_stream import CombinedStream
from watchword.adapters.upstream.http_link import retry_after_s
from watchword.adapters.upstream.market_answers import read_assets, read_book, read_candles, read_last
from watchword.adapters.upstream.session import UpstreamSession
from watchword.gateway.market_view import CANDLES_COUNT, LEVELS_COUNT, SymbolView
from watchword.gateway.messages import Answer, Outbound
from watchword.gateway.ports import Link, UpstreamTime
from watchword.policy.references import Market, References

LOG = logging.getLogger("watchword.upstream.market")

#: How long a request waits for a symbol nobody traded before.
FOLLOW_WAIT_S: Final = 3.0
SAMPLE_EVERY_S: Final = 1.0
SYMBOLS_MAX: Final = 200
SYMBOL_LENGTH_MAX: Final = 40
#: A symbol unused for so long makes room for another; looking one up costs 27 of request weight.
IDLE_S: Final = 600.0
#: A symbol the upstream does not know, or did not tell us about, is not asked for again so soon.
MISSING_S: Final = 60.0
FAILED_S: Final = 5.0
MISSING_MAX: Final = 1_024
#: Of symbols that turn out not to exist: a bot must not spend everybody's weight on names it makes up.
MISSES_PER_MINUTE_MAX: Final = 10

_OK: Final = 200
_NOT_FOUND_STATUS: Final = 400
_NONE: Final[References] = {}


class _Followed:
    """One symbol, from the moment somebody wanted it."""

    __slots__ = ("book", "live", "ready", "symbol", "until_s", "update_id", "used_s", "view")

    def __init__(self, symbol: str, now_s: float) -> None:
        self.symbol = symbol
        self.view: SymbolView | None = None
        self.ready = asyncio.Event()
        self.until_s = now_s + FOLLOW_WAIT_S
        self.used_s = now_s
        #: The newest partial depth and when it came; read only when somebody looks.
        self.book: tuple[msgspec.Raw, int] | None = None
        self.update_id = 0
        self.live = False

    def names(self) -> tuple[str, str]:
        """Streams of this symbol."""
        lower = self.symbol.lower()
        return f"{lower}@depth{LEVELS_COUNT}@100ms", f"{lower}@miniTicker"

    def settle(self) -> SymbolView | None:
        """Read what came last."""
        if self.book is not None and self.view is not None:
            (raw, at_us), self.book = self.book, None
            book = read_book(raw)
            if book is not None and book.update_id >= self.update_id:
                self.update_id = book.update_id
                self.view.set_book(book.bids, book.asks, at_us)
        return self.view


class MarketFeed:
    """See `watchword.gateway.ports.MarketReferences`."""

    def __init__(self, link: Link, session: UpstreamSession, time: UpstreamTime) -> None:
        """Prepare; `run` follows.

        Args:
            link: For public reads; of the `rest` door.
            session: For the streams; started.
            time: Stamps what is learned.
        """
        self._link = link
        self._time = time
        self._followed: dict[str, _Followed] = {}
        self._by_stream: dict[str, _Followed] = {}
        self._missing: dict[str, float] = {}
        self._misses: tuple[int, int] = (0, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stream = CombinedStream(session, self._on_frame, self._on_live, self._on_lost)

    async def follow(self, symbols: Iterable[str]) -> None:
        """See `MarketReferences.follow`."""
        now_s, waiting = asyncio.get_running_loop().time(), []
        for symbol in symbols:
            followed = self._followed.get(symbol) or self._begin(symbol, now_s)
            if followed is not None and not followed.ready.is_set() and now_s < followed.until_s:
                waiting.append(followed)
        if waiting:
            ready = asyncio.gather(*[followed.ready.wait() for followed in waiting])
            try:
                await asyncio.wait_for(ready, max(followed.until_s for followed in waiting) - now_s)
            except TimeoutError:
                return

    def references(self, symbols: Iterable[str], now_us: int) -> References:
        """See `MarketReferences.references`."""
        known: dict[str, Market] = {}
        now_s = asyncio.get_running_loop().time()
        for symbol in symbols:
            followed = self._followed.get(symbol)
            view = followed.settle() if followed is not None else None
            if followed is not None and view is not None:
                followed.used_s = now_s
                known[symbol] = view.market(now_us)
        return known or _NONE

    async def run(self) -> None:
        """Follow until cancelled."""
        stream = asyncio.create_task(self._stream.run())
        try:
            while True:
                await asyncio.sleep(SAMPLE_EVERY_S)
                self._sample()
        finally:
            ending = [stream, *self._tasks]
            for task in ending:
                task.cancel()
            await asyncio.wait(ending)

    def _begin(self, symbol: str, now_s: float) -> _Followed | None:
        """Start to follow a symbol, if it may exist and there is room."""
        until_s = self._missing.get(symbol)
        if until_s is not None:
            if now_s < until_s:
                return None
            del self._missing[symbol]
        if not 0 < len(symbol) <= SYMBOL_LENGTH_MAX or not self._make_room(now_s):
            return None
        minute, misses = self._misses
        if minute == int(now_s // 60) and misses >= MISSES_PER_MINUTE_MAX:
            return None
        followed = self._followed[symbol] = _Followed(symbol, now_s)
        self._start(self._learn(followed))
        return followed

    def _make_room(self, now_s: float) -> bool:
        if len(self._followed) < SYMBOLS_MAX:
            return True
        oldest = min(self._followed.values(), key=lambda followed: followed.used_s)
        if now_s - oldest.used_s < IDLE_S:
            return False
        self._forget(oldest)
        return True

    def _forget(self, followed: _Followed) -> None:
        del self._followed[followed.symbol]
        followed.ready.set()
        for name in followed.names():
            self._by_stream.pop(name, None)
        self._stream.drop(followed.names())

    async def _learn(self, followed: _Followed) -> None:
        """Find out what a symbol is, want its streams, take a first picture."""
        answer = await self._get("/api/v3/exchangeInfo", f"symbol={quote(followed.symbol, safe='')}")
        assets = (
            read_assets(answer.body, followed.symbol) if answer is not None and answer.status == _OK else None
        )
        if assets is None:
            self._miss(followed, answer)
            return
        followed.view = SymbolView(*assets)
        for name in followed.names():
            self._by_stream[name] = followed
        # The streams begin when they can; then, and after each break, the picture is taken again.
        self._stream.want(followed.names())
        await self._picture(followed)

    def _miss(self, followed: _Followed, answer: Answer | None) -> None:
        now_s = asyncio.get_running_loop().time()
        unknown = answer is not None and answer.status in {_OK, _NOT_FOUND_STATUS}
        if unknown:
            minute, misses = self._misses
            this = int(now_s // 60)
            self._misses = (this, misses + 1 if minute == this else 1)
        if len(self._missing) >= MISSING_MAX:
            del self._missing[next(iter(self._missing))]
        wait_s = MISSING_S if unknown else max(FAILED_S, retry_after_s(answer) if answer is not None else 0)
        self._missing[followed.symbol] = now_s + wait_s
        self._forget(followed)

    async def _picture(self, followed: _Followed) -> None:
        """Take depth and candles as they are now."""
        symbol = quote(followed.symbol, safe="")
        depth, candles = await asyncio.gather(
            self._get("/api/v3/depth", f"symbol={symbol}&limit={LEVELS_COUNT}"),
            self._get("/api/v3/klines", f"symbol={symbol}&interval=1m&limit={CANDLES_COUNT}"),
        )
        view, now_us = followed.view, self._time.now_us()
        book = read_book(depth.body) if depth is not None and depth.status == _OK else None
        if view is not None and book is not None and book.update_id >= followed.update_id:
            followed.update_id = book.update_id
            view.set_book(book.bids, book.asks, now_us)
        if view is not None and candles is not None and candles.status == _OK:
            view.seed(read_candles(candles.body), now_us)
            view.sample(now_us)
        followed.ready.set()

    async def _get(self, path: str, query: str) -> Answer | None:
        answer = await self._link.send(Outbound(method="GET", path=path, query=query.encode("ascii")))
        return answer if isinstance(answer, Answer) else None

    def _on_frame(self, name: str, data: msgspec.Raw) -> None:
        followed = self._by_stream.get(name)
        if followed is None:
            return
        if name.endswith("@miniTicker"):
            if followed.view is not None:
                followed.view.set_last(read_last(data))
        else:
            followed.book = (data, self._time.now_us())

    def _on_live(self, names: frozenset[str]) -> None:
        for followed in {self._by_stream[name] for name in names if name in self._by_stream}:
            followed.live = True
            self._start(self._picture(followed))

    def _on_lost(self) -> None:
        for followed in self._followed.values():
            followed.live = False
            # Another connection may be to another server, whose counter is behind for a moment.
            followed.update_id, followed.book = 0, None

    def _sample(self) -> None:
        """Once a second: keep each symbol's price. What is connected and says nothing still holds."""
        now_us, silent_s = self._time.now_us(), asyncio.get_running_loop().time() - self._stream.alive_s
        for followed in self._followed.values():
            view = followed.settle()
            if view is not None:
                if followed.live and self._stream.alive_s:
                    view.still_holds(now_us - int(silent_s * 1e6))
                view.sample(now_us)

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
