"""One WebSocket API connection to the upstream: requests out, answers matched by ids of its own, events handed on.

It lives as long as one connection of a client (or one subscription of the gateway's own) and is never opened a second
time: what it carried, subscriptions above all, is gone with it. Never signs and never sends anything twice.

When unavailable: `Unanswered`; what was sent and not answered when the connection broke is `sent=True`.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec

from watchword.adapters.upstream.session import Socket, UpstreamSession
from watchword.gateway.messages import Answer, Outbound, Unanswered

LOG = logging.getLogger("watchword.upstream.ws_api")

PENDING_MAX: Final = 1_024
#: How often the connection is asked whether it lives; it is given up after half as long again without an answer.
HEARTBEAT_S: Final = 20.0
_OK: Final = 200
_NULL: Final = b"null"

#: Called with the upstream's subscription id (None for events of the connection itself) and the event's JSON.
OnEvent = Callable[[int | None, bytes], None]
#: Called once with the reason, when the connection is gone.
OnClosed = Callable[[str], None]

_BUSY: Final = Unanswered(sent=False, reason="too many requests are on their way")
_CLOSED: Final = Unanswered(sent=False, reason="the connection to the upstream is closed")
_TIMED_OUT: Final = Unanswered(sent=True, reason="the upstream did not answer in time")


class _Frame(msgspec.Struct):
    """Everything the upstream says, answers and events alike."""

    id: msgspec.Raw = msgspec.Raw(_NULL)
    status: int = 0
    result: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")
    rateLimits: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815 - Binance's name
    subscriptionId: int | None = None  # noqa: N815 - Binance's name
    event: msgspec.Raw = msgspec.Raw(b"")


_DECODER: Final = msgspec.json.Decoder(_Frame)


class WsApiLink:
    """See `watchword.gateway.ports.Link`.

    Attributes:
        door: Always `ws`.
    """

    door: Final = "ws"

    def __init__(
        self,
        session: UpstreamSession,
        *,
        query: str = "",
        on_event: OnEvent | None = None,
        on_closed: OnClosed | None = None,
    ) -> None:
        """Prepare; the first request, or `open`, connects.

        Args:
            session: The shared one, started.
            query: Of the connection's URL, without `?`: for example `timeUnit=MICROSECOND`.
            on_event: For user data events. It is called before whoever sent the subscription gets the answer that
                names its id, should both arrive together.
            on_closed: For the end of a connection that was open.
        """
        self._session = session
        self._target = f"?{query}" if query else ""
        self._on_event = on_event
        self._on_closed = on_closed
        self._socket: Socket | None = None
        self._opening: asyncio.Task[Unanswered | None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[int, asyncio.Future[Answer | Unanswered]] = {}
        self._next_id = 1
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._socket is not None and not self._closed

    @property
    def closed(self) -> bool:
        """Whether it is over for good."""
        return self._closed

    async def open(self) -> Unanswered | None:
        """Connect, unless that was done.

        Returns:
            Why there is no connection; None where there is one. After a failure the next call tries again.
        """
        if self._closed:
            return _CLOSED
        if self._socket is not None:
            return None
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
        opening = self._opening
        try:
            # Shielded: one caller that goes away must not take the connection from the others.
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if opening.cancelled() and (current is None or not current.cancelling()):
                return _CLOSED
            raise

    async def send(self, request: Outbound) -> Answer | Unanswered:
        """See `Link.send`. `path` is the method; the parameters are sent as JSON strings."""
        if len(self._pending) >= PENDING_MAX:
            return _BUSY
        if self._socket is None or self._closed:
            failed = await self.open()
            if failed is not None:
                return failed
        socket = self._socket
        if socket is None or self._closed or socket.closed:
            return _CLOSED
        loop = asyncio.get_running_loop()
        number, self._next_id = self._next_id, self._next_id + 1
        text = msgspec.json.encode({"id": number, "method": request.path, "params": request.params})
        future = self._pending[number] = loop.create_future()
        began_s = loop.time()
        try:
            async with asyncio.timeout(self._session.answer_timeout_s):
                await socket.send_frame(text, aiohttp.WSMsgType.TEXT)
                answer = await future
        except TimeoutError:
            return _TIMED_OUT
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            return Unanswered(sent=True, reason=f"the connection broke ({type(error).__name__})")
        finally:
            self._pending.pop(number, None)
        if isinstance(answer, Unanswered):
            return answer
        elapsed_us = int((loop.time() - began_s) * 1e6)
        return Answer(
            status=answer.status, body=answer.body, rate_limits=answer.rate_limits, elapsed_us=elapsed_us
        )

    async def close(self) -> None:
        """End it: what waits is `Unanswered(sent=True)`. `on_closed` is not called."""
        self._on_closed = None
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.cancel()
        self._end("the gateway closed the connection")
        socket, reader = self._socket, self._reader
        if socket is not None:
            await socket.close()
        if reader is not None:
            await asyncio.wait((reader,))

    async def _connect(self) -> Unanswered | None:
        opened = await self._session.open_ws("ws_api", self._target, heartbeat_s=HEARTBEAT_S)
        self._opening = None
        if isinstance(opened, Unanswered):
            return opened
        if self._closed:
            await opened.close()
            return _CLOSED
        self._socket = opened
        self._reader = asyncio.create_task(self._read(opened))
        return None

    async def _read(self, socket: Socket) -> None:
        reason = "the upstream closed the connection"
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._received(message.data)
                elif message.type is aiohttp.WSMsgType.ERROR:
                    reason = "the connection to the upstream broke"
                    break
        except Exception as error:
            LOG.exception("reading from the upstream's WebSocket API")
            reason = f"the connection to the upstream failed ({type(error).__name__})"
        finally:
            if socket.close_code is not None:
                reason = f"{reason} with {socket.close_code}"
            self._end(reason)
            await socket.close()

    def _received(self, text: bytes) -> None:
        try:
            frame = _DECODER.decode(text)
        except msgspec.DecodeError:
            LOG.warning("the upstream sent what is no answer and no event; %d bytes ignored", len(text))
            return
        if frame.event:
            if self._on_event is not None:
                self._on_event(frame.subscriptionId, bytes(frame.event))
            return
        number = bytes(frame.id)
        future = self._pending.get(int(number)) if number.isdigit() else None
        if future is None or future.done():
            # The answer to a request given up on, or one the upstream could not read an id from.
            return
        body = frame.result if frame.status == _OK else frame.error
        future.set_result(Answer(status=frame.status, body=bytes(body), rate_limits=bytes(frame.rateLimits)))

    def _end(self, reason: str) -> None:
        """Nothing more will be answered."""
        if self._closed:
            return
        self._closed = True
        for future in self._pending.values():
            if not future.done():
                future.set_result(Unanswered(sent=True, reason=reason))
        if self._on_closed is not None and self._socket is not None:
            self._on_closed(reason)
