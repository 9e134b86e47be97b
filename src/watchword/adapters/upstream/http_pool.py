"""Connections to one host of the upstream, kept and bounded. Never sends a request itself, never follows anywhere.

Certificates and host names are always checked; nothing is read from the environment. Connections are closed before the
upstream would: one that breaks under a request leaves its outcome unknown.

When unavailable: `Unanswered` with `sent` false: nothing was handed to any connection.
"""

import asyncio
import socket
import ssl
from collections import deque
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from watchword.adapters.upstream.http_wire import HttpConnection
from watchword.gateway.messages import Unanswered

#: Servers keep idle connections for a minute and more (nginx: 75 s).
IDLE_S: Final = 15.0
#: So that a host that moves is followed.
AGE_S: Final = 600.0
SWEEP_S: Final = 0.5
#: Timeouts are kept to within an eighth.
SWEEPS_PER_TIMEOUT: Final = 8
#: Of one name, tried in turn.
ADDRESSES_MAX: Final = 4

_PORTS: Final = {"http": 80, "https": 443}
_Address = tuple[Any, ...]


class PoolBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a pool is held to.

    Attributes:
        connections_max: Open at a time.
        connect_s: For a connection; name look-up, TLS and waiting for a free one included.
        answer_s: For a request, from asking for a connection to the last byte of its answer.
        idle_s: A connection is kept so long without use …
        age_s: … and so long at all.
    """

    connections_max: int
    connect_s: float
    answer_s: float
    idle_s: float = IDLE_S
    age_s: float = AGE_S


class HttpPool:
    """See above. All of it runs in one loop.

    Attributes:
        host: As it stands in a Host header.
    """

    def __init__(self, base: str, tls: ssl.SSLContext, bounds: PoolBounds) -> None:
        """Prepare, inside a running loop; connects to nobody yet.

        Args:
            base: Scheme, host and perhaps port.
            tls: For `https`; verifies.
            bounds: In time and number.
        """
        address = urlsplit(base)
        self.host = address.netloc
        self._name = address.hostname or ""
        self._port = address.port or _PORTS[address.scheme]
        self._tls = tls if address.scheme == "https" else None
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._connections: set[HttpConnection] = set()
        self._idle: list[HttpConnection] = []
        self._opening = 0
        self._waiters: deque[asyncio.Future[HttpConnection | None]] = deque()
        self._good: _Address = ()
        self._closed = False
        self._sweeping: asyncio.TimerHandle | None = None
        self._sweep_s = min(SWEEP_S, bounds.answer_s / SWEEPS_PER_TIMEOUT)

    def take(self, now_s: float) -> HttpConnection | None:
        """Take the connection used last; None where none is idle.

        Args:
            now_s: By the loop's clock.
        """
        idle, bounds = self._idle, self._bounds
        while idle:
            connection = idle.pop()
            if connection.usable and not connection.outdated(now_s, bounds.idle_s, bounds.age_s):
                return connection
            connection.drop()
        return None

    async def connect(self) -> HttpConnection | Unanswered:
        """Open a connection, or wait for one where there may be no more."""
        if self._closed:
            return Unanswered(sent=False, reason="the gateway is stopping")
        why = "no connection"
        try:
            async with asyncio.timeout(self._bounds.connect_s):
                while len(self._connections) + self._opening >= self._bounds.connections_max:
                    freed = await self._wait()
                    if freed is not None:
                        return freed
                opened = await self._open()
        except Exception as error:  # noqa: BLE001 - whatever it was: nothing was sent
            opened, why = None, type(error).__name__
        return opened or Unanswered(sent=False, reason=f"{self._name} cannot be reached ({why})")

    def close(self) -> None:
        """End every connection; whatever is on its way is unanswered."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in tuple(self._connections):
            connection.drop("the gateway is stopping")

    # What connections call.

    def idle(self, connection: HttpConnection) -> None:
        """Give a connection to who has waited longest, or keep it."""
        waiter = self._longest_waiting()
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.set_result(connection)

    def lost(self, connection: HttpConnection) -> None:
        """Forget a connection; somebody may open another."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._free_place()

    async def _wait(self) -> HttpConnection | None:
        """Wait for a connection, or (None) for a place to open one."""
        waiter: asyncio.Future[HttpConnection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            freed = await waiter
        except BaseException:
            # It may have come at the same moment; then it is for the next.
            if waiter.done() and not waiter.cancelled():
                self._pass_on(waiter.result())
            raise
        return freed if freed is None or freed.usable else None

    def _pass_on(self, freed: HttpConnection | None) -> None:
        if freed is not None and freed.usable:
            self.idle(freed)
        else:
            self._free_place()

    def _free_place(self) -> None:
        waiter = self._longest_waiting()
        if waiter is not None:
            waiter.set_result(None)

    def _longest_waiting(self) -> "asyncio.Future[HttpConnection | None] | None":
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    async def _open(self) -> HttpConnection | None:
        """Try the addresses of the name, the one that answered last before the others."""
        self._opening += 1
        connection: HttpConnection | None = None
        try:
            connection = await self._open_any(self._loop.time() + self._bounds.connect_s)
        finally:
            self._opening -= 1
            if connection is None:
                self._free_place()
        self._connections.add(connection)
        if self._closed or not connection.usable:
            connection.drop()
            return None
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self._sweep_s, self._sweep)
        return connection

    async def _open_any(self, deadline_s: float) -> HttpConnection:
        found = await self._loop.getaddrinfo(self._name, self._port, type=socket.SOCK_STREAM)
        addresses = sorted([each[4] for each in found], key=lambda address: address != self._good)
        addresses = addresses[:ADDRESSES_MAX]
        for left in range(len(addresses), 0, -1):
            address = addresses[-left]
            try:
                # A deaf address must leave time for the others.
                async with asyncio.timeout((deadline_s - self._loop.time()) / left):
                    connection = await self._open_one(str(address[0]))
            except (OSError, TimeoutError):
                if left == 1:
                    raise
            else:
                self._good = address
                return connection
        raise OSError

    async def _open_one(self, address: str) -> HttpConnection:
        _, connection = await self._loop.create_connection(
            lambda: HttpConnection(self, self._name),
            address,
            self._port,
            ssl=self._tls,
            server_hostname=self._name if self._tls is not None else None,
        )
        return connection

    def _sweep(self) -> None:
        bounds, now_s = self._bounds, self._loop.time()
        for connection in tuple(self._connections):
            connection.sweep(now_s, bounds.idle_s, bounds.age_s)
        # Nothing open, nothing to look at: the next connection begins anew.
        self._sweeping = self._loop.call_later(self._sweep_s, self._sweep) if self._connections else None
