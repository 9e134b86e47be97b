"""One combined market stream, kept open: subscribes what is wanted, again after every break. Reads no payload.

It is opened when the first stream is wanted. A connection that says nothing is asked every second whether it lives,
so that "nothing changed" and "nobody there" are told apart.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp
import msgspec

from watchword.adapters.upstream.session import Socket, UpstreamSession
from watchword.gateway.messages import Unanswered

LOG = logging.getLogger("watchword.upstream.market")

ASK_EVERY_S: Final = 1.0
SILENCE_S_MAX: Final = 10.0
BACKOFF_S_MIN: Final = 0.5
BACKOFF_S_MAX: Final = 30.0
#: A connection that stood so long was a good one: the next break is answered at once.
STOOD_S: Final = 30.0
#: Streams per SUBSCRIBE. The upstream takes five messages a second, pings included.
NAMES_PER_MESSAGE: Final = 200
STREAMS_MAX: Final = 1_024
_MESSAGE_PAUSE_S: Final = 0.4


class _Frame(msgspec.Struct):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    id: int | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


_DECODER: Final = msgspec.json.Decoder(_Frame)


class CombinedStream:
    """The streams wanted, and the connection they come by.

    Attributes:
        alive_s: Loop time of the newest frame; 0 while there is no connection.
    """

    def __init__(
        self,
        session: UpstreamSession,
        on_frame: Callable[[str, msgspec.Raw], None],
        on_live: Callable[[frozenset[str]], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Prepare; `run` keeps the connection.

        Args:
            session: The shared one, started.
            on_frame: Gets the stream's name and its payload.
            on_live: Gets the names the upstream has confirmed: from now on their frames come.
            on_lost: The connection is gone, and with it everything confirmed.
        """
        self.alive_s = 0.0
        self._session = session
        self._on_frame = on_frame
        self._on_live = on_live
        self._on_lost = on_lost
        self._names: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._asked: dict[int, frozenset[str]] = {}
        self._sent: set[str] = set()
        self._next_id = 1

    def want(self, names: Iterable[str]) -> bool:
        """Subscribe.

        Returns:
            False where one connection cannot carry so many.
        """
        added = [name for name in names if name not in self._names]
        if len(self._names) + len(added) > STREAMS_MAX:
            return False
        self._names.update(dict.fromkeys(added))
        self._changed.set()
        return True

    def drop(self, names: Iterable[str]) -> None:
        """Unsubscribe."""
        for name in names:
            self._names.pop(name, None)
        self._changed.set()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        backoff_s, loop = BACKOFF_S_MIN, asyncio.get_running_loop()
        while True:
            while not self._names:
                self._changed.clear()
                await self._changed.wait()
            opened = await self._session.open_ws("streams", "/stream", answers_pings=False)
            if isinstance(opened, Unanswered):
                LOG.info("market streams: %s", opened.reason)
            else:
                began_s = loop.time()
                await self._attend(opened)
                if loop.time() - began_s >= STOOD_S:
                    backoff_s = BACKOFF_S_MIN
                LOG.info("market streams: the connection ended")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _attend(self, socket: Socket) -> None:
        """Stay with one connection until it ends."""
        self._asked, self._sent = {}, set()
        self.alive_s = asyncio.get_running_loop().time()
        tasks = [asyncio.create_task(job(socket)) for job in (self._read, self._subscribe, self._ask)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.alive_s = 0.0
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled() and (error := task.exception()) is not None:
                    LOG.info("market streams: %s", type(error).__name__)
            await socket.close()
            self._on_lost()

    async def _read(self, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        async for message in socket:
            self.alive_s = loop.time()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._received(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is aiohttp.WSMsgType.ERROR:
                return

    def _received(self, text: bytes) -> None:
        try:
            frame = _DECODER.decode(text)
        except msgspec.DecodeError:
            return
        if frame.stream:
            if frame.stream in self._names:
                self._on_frame(frame.stream, frame.data)
        elif frame.id is not None:
            names = self._asked.pop(frame.id, frozenset())
            if not frame.error:
                self._on_live(names & self._names.keys())

    async def _subscribe(self, socket: Socket) -> None:
        """Tell the upstream what changed, a bounded number of names and messages at a time."""
        while True:
            self._changed.clear()
            gone = sorted(self._sent - self._names.keys())[:NAMES_PER_MESSAGE]
            new = [name for name in self._names if name not in self._sent][:NAMES_PER_MESSAGE]
            if not gone and not new:
                await self._changed.wait()
                continue
            if gone:
                self._sent.difference_update(gone)
                await self._say(socket, "UNSUBSCRIBE", gone)
            if new:
                self._sent.update(new)
                self._asked[self._next_id] = frozenset(new)
                await self._say(socket, "SUBSCRIBE", new)
            await asyncio.sleep(_MESSAGE_PAUSE_S)

    async def _say(self, socket: Socket, method: str, names: list[str]) -> None:
        number, self._next_id = self._next_id, self._next_id + 1
        text = msgspec.json.encode({"method": method, "params": names, "id": number})
        await socket.send_frame(text, aiohttp.WSMsgType.TEXT)

    async def _ask(self, socket: Socket) -> None:
        """Ask a silent connection whether it lives; leave one that does not answer."""
        loop = asyncio.get_running_loop()
        while (silent_s := loop.time() - self.alive_s) < SILENCE_S_MAX:
            if silent_s >= ASK_EVERY_S:
                await socket.ping()
            await asyncio.sleep(ASK_EVERY_S)
