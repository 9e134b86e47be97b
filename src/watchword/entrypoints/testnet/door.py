"""What all connections of one testnet process share: the exchange behind, limits, streams, the register of sockets.

Sweeps the sockets once a second: silence, unanswered pings, the 24 hours, slow readers. Speaks no protocol itself.
"""

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from watchword.exchange.limits import Limits
from watchword.kernel.entropy import Entropy

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.publisher import Publisher
    from watchword.entrypoints.testnet.user_data import UserStreams

SWEEP_SECONDS: Final = 1.0
SECOND_US: Final = 1_000_000


class Socket(Protocol):
    """A connection, seen from the sweep."""

    def sweep(self, now_us: int) -> None:
        """Close yourself if your time is over; send a ping if one is due."""
        ...

    def shut(self, now_us: int) -> None:
        """The process is about to end: say so and finish what is in flight."""
        ...


class KeyHolder(Protocol):
    """A session that may have been opened with a key."""

    def revoke(self, api_key: str) -> None:
        """The key is gone: end what it opened."""
        ...

    def recheck(self, now_us: int) -> None:
        """Keys may have expired or been narrowed: end what they may no longer hold."""
        ...


class Door:
    """The shared state of all connections.

    Attributes:
        tick_us: Time of the last sweep, epoch microseconds: a clock good to a second that costs nothing.
        closing: The process is about to end: replies say `connection: close`.
        date: Value of the `date` header, renewed every sweep.
    """

    def __init__(
        self,
        testnet: "Testnet",
        limits: Limits,
        publisher: "Publisher",
        user_streams: "UserStreams",
        messages_per_second_max: int,
    ) -> None:
        self.testnet = testnet
        self.clock = testnet.clock
        self.limits = limits
        self.publisher = publisher
        self.user_streams = user_streams
        self.sockets: set[Socket] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        #: Sessions of the WebSocket API, to be told when a key goes.
        self.api_sessions: set[KeyHolder] = set()
        #: Pings, pongs and control messages of one WebSocket; 0 means unlimited.
        self.messages_per_second_max = messages_per_second_max
        self.tick_us = testnet.clock.now_us()
        self.closing = False
        self.date = http_date(self.tick_us)
        self._uuid_stem = uuid_stem(testnet.entropy)
        self._uuid_count = 0

    def next_uuid(self) -> bytes:
        """Return the next `X-MBX-UUID`: unique to this process and request, not a secret."""
        self._uuid_count += 1
        return b"%s%012x" % (self._uuid_stem, self._uuid_count)

    def on_revoked(self, api_key: str) -> None:
        """Tell every session that a key is gone."""
        for session in tuple(self.api_sessions):
            session.revoke(api_key)

    def on_edited(self, api_key: str) -> None:  # noqa: ARG002 - sessions know which keys they hold
        """Have every session look at its keys again."""
        self._recheck(self.clock.now_us())

    def sweep(self) -> None:
        """Let every socket look at the clock."""
        now_us = self.clock.now_us()
        self.tick_us = now_us
        self.date = http_date(now_us)
        for socket in tuple(self.sockets):
            socket.sweep(now_us)
        self._recheck(now_us)

    def _recheck(self, now_us: int) -> None:
        for session in tuple(self.api_sessions):
            session.recheck(now_us)

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
