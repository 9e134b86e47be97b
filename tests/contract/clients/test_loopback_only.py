"""The guard around the client tests holds: nothing leaves this machine, whichever way it tries."""

import asyncio
import socket
import urllib.error
import urllib.request

import pytest
from tests.support.loopback_only import OutsideLoopbackError, loopback_only

OUTSIDE = "198.51.100.7"


def test_connecting_outside_is_refused_and_remembered() -> None:
    with loopback_only() as attempts:
        with pytest.raises(OutsideLoopbackError):
            socket.create_connection((OUTSIDE, 443), timeout=1)
        with pytest.raises(OutsideLoopbackError):
            socket.getaddrinfo("api.binance.com", 443)
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen("https://api.binance.com/api/v3/ping", timeout=1)
    assert attempts == [OUTSIDE, "api.binance.com", "api.binance.com"]


async def test_asyncio_cannot_leave_either() -> None:
    with loopback_only() as attempts, pytest.raises(OutsideLoopbackError):
        await asyncio.open_connection(OUTSIDE, 443)
    assert attempts == [OUTSIDE]


def test_loopback_is_open() -> None:
    with loopback_only() as attempts, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
    assert attempts == []
