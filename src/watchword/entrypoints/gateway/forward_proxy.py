"""The forward proxy: for clients that cannot change their base URL. Off unless it is asked for.

It takes CONNECT, from who shows the token, to the hosts of the chosen upstream. The tunnel ends here: TLS with a
certificate for that host, then the same HTTP protocol as on the gateway's own port. It never opens a connection itself.

One connection, in order:
    1 the request head, within its bounds (400, 405, 408, 431)
    2 the token, compared in constant time (407), before anything is said about hosts
    3 the host and port (403)
    4 200, then TLS, within its time
    5 the protocol of the gateway takes over
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, cast

import msgspec

from watchword.entrypoints.gateway.connect_request import ESTABLISHED, read_connect, refusal
from watchword.kernel.errors import ConfigurationError

HEAD_BYTES_MAX: Final = 8_192
#: From the connection to the end of the request head.
HEAD_SECONDS_MAX: Final = 10
HANDSHAKE_SECONDS_MAX: Final = 10
#: A peer that is told the end of TLS need not answer.
TLS_END_SECONDS_MAX: Final = 1
#: After a refusal the peer may go on sending this long, unheard.
LINGER_SECONDS_MAX: Final = 3
#: Connections that have not shown the token or not finished TLS yet.
ARRIVING_MAX: Final = 128
TUNNELS_MAX: Final = 1_024
#: What may come through TLS before the next protocol has taken over.
EARLY_BYTES_MAX: Final = 1 << 18
SHUTDOWN_SECONDS_MAX: Final = 5
SHUTDOWN_POLL_SECONDS: Final = 0.02
_HEAD_END: Final = b"\r\n\r\n"

#: Makes the protocol of a tunnel from the host the client asked for and the register it is to stand in while open.
ProtocolFactory = Callable[[str, set[Any]], asyncio.Protocol]


class ProxyRules(msgspec.Struct, frozen=True):
    """What a forward proxy is given.

    Attributes:
        entry_points: Hosts and ports that may be asked for.
        context: Returns the TLS context to speak for a host with.
        admits: Whether a text is the token; constant time.
        protocol: Makes what speaks inside a tunnel.
        count_refusal: Told the reason and the caller's address of every refusal.
    """

    entry_points: frozenset[tuple[str, int]]
    context: Callable[[str], ssl.SSLContext]
    admits: Callable[[bytes], bool]
    protocol: ProtocolFactory
    count_refusal: Callable[[str, str], None]


class ForwardProxy:
    """All connections of the proxy's port.

    Attributes:
        rules: What it was given.
        arriving: Connections that are not tunnels yet.
        tunnels: What speaks inside the tunnels; each takes itself out when it ends.
        closing: The process is about to end.
    """

    def __init__(self, rules: ProxyRules) -> None:
        """Prepare; nothing listens yet."""
        self.rules = rules
        self.arriving: set[Arrival] = set()
        self.tunnels: set[Any] = set()
        self.closing = False

    @contextlib.asynccontextmanager
    async def listening(self, sock: socket.socket) -> AsyncIterator[None]:
        """Serve a bound socket until left; then end the tunnels.

        Args:
            sock: Bound and listening; closed when left.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Arrival(self), sock=sock)
        try:
            yield
        finally:
            self.closing = True
            server.close()
            await self._end()

    async def _end(self) -> None:
        for arrival in tuple(self.arriving):
            arrival.abort()
        for tunnel in tuple(self.tunnels):
            tunnel.shutdown()
        for _ in range(int(SHUTDOWN_SECONDS_MAX / SHUTDOWN_POLL_SECONDS)):
            if not self.tunnels:
                return
            await asyncio.sleep(SHUTDOWN_POLL_SECONDS)


class Arrival(asyncio.Protocol):
    """One connection until its tunnel stands."""

    def __init__(self, proxy: ForwardProxy) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._timer: asyncio.TimerHandle | None = None
        self._securing: asyncio.Task[None] | None = None
        self._ip = ""
        self._head = b""
        self._refused = False
        #: What came through TLS before the next protocol stood.
        self._early = b""
        self._ended_early = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or say that there is none."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._ip = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        proxy = self._proxy
        if proxy.closing or len(proxy.arriving) >= ARRIVING_MAX:
            self._refused = True
            proxy.rules.count_refusal("proxy:503", self._ip)
            self._transport.write(refusal(503))
            self._transport.close()
            return
        proxy.arriving.add(self)
        self._timer = self._loop.call_later(HEAD_SECONDS_MAX, self._refuse, 408)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Give the place back."""
        self._ended_early = True
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Collect the request head; after it, what TLS let through already."""
        if self._refused:
            return
        if self._securing is not None:
            self._early += data
            if len(self._early) > EARLY_BYTES_MAX:
                self.abort()
            return
        self._head += data
        head, end, rest = self._head.partition(_HEAD_END)
        if end:
            self._decide(head, rest)
        elif len(self._head) > HEAD_BYTES_MAX:
            self._refuse(431)

    def eof_received(self) -> bool:
        """A peer that sends no more wants nothing any more."""
        self._ended_early = True
        return False

    def abort(self) -> None:
        """Drop the connection now."""
        self._transport.abort()
        self._leave()

    def _decide(self, head: bytes, rest: bytes) -> None:
        """Steps 1 to 3."""
        rules = self._proxy.rules
        request = read_connect(head) if len(head) <= HEAD_BYTES_MAX else 431
        if isinstance(request, int):
            self._refuse(request)
        elif request.token is None or not rules.admits(request.token):
            self._refuse(407)
        elif (request.host, request.port) not in rules.entry_points:
            self._refuse(403)
        elif rest:
            # TLS begins when the client has read our 200; what comes before is not TLS.
            self._refuse(400)
        elif len(self._proxy.tunnels) >= TUNNELS_MAX:
            self._refuse(503)
        else:
            self._head = b""
            self._transport.pause_reading()
            self._transport.write(ESTABLISHED)
            self._securing = self._loop.create_task(self._secure(request.host))

    async def _secure(self, host: str) -> None:
        """Steps 4 and 5."""
        self._stop_timer()
        try:
            tls = await self._loop.start_tls(
                self._transport,
                self,
                self._proxy.rules.context(host),
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS_MAX,
                ssl_shutdown_timeout=TLS_END_SECONDS_MAX,
            )
        except (OSError, ConfigurationError):
            # The usual reason: the client does not trust the proxy's authority.
            self._proxy.rules.count_refusal("proxy:tls", self._ip)
            self.abort()
            return
        if tls is None or self._ended_early or self._proxy.closing:
            self.abort()
            return
        inner = self._proxy.rules.protocol(host, self._proxy.tunnels)
        tls.set_protocol(inner)
        inner.connection_made(tls)
        self._leave()
        if self._early:
            inner.data_received(self._early)
            self._early = b""

    def _refuse(self, status: int) -> None:
        """Answer, and listen no more. Closing at once could reset the connection under our answer."""
        self._stop_timer()
        self._refused = True
        self._head = b""
        self._proxy.rules.count_refusal(f"proxy:{status}", self._ip)
        self._transport.write(refusal(status))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._timer = self._loop.call_later(LINGER_SECONDS_MAX, self.abort)

    def _leave(self) -> None:
        self._stop_timer()
        self._proxy.arriving.discard(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
