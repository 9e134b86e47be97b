"""HTTP/1.1 on one socket: bytes to requests to replies, in order, within bounds. Knows no route and no Binance.

A protocol class of its own under uvicorn's server: one object per request instead of an ASGI scope, one write per
reply instead of two (docs/decisions/0004-sockets.md has the figures). A WebSocket upgrade hands the socket on.
Never buffers more than the bounds below, and never waits longer than the sweep allows.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import httptools
import msgspec

from watchword.entrypoints.sockets import replies
from watchword.entrypoints.sockets.door import SECOND_US, SocketDoor
from watchword.entrypoints.sockets.wire import HttpRequest

LOG = logging.getLogger("watchword.sockets.http")

TARGET_BYTES_MAX: Final = 65_536
HEADERS_BYTES_MAX: Final = 32_768
HEADERS_MAX: Final = 100
BODY_BYTES_MAX: Final = 65_536
#: Everything one request may take on the wire, chunk framing included.
REQUEST_BYTES_MAX: Final = TARGET_BYTES_MAX + HEADERS_BYTES_MAX + 2 * BODY_BYTES_MAX
#: Requests of one connection read ahead of the one being answered.
PIPELINED_REQUESTS_MAX: Final = 32
#: From the first byte of a request to its last.
REQUEST_READ_SECONDS_MAX: Final = 10
#: A kept-alive connection may be silent this long. Longer than any public client keeps one in its pool.
IDLE_SECONDS_MAX: Final = 90
#: A reply must be read within this time.
REPLY_WRITE_SECONDS_MAX: Final = 20
#: After a refusal the peer may go on sending this long, unheard.
LINGER_SECONDS_MAX: Final = 3
SEND_BUFFER_BYTES_HIGH: Final = 1 << 18

#: Sets of kept headers remembered; a process has one or two.
KEPT_SETS_MAX: Final = 8

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


#: Opens a WebSocket on (transport, handshake request, bytes behind it, register of connections): nothing on success,
#: else the reply after which the socket is closed.
Upgrade = Callable[[asyncio.Transport, HttpRequest, bytes, set[Any]], bytes]


class Handlers(msgspec.Struct, frozen=True):
    """What a process does with the requests on its sockets.

    Attributes:
        answer: Returns the whole reply, ready to be written.
        fault: Answers a request whose answering broke; that was logged.
        upgrade: Opens a WebSocket.
        keeps: Names of further headers to keep in `HttpRequest.headers`, lower case.
    """

    answer: Callable[[HttpRequest], Awaitable[bytes]]
    fault: Callable[[HttpRequest], bytes]
    upgrade: Upgrade
    keeps: tuple[bytes, ...] = ()


class HttpProtocol(asyncio.Protocol):
    """One connection. uvicorn closes it (`shutdown`) and counts it (`connections`)."""

    def __init__(self, door: SocketDoor, handlers: Handlers, connections: set[Any]) -> None:
        """Prepare a connection.

        Args:
            door: What all connections share.
            handlers: What is done with requests.
            connections: The server's register of connections.
        """
        self.door = door
        self.handlers = handlers
        self.connections = connections
        self._takes = _takes(handlers.keeps)
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.ip = ""
        self._parser = httptools.HttpRequestParser(self)
        self._request = HttpRequest("")
        self._target = b""
        self._received_bytes = 0
        self._headers_count = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._headers_bytes = 0
        self._expects_continue = False
        #: The headers that say how long the body is, as they came.
        self._framing = b""
        #: A head that was read already is read again, for its body alone.
        self._rereading = False
        self._refused = False
        self._last_reply = b""
        #: A request has begun and is not complete, since then; else since when the connection is idle.
        self._reading = False
        self._since_us = door.tick_us
        self._answering = False
        self._task: asyncio.Task[None] = cast("asyncio.Task[None]", None)
        self._waiting: deque[HttpRequest] = deque()
        self._write_paused_us = 0
        self._read_paused = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register with the server and with the sweep."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES_HIGH)
        peer = transport.get_extra_info("peername")
        self.ip = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        if len(self.door.sockets) >= self.door.connections_max:
            self._refused = True
            self.transport.abort()
            return
        self.connections.add(self)
        self.door.sockets.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Forget the connection. A request in the engine runs on: its outcome is a fact."""
        self.connections.discard(self)
        self.door.sockets.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; anything it cannot read is answered 400 and closed."""
        if self._refused:
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if self._reading and self._received_bytes > REQUEST_BYTES_MAX:
                self._refuse(413 if self._request.method else 400)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            if not self._refused:
                self._refuse(400)

    def eof_received(self) -> bool:
        """The peer will send no more: finish the reply in progress, then close."""
        self._request.keep_alive = False
        return self._answering or bool(self._waiting)

    def pause_writing(self) -> None:
        """The peer reads slower than we write: the sweep watches how long."""
        self._write_paused_us = self.door.clock.now_us()

    def resume_writing(self) -> None:
        """The peer caught up."""
        self._write_paused_us = 0
        self._next()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A new request begins."""
        if self._rereading:
            return
        self._framing = b""
        self._request = HttpRequest(self.ip)
        self._target = b""
        self._headers_count = 0
        self._received_bytes = 0
        self._headers_bytes = 0
        self._body = []
        self._body_bytes = 0
        self._reading = True
        self._since_us = self.door.tick_us

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        if self._rereading:
            return
        self._target += url
        if len(self._target) > TARGET_BYTES_MAX:
            self._refuse(414)
            raise ValueError("target too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what matters of one header."""
        if self._rereading:
            return
        self._headers_count += 1
        self._headers_bytes += len(name) + len(value)
        if self._headers_count > HEADERS_MAX or self._headers_bytes > HEADERS_BYTES_MAX:
            self._refuse(400)
            raise ValueError("headers too large")
        take = self._takes.get(name) or self._takes.get(name.lower())
        if take is not None:
            take(self, value)

    def on_headers_complete(self) -> None:
        """Read the request line."""
        if self._rereading:
            return
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.keep_alive = self._parser.should_keep_alive()
        path, _, query = self._target.partition(b"?")
        request.path = path.decode("latin-1")
        request.query = query.partition(b"#")[0] if b"#" in query else query
        if self._expects_continue:
            self._expects_continue = False
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Collect the body within its bound."""
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self._refuse(413)
            raise ValueError("body too large")

    def on_message_complete(self) -> None:
        """Answer now, or after the requests before this one."""
        if not self._parser.should_upgrade():
            self._complete()

    def _complete(self) -> None:
        """Take a request that is whole: answer it, or let it wait for those before it."""
        self._reading = False
        self._since_us = self.door.tick_us
        request = self._request
        if self._body:
            request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        if self._answering or self._write_paused_us:
            self._waiting.append(request)
            if len(self._waiting) >= PIPELINED_REQUESTS_MAX and not self._read_paused:
                self._read_paused = True
                self.transport.pause_reading()
            return
        self._answer(request)

    # Answering.

    def _answer(self, request: HttpRequest) -> None:
        self._answering = True
        self._task = self.loop.create_task(self._run(request))
        self.door.tasks.add(self._task)

    async def _run(self, request: HttpRequest) -> None:
        """Answer one request and take the next."""
        try:
            reply = await self.handlers.answer(request)
        except Exception:
            LOG.exception("request failed: %s %s", request.method, request.path)
            reply = self.handlers.fault(request)
        # Not by a callback of the task: that would be one more call of the loop for every request.
        self.door.tasks.discard(self._task)
        self._answering = False
        if self.transport.is_closing():
            return
        self.transport.write(reply)
        self._since_us = self.door.tick_us
        if not request.keep_alive or self.door.closing:
            self.transport.close()
            return
        if self._waiting:
            self._next()
        elif self._last_reply:
            self._end_with(self._last_reply)

    def _next(self) -> None:
        """Take the next request that waits, if the peer reads our replies."""
        if self._answering or self._write_paused_us or not self._waiting:
            return
        request = self._waiting.popleft()
        if self._read_paused and len(self._waiting) < PIPELINED_REQUESTS_MAX // 2:
            self._read_paused = False
            self.transport.resume_reading()
        self._answer(request)

    def _refuse(self, status: int) -> None:
        """Answer what never became a request, and close."""
        self._reading = False
        self._end_with(replies.refusal(self.door.date, status))

    def _end_with(self, reply: bytes) -> None:
        """Write a last reply, after those of earlier requests, and listen no more.

        Why: closing at once would reset the connection under a peer that is still sending, and the reply would be
        lost; so what still comes is thrown away for a while.
        """
        self._refused = True
        self._since_us = self.door.tick_us
        if self._answering or self._waiting:
            self._last_reply = reply
            return
        self.transport.write(reply)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _upgrade(self, rest_of_data: bytes) -> None:
        """Hand the socket to the WebSocket side, or answer why not.

        Source: RFC 9110, 7.8: a server may ignore Upgrade. `h2c` is offered by clients that are happy without.
        """
        if self._request.headers.get(b"upgrade", b"").lower() != b"websocket":
            self._parser = httptools.HttpRequestParser(self)
            if self._framing:
                # The parser stopped before the body. What follows is that body, and must not be read as a request.
                self._rereading = True
                self._parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n" % self._framing)
                self._rereading = False
            else:
                self._complete()
            if rest_of_data:
                self.data_received(rest_of_data)
            return
        self._reading = False
        if self._answering or self._waiting:
            self._refuse(400)
            return
        self.door.sockets.discard(self)
        self.connections.discard(self)
        refusal = self.handlers.upgrade(self.transport, self._request, rest_of_data, self.connections)
        if refusal:
            self.connections.add(self)
            self.door.sockets.add(self)
            self._end_with(refusal)

    # What the sweep and the server call.

    def sweep(self, now_us: int) -> None:
        """Close a half-open, an idle, or a not-reading connection."""
        if self._write_paused_us and now_us - self._write_paused_us > REPLY_WRITE_SECONDS_MAX * SECOND_US:
            self.transport.abort()
            return
        silent_us = now_us - self._since_us
        if self._refused and silent_us > LINGER_SECONDS_MAX * SECOND_US:
            self.transport.abort()
        if self._answering or self._refused:
            return
        if self._reading and silent_us > REQUEST_READ_SECONDS_MAX * SECOND_US:
            self._refuse(408)
        elif silent_us > IDLE_SECONDS_MAX * SECOND_US:
            self.transport.close()

    def shut(self, now_us: int) -> None:  # noqa: ARG002 - HTTP has nothing to announce
        """Close now, or after the reply in progress."""
        if not self._answering:
            self.transport.close()

    def shutdown(self) -> None:
        """Uvicorn's name for `shut`."""
        self.shut(self.door.tick_us)


Take = Callable[[HttpProtocol, bytes], None]


def _api_key(protocol: HttpProtocol, value: bytes) -> None:
    protocol._request.api_key = value.strip(b" \t").decode("latin-1")


def _time_unit(protocol: HttpProtocol, value: bytes) -> None:
    protocol._request.time_unit = value


def _accept(protocol: HttpProtocol, value: bytes) -> None:
    protocol._request.html = b"text/html" in value


def _accept_encoding(protocol: HttpProtocol, value: bytes) -> None:
    protocol._request.gzip = b"gzip" in value


def _expect(protocol: HttpProtocol, value: bytes) -> None:
    protocol._expects_continue = value.lower() == b"100-continue"


def _content_length(protocol: HttpProtocol, value: bytes) -> None:
    if value.strip(b" \t") != b"0":
        protocol._framing += b"Content-Length: %s\r\n" % value


def _transfer_encoding(protocol: HttpProtocol, value: bytes) -> None:
    protocol._framing += b"Transfer-Encoding: %s\r\n" % value


def _kept(name: bytes) -> Take:
    def keep(protocol: HttpProtocol, value: bytes) -> None:
        protocol._request.headers[name] = value

    return keep


#: The spellings clients use most come first to the table, so that few names need lowering.
_HEADERS: Final[dict[bytes, Take]] = {
    b"X-MBX-APIKEY": _api_key,
    b"x-mbx-apikey": _api_key,
    b"x-mbx-time-unit": _time_unit,
    b"Accept": _accept,
    b"accept": _accept,
    b"Accept-Encoding": _accept_encoding,
    b"accept-encoding": _accept_encoding,
    b"expect": _expect,
    b"Content-Length": _content_length,
    b"content-length": _content_length,
    b"transfer-encoding": _transfer_encoding,
    b"upgrade": _kept(b"upgrade"),
    b"connection": _kept(b"connection"),
    b"sec-websocket-key": _kept(b"sec-websocket-key"),
    b"sec-websocket-version": _kept(b"sec-websocket-version"),
}


@functools.lru_cache(maxsize=KEPT_SETS_MAX)
def _takes(keeps: tuple[bytes, ...]) -> Mapping[bytes, Take]:
    """Return what is done with each header, for one set of further headers to keep."""
    kept = {name: _and_kept(name) for name in keeps}
    return {**_HEADERS, **kept, **{name: kept[name.lower()] for name in _HEADERS if name.lower() in kept}}


def _and_kept(name: bytes) -> Take:
    """Keep a header that may also mean something here. Sent twice, its values are joined as RFC 9110, 5.3, has it."""
    known = _HEADERS.get(name)

    def take(protocol: HttpProtocol, value: bytes) -> None:
        headers = protocol._request.headers
        headers[name] = b"%s, %s" % (headers[name], value) if name in headers else value
        if known is not None:
            known(protocol, value)

    return take
