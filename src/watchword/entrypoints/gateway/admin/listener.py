"""The gateway's admin socket: one JSON object per line in, one out, for processes of the same user only.

The file is 0600 in a 0700 folder and the peer's user is asked of the kernel as well. Never decides what a request
does and never logs one.
"""

import asyncio
import contextlib
import logging
import pwd
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Final

from watchword.adapters.gateway_home import gateway_socket_path
from watchword.entrypoints.gateway.admin.operations import perform
from watchword.entrypoints.gateway.admin.requests import REQUEST_BYTES_MAX, read_request, write_answer
from watchword.entrypoints.sockets.admin_socket import bind, converse, is_administrator, peer_uid
from watchword.kernel.errors import WatchwordError
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from watchword.bootstrap.key_desk import KeyDesk

LOG = logging.getLogger("watchword.gateway.admin")

CONNECTIONS_MAX: Final = 16
TOO_LONG: Final = write_answer(Refused(f"a request has at most {REQUEST_BYTES_MAX} bytes"))
FAULT: Final = "something broke inside the gateway, and whether it was done is unknown; its log says what"


@contextlib.asynccontextmanager
async def listening(desk: "KeyDesk") -> AsyncIterator[None]:
    """Serve the admin socket of a home's gateway, and look after its keys, until left.

    A request that is being carried out is carried out to its end.
    """
    path = gateway_socket_path(desk.home)
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, uid = asyncio.current_task(), peer_uid(writer)
        if task is None or len(connections) >= CONNECTIONS_MAX or not is_administrator(uid):
            writer.close()
            return
        connections.add(task)
        try:
            await converse(reader, writer, partial(answer, desk, actor=actor_name(uid)), TOO_LONG)
        except asyncio.CancelledError:
            # The listener ends; asyncio's streams would report this as a fault.
            return
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(
        accept, sock=bind(path, CONNECTIONS_MAX), limit=REQUEST_BYTES_MAX
    )
    tending = asyncio.create_task(desk.tend())
    try:
        yield
    finally:
        server.close()
        async with desk.turn:
            for task in (*connections, tending):
                task.cancel()
        await asyncio.gather(*connections, tending, return_exceptions=True)
        path.unlink(missing_ok=True)


async def answer(desk: "KeyDesk", line: bytes, actor: str) -> bytes:
    """Turn one request line into one answer line; a fault becomes an error text, not a closed connection."""
    request = read_request(line)
    if isinstance(request, Refused):
        return write_answer(request)
    try:
        return write_answer(await perform(desk, request, actor))
    except WatchwordError as error:
        return write_answer(Refused(str(error)))
    except Exception:
        LOG.exception("an administrative request failed: %s", type(request).__name__)
        return write_answer(Refused(FAULT))


def actor_name(uid: int) -> str:
    """Name a user for the trail."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
