"""Bytes of the ledger: batches of changes, usages, orders. Each carries its checksum. Layout: docs/formats/ledger.md.

JSON, because sums of scaled amounts outgrow the 64 bits that MessagePack has for them: coins exist of which a trillion
costs little.
"""

import zlib
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from watchword.gateway.ports import OrderRecord
from watchword.kernel.errors import CorruptStoreError
from watchword.policy.usage import Event, Usage

T = TypeVar("T")

CHECKSUM_BYTES: Final = 4


class Folded(msgspec.Struct, frozen=True, array_like=True, tag="fold", gc=False):
    """An event was folded into a key's usage."""

    key_id: str
    event: Event


class Put(msgspec.Struct, frozen=True, array_like=True, tag="put", gc=False):
    """An order was put under its number."""

    row: int
    record: OrderRecord


class Mark(msgspec.Struct, frozen=True, array_like=True, tag="mark", gc=False):
    """How far what is written reaches; see `redoing.py`.

    Attributes:
        trail: The trail's id.
        row: The trail's last row when the write was made up; later ones may hold reservations that are not written.
        number: The last reservation that is written.
    """

    trail: str = ""
    row: int = 0
    number: int = 0


Change = Folded | Put | Mark

_encoder: Final = msgspec.json.Encoder()
_CHANGES: Final[msgspec.json.Decoder[list[Change]]] = msgspec.json.Decoder(list[Change])
_USAGE: Final = msgspec.json.Decoder(Usage)
_ORDER: Final = msgspec.json.Decoder(OrderRecord)
_MARK: Final = msgspec.json.Decoder(Mark)


def encode_changes(changes: Sequence[Change]) -> bytes:
    """Write a batch."""
    return _sealed(changes)


def decode_changes(stored: bytes, place: str) -> list[Change]:
    """Read a batch.

    Args:
        stored: As written.
        place: Of the bytes, for the error.

    Raises:
        CorruptStoreError: They are not what was written.
    """
    return _opened(stored, _CHANGES, place)


def encode_usage(usage: Usage) -> bytes:
    """Write a usage."""
    return _sealed(usage)


def decode_usage(stored: bytes, place: str) -> Usage:
    """Read a usage; see `decode_changes`."""
    return _opened(stored, _USAGE, place)


def encode_order(record: OrderRecord) -> bytes:
    """Write an order."""
    return _sealed(record)


def decode_order(stored: bytes, place: str) -> OrderRecord:
    """Read an order; see `decode_changes`."""
    return _opened(stored, _ORDER, place)


def encode_mark(mark: Mark) -> bytes:
    """Write a mark."""
    return _sealed(mark)


def decode_mark(stored: bytes, place: str) -> Mark:
    """Read a mark; see `decode_changes`."""
    return _opened(stored, _MARK, place)


def _sealed(value: Any) -> bytes:
    body = _encoder.encode(value)
    return zlib.crc32(body).to_bytes(CHECKSUM_BYTES, "little") + body


def _opened(stored: bytes, decoder: "msgspec.json.Decoder[T]", place: str) -> T:
    body = stored[CHECKSUM_BYTES:]
    if zlib.crc32(body).to_bytes(CHECKSUM_BYTES, "little") != stored[:CHECKSUM_BYTES]:
        raise CorruptStoreError(f"{place}: the checksum does not fit")
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStoreError(f"{place}: {error}") from error
