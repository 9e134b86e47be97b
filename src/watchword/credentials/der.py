"""The little of DER that key files need: walk one level, write five types. Never interprets what it walks over.

Source: ITU-T X.690.
"""

from typing import Final

import msgspec

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30

_LENGTH_BYTES_MAX: Final = 4


class DerTruncatedError(ValueError):
    """An element says it is longer than the bytes there are."""


class DerMalformedError(ValueError):
    """The bytes are not DER."""


class Element(msgspec.Struct, frozen=True):
    """One element.

    Attributes:
        tag: Identifier byte.
        content: The bytes inside.
        end: Offset just after it in the bytes it was read from.
    """

    tag: int
    content: bytes
    end: int


def read_element(data: bytes, offset: int = 0) -> Element:
    """Read the element that starts at `offset`.

    Args:
        data: DER bytes.
        offset: Where to start, bytes.

    Returns:
        The element.

    Raises:
        DerTruncatedError: The element reaches beyond the end.
        DerMalformedError: Its length is not a definite DER length.
    """
    if offset + 2 > len(data):
        raise DerTruncatedError
    tag, length, start = data[offset], data[offset + 1], offset + 2
    if length >= 0x80:
        size = length & 0x7F
        if not 0 < size <= _LENGTH_BYTES_MAX:
            raise DerMalformedError
        if start + size > len(data):
            raise DerTruncatedError
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if start + length > len(data):
        raise DerTruncatedError
    return Element(tag, data[start : start + length], start + length)


def read_children(content: bytes) -> list[Element]:
    """Read the elements that lie side by side in `content`.

    Raises:
        DerTruncatedError: The last one is cut off.
        DerMalformedError: One of them has no definite length.
    """
    children: list[Element] = []
    offset = 0
    while offset < len(content):
        element = read_element(content, offset)
        children.append(element)
        offset = element.end
    return children


def encode(tag: int, *contents: bytes) -> bytes:
    """Write one element around the joined contents."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def encode_integer(value: int) -> bytes:
    """Write a non-negative integer."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def encode_oid(dotted: str) -> bytes:
    """Write an object identifier given in dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return encode(OBJECT_IDENTIFIER, bytes((first * 40 + second,)), *(_arc(arc) for arc in rest))


def decode_oid(content: bytes) -> str:
    """Return the dotted form of an object identifier's content; empty content gives an empty text."""
    if not content:
        return ""
    arcs = [min(content[0] // 40, 2)]
    arcs.append(content[0] - arcs[0] * 40)
    value = 0
    for byte in content[1:]:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            arcs.append(value)
            value = 0
    return ".".join(map(str, arcs))


def _arc(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
