"""What all connections of one testnet process share: the exchange behind, limits, streams, sessions that hold keys.

Speaks no protocol itself.
"""

from typing import TYPE_CHECKING, Protocol

from watchword.entrypoints.sockets.door import SocketDoor, http_date
from watchword.exchange.limits import Limits

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.publisher import Publisher
    from watchword.entrypoints.testnet.user_data import UserStreams


class KeyHolder(Protocol):
    """A session that may have been opened with a key."""

    def revoke(self, api_key: str) -> None:
        """The key is gone: end what it opened."""
        ...

    def recheck(self, now_us: int) -> None:
        """Keys may have expired or been narrowed: end what they may no longer hold."""
        ...


class Door(SocketDoor):
    """The shared state of all connections of a testnet.

    `clock` is the machine's: silence, pings and the 24 hours are real time, whatever the exchange's clock was moved
    by. What requests are judged by is `testnet.clock`.
    """

    def __init__(
        self,
        testnet: "Testnet",
        limits: Limits,
        publisher: "Publisher",
        user_streams: "UserStreams",
        messages_per_second_max: int,
    ) -> None:
        super().__init__(testnet.clock.machine, testnet.entropy, messages_per_second_max)
        self.testnet = testnet
        self._tell_time()
        self.limits = limits
        self.publisher = publisher
        self.user_streams = user_streams
        #: Sessions of the WebSocket API, to be told when a key goes.
        self.api_sessions: set[KeyHolder] = set()

    def on_revoked(self, api_key: str) -> None:
        """Tell every session that a key is gone."""
        for session in tuple(self.api_sessions):
            session.revoke(api_key)

    def on_edited(self, api_key: str) -> None:  # noqa: ARG002 - sessions know which keys they hold
        """Have every session look at its keys again."""
        self._recheck()

    def on_clock_moved(self) -> None:
        """The exchange's clock was moved: what was opened with keys that expired by it ends now."""
        self._tell_time()
        self._recheck()

    def sweep(self) -> None:
        """Let every socket look at the clock, and every session at its keys."""
        super().sweep()
        self._tell_time()
        self._recheck()

    def _tell_time(self) -> None:
        """Have replies dated by the exchange's clock."""
        self.date = http_date(self.testnet.clock.now_us())

    def _recheck(self) -> None:
        now_us = self.testnet.clock.now_us()
        for session in tuple(self.api_sessions):
            session.recheck(now_us)
