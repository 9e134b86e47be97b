"""Market streams on one connection, passed through: frames both ways as they are, within bounds.

Never reads a frame's meaning but for one thing: a name that looks like a stream token, which would open somebody's user
data past all policies, is refused. Tokens are never logged and never sent on.
"""

import re
from typing import Final
from urllib.parse import unquote

import msgspec

from watchword.entrypoints.gateway.door import Door
from watchword.entrypoints.sockets.connection import Connection
from watchword.entrypoints.sockets.frames import FAULT, POLICY, text_frame

#: Listen keys and listen tokens have 60 letters and digits and more; no market stream has a run of so many.
TOKEN_LENGTH_MIN: Final = 40
#: Of an id that is echoed: 36 characters in quotes.
ID_BYTES_MAX: Final = 38
TOKEN_REFUSED: Final = "Watchword: user data comes by the WebSocket API of this gateway only"  # noqa: S105

_NULL: Final = b"null"
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH_MIN}}}")
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")


class _Message(msgspec.Struct):
    id: msgspec.Raw = msgspec.Raw(_NULL)


_MESSAGE: Final = msgspec.json.Decoder(_Message)


class StreamSession:
    """One client's streams."""

    def __init__(self, door: Door, connection: Connection, target: str, *, combined: bool) -> None:
        """Begin to connect to the upstream; what the client sends meanwhile waits.

        Args:
            door: What all connections share.
            connection: The socket.
            target: Path and query as asked for.
            combined: The upstream will wrap payloads as `{"stream":…,"data":…}`.
        """
        self.connection = connection
        self._door = door
        self._combined = combined
        self._gone = False
        connection.counts_text = True
        self._link = door.services.market_link(target, self._arrived, self._upstream_ended)
        door.spawn(self._open())

    def received(self, text: bytes) -> None:
        """Pass one control message on."""
        if holds_token(text.decode("utf-8", "replace")):
            self._door.services.count_refusal("stream token", self.connection.ip)
            self.connection.send(text_frame(_refusal(text)))
        elif not self._link.forward(text):
            self.connection.close(POLICY, "Too many requests")

    def writable(self) -> None:
        """The client has read: take from the upstream again."""
        self._link.resume()

    def ended(self) -> None:
        """The client is gone."""
        self._gone = True
        self._door.spawn(self._link.close())

    def farewell(self, now_us: int) -> bytes:
        """Return `serverShutdown`, wrapped if payloads are. Source: web-socket-streams.md, "Server Shutdown"."""
        event = b'{"e":"serverShutdown","E":%d}' % (now_us // 1000)
        return text_frame(b'{"stream":"!serverShutdown","data":%s}' % event if self._combined else event)

    async def _open(self) -> None:
        failed = await self._link.open()
        if failed is not None and not self._gone:
            self.connection.close(FAULT, failed.reason)

    def _arrived(self, text: bytes) -> None:
        self.connection.send(text_frame(text))
        if self.connection.congested:
            self._link.pause()

    def _upstream_ended(self, code: int, reason: str) -> None:
        self.connection.close(code, reason)


def _refusal(text: bytes) -> bytes:
    """Answer a control message that is not sent on, as the upstream answers one it cannot carry out."""
    try:
        reply_id = bytes(_MESSAGE.decode(text).id)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        reply_id = _NULL
    shown = reply_id if len(reply_id) <= ID_BYTES_MAX else _NULL
    return b'{"error":{"code":2,"msg":"%s"},"id":%s}' % (TOKEN_REFUSED.encode(), shown)


def holds_token(text: str) -> bool:
    """Say whether a URL or a control message names what looks like a stream token, however it is escaped."""
    plain = unquote(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    return _TOKEN.search(plain) is not None
