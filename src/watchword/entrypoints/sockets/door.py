"""What all connections of one process share: the register of sockets, requests in flight, the time of the day.

Sweeps the sockets once a second: silence, unanswered pings, the 24 hours, slow readers. Speaks no protocol itself.
"""

import asyncio
import resource
from typing import Final, Protocol

from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy

SWEEP_SECONDS: Final = 1.0
SECOND_US: Final = 1_000_000
#: The most connections of all clients together, whatever number of open files the system allows.
CONNECTIONS_MAX: Final = 8_192
CONNECTIONS_MIN: Final = 64


class Socket(Protocol):
    """A connection, seen from the sweep."""

    def sweep(self, now_us: int) -> None:
        """Close yourself if your time is over; send a ping if one is due."""
        ...

    def shut(self, now_us: int) -> None:
        """The process is about to end: say so and finish what is in flight."""
        ...


class SocketDoor:
    """The shared state of all connections.

    Attributes:
        clock: The machine's.
        sockets: All connections, to be swept and shut.
        tasks: Requests being answered.
        connections_max: Further ones are closed at once: what is open must leave files for disks and upstream.
        messages_per_second_max: Pings, pongs and control messages of one WebSocket; 0 means unlimited.
        tick_us: Time of the last sweep, epoch microseconds: a clock good to a second that costs nothing.
        closing: The process is about to end: replies say `connection: close`.
        date: Value of the `date` header, renewed every sweep.
    """

    def __init__(self, clock: Clock, entropy: Entropy, messages_per_second_max: int) -> None:
        """Begin, without connections.

        Args:
            clock: The machine's.
            entropy: Draws what request ids begin with.
            messages_per_second_max: See the attribute.
        """
        self.clock = clock
        self.sockets: set[Socket] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections_max = most_connections()
        self.messages_per_second_max = messages_per_second_max
        self.tick_us = clock.now_us()
        self.closing = False
        self.date = http_date(self.tick_us)
        self._uuid_stem = uuid_stem(entropy)
        self._uuid_count = 0

    def next_uuid(self) -> bytes:
        """Return the next `X-MBX-UUID`: unique to this process and request, not a secret."""
        self._uuid_count += 1
        return b"%s%012x" % (self._uuid_stem, self._uuid_count)

    def sweep(self) -> None:
        """Let every socket look at the clock."""
        now_us = self.clock.now_us()
        self.tick_us = now_us
        self.date = http_date(now_us)
        for socket in tuple(self.sockets):
            socket.sweep(now_us)

    async def keep_sweeping(self) -> None:
        """Sweep once a second until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def shut(self) -> None:
        """Announce the end to every socket."""
        self.closing = True
        now_us = self.clock.now_us()
        for socket in tuple(self.sockets):
            socket.shut(now_us)


def most_connections() -> int:
    """Half of the files this process may have open, within bounds."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    half = CONNECTIONS_MAX if allowed == resource.RLIM_INFINITY else allowed // 2
    return max(CONNECTIONS_MIN, min(half, CONNECTIONS_MAX))


def uuid_stem(entropy: Entropy) -> bytes:
    """Return a random UUID's first 24 characters, version 4."""
    text = entropy.token(10).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-".encode()


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(now_us: int) -> bytes:
    """Write a moment as RFC 9110 wants it, for example `Sun, 06 Nov 1994 08:49:37 GMT`."""
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(now_us // SECOND_US, UTC)
    text = f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} GMT"
    return text.encode()
