"""HTTP/1.1 on one connection to the upstream: one request, its answer, then the next. Never sends anything again.

Parsed by httptools, within bounds. What is not one whole, plain answer is none, and after anything odd the connection
is not used again. It knows neither hosts nor TLS; http_pool.py opens it (docs/decisions/0008 has the figures).

When unavailable: `Unanswered`, always with `sent`: the bytes were handed over.
"""

import asyncio
from typing import Any, Final, Protocol, cast

import httptools

from watchword.gateway.messages import Answer, Header, Unanswered

HEADERS_MAX: Final = 128
HEADERS_BYTES_MAX: Final = 65_536
#: 1xx answers before the answer.
INTERIM_ANSWERS_MAX: Final = 8

#: Of one connection; source: RFC 9110, 7.6.1. And cookies, which are nobody's here.
_NOT_RETURNED: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"trailer", b"transfer-encoding",
     b"upgrade", b"content-length", b"set-cookie")
)  # fmt: skip


class ConnectionOwner(Protocol):
    """Who opened a connection and has it used again."""

    def idle(self, connection: "HttpConnection") -> None:
        """Its answer came and it may be asked again."""
        ...

    def lost(self, connection: "HttpConnection") -> None:
        """It cannot be asked again."""
        ...


class HttpConnection(asyncio.Protocol):
    """One kept-alive connection.

    Attributes:
        opened_s: When it was opened, by the loop's clock.
        since_s: When it was asked last, or became idle.
    """

    def __init__(self, owner: ConnectionOwner, host: str) -> None:
        """Prepare, inside a running loop.

        Args:
            owner: Told when an answer was whole, and when the connection has ended.
            host: As it is named to people.
        """
        self._owner = owner
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._parser: Any = httptools.HttpResponseParser(self)
        self._waits: asyncio.Future[Answer | Unanswered] | None = None
        self._deadline_s = 0.0
        self.opened_s = self.since_s = self._loop.time()
        self._ended = False
        self._plain = True
        # Of the answer that is awaited; see `_clear`.
        self._status = self._interim = self._headers_count = self._headers_bytes = self._received_bytes = 0
        self._headers: list[Header] = []
        self._body: bytes | bytearray = b""
        self._body_bytes_max = self._wire_bytes_max = 0
        self._head_done = self._whole = self._reusable = False
        self._until_end = True
        self._fault = ""

    # What the pool calls.

    @property
    def usable(self) -> bool:
        """Whether it may be asked."""
        return not self._ended and self._waits is None and not self._transport.is_closing()

    def ask(
        self, request: bytes, deadline_s: float, body_bytes_max: int
    ) -> "asyncio.Future[Answer | Unanswered]":
        """Hand a request to the transport. Whatever happens from here on, it may have arrived.

        Args:
            request: Whole, as it goes on the wire.
            deadline_s: When it is given up, by the loop's clock; the sweep sees to it.
            body_bytes_max: A larger answer is given up.

        Returns:
            A future that never raises. Who cancels it must call `drop`.
        """
        loop = self._loop
        self._clear(body_bytes_max)
        self._deadline_s = deadline_s
        self._waits = future = loop.create_future()
        self.since_s = loop.time()
        self._transport.write(request)
        return future

    def sweep(self, now_s: float, idle_s: float, age_s: float) -> None:
        """Give up what takes too long; close what has been idle, or open, for so long that the upstream might."""
        if self._waits is not None:
            if now_s >= self._deadline_s:
                self.drop("not in time")
        elif self.outdated(now_s, idle_s, age_s):
            self.drop()

    def outdated(self, now_s: float, idle_s: float, age_s: float) -> bool:
        """Whether it should not be asked any more."""
        return now_s - self.since_s > idle_s or now_s - self.opened_s > age_s

    def drop(self, why: str = "given up") -> None:
        """End the connection now; who waits is told why."""
        if not self._ended:
            self._ended = True
            self._transport.abort()
            self._owner.lost(self)
        self._tell(Unanswered(sent=True, reason=f"no answer from {self._host} ({why})"))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._plain = transport.get_extra_info("sslcontext") is None

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        if self._waits is None:
            # Nobody asked: whatever it is, the next request must not take it for its answer.
            self.drop()
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not self._whole:
                self.drop(self._fault or "it is not HTTP")
                return
            self._reusable = False
        if self._whole:
            self._finish()
        elif self._received_bytes > (self._wire_bytes_max if self._head_done else HEADERS_BYTES_MAX):
            self.drop("it is too large")

    def eof_received(self) -> None:
        """The upstream sends no more. That ends an answer whose length was not given; any other is cut off.

        Not over TLS: anybody on the way can end a connection, and the loop does not say whether the upstream did.
        """
        if self._waits is not None and self._head_done and self._until_end and self._plain:
            self._reusable = False
            self._finish()
        else:
            self.drop("the connection was closed")

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits will wait in vain."""
        self.drop("the connection was closed" if exc is None else type(exc).__name__)

    # What httptools calls.

    def on_message_begin(self) -> None:
        """More than one answer came: the second is nobody's."""
        if self._whole:
            self._reusable = False
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the answer; what follows a chunked body is not one."""
        self._headers_count += 1
        self._headers_bytes += len(name) + len(value)
        if self._headers_count > HEADERS_MAX or self._headers_bytes > HEADERS_BYTES_MAX:
            self._refuse("its headers are too large")
        if self._head_done:
            return
        low = name.lower()
        if low not in _NOT_RETURNED:
            self._headers.append((name, value.rstrip(b" \t")))
        elif low == b"content-length":
            self._until_end = False
        elif low == b"transfer-encoding":
            if value.strip(b" \t").lower() != b"chunked":
                self._refuse("its transfer encoding was not asked for")
            self._until_end = False

    def on_headers_complete(self) -> None:
        """See what kind of answer it is."""
        parser = self._parser
        self._status = status = parser.get_status_code()
        self._head_done = status >= 200
        self._reusable = parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Collect the body within its bound."""
        if not self._body:
            self._body = body
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body + body)
        else:
            self._body += body
        if len(self._body) > self._body_bytes_max:
            self._refuse(f"it is larger than {self._body_bytes_max} bytes")

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was only an interim one."""
        if self._head_done:
            self._whole = True
            return
        self._interim += 1
        if self._interim > INTERIM_ANSWERS_MAX:
            self._refuse("too many interim answers")
        self._headers = []
        self._until_end = True

    def _clear(self, body_bytes_max: int) -> None:
        """Be ready for an answer."""
        self._interim = self._headers_count = self._headers_bytes = self._received_bytes = 0
        self._headers = []
        self._body = b""
        self._body_bytes_max = body_bytes_max
        #: With the framing of reasonable chunks.
        self._wire_bytes_max = HEADERS_BYTES_MAX + 2 * body_bytes_max
        self._head_done = self._whole = self._reusable = False
        self._until_end = True

    def _refuse(self, why: str) -> None:
        self._fault = why
        raise ValueError(why)

    def _finish(self) -> None:
        """Hand the answer over, and the connection back."""
        elapsed_s = -self.since_s
        self.since_s = self._loop.time()
        answer = Answer(
            status=self._status,
            body=bytes(self._body),
            headers=tuple(self._headers),
            elapsed_us=int((elapsed_s + self.since_s) * 1e6),
        )
        # An answer to a request that is still being sent leaves its rest on the way.
        if self._reusable and not self._transport.get_write_buffer_size():
            self._tell(answer)
            self._owner.idle(self)
        else:
            self._tell(answer)
            self.drop()

    def _tell(self, answer: Answer | Unanswered) -> None:
        waits, self._waits = self._waits, None
        if waits is not None and not waits.done():
            waits.set_result(answer)
