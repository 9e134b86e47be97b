"""What an answer says about itself: its error code, the order it names. For the record; never changes an answer."""

from typing import Final

import msgspec

from watchword.gateway.answers import UNKNOWN_CODES, UNKNOWN_STATUS_FROM, unpacked
from watchword.gateway.messages import Answer

#: Larger answers are lists; nothing about one order is read out of them.
ANSWER_BYTES_MAX: Final = 65_536
OK: Final = 200


class Told(msgspec.Struct, frozen=True, gc=False):
    """An answer in short.

    Attributes:
        code: Binance's error code; 0 for none.
        order_id: Of the order it is about; empty where it names none.
        unknown: Whether the exchange did what it was asked is not known after it.
    """

    code: int
    order_id: str
    unknown: bool


class _Said(msgspec.Struct, gc=False):
    code: int = 0
    orderId: int = 0  # noqa: N815 - as the upstream writes it


_said: Final = msgspec.json.Decoder(_Said)
_NOTHING: Final = _Said()


def told(answer: Answer) -> Told:
    """Read an answer as far as the record needs it."""
    said = _read(answer)
    code = said.code if answer.status != OK else 0
    unknown = answer.status >= UNKNOWN_STATUS_FROM or code in UNKNOWN_CODES
    return Told(code, str(said.orderId) if said.orderId else "", unknown)


def _read(answer: Answer) -> _Said:
    body: bytes | None = answer.body
    if len(answer.body) > ANSWER_BYTES_MAX or answer.body[:1] == b"[":
        return _NOTHING
    if answer.body[:1] != b"{":
        body = unpacked(answer)
    try:
        return _said.decode(body or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NOTHING
