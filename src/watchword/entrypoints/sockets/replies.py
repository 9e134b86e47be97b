"""Pieces of HTTP replies that every door writes alike. Decides nothing."""

from typing import Final

import msgspec

from watchword.binance.errors import WireError

JSON: Final = b"application/json;charset=UTF-8"
HTML: Final = b"text/html"
REASONS: Final = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    407: b"Proxy Authentication Required",
    408: b"Request Timeout",
    409: b"Conflict",
    410: b"Gone",
    413: b"Request Entity Too Large",
    414: b"Request-URI Too Large",
    418: b"I'm a teapot",
    421: b"Misdirected Request",
    426: b"Upgrade Required",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}


def refusal(date: bytes, status: int) -> bytes:
    """Answer what is no readable request, as the web server in front of the real exchange does; the socket closes.

    Args:
        date: Value of the `date` header.
        status: One of `REASONS`.
    """
    reason = REASONS[status]
    body = b"<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%d %s</h1></center>\r\n</body>\r\n</html>\r\n" % (
        status, reason, status, reason,
    )  # fmt: skip
    return b"HTTP/1.1 %d %s\r\ndate: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (
        status, reason, date, HTML, len(body), body,
    )  # fmt: skip


def error_json(error: WireError) -> bytes:
    """Write a refusal as `{"code":…,"msg":…}`, with `data` where it has one."""
    text = msgspec.json.encode(error.text)
    if error.payload:
        return b'{"code":%d,"msg":%s,"data":%s}' % (error.code, text, error.payload)
    return b'{"code":%d,"msg":%s}' % (error.code, text)
