"""The admin socket: one JSON object per line in, one out, for processes of the same user only.

The file is 0600 in a 0700 folder and the peer's user is asked of the kernel as well. Never decides what a request
does.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Final

from watchword.audit.on_behalf import TEXT_LENGTH_MAX, actor_of
from watchword.entrypoints.sockets.admin_socket import bind, converse, is_administrator, peer_uid
from watchword.entrypoints.testnet.admin.operations import perform, to_json
from watchword.entrypoints.testnet.admin.requests import REQUEST_BYTES_MAX, Refused, read_request
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

LOG = logging.getLogger("watchword.testnet.admin")

CONNECTIONS_MAX: Final = 64
TOO_LONG: Final = to_json(Refused(f"a request has at most {REQUEST_BYTES_MAX} bytes"))
FAULT: Final = "something broke inside the testnet, and whether it was done is unknown; its log says what"


@contextlib.asynccontextmanager
async def listening(testnet: "Testnet") -> AsyncIterator[None]:
    """Serve the admin socket of a testnet's home until left. A service for `Testnet.services`."""
    if testnet.home is None:
        yield
        return
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(connections) >= CONNECTIONS_MAX or not is_administrator(peer_uid(writer)):
            writer.close()
            return
        connections.add(task)
        try:
            await converse(reader, writer, partial(answer, testnet), TOO_LONG)
        finally:
            connections.discard(task)
            writer.close()

    path = testnet.home.admin_path
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
        path.unlink(missing_ok=True)


async def answer(testnet: "Testnet", line: bytes) -> bytes:
    """Turn one request line into one answer line; a fault becomes an error text, not a closed connection."""
    request = read_request(line)
    if isinstance(request, Refused):
        return to_json(request)
    asked = request.on_behalf
    if asked is not None:
        LOG.info("%s for %r from %r", type(request).__name__, actor_of(asked, ""), asked.ip[:TEXT_LENGTH_MAX])
    try:
        return to_json(await perform(testnet, request))
    except WatchwordError as error:
        return to_json(Refused(str(error)))
    except Exception:
        LOG.exception("an administrative request failed: %s", type(request).__name__)
        return to_json(Refused(FAULT))
