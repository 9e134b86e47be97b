"""WebSocket frames as the server sends them: unmasked, unfragmented, uncompressed bytes. Reads nothing.

Because a server's frames carry no mask, one frame can be built once and written to every subscriber.

Source: RFC 6455, sections 5.2 and 5.5.
"""

import struct
from typing import Final

_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PING: Final = 0x89
_SHORT_BYTES_MAX: Final = 125
_MEDIUM_BYTES_MAX: Final = 65_535
_MEDIUM_MARK: Final = 126
_LONG_MARK: Final = 127
#: A control frame's payload, at most.
CONTROL_BYTES_MAX: Final = 125

_MEDIUM = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
UNSUPPORTED: Final = 1003
POLICY: Final = 1008
FAULT: Final = 1011
RESTARTING: Final = 1012


def text_frame(payload: bytes) -> bytes:
    """Wrap UTF-8 text into one frame."""
    size = len(payload)
    if size <= _SHORT_BYTES_MAX:
        return bytes((_TEXT, size)) + payload
    if size <= _MEDIUM_BYTES_MAX:
        return _MEDIUM.pack(_TEXT, _MEDIUM_MARK, size) + payload
    return _LONG.pack(_TEXT, _LONG_MARK, size) + payload


def payload_of(frame: bytes) -> bytes:
    """Take the text out of a frame that `text_frame` made."""
    size = frame[1]
    return frame[2 if size <= _SHORT_BYTES_MAX else 4 if size == _MEDIUM_MARK else 10 :]


def ping_frame(payload: bytes) -> bytes:
    """Build a ping; the peer answers with the same payload."""
    return bytes((_PING, len(payload))) + payload


def close_frame(code: int, reason: str) -> bytes:
    """Build a close frame with a reason of at most 123 bytes."""
    payload = code.to_bytes(2, "big") + reason.encode()[: CONTROL_BYTES_MAX - 2]
    return bytes((_CLOSE, len(payload))) + payload
