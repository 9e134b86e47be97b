"""A testnet in a thread of its own behind the forward proxy: real sockets, real TLS, the live exchange's names.

Nothing here speaks to anybody outside; a client that resolved a name instead of asking the proxy would be noticed.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.doors import Doors, Key, open_doors

from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.binance.upstream_names import entry_points
from watchword.bootstrap.proxy_token import ProxyToken
from watchword.bootstrap.tls import TlsFolder
from watchword.bootstrap.tunnel_contexts import TunnelContexts
from watchword.entrypoints.gateway.forward_proxy import ForwardProxy, ProxyRules
from watchword.entrypoints.sockets.http import HttpProtocol
from watchword.entrypoints.sockets.listener import bind
from watchword.entrypoints.testnet.server import handlers_of

READY_WAIT_S: Final = 20.0
#: What tells clients of this machine whom to trust and where to go.
VARIABLES: Final = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)


class ProxiedTestnet:
    """What a user of the proxy knows, and a little more.

    Attributes:
        port: Where the proxy listens.
        token: What it wants to be shown.
        authority: The file to trust.
        refused: Reasons it counted.
        proxy, doors: What runs in the other thread.
    """

    def __init__(self, home: Path) -> None:
        clock = SystemClock()
        folder = TlsFolder(home, clock)
        folder.make_proxy("live", replace=False)
        self.stored = ProxyToken(home)
        self.token = self.stored.make(SystemEntropy(), clock.now_us(), replace=False)
        self.authority = folder.path / "proxy-live.pem"
        self.refused: list[str] = []
        self.port = 0
        self.doors: Doors = None  # type: ignore[assignment]
        self.proxy: ForwardProxy = None  # type: ignore[assignment]
        self.loop: asyncio.AbstractEventLoop = None  # type: ignore[assignment]
        self._contexts = TunnelContexts(folder.proxy_authority("live"), clock)
        self._ready = threading.Event()
        self._until: asyncio.Event = None  # type: ignore[assignment]

    @property
    def url(self) -> str:
        """The proxy as clients are given it."""
        return f"http://watchword:{self.token}@127.0.0.1:{self.port}"

    def key(self, name: str) -> Key:
        """Open an account with money and make it an HMAC key."""

        async def make() -> Key:
            return self.doors.key(await self.doors.account(name))

        return asyncio.run_coroutine_threadsafe(make(), self.loop).result(READY_WAIT_S)

    def call(self, function: Callable[[], Any]) -> Any:
        """Run something in the server's thread."""

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(READY_WAIT_S)

    def stop(self) -> None:
        """End both, as a signal would."""
        self.loop.call_soon_threadsafe(self._until.set)

    async def serve(self) -> None:
        """Serve until stopped."""
        self.loop = asyncio.get_running_loop()
        self._until = asyncio.Event()
        async with open_doors(liquidity=True) as doors:
            self.doors = doors
            sock = bind("127.0.0.1", 0)
            self.port = sock.getsockname()[1]
            self.proxy = ForwardProxy(
                ProxyRules(
                    entry_points=entry_points("live"),
                    context=self._contexts.context,
                    admits=self.stored.admits,
                    protocol=self._protocol,
                    count_refusal=lambda reason, _origin: self.refused.append(reason),
                )
            )
            async with self.proxy.listening(sock):
                self._ready.set()
                await self._until.wait()

    def wait(self) -> None:
        """Wait until it listens."""
        assert self._ready.wait(READY_WAIT_S), "the proxy did not start"

    def _protocol(self, _host: str, register: set[Any]) -> HttpProtocol:
        door = self.doors.door
        return HttpProtocol(door, handlers_of(door), register)


def without_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a test independent of what this machine's environment says about authorities and proxies."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@contextlib.contextmanager
def proxied_testnet(
    home: Path, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> Iterator[ProxiedTestnet]:
    """Run one in a thread of its own, on the loop asked for."""
    served = ProxiedTestnet(home)

    def run() -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(served.serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    served.wait()
    try:
        yield served
    finally:
        with contextlib.suppress(RuntimeError):  # it may have been stopped already
            served.stop()
        thread.join(READY_WAIT_S)
        assert not thread.is_alive()
