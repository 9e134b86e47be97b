"""The file of the gateway's admin socket: made by whoever listens, found by whoever asks. Never reads or writes a line."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from watchword.adapters.gateway_home import gateway_socket_path


def connect(home: Path) -> socket.socket:
    """Connect to a home's running gateway.

    Raises:
        OSError: None runs.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(gateway_socket_path(home)) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client


def bind(path: Path, waiting_max: int) -> socket.socket:
    """Make the socket file 0600 from its first moment; the gateway's lock says that nobody else listens."""
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


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Name a socket by way of its folder's descriptor: the kernel takes names of 107 bytes only."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
