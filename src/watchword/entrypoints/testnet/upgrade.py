"""The WebSocket handshake: which door a path leads to, and the reply that opens it. Moves no frames.

Source: RFC 6455, section 4.2; web-socket-api.md and web-socket-streams.md for paths and URL parameters.
"""

import asyncio
from typing import Any, Final
from urllib.parse import unquote

from watchword.binance.errors import WireError
from watchword.binance.time_units import BAD_TIME_UNIT, TIME_UNITS
from watchword.entrypoints.sockets import handshake, replies
from watchword.entrypoints.sockets.connection import Connection, Session
from watchword.entrypoints.sockets.wire import HttpRequest
from watchword.entrypoints.testnet import rest
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.streams import StreamSession
from watchword.entrypoints.testnet.ws_api import ApiSession

WS_API_PATH: Final = "/ws-api/v3"
RAW_PATH: Final = "/ws"
COMBINED_PATH: Final = "/stream"
#: Source: web-socket-api.md: "Connecting to WebSocket API costs 2 weight."
CONNECT_WEIGHT: Final = 2


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
    path = request.path if request.path == "/" else request.path.rstrip("/")
    if not _is_websocket(path):
        return replies.refusal(door.date, 404)
    status = handshake.problem(request)
    if status:
        return replies.refusal(door.date, status)
    refused = _admit(door, request, path)
    if refused is not None:
        request.keep_alive = False
        return rest.error_reply(door, request, refused, door.testnet.clock.now_us())
    options = handshake.options(request.query)
    if options is None:
        return replies.refusal(door.date, 400)
    micros = TIME_UNITS.get(options["timeUnit"].encode()) if "timeUnit" in options else False
    if micros is None:
        request.keep_alive = False
        return rest.error_reply(door, request, BAD_TIME_UNIT, door.testnet.clock.now_us())
    head = handshake.switching(request, door.date, door.next_uuid())
    connection = Connection(door, transport, request.ip, connections)
    connection.begin(_session(door, connection, path, options, micros=micros), head, early)
    return b""


def _is_websocket(path: str) -> bool:
    return path in {WS_API_PATH, RAW_PATH, COMBINED_PATH} or path.startswith("/ws/")


def _admit(door: Door, request: HttpRequest, path: str) -> WireError | None:
    """Count the attempt and, for the WebSocket API, its weight."""
    now_us = door.testnet.clock.now_us()
    visitor = door.limits.visitor(request.ip)
    refused = door.limits.admit_connection(visitor, now_us)
    if refused is None and path == WS_API_PATH:
        refused = door.limits.admit_request(visitor, CONNECT_WEIGHT, now_us)
    return refused


def _session(
    door: Door, connection: Connection, path: str, options: dict[str, str], *, micros: bool
) -> Session:
    if path == WS_API_PATH:
        return ApiSession(
            door, connection, micros=micros, shows_limits=options.get("returnRateLimits") != "false"
        )
    if path == COMBINED_PATH:
        names = [name for name in options.get("streams", "").split("/") if name]
        return StreamSession(door, connection, names, combined=True, micros=micros)
    names = [name for name in unquote(path.removeprefix(RAW_PATH)).split("/") if name]
    return StreamSession(door, connection, names, combined=False, micros=micros)
