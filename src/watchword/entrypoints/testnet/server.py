"""The testnet's server: puts the doors on a socket, keeps them, and takes them down in order.

uvicorn owns the listening socket, TLS and the orderly end; the protocol classes here own the bytes
(docs/decisions/0004-sockets.md). Decides nothing about requests.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from watchword.entrypoints.testnet.admin.listener import listening
from watchword.entrypoints.testnet.connection import MESSAGES_PER_SECOND_MAX
from watchword.entrypoints.testnet.counting import OrderCounter
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.http import HttpProtocol
from watchword.entrypoints.testnet.publisher import Publisher
from watchword.entrypoints.testnet.user_data import UserStreams
from watchword.exchange.limits import Limits
from watchword.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

BACKLOG_CONNECTIONS: Final = 2_048
#: How long requests in flight and closing handshakes may take when the process ends.
SHUTDOWN_SECONDS_MAX: Final = 5
#: How long the loop may keep the interpreter when the journal's thread comes back from a sync and needs it. Python's
#: own 5 ms is thirty syncs long: orders waited for the interpreter, not for the disk.
THREAD_SWITCH_SECONDS: Final = 20e-6


class Listener(uvicorn.Server):
    """uvicorn's server, with the announcement of the end first and without its signal handlers."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        """Prepare.

        Args:
            config: uvicorn's.
            door: What all connections share.
        """
        super().__init__(config)
        self._door = door

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: uvicorn would raise them again before the journal is closed."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell every connection, then let uvicorn close them."""
        self._door.shut()
        await super().shutdown(sockets)


async def serve(
    testnet: "Testnet",
    *,
    until: asyncio.Event | None = None,
    on_ready: Callable[[dict[str, str]], None] | None = None,
) -> None:
    """Serve a testnet until a signal, or until told to stop; then stop it.

    Args:
        testnet: Opened and not started. It is stopped when this returns, however it returns.
        until: Set it to end the server. SIGINT and SIGTERM do the same in the main thread.
        on_ready: Called with the addresses (`rest`, `streams`, `ws_api`) once connections are accepted.

    Raises:
        ConfigurationError: The address cannot be bound or the TLS files cannot be used.
    """
    until = until or asyncio.Event()
    try:
        sock = _bind(testnet.settings.host, testnet.settings.port)
        with contextlib.closing(sock), _signals(until), _quick_thread_switches():
            testnet.services.append(listening)
            await testnet.start()
            await _serve(testnet, sock, until, on_ready)
    finally:
        await testnet.stop()


async def _serve(
    testnet: "Testnet",
    sock: socket.socket,
    until: asyncio.Event,
    on_ready: Callable[[dict[str, str]], None] | None,
) -> None:
    """Open the doors on a bound socket, and close them."""
    door = open_door(testnet)
    listener = Listener(_config(testnet, door), door)
    tasks = [
        asyncio.create_task(door.keep_sweeping()),
        asyncio.create_task(door.publisher.run()),
        asyncio.create_task(_stop_when(until, listener)),
        asyncio.create_task(_say_when_ready(testnet, listener, sock, on_ready)),
    ]
    try:
        await listener.serve([sock])
        if door.tasks:
            await asyncio.wait(door.tasks, timeout=SHUTDOWN_SECONDS_MAX)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def open_door(testnet: "Testnet") -> Door:
    """Put limits, streams and the key watch together, and have them listen to the venue. Inside a running loop."""
    scale = testnet.settings.limits_scale
    limits = Limits(scale)
    publisher = Publisher(testnet.venue, testnet.clock)
    user_streams = UserStreams(testnet.venue)
    messages_max = max(1, int(MESSAGES_PER_SECOND_MAX * scale)) if scale else 0
    door = Door(testnet, limits, publisher, user_streams, messages_max)
    testnet.sequencer.listeners += [
        OrderCounter(limits).on_applied,
        publisher.on_applied,
        user_streams.on_applied,
    ]
    testnet.directory.on_revoked.append(door.on_revoked)
    testnet.directory.on_edited.append(door.on_edited)
    return door


def _bind(host: str, port: int) -> socket.socket:
    """Bind before anything else starts, so that a taken port is a plain message."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        sock.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    sock.setblocking(False)
    return sock


def _config(testnet: "Testnet", door: Door) -> uvicorn.Config:
    settings = testnet.settings
    config = uvicorn.Config(
        _no_app,
        http=partial(HttpProtocol, door),  # type: ignore[arg-type]  # any callable that makes a protocol
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        backlog=BACKLOG_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        raise ConfigurationError(f"cannot use the TLS certificate or key: {error}") from error
    return config


async def _stop_when(until: asyncio.Event, listener: Listener) -> None:
    await until.wait()
    listener.should_exit = True


async def _say_when_ready(
    testnet: "Testnet",
    listener: Listener,
    sock: socket.socket,
    on_ready: Callable[[dict[str, str]], None] | None,
) -> None:
    """Write run.json as soon as connections are accepted."""
    while not listener.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    host, port = sock.getsockname()[:2]
    addresses = addresses_of(host, port, tls=testnet.settings.tls_cert is not None)
    testnet.announce(addresses)
    if on_ready is not None:
        on_ready(addresses)


def addresses_of(host: str, port: int, *, tls: bool) -> dict[str, str]:
    """Name the three doors as clients need them."""
    shown = f"[{host}]" if ":" in host else host
    shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(shown, shown)  # noqa: S104 - not bound here, only shown
    http, ws = ("https", "wss") if tls else ("http", "ws")
    return {
        "rest": f"{http}://{shown}:{port}",
        "streams": f"{ws}://{shown}:{port}",
        "ws_api": f"{ws}://{shown}:{port}/ws-api/v3",
    }


@contextlib.contextmanager
def _signals(until: asyncio.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the server."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, until.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _quick_thread_switches() -> Iterator[None]:
    """Let the journal's thread have the interpreter as soon as its sync is done."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    """Uvicorn wants an ASGI application; the protocol classes never call it."""
