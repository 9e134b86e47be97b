"""What all connections of one gateway process share: what is behind the doors, and sessions that hold keys.

Speaks no protocol itself and decides nothing about requests.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from watchword.entrypoints.sockets.door import SECOND_US, SocketDoor
from watchword.gateway.messages import Inbound, Refused, Reply, Unanswered
from watchword.gateway.ports import ActiveKey, Link, UpstreamTime, VirtualKeys
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy

#: WebSockets of clients within the window below: each may open one upstream, which takes 300 from one address. The rest
#: is for the gateway's own. Source: web-socket-streams.md, "WebSocket Limits".
OPENINGS_MAX: Final = 200
OPENINGS_WINDOW_US: Final = 300 * SECOND_US

OnEvent = Callable[[int | None, bytes], None]


class RequestPipeline(Protocol):
    """See `watchword.gateway.pipeline.Pipeline`."""

    async def handle(self, inbound: Inbound, link: Link) -> Reply:
        """Answer one request."""
        ...

    async def logon(self, inbound: Inbound) -> ActiveKey | Refused:
        """Judge a `session.logon`."""
        ...


class EventDesk(Protocol):
    """See `watchword.gateway.order_desk.OrderDesk`."""

    def admit_event(self, key: ActiveKey, event: bytes, now_us: int) -> bytes | None:
        """Learn from a user-data event and return what the key may see of it."""
        ...


class SessionLink(Link, Protocol):
    """The WebSocket API connection of one client connection. See `adapters.upstream.ws_link`."""

    async def close(self) -> None:
        """End it."""
        ...


class MarketLink(Protocol):
    """The stream connection of one client connection. See `adapters.upstream.streams`."""

    async def open(self) -> Unanswered | None:
        """Connect; say why not."""
        ...

    def forward(self, text: bytes) -> bool:
        """Send a client's text; False where it sends too fast."""
        ...

    def pause(self) -> None:
        """Take nothing more from the upstream."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class Services(Protocol):
    """What is behind the doors of a gateway. `bootstrap.gateway.Gateway` is one."""

    @property
    def clock(self) -> Clock:
        """The machine's."""
        ...

    @property
    def entropy(self) -> Entropy:
        """For request ids."""
        ...

    @property
    def pipeline(self) -> RequestPipeline:
        """The life of a request."""
        ...

    @property
    def keys(self) -> VirtualKeys:
        """Virtual keys."""
        ...

    @property
    def desk(self) -> EventDesk:
        """Whose order is it."""
        ...

    @property
    def time(self) -> UpstreamTime:
        """The upstream's clock."""
        ...

    @property
    def rest_link(self) -> Link:
        """The shared way for REST requests."""
        ...

    def session_link(self, query: str, on_event: OnEvent, on_closed: Callable[[str], None]) -> SessionLink:
        """Prepare a WebSocket API connection; its first request connects."""
        ...

    def market_link(
        self, target: str, on_text: Callable[[bytes], None], on_closed: Callable[[int, str], None]
    ) -> MarketLink:
        """Prepare a stream connection."""
        ...

    def count_refusal(self, reason: str, origin: str) -> None:
        """Count a refusal before anybody was authenticated."""
        ...


class KeyHolder(Protocol):
    """A session that may have been opened with a key."""

    def recheck(self, now_us: int) -> None:
        """Keys may have expired, been revoked or narrowed: end what they may no longer hold."""
        ...


class Door(SocketDoor):
    """The shared state of all connections of a gateway.

    Attributes:
        services: What is behind.
        api_sessions: Sessions of the WebSocket API, to be told when a key changes.
        openings_max: WebSockets of clients within OPENINGS_WINDOW_US; 0 means unlimited.
    """

    def __init__(self, services: Services, messages_per_second_max: int) -> None:
        """Begin, without connections. Inside a running loop.

        Args:
            services: What is behind.
            messages_per_second_max: Of one stream connection, control frames included; 0 means unlimited.
        """
        super().__init__(services.clock, services.entropy, messages_per_second_max)
        self.services = services
        #: 0 means unlimited, as an exchange of one's own is.
        self.openings_max = OPENINGS_MAX if messages_per_second_max else 0
        self._openings: deque[int] = deque()
        self.loop = asyncio.get_running_loop()
        self.api_sessions: set[KeyHolder] = set()
        services.keys.on_changed.append(self.on_changed)

    def on_changed(self, key_id: str) -> None:  # noqa: ARG002 - sessions know which keys they hold
        """Have every session look at its keys again."""
        self._recheck()

    def sweep(self) -> None:
        """Let every socket look at the clock, and every session at its keys."""
        super().sweep()
        self._recheck()

    def may_open(self) -> bool:
        """Whether the upstream would take one more WebSocket from this address now; if so, it is counted."""
        if not self.openings_max:
            return True
        openings, now_us = self._openings, self.clock.now_us()
        while openings and not 0 <= now_us - openings[0] < OPENINGS_WINDOW_US:
            openings.popleft()
        if len(openings) >= self.openings_max:
            return False
        openings.append(now_us)
        return True

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; the process's end waits for it within its bound."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _recheck(self) -> None:
        now_us = self.services.time.now_us()
        for session in tuple(self.api_sessions):
            session.recheck(now_us)
