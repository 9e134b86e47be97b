"""A client's market streams, passed through: one connection to the upstream, frames both ways as they are.

Never reads a frame's meaning. Both directions are bounded: what the client sends waits in a short queue, what the
upstream sends waits in the kernel while `pause` holds. The path may carry a stream token: it is never logged.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp

from watchword.adapters.upstream.session import Socket, UpstreamSession
from watchword.gateway.messages import Unanswered

#: Messages of a client on their way; the upstream takes five a second.
OUTGOING_MAX: Final = 64
HEARTBEAT_S: Final = 60.0
#: What a client is told where the upstream gave no code of its own.
ABNORMAL: Final = 1011
NORMAL: Final = 1000
#: Codes that stand for "no code was sent" and may not be sent on. Source: RFC 6455, 7.4.1.
_UNSENDABLE: Final = frozenset((1005, 1006, 1015))
_PREFIXES: Final = ("/ws", "/stream")

#: Called with each text as received.
OnText = Callable[[bytes], None]
#: Called once, with a close code that may be sent on and a reason for people.
OnClosed = Callable[[int, str], None]


class StreamLink:
    """One connection to the upstream's streams."""

    def __init__(self, session: UpstreamSession, target: str, on_text: OnText, on_closed: OnClosed) -> None:
        """Prepare; `open` connects.

        Args:
            session: The shared one, started.
            target: Path and query as the client asked for it, from `/ws` or `/stream` on.
            on_text: For what the upstream sends. It does not wait: call `pause` to be sent no more.
            on_closed: For the end of a connection that was open, unless `close` was called.
        """
        self._session = session
        self._target = target
        self._on_text = on_text
        self._on_closed: OnClosed | None = on_closed
        self._socket: Socket | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(OUTGOING_MAX)
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def open(self) -> Unanswered | None:
        """Connect, once.

        Returns:
            Why there is no connection; None where there is one.
        """
        if not is_stream_target(self._target):
            return Unanswered(sent=False, reason="not an address of streams")
        opened = await self._session.open_ws("streams", self._target, heartbeat_s=HEARTBEAT_S)
        if isinstance(opened, Unanswered):
            return opened
        if self._on_closed is None:
            await opened.close()
            return Unanswered(sent=False, reason="the client is gone")
        self._socket = opened
        self._tasks = (asyncio.create_task(self._read(opened)), asyncio.create_task(self._write(opened)))
        return None

    def forward(self, text: bytes) -> bool:
        """Send a client's text to the upstream.

        Returns:
            False where too many are on their way: the client sends faster than the upstream takes.
        """
        try:
            self._outgoing.put_nowait(text)
        except asyncio.QueueFull:
            return False
        return True

    def pause(self) -> None:
        """Take nothing more from the upstream but what is already here."""
        self._flowing.clear()

    def resume(self) -> None:
        """Go on."""
        self._flowing.set()

    async def close(self) -> None:
        """End it, because the client is gone. `on_closed` is not called."""
        self._on_closed = None
        socket, self._socket = self._socket, None
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if socket is not None:
            await socket.close()

    async def _read(self, socket: Socket) -> None:
        broken = ""
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._on_text(message.data)
                    if not self._flowing.is_set():
                        await self._flowing.wait()
                elif message.type is aiohttp.WSMsgType.ERROR:
                    broken = "the connection to the upstream broke"
                    break
        except Exception as error:  # noqa: BLE001 - whatever broke, the client must be told that it is over
            broken = f"the connection to the upstream failed ({type(error).__name__})"
        self._ended(socket.close_code, broken)

    async def _write(self, socket: Socket) -> None:
        try:
            while True:
                await socket.send_frame(await self._outgoing.get(), aiohttp.WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError, RuntimeError):
            # The reader finds the same broken connection, and says so.
            return

    def _ended(self, code: int | None, broken: str) -> None:
        on_closed, self._on_closed = self._on_closed, None
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        if on_closed is None:
            return
        if broken or code is None or code in _UNSENDABLE:
            on_closed(ABNORMAL, broken or "the connection to the upstream was lost")
        else:
            on_closed(code, "the upstream closed the stream")


def is_stream_target(target: str) -> bool:
    """Whether a path and query lead to streams and nowhere else."""
    path = target.partition("?")[0]
    return (
        any(path == prefix or path.startswith(prefix + "/") for prefix in _PREFIXES)
        and target.isascii()
        and target.isprintable()
        and not any(mark in target for mark in (" ", "#", "\\", ".."))
    )
