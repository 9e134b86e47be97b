"""What all connections of one testnet process share: the exchange behind, limits, streams, sessions that hold keys.

Speaks no protocol itself.
"""

from typing import TYPE_CHECKING, Protocol

from watchword.entrypoints.sockets.door import SocketDoor
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
    """The shared state of all connections of a testnet."""

    def __init__(
        self,
        testnet: "Testnet",
        limits: Limits,
        publisher: "Publisher",
        user_streams: "UserStreams",
        messages_per_second_max: int,
    ) -> None:
        super().__init__(testnet.clock, testnet.entropy, messages_per_second_max)
        self.testnet = testnet
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
        self._recheck(self.clock.now_us())

    def sweep(self) -> None:
        """Let every socket look at the clock, and every session at its keys."""
        super().sweep()
        self._recheck(self.tick_us)

    def _recheck(self, now_us: int) -> None:
        for session in tuple(self.api_sessions):
            session.recheck(now_us)
