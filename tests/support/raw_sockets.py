"""HTTP and WebSocket by hand, for inputs no client library would send. Blocking, with a timeout on everything."""

import os
import socket
from typing import Final

WAIT_S: Final = 20.0
RECV_BYTES: Final = 1 << 16


class ClosedError(Exception):
    """The server closed the connection."""


class RawSocket:
    """One connection and what was read from it but not yet used."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._sock = socket.create_connection(self._address, WAIT_S)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def send(self, raw: bytes) -> None:
        try:
            self._sock.sendall(raw)
        except (ConnectionError, BrokenPipeError) as error:
            raise ClosedError from error

    def close(self) -> None:
        self._sock.close()

    def end_sending(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def take(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._more()
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        taken, _, self._rest = self._rest.partition(mark)
        return taken + mark

    def to_the_end(self) -> bytes:
        """Everything until the server closes."""
        try:
            while True:
                self._more()
        except ClosedError:
            return self._rest

    def http_reply(self, *, with_body: bool = True) -> tuple[int, bytes]:
        """Status and body of the next reply."""
        head = self.until(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        return status, self.take(length) if with_body else b""

    def open_websocket(self, path: str) -> None:
        self.send(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        status, _ = self.http_reply()
        if status != 101:
            raise ClosedError(f"handshake refused with {status}")

    def ws_message(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        first, size = self.take(2)
        if size == 126:
            size = int.from_bytes(self.take(2), "big")
        elif size == 127:
            size = int.from_bytes(self.take(8), "big")
        return first & 0x0F, self.take(size)

    def _more(self) -> None:
        try:
            more = self._sock.recv(RECV_BYTES)
        except ConnectionError as error:
            raise ClosedError from error
        if not more:
            raise ClosedError
        self._rest += more


def client_frame(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A frame as a client sends it, masked."""
    size, mask = len(payload), os.urandom(4)
    head = bytes(((0x80 if final else 0) | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 1 << 16:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    repeated = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + masked.to_bytes(size, "big")
