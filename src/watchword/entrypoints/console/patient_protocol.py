"""uvicorn's HTTP/1.1 with an end to patience: a header that does not arrive in time closes the connection.

Why: without it a few hundred connections that send a byte now and then would keep everybody else out. And who vanished
without a word is given up: a stream's beats are so small that they would wait in the kernel for a quarter of an hour.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from watchword.entrypoints.console.streaming import CUT_OFF

if TYPE_CHECKING:
    from asyncio import Transport

#: How long a request's header may take, from the connection or from its first byte on a kept one.
HEADER_S_MAX: Final = 10.0
#: How long what was sent may be unacknowledged; streams send a beat every ten seconds.
UNACKNOWLEDGED_MS_MAX: Final = 30_000


class PatientProtocol(H11Protocol):
    """One connection."""

    header_s_max = HEADER_S_MAX
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: "Transport") -> None:  # type: ignore[override]
        """Begin to wait for a header."""
        super().connection_made(transport)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; wait for the rest of a header, or no longer where it is here."""
        super().data_received(data)
        if self.cycle is not None:
            # The application begins in a later turn of the loop, so it finds this.
            self.cycle.scope[CUT_OFF] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        if self._between_requests():
            self._wait()
        else:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._settle()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.header_s_max, self._give_up)

    def _settle(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self._between_requests() and not self.transport.is_closing():
            self.transport.close()

    def _between_requests(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)
