"""A reader on a real socket who takes nothing is cut off, and sees that it was."""

import asyncio
import logging
import socket
from typing import Any, Final

import pytest
import uvicorn

from watchword.entrypoints.console.patient_protocol import UNACKNOWLEDGED_MS_MAX, PatientProtocol
from watchword.entrypoints.console.streaming import EVENTS, Streamed, StreamedResponse

PIECE: Final = b": " + b"x" * 65_536 + b"\n\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
WAIT_S: Final = 20.0


class Endless:
    """Pieces without an end."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def __aiter__(self) -> "Endless":
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        return PIECE

    async def aclose(self) -> None:
        self.closed.set()


async def test_reader_who_takes_nothing_is_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck = Endless()
    patience_ms: list[int] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        (protocol,) = server.server_state.connections
        held = protocol.transport.get_extra_info("socket")
        patience_ms.append(held.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        await StreamedResponse(Streamed(stuck, EVENTS), {}, send_s_max=0.3)(scope, receive, send)

    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, http=PatientProtocol, interface="asgi3", lifespan="off", ws="none", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        with caplog.at_level(logging.WARNING), socket.socket() as lazy:
            lazy.setblocking(False)
            await asyncio.get_running_loop().sock_connect(lazy, sock.getsockname())
            await asyncio.get_running_loop().sock_sendall(lazy, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            async with asyncio.timeout(WAIT_S):
                await stuck.closed.wait()
                end = b""
                while piece := await asyncio.get_running_loop().sock_recv(lazy, 1 << 20):
                    end = (end + piece)[-len(LAST_CHUNK) :]
        # Who vanishes without a word acknowledges nothing, and only the kernel can tell.
        assert patience_ms == [UNACKNOWLEDGED_MS_MAX]
        assert end != LAST_CHUNK, "what was cut off must not look whole"
        assert "cut off" in caplog.text
        assert "ASGI" not in caplog.text
        assert "Traceback" not in caplog.text
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, WAIT_S)
