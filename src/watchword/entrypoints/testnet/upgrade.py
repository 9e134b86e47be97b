"""The WebSocket handshake: which door a path leads to, and the reply that opens it. Moves no frames.

Source: RFC 6455, section 4.2; web-socket-api.md and web-socket-streams.md for paths and URL parameters.
"""

import asyncio
import base64
import binascii
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from websockets.utils import accept_key

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet import rest
from watchword.entrypoints.testnet.connection import Connection, Session
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.streams import StreamSession
from watchword.entrypoints.testnet.wire import HttpRequest
from watchword.entrypoints.testnet.ws_api import ApiSession

WS_API_PATH: Final = "/ws-api/v3"
RAW_PATH: Final = "/ws"
COMBINED_PATH: Final = "/stream"
#: Source: web-socket-api.md: "Connecting to WebSocket API costs 2 weight."
CONNECT_WEIGHT: Final = 2
KEY_BYTES: Final = 16
URL_PARAMETERS_MAX: Final = 64


def upgrade(
    door: Door, transport: asyncio.Transport, request: HttpRequest, early: bytes, connections: set[Any]
) -> bytes:
    """Turn an HTTP connection into a WebSocket.

    Args:
        door: What all connections share.
        transport: The socket; on success its protocol is replaced.
        request: The handshake request.
        early: Bytes received right behind it.
        connections: uvicorn's register.

    Returns:
        Nothing on success, else the reply after which the socket is closed.
    """
    headers = request.headers
    path = request.path if request.path == "/" else request.path.rstrip("/")
    if not _is_websocket(path):
        return rest.refusal(door, 404)
    key = headers.get(b"sec-websocket-key", b"")
    if request.method != "GET" or headers.get(b"upgrade", b"").lower() != b"websocket" or not _is_key(key):
        return rest.refusal(door, 400)
    if headers.get(b"sec-websocket-version") != b"13":
        return rest.refusal(door, 426)
    refused = _admit(door, request, path)
    if refused is not None:
        request.keep_alive = False
        return rest.error_reply(door, request, refused, door.clock.now_us())
    options = _options(request.query)
    if options is None:
        return rest.refusal(door, 400)
    micros = rest.TIME_UNITS.get(options["timeUnit"].encode()) if "timeUnit" in options else False
    if micros is None:
        request.keep_alive = False
        return rest.error_reply(door, request, rest.BAD_TIME_UNIT, door.clock.now_us())
    connection = Connection(door, transport, request.ip, connections)
    connection.begin(_session(connection, path, options, micros=micros), _head(door, key), early)
    return b""


def _is_websocket(path: str) -> bool:
    return path in {WS_API_PATH, RAW_PATH, COMBINED_PATH} or path.startswith("/ws/")


def _is_key(key: bytes) -> bool:
    """A handshake key is 16 bytes in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except binascii.Error:
        return False


def _admit(door: Door, request: HttpRequest, path: str) -> WireError | None:
    """Count the attempt and, for the WebSocket API, its weight."""
    now_us = door.clock.now_us()
    visitor = door.limits.visitor(request.ip)
    refused = door.limits.admit_connection(visitor, now_us)
    if refused is None and path == WS_API_PATH:
        refused = door.limits.admit_request(visitor, CONNECT_WEIGHT, now_us)
    return refused


def _options(query: bytes) -> dict[str, str] | None:
    """Read the URL's parameters; the last of a name counts. None where they cannot be read."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=URL_PARAMETERS_MAX
        )
    except ValueError:
        return None
    return dict(pairs)


def _session(connection: Connection, path: str, options: dict[str, str], *, micros: bool) -> Session:
    if path == WS_API_PATH:
        return ApiSession(connection, micros=micros, shows_limits=options.get("returnRateLimits") != "false")
    if path == COMBINED_PATH:
        names = [name for name in options.get("streams", "").split("/") if name]
        return StreamSession(connection, names, combined=True, micros=micros)
    names = [name for name in unquote(path.removeprefix(RAW_PATH)).split("/") if name]
    return StreamSession(connection, names, combined=False, micros=micros)


def _head(door: Door, key: bytes) -> bytes:
    """Build `101 Switching Protocols`."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\ndate: %s\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-accept: %s\r\nx-mbx-uuid: %s\r\n\r\n"
    ) % (door.date, accept_key(key.decode("ascii")).encode(), door.next_uuid())
