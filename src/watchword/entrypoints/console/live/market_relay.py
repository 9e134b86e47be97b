"""The testnet's market streams, relayed: one WebSocket for all symbols and all viewers. Never asks for what nobody looks at.

When unavailable: viewers hear nothing until the testnet is back; then they are told `again`, to read what they missed.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from watchword.adapters.upstream.combined_stream import CombinedStream
from watchword.adapters.upstream.session import UpstreamSession
from watchword.binance.upstreams import Addresses
from watchword.entrypoints.console.live.events import market_event, stream_names
from watchword.entrypoints.console.live.viewers import Viewer
from watchword.kernel.errors import WatchwordError

LOG = logging.getLogger("watchword.console")

SYMBOLS_MAX: Final = 100
#: How long a connection may take before the testnet is asked again where it is.
CONNECT_S_MAX: Final = 4.0
PAUSE_S: Final = 1.0
AGAIN: Final = b"event: again\ndata: {}\n\n"

#: Says where the testnet listens; None while it does not.
FindAddresses = Callable[[], Awaitable[Addresses | None]]


class MarketRelay:
    """The viewers of all symbols, and the connection they share."""

    def __init__(self, find: FindAddresses) -> None:
        """Prepare; the first viewer opens the connection and the last one closes it.

        Args:
            find: Asks where the testnet listens.
        """
        self._find = find
        self._viewers: dict[str, list[Viewer]] = {}
        self._stream: CombinedStream | None = None
        self._keeping: asyncio.Task[None] | None = None

    def join(self, symbol: str, viewer: Viewer) -> bool:
        """Relay a symbol to a viewer; False where too many symbols are looked at."""
        viewers = self._viewers.get(symbol)
        if viewers is None:
            if len(self._viewers) >= SYMBOLS_MAX:
                return False
            viewers = self._viewers[symbol] = []
            if self._stream is not None:
                self._stream.want(stream_names(symbol))
        viewers.append(viewer)
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="relaying markets")
        return True

    def leave(self, symbol: str, viewer: Viewer) -> None:
        """End a viewer's part."""
        viewers = self._viewers.get(symbol, [])
        if viewer in viewers:
            viewers.remove(viewer)
        if not viewers and self._viewers.pop(symbol, None) is not None and self._stream is not None:
            self._stream.drop(stream_names(symbol))
        if not self._viewers and self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    def close(self) -> None:
        """End every viewer and the connection."""
        for viewers in self._viewers.values():
            for viewer in viewers:
                viewer.drop()
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    async def _keep(self) -> None:
        """Keep a connection to wherever the testnet listens; it may come back at another address."""
        while True:
            try:
                addresses = await self._find()
                if addresses is not None:
                    await self._relay(addresses)
            except WatchwordError as error:
                LOG.info("markets cannot be relayed: %s", error)
            except Exception:
                LOG.exception("relaying markets broke")
            await asyncio.sleep(PAUSE_S)

    async def _relay(self, addresses: Addresses) -> None:
        """Relay over one connection until it is lost."""
        lost = asyncio.Event()
        session = UpstreamSession(addresses)
        await session.start()
        stream = self._stream = CombinedStream(session, self._on_frame, self._on_live, lost.set)
        stream.want(name for symbol in self._viewers for name in stream_names(symbol))
        running = asyncio.create_task(stream.run())
        try:
            await asyncio.sleep(CONNECT_S_MAX)
            while stream.alive_s and not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CONNECT_S_MAX):
                        await lost.wait()
        finally:
            self._stream = None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await session.close()

    def _on_frame(self, stream: str, payload: msgspec.Raw) -> None:
        symbol = stream.partition("@")[0].upper()
        viewers = self._viewers.get(symbol)
        if not viewers:
            return
        try:
            event, interval = market_event(stream, payload)
        except msgspec.MsgspecError as error:
            LOG.warning("a payload of %s cannot be read: %s", stream, error)
            return
        for viewer in viewers:
            if interval in {"", viewer.interval}:
                viewer.give(event)

    def _on_live(self, names: frozenset[str]) -> None:
        """Tell viewers to read anew: from now on nothing is missing."""
        for symbol in {name.partition("@")[0].upper() for name in names}:
            for viewer in self._viewers.get(symbol, ()):
                viewer.give(AGAIN)
