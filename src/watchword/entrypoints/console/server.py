"""The console's server: puts the management API on a console, keeps it, and takes it down in order. Decides nothing.

uvicorn owns sockets, TLS and HTTP here: people call, not bots, so none of the gateway's own byte handling is needed.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import uvicorn

from watchword.bootstrap.tls import TlsFolder
from watchword.entrypoints.console.application import Application
from watchword.entrypoints.console.approver import introducing
from watchword.entrypoints.console.live.desk import end_live, look_soon
from watchword.entrypoints.console.openapi import document
from watchword.entrypoints.console.pages.door import Door
from watchword.entrypoints.console.pages.table import PAGES
from watchword.entrypoints.console.patient_protocol import PatientProtocol
from watchword.entrypoints.console.routes.table import ROUTES
from watchword.entrypoints.console.telling import telling
from watchword.entrypoints.gateway.host_names import HostNames
from watchword.entrypoints.sockets.listener import (
    READY_POLL_SECONDS,
    SHUTDOWN_SECONDS_MAX,
    addresses_of,
    bind,
    ending_signals,
)
from watchword.kernel.errors import ConfigurationError, InvariantError

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

LOG = logging.getLogger("watchword.console")

#: Connections at once; whoever comes then is answered 503.
CONNECTIONS_MAX: Final = 256
KEEP_ALIVE_S: Final = 15
HEADER_BYTES_MAX: Final = 16_384

OnReady = Callable[[dict[str, str]], None]


class Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, which would end the process before the stores are closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `ending_signals`."""
        yield


async def serve(
    console: "Console", *, until: asyncio.Event | None = None, on_ready: OnReady | None = None
) -> None:
    """Serve a console until a signal, or until told to stop; then stop it.

    Args:
        console: Opened and not started. It is stopped when this returns, however it returns.
        until: Set it to end the server. SIGINT and SIGTERM do the same in the main thread.
        on_ready: Called with the addresses once connections are accepted: `api`, `origin`.

    Raises:
        ConfigurationError: An address cannot be bound or the TLS files cannot be used.
        AuditUnavailable, StorageError: A store cannot be used.
    """
    until, settings = until or asyncio.Event(), console.settings
    try:
        certificate, key = _tls_files(console)
        with contextlib.closing(bind(settings.host, settings.port)) as sock, ending_signals(until):
            host, port = sock.getsockname()[:2]
            addresses = addresses_of(host, port, tls=certificate is not None)
            console.know_address(port, tls=certificate is not None)
            if certificate is None and not _is_loopback(host):
                LOG.warning("passwords and tokens to %s cross the network in clear; serve TLS (--tls)", host)
            await console.start()
            broken: list[InvariantError] = []
            application = application_of(console, tls=certificate is not None)
            application.on_broken = partial(_break, broken, until)
            application.dispatch.after_change = partial(look_soon, console)
            door = Door(application, console, ROUTES, PAGES, tls=certificate is not None)
            server = Server(_config(door, certificate, key))
            ending = asyncio.create_task(_end_when(until, server, console))
            ready = asyncio.create_task(_say_when_ready(console, server, addresses["rest"], on_ready))
            try:
                async with introducing(console), telling(console):
                    await server.serve([sock])
            finally:
                for task in (ending, ready):
                    task.cancel()
                await asyncio.gather(ending, ready, return_exceptions=True)
            if broken:
                raise broken[0]
    finally:
        await console.stop()


def application_of(console: "Console", *, tls: bool) -> Application:
    """Put the management API behind its door."""
    settings = console.settings
    ours = [
        *(name.strip() for name in settings.allow_host.split(",")),
        urlsplit(console.origin).hostname or "",
    ]
    names = HostNames(settings.host, ours)
    console.document = document(ROUTES)
    return Application(console, ROUTES, names, tls=tls)


def _config(application: Door, certificate: Path | None, key: Path | None) -> uvicorn.Config:
    config = uvicorn.Config(
        application,
        # h11 of both, because it bounds the header's size.
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    try:
        config.load()
    except OSError as error:
        raise ConfigurationError(f"cannot use the TLS certificate or key: {error}") from error
    return config


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def _tls_files(console: "Console") -> tuple[Path | None, Path | None]:
    """Find certificate and key; one file may hold both."""
    settings = console.settings
    if settings.tls:
        return TlsFolder(settings.home, console.clock).server_file(), None
    return settings.tls_cert, settings.tls_key


def _break(broken: list[InvariantError], until: asyncio.Event, error: InvariantError) -> None:
    """End the process: nobody goes on with a broken invariant, and recovery is the normal start."""
    broken.append(error)
    until.set()


async def _end_when(until: asyncio.Event, server: uvicorn.Server, console: "Console") -> None:
    await until.wait()
    end_live(console)
    server.should_exit = True


async def _say_when_ready(
    console: "Console", server: uvicorn.Server, address: str, on_ready: OnReady | None
) -> None:
    """Write run.json as soon as connections are accepted."""
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(READY_POLL_SECONDS)
    told = {"api": address, "origin": console.origin}
    console.home.write_run({"console": told})
    if on_ready is not None:
        on_ready(told)
