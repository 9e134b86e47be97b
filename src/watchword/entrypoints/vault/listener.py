"""The vault's admin socket: one JSON object per line in, one out, for processes of the same user only.

The file is 0600 in a 0700 folder and the peer's user is asked of the kernel as well. Changes run one at a time in a
worker thread; looking waits for none of them, and sealing for nothing at all. Never decides what a request does and never
logs one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from watchword.adapters.vault_home import vault_socket_path
from watchword.audit.trail import AuditTrail
from watchword.entrypoints.sockets.admin_socket import bind, converse, is_administrator, peer_uid
from watchword.entrypoints.vault.apart import Apart
from watchword.entrypoints.vault.operations import perform
from watchword.entrypoints.vault.recording import LOOKING, SIGNING, change_of, recorded
from watchword.entrypoints.vault.requests import (
    REQUEST_BYTES_MAX,
    Answer,
    AnyRequest,
    Seal,
    read_request,
    write_answer,
)
from watchword.kernel.errors import WatchwordError
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from watchword.bootstrap.vault_host import VaultHost

CONNECTIONS_MAX: Final = 16
TOO_LONG: Final = write_answer(Refused(f"a request has at most {REQUEST_BYTES_MAX} bytes"))


@contextlib.asynccontextmanager
async def listening(host: "VaultHost", trail: AuditTrail | None = None) -> AsyncIterator[None]:
    """Serve a host's admin socket until left. The gateway enters this beside its own doors.

    Args:
        host: Holds the vault.
        trail: Where changes are recorded before they are made; None in a process that writes no trail.
    """
    path = vault_socket_path(host.home.path)
    turn, apart = host.turn, Apart()
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(connections) >= CONNECTIONS_MAX or not is_administrator(peer_uid(writer)):
            writer.close()
            return
        connections.add(task)
        try:
            await converse(reader, writer, lambda line: answer(host, turn, apart, line, trail), TOO_LONG)
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(
        accept, sock=bind(path, CONNECTIONS_MAX), limit=REQUEST_BYTES_MAX
    )
    try:
        yield
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await apart.end()
        path.unlink(missing_ok=True)


async def answer(
    host: "VaultHost", turn: asyncio.Lock, apart: Apart, line: bytes, trail: AuditTrail | None = None
) -> bytes:
    """Turn one request line into one answer line; a fault becomes an error text, not a closed connection.

    Args:
        host: Holds the vault.
        turn: Changes wait for each other; looking and sealing wait for nobody.
        apart: Where blocking work runs.
        line: The request.
        trail: See `listening`.
    """
    request = read_request(line)
    if isinstance(request, Refused):
        return write_answer(request)
    try:
        if isinstance(request, Seal):
            return write_answer(await _sealed(host, request, trail))
        if isinstance(request, LOOKING):
            return write_answer(await apart.run(lambda: perform(host, request)))
        if isinstance(request, SIGNING):
            return write_answer(await _performed(host, apart, request, trail))
        async with turn:
            return write_answer(await _performed(host, apart, request, trail))
    except WatchwordError as error:
        return write_answer(Refused(str(error)))


async def _performed(
    host: "VaultHost", apart: Apart, request: AnyRequest, trail: AuditTrail | None
) -> Answer:
    """Record what is about to be done, where there is a trail, then do it."""
    if trail is None:
        return await apart.run(lambda: perform(host, request))
    change = await apart.run(lambda: change_of(host, request))
    return await recorded(trail, change, lambda: apart.run(lambda: perform(host, request)))


async def _sealed(host: "VaultHost", request: Seal, trail: AuditTrail | None) -> Answer:
    """Seal first and record then: whoever seals in haste does not wait for a disk."""
    done = perform(host, request)
    change = change_of(host, request)
    if trail is not None and change is not None:
        with contextlib.suppress(WatchwordError):
            await trail.record_change(change)
    return done
