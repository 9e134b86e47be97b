"""The admin socket: one JSON object per line in, one out, for processes of the same user only.

The file is 0600 in a 0700 folder and the peer's user is asked of the kernel as well. Never decides what a request
does.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchword.entrypoints.testnet.admin.operations import perform, to_json
from watchword.entrypoints.testnet.admin.requests import REQUEST_BYTES_MAX, Refused, read_request
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

LOG = logging.getLogger("watchword.testnet.admin")

CONNECTIONS_MAX: Final = 64
FAULT: Final = "something broke inside the testnet, and whether it was done is unknown; its log says what"
#: struct ucred of Linux: pid, uid, gid.
_PEER: Final = struct.Struct("3i")


@contextlib.asynccontextmanager
async def listening(testnet: "Testnet") -> AsyncIterator[None]:
    """Serve the admin socket of a testnet's home until left. A service for `Testnet.services`."""
    if testnet.home is None:
        yield
        return
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(connections) >= CONNECTIONS_MAX or not _same_user(writer):
            writer.close()
            return
        connections.add(task)
        try:
            await _converse(testnet, reader, writer)
        finally:
            connections.discard(task)
            writer.close()

    path = testnet.home.admin_path
    server = await asyncio.start_unix_server(accept, sock=_bind(path), limit=REQUEST_BYTES_MAX)
    try:
        yield
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        path.unlink(missing_ok=True)


def connect(path: Path) -> socket.socket:
    """Connect to a home's admin socket.

    Raises:
        OSError: Nobody listens there.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client


async def _converse(testnet: "Testnet", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests in order."""
    with contextlib.suppress(ConnectionError):
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(to_json(Refused(f"a request has at most {REQUEST_BYTES_MAX} bytes")))
                await writer.drain()
                return
            if not line.endswith(b"\n"):
                return
            writer.write(await answer(testnet, line))
            await writer.drain()


async def answer(testnet: "Testnet", line: bytes) -> bytes:
    """Turn one request line into one answer line; a fault becomes an error text, not a closed connection."""
    request = read_request(line)
    if isinstance(request, Refused):
        return to_json(request)
    try:
        return to_json(await perform(testnet, request))
    except WatchwordError as error:
        return to_json(Refused(str(error)))
    except Exception:
        LOG.exception("an administrative request failed: %s", type(request).__name__)
        return to_json(Refused(FAULT))


def _bind(path: Path) -> socket.socket:
    """Make the socket file 0600 from its first moment; the home's lock says that nobody else listens."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    umask = os.umask(0o177)
    try:
        with _short(path) as name:
            server.bind(name)
    finally:
        os.umask(umask)
    server.listen(CONNECTIONS_MAX)
    return server


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Name a socket by way of its folder's descriptor: the kernel takes names of 107 bytes only."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _same_user(writer: asyncio.StreamWriter) -> bool:
    peer = writer.get_extra_info("socket")
    _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return uid in {os.geteuid(), 0}
