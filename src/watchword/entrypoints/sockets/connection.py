"""One WebSocket: frames in, frames out, pings, the 24 hours, the slow reader. Knows no method and no stream.

Incoming bytes go through the sans-I/O state machine of `websockets`; outgoing text frames are prepared by the
sessions (one frame may be shared by many sockets) and written as they are. Nothing ever waits for a peer: who does
not read is dropped.

Source: web-socket-streams.md and web-socket-api.md, "General information" and "WebSocket Limits"; RFC 6455.
"""

import asyncio
from typing import Any, Final, Protocol, cast

from websockets.frames import BINARY, CONT, PING, PONG, TEXT, Frame
from websockets.protocol import SERVER, State
from websockets.protocol import Protocol as FrameProtocol

from watchword.entrypoints.sockets.door import SECOND_US, SocketDoor
from watchword.entrypoints.sockets.frames import (
    GOING_AWAY,
    POLICY,
    RESTARTING,
    UNSUPPORTED,
    close_frame,
    ping_frame,
)

MESSAGE_BYTES_MAX: Final = 65_536
#: Written and not yet taken by the peer. Above it the connection is dropped.
SEND_BUFFER_BYTES_MAX: Final = 4 << 20
#: Above this a session takes no further requests until the peer has read.
SEND_BUFFER_BYTES_HIGH: Final = 1 << 20
PING_SECONDS: Final = 20
PONG_SECONDS_MAX: Final = 60
LIFE_SECONDS_MAX: Final = 86_400
#: A peer that stopped reading, or does not answer our close frame, is cut off after this.
STALLED_SECONDS_MAX: Final = 20
MESSAGES_PER_SECOND_MAX: Final = 5
#: Pings that may wait for their pong: one every 20 s for a minute, and one to spare.
PINGS_REMEMBERED_MAX: Final = 4


class Session(Protocol):
    """What a connection carries: the WebSocket API, or market streams."""

    def received(self, text: bytes) -> None:
        """One complete text message arrived."""
        ...

    def writable(self) -> None:
        """The peer has read enough for more to be sent."""
        ...

    def ended(self) -> None:
        """The connection is gone."""
        ...

    def farewell(self, now_us: int) -> bytes:
        """Return the frame that announces the server's end."""
        ...


class Connection(asyncio.Protocol):
    """One accepted WebSocket.

    Attributes:
        opened_us: When the handshake ended, epoch microseconds.
        congested: The peer has not read what was sent; do not start more.
        counts_text: Text messages count towards the five a second (market streams), not only pings and pongs.
    """

    def __init__(
        self, door: SocketDoor, transport: asyncio.Transport, ip: str, connections: set[Any]
    ) -> None:
        """Take over a socket after its handshake.

        Args:
            door: What all connections share.
            transport: The socket.
            ip: The peer's address.
            connections: uvicorn's register.
        """
        self.door = door
        self.transport = transport
        self.ip = ip
        self.session: Session = cast("Session", None)
        self.opened_us = door.clock.now_us()
        self.congested = False
        self.counts_text = False
        self._connections = connections
        self._frames = FrameProtocol(SERVER, state=State.OPEN, max_size=MESSAGE_BYTES_MAX)
        self._fragments: list[bytes] = []
        self._closing_us = 0
        self._stalled_us = 0
        self._pinged_us = self.opened_us
        self._pings: dict[bytes, int] = {}
        self._second = 0
        self._messages = 0

    def begin(self, session: Session, head: bytes, early: bytes) -> None:
        """Write the handshake's reply and start.

        Args:
            session: Who speaks.
            head: The reply, `101 Switching Protocols`.
            early: Bytes that came right behind the handshake.
        """
        self.session = session
        self.transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES_HIGH)
        self.transport.set_protocol(self)
        self._connections.add(self)
        self.door.sockets.add(self)
        self.transport.write(head)
        if early:
            self.data_received(early)

    def send(self, frame: bytes) -> None:
        """Write a prepared frame, or drop the peer if it does not read."""
        if self._closing_us or self.transport.is_closing():
            return
        self.transport.write(frame)
        if self.transport.get_write_buffer_size() > SEND_BUFFER_BYTES_MAX:
            self.transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; the sweep ends it if the peer does not."""
        if self._closing_us or self.transport.is_closing():
            return
        self.transport.write(close_frame(code, reason))
        self._closing_us = self.door.clock.now_us()

    def pause_reading(self) -> None:
        """Take no more from the socket: the session has enough to do."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from the socket again."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # What the event loop calls.

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Forget the socket and tell the session."""
        self._connections.discard(self)
        self.door.sockets.discard(self)
        self._fragments = []
        self.session.ended()

    def data_received(self, data: bytes) -> None:
        """Parse frames and pass complete messages on."""
        frames = self._frames
        frames.receive_data(data)
        for event in frames.events_received():
            if isinstance(event, Frame):
                self._take(event)
        for output in frames.data_to_send():
            # Pongs, the echo of a close frame, or the close frame after a protocol error; empty means end.
            if output and not self._closing_us:
                self.transport.write(output)
        if frames.state is not State.OPEN and not self.transport.is_closing():
            self.transport.close()

    def eof_received(self) -> bool:
        """The peer hung up without a close frame."""
        return False

    def pause_writing(self) -> None:
        """The peer reads slower than we write; the sweep watches how long."""
        self.congested = True
        self._stalled_us = self.door.clock.now_us()

    def resume_writing(self) -> None:
        """The peer caught up."""
        self.congested = False
        self._stalled_us = 0
        self.session.writable()

    # What the sweep and the server call.

    def sweep(self, now_us: int) -> None:
        """Cut off who stalls, end what is 24 hours old, ping every 20 seconds."""
        if self._closing_us:
            if now_us - self._closing_us > STALLED_SECONDS_MAX * SECOND_US:
                self.transport.abort()
        elif self._stalled_us and now_us - self._stalled_us > STALLED_SECONDS_MAX * SECOND_US:
            self.transport.abort()
        elif now_us - self.opened_us >= LIFE_SECONDS_MAX * SECOND_US:
            self.close(GOING_AWAY, "a connection is valid for 24 hours")
        elif self._pings and now_us - min(self._pings.values()) > PONG_SECONDS_MAX * SECOND_US:
            self.close(POLICY, "no pong within a minute")
            self.transport.close()
        elif now_us - self._pinged_us >= PING_SECONDS * SECOND_US:
            self._pinged_us = now_us
            payload = str(now_us // 1000).encode()
            if len(self._pings) < PINGS_REMEMBERED_MAX:
                self._pings[payload] = now_us
            self.transport.write(ping_frame(payload))

    def shut(self, now_us: int) -> None:
        """Announce the server's end and close."""
        self.send(self.session.farewell(now_us))
        self.close(RESTARTING, "server shutdown")

    def shutdown(self) -> None:
        """Uvicorn's last word: the socket closes now."""
        self.close(RESTARTING, "server shutdown")
        self.transport.close()

    # Frames.

    def _take(self, frame: Frame) -> None:
        if self._closing_us:
            return
        opcode = frame.opcode
        if opcode is TEXT and frame.fin:
            self._message(bytes(frame.data))
        elif opcode is TEXT or opcode is CONT:
            if frame.data:
                # An empty one adds nothing to the bytes that are bounded, and would add to this list for ever.
                self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole, self._fragments = b"".join(self._fragments), []
                self._message(whole)
        elif opcode is BINARY:
            self.close(UNSUPPORTED, "send JSON in text frames")
        elif opcode is PONG:
            self._count()
            if bytes(frame.data) in self._pings:
                # This pong and all pings before it are settled.
                self._pings.clear()
        elif opcode is PING:
            self._count()

    def _message(self, text: bytes) -> None:
        if self.counts_text and not self._count():
            return
        self.session.received(text)

    def _count(self) -> bool:
        """Count a message towards the five a second; close and return False above it."""
        limit = self.door.messages_per_second_max
        if not limit:
            return True
        second = self.door.clock.now_us() // SECOND_US
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > limit:
            self.close(POLICY, "Too many requests")
            return False
        return True
