"""The gateway's doors on a real socket with nothing real behind them: a pipeline that answers what a test says, links that
a test plays the upstream of. Never touches the disk.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import aiohttp
from tests.support.gateway_fakes import FakeKeys

from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.credentials.keypair import hmac_verifier
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.gateway.door import Door
from watchword.entrypoints.gateway.host_names import HostNames
from watchword.entrypoints.gateway.server import handlers_of
from watchword.entrypoints.sockets.listener import addresses_of, bind, listen
from watchword.gateway.messages import Answer, DoorKind, Inbound, Outbound, Refused, Reply, Unanswered
from watchword.gateway.ports import ActiveKey, Link
from watchword.gateway.virtual_key import VirtualKey
from watchword.kernel.secret import Secret

API_KEY: Final = "WWk1" + "d" * 60
OTHER_KEY: Final = "WWk1" + "o" * 60
OK: Final = Answer(status=200, body=b'{"ok":true}', headers=((b"Content-Type", b"application/json"),))

Handle = Callable[[Inbound, Link], Awaitable[Reply]]


async def until_true(condition: Callable[[], object]) -> None:
    """Wait, at most a few seconds, until something became true."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.005)


class FakeSessionLink:
    """The upstream's end of one client's WebSocket API connection."""

    door: DoorKind = "ws"

    def __init__(self, query: str, on_event: Any, on_closed: Any) -> None:
        self.query = query
        self.event: Callable[[int | None, bytes], None] = on_event
        self.ended: Callable[[str], None] = on_closed
        self.sent: list[Outbound] = []
        self.closed = False

    async def send(self, request: Outbound) -> Answer | Unanswered:
        self.sent.append(request)
        return OK

    async def close(self) -> None:
        self.closed = True


class FakeMarketLink:
    """The upstream's end of one client's streams."""

    def __init__(self, target: str, on_text: Any, on_closed: Any, failure: Unanswered | None) -> None:
        self.target = target
        self.text: Callable[[bytes], None] = on_text
        self.ended: Callable[[int, str], None] = on_closed
        self.forwarded: list[bytes] = []
        self.room = 8
        self.paused = self.closed = False
        self._failure = failure

    async def open(self) -> Unanswered | None:
        return self._failure

    def forward(self, text: bytes) -> bool:
        self.forwarded.append(text)
        return len(self.forwarded) <= self.room

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    async def close(self) -> None:
        self.closed = True


class FakeRestLink:
    """Nobody sends by it but the pipeline."""

    door: DoorKind = "rest"

    async def send(self, request: Outbound) -> Answer | Unanswered:
        raise AssertionError(request)


class FakePipeline:
    """Answers what a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Inbound] = []
        self.links: list[Link] = []
        self.reply: Reply = OK
        self.handling: Handle | None = None
        self.logon_reply: ActiveKey | Refused | None = None

    async def handle(self, inbound: Inbound, link: Link) -> Reply:
        self.asked.append(inbound)
        self.links.append(link)
        return await self.handling(inbound, link) if self.handling is not None else self.reply

    async def logon(self, inbound: Inbound) -> ActiveKey | Refused:
        self.asked.append(inbound)
        assert self.logon_reply is not None
        return self.logon_reply


class FakeEvents:
    """`EventDesk`: shows every event but those that name `hidden`."""

    hidden = b"HIDDEN"

    def admit_event(self, key: ActiveKey, event: bytes, now_us: int) -> bytes | None:
        return None if self.hidden in event else event


class DoorBench:
    """`entrypoints.gateway.door.Services`, and the client's side.

    Attributes:
        refusals: What was counted: reason and origin.
        sessions, markets: Links that were made, oldest first.
        stream_failure: What the next stream connection's `open` says.
    """

    def __init__(self) -> None:
        self.clock, self.entropy = SystemClock(), SystemEntropy()
        self.time = self
        self.pipeline, self.keys, self.desk = FakePipeline(), FakeKeys(), FakeEvents()
        self.rest_link = FakeRestLink()
        self.refusals: list[tuple[str, str]] = []
        self.sessions: list[FakeSessionLink] = []
        self.markets: list[FakeMarketLink] = []
        self.stream_failure: Unanswered | None = None
        self.addresses: dict[str, str] = {}
        self.door: Door = None  # type: ignore[assignment]
        self.client: aiohttp.ClientSession = None  # type: ignore[assignment]
        self.until = asyncio.Event()

    def now_us(self) -> int:
        return self.clock.now_us()

    def trouble(self) -> str | None:
        return None

    def session_link(self, query: str, on_event: Any, on_closed: Any) -> FakeSessionLink:
        self.sessions.append(FakeSessionLink(query, on_event, on_closed))
        return self.sessions[-1]

    def market_link(self, target: str, on_text: Any, on_closed: Any) -> FakeMarketLink:
        self.markets.append(FakeMarketLink(target, on_text, on_closed, self.stream_failure))
        return self.markets[-1]

    def count_refusal(self, reason: str, origin: str) -> None:
        self.refusals.append((reason, origin))

    def add_key(
        self,
        api_key: str = API_KEY,
        key_type: KeyType = "ED25519",
        restrictions: Restrictions = UNRESTRICTED,
        granted: frozenset[Permission] = frozenset(("READING",)),
    ) -> ActiveKey:
        """Make a virtual key known; its signatures are the pipeline's business."""
        from watchword.credentials.model import Credential

        key = VirtualKey(
            id=f"vk-{api_key[-4:]}", label=api_key[-4:], credential_id="cred-one", versions=(), policy_name="",
            policy_text="", policy_digest="", restrictions=restrictions,
        )  # fmt: skip
        active = self.keys.keys[api_key] = ActiveKey(key, ())
        self.keys.credentials[api_key] = Credential(
            api_key, 0, key_type, hmac_verifier(Secret(b"s" * 64)), granted, restrictions, key.label
        )
        return active

    @property
    def host_port(self) -> tuple[str, int]:
        host, _, port = self.addresses["rest"].removeprefix("http://").rpartition(":")
        return host, int(port)

    async def ws(self, path: str, **headers: str) -> aiohttp.ClientWebSocketResponse:
        from yarl import URL

        return await self.client.ws_connect(
            URL(self.addresses["streams"] + path, encoded=True), headers=headers, max_msg_size=0
        )


@contextlib.asynccontextmanager
async def open_bench(*allowed: str, messages_per_second_max: int = 0) -> AsyncIterator[DoorBench]:
    """Serve the doors on a free port of loopback."""
    bench = DoorBench()
    bench.door = door = Door(bench, messages_per_second_max)
    ready = asyncio.Event()

    def on_ready(host: str, port: int) -> None:
        bench.addresses = addresses_of(host, port, tls=False)
        ready.set()

    with contextlib.closing(bind("127.0.0.1", 0)) as sock:
        handlers = handlers_of(door, HostNames("127.0.0.1", allowed))
        serving = asyncio.create_task(listen(door, handlers, sock, bench.until, on_ready))
        await asyncio.wait_for(ready.wait(), 10)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as client:
            bench.client = client
            try:
                yield bench
            finally:
                bench.until.set()
                await asyncio.wait_for(serving, 15)
