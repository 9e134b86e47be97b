"""An admin socket: the file, who is at the other end, one line in and one line out. Never knows what a line means.

The file is 0600 from its first moment, in a 0700 folder, and the peer's user is asked of the kernel as well. Testnet,
vault and gateway each have one; that only one process listens is what their homes' locks are for.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

#: struct ucred of Linux: pid, uid, gid.
_PEER: Final = struct.Struct("3i")


def bind(path: Path, waiting_max: int) -> socket.socket:
    """Make the socket file and listen.

    Args:
        path: Where; what a process that died left there goes.
        waiting_max: Connections that may wait to be accepted.
    """
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    umask = os.umask(0o177)
    try:
        with _short(path) as name:
            server.bind(name)
    finally:
        os.umask(umask)
    server.listen(waiting_max)
    return server


def connect(path: Path, *, blocking: bool = True) -> socket.socket:
    """Connect to whoever listens.

    Args:
        path: Of the socket.
        blocking: Whether to wait while too many others wait to be let in, and what kind of socket is returned.

    Raises:
        BlockingIOError: Too many wait, and this one would not.
        OSError: Nobody listens.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(blocking)
    try:
        with _short(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client


def peer_uid(writer: asyncio.StreamWriter) -> int:
    """Say whose process is at the other end."""
    peer = writer.get_extra_info("socket")
    _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)


def is_administrator(uid: int) -> bool:
    """Whether a user may administer this process: its own, and root."""
    return uid in {os.geteuid(), 0}


async def converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[bytes], Awaitable[bytes]],
    too_long: bytes,
) -> None:
    """Answer one connection's lines in order, until it ends.

    Args:
        reader: Bounded by its limit.
        writer: Of the same connection; the caller closes it.
        answer: From a line to the line that answers it, line ends included.
        too_long: What a line beyond the reader's limit gets, last.
    """
    with contextlib.suppress(ConnectionError):
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(too_long)
                await writer.drain()
                return
            if not line.endswith(b"\n"):
                return
            writer.write(await answer(line))
            await writer.drain()


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Name a socket by way of its folder's descriptor: the kernel takes names of 107 bytes only."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
