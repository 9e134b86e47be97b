"""The testnet's server: puts the doors on a socket, keeps them, and takes them down in order.

Decides nothing about requests; `entrypoints.sockets` owns the socket and the bytes.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from watchword.entrypoints.sockets.connection import MESSAGES_PER_SECOND_MAX
from watchword.entrypoints.sockets.http import Handlers
from watchword.entrypoints.sockets.listener import (
    addresses_of,
    bind,
    ending_signals,
    listen,
    quick_thread_switches,
)
from watchword.entrypoints.testnet import rest
from watchword.entrypoints.testnet.admin.listener import listening
from watchword.entrypoints.testnet.counting import OrderCounter
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.publisher import Publisher
from watchword.entrypoints.testnet.upgrade import upgrade
from watchword.entrypoints.testnet.user_data import UserStreams
from watchword.exchange.limits import Limits

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet


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
        sock = bind(testnet.settings.host, testnet.settings.port)
        with contextlib.closing(sock), ending_signals(until), quick_thread_switches():
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
    settings = testnet.settings

    def announce(host: str, port: int) -> None:
        """Write run.json as soon as connections are accepted."""
        addresses = addresses_of(host, port, tls=settings.tls_cert is not None)
        testnet.announce(addresses)
        if on_ready is not None:
            on_ready(addresses)

    door = open_door(testnet)
    publishing = asyncio.create_task(door.publisher.run())
    try:
        await listen(
            door, handlers_of(door), sock, until, announce,
            tls_cert=settings.tls_cert, tls_key=settings.tls_key,
        )  # fmt: skip
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)


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
    testnet.on_clock_moved.append(door.on_clock_moved)
    # Operations asked for over the admin socket count like those that come by a door.
    testnet.at_hand[Door] = door
    return door


def handlers_of(door: Door) -> Handlers:
    """Say what is done with the requests of a testnet's connections."""
    return Handlers(
        answer=partial(rest.answer, door),
        fault=partial(rest.fault, door),
        upgrade=partial(upgrade, door),
    )
