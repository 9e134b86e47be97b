"""The WebSocket handshake: what a proper one looks like, and the reply that opens it. Knows no path, moves no frames.

Source: RFC 6455, section 4.2.
"""

import base64
import binascii
from typing import Final
from urllib.parse import parse_qsl

from websockets.utils import accept_key

from watchword.entrypoints.sockets.wire import HttpRequest

KEY_BYTES: Final = 16
URL_PARAMETERS_MAX: Final = 64


def problem(request: HttpRequest) -> int:
    """Return the HTTP status that refuses a handshake, 0 for a proper one."""
    headers = request.headers
    if (
        request.method != "GET"
        or headers.get(b"upgrade", b"").lower() != b"websocket"
        or not _is_key(headers.get(b"sec-websocket-key", b""))
    ):
        return 400
    return 0 if headers.get(b"sec-websocket-version") == b"13" else 426


def options(query: bytes) -> dict[str, str] | None:
    """Read the URL's parameters; the last of a name counts. None where they cannot be read."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=URL_PARAMETERS_MAX
        )
    except ValueError:
        return None
    return dict(pairs)


def switching(request: HttpRequest, date: bytes, uuid: bytes) -> bytes:
    """Build `101 Switching Protocols` for a proper handshake."""
    key = request.headers[b"sec-websocket-key"]
    return (
        b"HTTP/1.1 101 Switching Protocols\r\ndate: %s\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-accept: %s\r\nx-mbx-uuid: %s\r\n\r\n"
    ) % (date, accept_key(key.decode("ascii")).encode(), uuid)


def _is_key(key: bytes) -> bool:
    """A handshake key is 16 bytes in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except binascii.Error:
        return False
