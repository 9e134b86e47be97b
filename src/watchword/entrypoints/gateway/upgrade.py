"""The WebSocket handshake: which door a path leads to, and the reply that opens it. Moves no frames.

Source: RFC 6455, section 4.2; web-socket-api.md and web-socket-streams.md for paths and URL parameters.
"""

import asyncio
from typing import Any, Final

from watchword.binance.time_units import BAD_TIME_UNIT, TIME_UNITS
from watchword.entrypoints.gateway import rest
from watchword.entrypoints.gateway.door import Door
from watchword.entrypoints.gateway.host_names import HostNames
from watchword.entrypoints.gateway.streams import StreamSession, holds_token
from watchword.entrypoints.gateway.ws_api import ApiSession
from watchword.entrypoints.sockets import handshake, replies
from watchword.entrypoints.sockets.connection import Connection, Session
from watchword.entrypoints.sockets.wire import HttpRequest

WS_API_PATH: Final = "/ws-api/v3"
RAW_PATH: Final = "/ws"
COMBINED_PATH: Final = "/stream"
#: WebSockets open at once, of all clients together. The upstream takes 300 new ones in five minutes from one address.
WEBSOCKETS_MAX: Final = 256


def upgrade(
    door: Door,
    names: HostNames,
    transport: asyncio.Transport,
    request: HttpRequest,
    early: bytes,
    connections: set[Any],
) -> bytes:
    """Turn an HTTP connection into a WebSocket.

    Args:
        door: What all connections share.
        names: The hosts this socket answers for.
        transport: The socket; on success its protocol is replaced.
        request: The handshake request.
        early: Bytes received right behind it.
        connections: The server's register.

    Returns:
        Nothing on success, else the reply after which the socket is closed.
    """
    request.keep_alive = False
    if not names.accept(request.headers.get(rest.HOST)):
        door.services.count_refusal("wrong host", request.ip)
        return rest.error_reply(door, request, rest.WRONG_HOST)
    if not names.accept_page(request.headers):
        door.services.count_refusal("web page", request.ip)
        return rest.error_reply(door, request, rest.FROM_A_PAGE)
    path = request.path if request.path == "/" else request.path.rstrip("/")
    status = handshake.problem(request) if _is_websocket(path) else 404
    options = None if status else handshake.options(request.query)
    if options is None:
        return replies.refusal(door.date, status or 400)
    micros = TIME_UNITS.get(options["timeUnit"].encode()) if "timeUnit" in options else False
    if micros is None:
        return rest.error_reply(door, request, BAD_TIME_UNIT)
    target = path + (f"?{request.query.decode('latin-1')}" if request.query else "")
    if path != WS_API_PATH and holds_token(target):
        door.services.count_refusal("stream token", request.ip)
        return replies.refusal(door.date, 403)
    if sum(isinstance(socket, Connection) for socket in door.sockets) >= WEBSOCKETS_MAX or (
        not door.may_open()
    ):
        door.services.count_refusal("too many websockets", request.ip)
        return replies.refusal(door.date, 429)
    head = handshake.switching(request, door.date, door.next_uuid())
    connection = Connection(door, transport, request.ip, connections)
    session: Session
    if path == WS_API_PATH:
        shows_limits = options.get("returnRateLimits") != "false"
        session = ApiSession(door, connection, micros=micros, shows_limits=shows_limits)
    else:
        session = StreamSession(door, connection, target, combined=path == COMBINED_PATH)
    connection.begin(session, head, early)
    return b""


def _is_websocket(path: str) -> bool:
    return path in {WS_API_PATH, RAW_PATH, COMBINED_PATH} or path.startswith(f"{RAW_PATH}/")
