"""A listening socket and its orderly end: binding, TLS, signals, the announcement when connections are accepted.

uvicorn owns the listening socket, TLS and the orderly end; the protocol classes beside this own the bytes
(docs/decisions/0004-sockets.md). Decides nothing about requests.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import uvicorn

from watchword.entrypoints.sockets.door import SocketDoor
from watchword.entrypoints.sockets.http import Handlers, HttpProtocol
from watchword.kernel.errors import ConfigurationError

BACKLOG_CONNECTIONS: Final = 2_048
#: How long requests in flight and closing handshakes may take when the process ends.
SHUTDOWN_SECONDS_MAX: Final = 5
#: How long the loop may keep the interpreter when a storage thread comes back from a sync and needs it. Python's
#: own 5 ms is thirty syncs long: requests waited for the interpreter, not for the disk. Only where a request is little
#: work, as at the testnet: every switch by force makes the loop wait twice for a thread to wake (see bench/README.md).
THREAD_SWITCH_SECONDS: Final = 20e-6
#: Objects made and not freed before the collector looks. Requests leave no cycles behind, so that Python's own 700 is
#: a look at every third request, for nothing.
COLLECT_AFTER_OBJECTS: Final = 50_000
#: How often readiness is looked for; uvicorn has no event for it.
READY_POLL_SECONDS: Final = 0.005


class Listener(uvicorn.Server):
    """uvicorn's server, with the announcement of the end first and without its signal handlers."""

    def __init__(self, config: uvicorn.Config, door: SocketDoor) -> None:
        """Prepare.

        Args:
            config: uvicorn's.
            door: What all connections share.
        """
        super().__init__(config)
        self._door = door

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `ending_signals`: uvicorn would raise them again before the stores are closed."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell every connection, then let uvicorn close them."""
        self._door.shut()
        await super().shutdown(sockets)


async def listen(
    door: SocketDoor,
    handlers: Handlers,
    sock: socket.socket,
    until: asyncio.Event,
    on_ready: Callable[[str, int], None],
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    on_tls: Callable[[ssl.SSLContext], None] | None = None,
) -> None:
    """Accept connections on a bound socket until told to stop; then let those in flight end.

    Args:
        door: What all connections share; swept meanwhile.
        handlers: What is done with requests.
        sock: Bound and listening.
        until: Set it to end.
        on_ready: Called with host and port once connections are accepted.
        tls_cert: PEM certificate chain, or None for plain HTTP.
        tls_key: PEM private key of the certificate; None where the certificate's file holds it too.
        on_tls: Called with the TLS context before anybody can connect, if there is one.

    Raises:
        ConfigurationError: The TLS files cannot be used.
    """
    config = _config(door, handlers, tls_cert, tls_key)
    if on_tls is not None and config.ssl is not None:
        on_tls(config.ssl)
    listener = Listener(config, door)
    tasks = [
        asyncio.create_task(door.keep_sweeping()),
        asyncio.create_task(_stop_when(until, listener)),
        asyncio.create_task(_say_when_ready(listener, sock, on_ready)),
    ]
    try:
        with rare_collections():
            await listener.serve([sock])
        if door.tasks:
            await asyncio.wait(door.tasks, timeout=SHUTDOWN_SECONDS_MAX)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def bind(host: str, port: int) -> socket.socket:
    """Bind before anything else starts, so that a taken port is a plain message.

    Raises:
        ConfigurationError: The address cannot be bound.
    """
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
def ending_signals(until: asyncio.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set an event, in the main thread."""
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
def quick_thread_switches() -> Iterator[None]:
    """Let a storage thread have the interpreter as soon as its sync is done."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage cycles seldom, and never again among what the start built."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _config(
    door: SocketDoor, handlers: Handlers, tls_cert: Path | None, tls_key: Path | None
) -> uvicorn.Config:
    def accept(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> HttpProtocol:  # noqa: ARG001
        return HttpProtocol(door, handlers, server_state.connections)

    config = uvicorn.Config(
        _no_app,
        http=accept,  # type: ignore[arg-type]  # any callable that makes a protocol
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        backlog=BACKLOG_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
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
    listener: Listener, sock: socket.socket, on_ready: Callable[[str, int], None]
) -> None:
    while not listener.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(READY_POLL_SECONDS)
    host, port = sock.getsockname()[:2]
    on_ready(host, port)


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    """Uvicorn wants an ASGI application; the protocol classes never call it."""
