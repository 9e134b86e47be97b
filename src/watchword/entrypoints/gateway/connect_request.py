"""Reads the head of a CONNECT request and writes the replies of a forward proxy. Pure: bytes in, values out.

Source: RFC 9110, sections 9.3.6 (CONNECT), 11.7 (Proxy-Authorization); RFC 7617 (Basic).
"""

import base64
import binascii
import re
from typing import Final

import msgspec

HEADERS_MAX: Final = 64
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) (\S{1,2048}) HTTP/1\.[01]")
_TARGET: Final = re.compile(rb"([A-Za-z0-9._-]{1,253}):([0-9]{1,5})")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"

_REFUSALS: Final[dict[int, tuple[str, str]]] = {
    400: ("Bad Request", "this is not a CONNECT request"),
    403: ("Forbidden", "this proxy leads to the exchange and to nowhere else"),
    405: ("Method Not Allowed", "this proxy takes CONNECT only: https and wss"),
    407: ("Proxy Authentication Required", "the proxy's token is missing or wrong"),
    408: ("Request Timeout", "the request did not come in time"),
    431: ("Request Header Fields Too Large", "the request head is too large"),
    503: ("Service Unavailable", "too many connections"),
}


class ConnectRequest(msgspec.Struct, frozen=True):
    """Where a client wants to go.

    Attributes:
        host: In lower case.
        port: TCP port.
        token: Password of the Basic credentials; None where there are none, or none that can be read.
    """

    host: str
    port: int
    token: bytes | None


def read_connect(head: bytes) -> ConnectRequest | int:
    """Read a request head.

    Args:
        head: Everything before the empty line.

    Returns:
        The request, or the status that refuses it: 400 for what cannot be read, 405 for another method.
    """
    line, *rest = head.split(b"\r\n")
    request_line = _REQUEST_LINE.fullmatch(line)
    if request_line is None or len(rest) > HEADERS_MAX:
        return 400
    credentials: list[bytes] = []
    for raw in rest:
        header = _HEADER.fullmatch(raw)
        if header is None:
            return 400
        if header[1].lower() == b"proxy-authorization":
            credentials.append(header[2])
    if request_line[1] != b"CONNECT":
        return 405
    target = _TARGET.fullmatch(request_line[2])
    if target is None or len(credentials) > 1:
        return 400
    return ConnectRequest(target[1].decode("ascii").lower(), int(target[2]), _password(credentials))


def refusal(status: int) -> bytes:
    """Build a reply after which the connection is closed."""
    phrase, text = _REFUSALS[status]
    body = f"watchword: {text}\n".encode()
    extra = {405: "allow: CONNECT\r\n", 407: 'proxy-authenticate: Basic realm="watchword"\r\n'}.get(
        status, ""
    )
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n{extra}content-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _password(credentials: list[bytes]) -> bytes | None:
    """Take the password out of Basic credentials; the name before the colon may be anything."""
    scheme, _, encoded = (credentials[0] if credentials else b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(b" \t"), validate=True)
    except binascii.Error:
        return None
    _, colon, password = decoded.partition(b":")
    return password if colon else None
