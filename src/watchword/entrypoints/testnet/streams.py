"""Market streams on one WebSocket: which ones, and the control messages. Builds no payload.

Source: web-socket-streams.md, "Live Subscribing/Unsubscribing to streams".
"""

import re
from typing import Any, Final

import msgspec

from watchword.entrypoints.sockets.connection import Connection
from watchword.entrypoints.sockets.frames import POLICY, text_frame
from watchword.entrypoints.testnet.door import Door

STREAMS_MAX: Final = 1_024
STREAM_NAME_LENGTH_MAX: Final = 100
METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")

_NULL: Final = b"null"
_ID_MIN: Final = -(2**63)
_ID_MAX: Final = 2**63 - 1
_ID_TEXT = re.compile(rb'"[0-9A-Za-z_-]{1,36}"')
_ID_NUMBER = re.compile(rb"-?[0-9]{1,19}")
_FIELDS: Final = frozenset(("method", "params", "id"))
_POSITION = re.compile(r"byte (\d+)")


class Refused(Exception):  # noqa: N818 - a signal within this module, never seen outside
    """A control message that cannot be carried out."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class StreamSession:
    """One connection's subscriptions.

    Attributes:
        combined: Payloads are wrapped as `{"stream":…,"data":…}`.
        micros: Payloads carry microseconds.
        names: Subscribed names, in order, the unknown ones included: they are listed and never produce anything.
    """

    def __init__(
        self, door: Door, connection: Connection, names: list[str], *, combined: bool, micros: bool
    ) -> None:
        """Subscribe to what the URL names.

        Args:
            door: What all connections share.
            connection: The socket.
            names: From the URL; too many close the connection.
            combined: Whether payloads are wrapped.
            micros: Whether payloads carry microseconds.
        """
        self.connection = connection
        self.combined = combined
        self.micros = micros
        self.names: dict[str, None] = {}
        self._publisher = door.publisher
        self._clock = door.testnet.clock
        self._pending = names
        connection.counts_text = True
        self._publisher.loop.call_soon(self._begin)

    def send(self, frame: bytes) -> None:
        """Take a prepared frame from the publisher."""
        self.connection.send(frame)

    def received(self, text: bytes) -> None:
        """Carry out one control message."""
        reply_id = _NULL
        try:
            method, params, reply_id = _read(text)
            result = self._carry_out(method, params)
        except Refused as refused:
            reply = b'{"error":{"code":%d,"msg":%s},"id":%s}' % (
                refused.code, msgspec.json.encode(refused.text), reply_id,
            )  # fmt: skip
        else:
            reply = b'{"result":%s,"id":%s}' % (result, reply_id)
        self.connection.send(text_frame(reply))

    def writable(self) -> None:
        """Nothing waits: payloads that could not be sent closed the connection."""

    def ended(self) -> None:
        """Leave all streams."""
        for name in self.names:
            self._publisher.leave(name, self)
        self.names = {}
        self._pending = []

    def farewell(self, now_us: int) -> bytes:
        """Return `serverShutdown`, wrapped if payloads are. Source: web-socket-streams.md, "Server Shutdown"."""
        now_us = self._clock.now_us()  # the exchange's time; sockets live by the machine's
        event = b'{"e":"serverShutdown","E":%d}' % (now_us if self.micros else now_us // 1000)
        return text_frame(b'{"stream":"!serverShutdown","data":%s}' % event if self.combined else event)

    def _begin(self) -> None:
        names, self._pending = self._pending, []
        if self.connection.transport.is_closing():
            return
        try:
            self._subscribe(names)
        except Refused as refused:
            self.connection.close(POLICY, refused.text)

    def _carry_out(self, method: str, params: Any) -> bytes:
        match method:
            case "SUBSCRIBE":
                self._subscribe(_names(params))
            case "UNSUBSCRIBE":
                for name in _names(params):
                    if name in self.names:
                        del self.names[name]
                        self._publisher.leave(name, self)
            case "LIST_SUBSCRIPTIONS":
                if params:
                    raise Refused(2, "Invalid request: too many parameters")
                return msgspec.json.encode(list(self.names))
            case "SET_PROPERTY":
                self._set(params)
            case _:
                if len(_property(params, 1)) > 1:
                    raise Refused(2, "Invalid request: too many parameters")
                return b"true" if self.combined else b"false"
        return _NULL

    def _subscribe(self, names: list[str]) -> None:
        new = [name for name in dict.fromkeys(names) if name not in self.names]
        if len(self.names) + len(new) > STREAMS_MAX:
            raise Refused(
                2, f"Invalid request: a connection can listen to a maximum of {STREAMS_MAX} streams"
            )
        for name in new:
            self.names[name] = None
            self._publisher.join(name, self)

    def _set(self, params: Any) -> None:
        values = _property(params, 2)
        if len(values) > 2:
            raise Refused(2, "Invalid request: too many parameters")
        if len(values) < 2 or not isinstance(values[1], bool):
            raise Refused(1, "Invalid value type: expected Boolean")
        self.combined = values[1]


def _read(text: bytes) -> tuple[str, Any, bytes]:
    """Split a control message into method, parameters and the id to echo."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        found = _POSITION.search(str(error))
        column = int(found.group(1)) + 1 if found else len(text)
        raise Refused(3, f"Invalid JSON: expected value at line 1 column {column}") from None
    if not isinstance(message, dict):
        raise Refused(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
    reply_id = msgspec.json.encode(message["id"]) if "id" in message else b""
    if not _is_id(reply_id):
        raise Refused(2, "Invalid request: request ID must be an unsigned integer")
    method = message.get("method")
    if method is None:
        raise Refused(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
    if not isinstance(method, str) or method not in METHODS:
        shown = method if isinstance(method, str) else msgspec.json.encode(method).decode()
        column = text.find(msgspec.json.encode(method)) + len(msgspec.json.encode(method)) + 1
        expected = ", ".join(f"`{known}`" for known in METHODS)
        raise Refused(
            2,
            f"Invalid request: unknown variant `{shown[:STREAM_NAME_LENGTH_MAX]}`, expected one of {expected} "
            f"at line 1 column {max(column, 1)}",
        )
    if not message.keys() <= _FIELDS:
        raise Refused(2, "Invalid request: too many parameters")
    return method, message.get("params"), reply_id


def _is_id(raw: bytes) -> bool:
    """Tell whether an id is a 64-bit integer, a short text, or null."""
    if raw == _NULL or _ID_TEXT.fullmatch(raw):
        return True
    return bool(_ID_NUMBER.fullmatch(raw)) and _ID_MIN <= int(raw) <= _ID_MAX


def _names(params: Any) -> list[str]:
    """Read the stream names of SUBSCRIBE and UNSUBSCRIBE."""
    if not isinstance(params, list) or not all(
        isinstance(name, str) and len(name) <= STREAM_NAME_LENGTH_MAX for name in params
    ):
        raise Refused(2, "Invalid request: params must be an array of stream names")
    return params


def _property(params: Any, count: int) -> list[Any]:
    """Read the property's name; `combined` is the only one there is."""
    values = params if isinstance(params, list) else []
    if not values or not isinstance(values[0], str):
        raise Refused(2, "Invalid request: property name must be a string")
    if values[0] != "combined":
        raise Refused(0, "Unknown property")
    return values[: count + 1]
